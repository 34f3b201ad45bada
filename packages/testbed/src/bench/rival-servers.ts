import { builtFile, type BuiltProgram } from '../built-program.js'
import type { Services } from './services.js'

/** A built program in one process with the servers that it is compared to. */
export interface BesideRivals {
  program: BuiltProgram
  url: string
  /** Where a bare Fastify and a bare `node:http` server answer. */
  rivals: { fastify: string; http: string }
}

/** Starts a built program in one process with its rivals, so that whatever the process meets, all meet. */
export async function startBesideRivals(
  services: Services,
  name: 'whitelist' | 'backend',
  cwd: string,
): Promise<BesideRivals> {
  const built = builtFile(name)
  const program = services.start(name, cwd, {
    file: built.replace(/dist\/[a-z]+\.js$/, 'packages/testbed/dist/rivals.js'),
    args: [built],
  })
  const url = await program.url
  const told = JSON.parse(program.output().split('\n')[0] ?? '') as Pick<BesideRivals, 'rivals'>
  return { program, url, rivals: told.rivals }
}
