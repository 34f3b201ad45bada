import { execFile } from 'node:child_process'

/** How a program ended, and all that it printed. */
export interface ToolResult {
  code: number
  output: string
}

/** Runs a program of somebody else's to its end, with `input` on its standard input. */
export function runTool(
  file: string,
  args: readonly string[],
  { cwd, input = '' }: { cwd?: string; input?: string } = {},
): Promise<ToolResult> {
  return new Promise((resolve) => {
    const child = execFile(file, args, { cwd }, (error, stdout, stderr) => {
      const code = typeof error?.code === 'number' ? error.code : Number(error !== null)
      resolve({ code, output: stdout + stderr })
    })
    // A program that ends without reading it closes the pipe.
    child.stdin?.on('error', () => undefined)
    child.stdin?.end(input)
  })
}
