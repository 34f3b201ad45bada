import { readFileSync } from 'node:fs'
import { writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { builtFile } from '@dstack-node/testbed/built-program'
import { temporaryFolder } from '@dstack-node/testbed/test-tools/temporary-folder'
import { onFreePort, startProgram, type ForeignProgram } from './_programs.js'

/** Where the parts of a setup listen, as `host:port`. */
export interface Backends {
  whitelist: string
  application: string
}

/** A real proxy, set up as the documentation says. */
export interface Proxy extends ForeignProgram {
  port: number
}

/** Starts the program with the snippet of the documentation that is for it. */
export type StartProxy = (file: string, backends: Backends) => Promise<Proxy>

const DOCUMENT = join(builtFile('whitelist'), '../../docs/forward-auth.md')

/** The one block of the documentation in that language. */
export function documentedBlock(language: string): string {
  const document = readFileSync(DOCUMENT, 'utf8')
  const blocks = [...document.matchAll(/^```(\w+)\n(.*?)^```$/gms)]
  const found = blocks.filter(([, name]) => name === language)
  const text = found[0]?.[2]
  if (found.length !== 1 || text === undefined) {
    throw new Error(`docs/forward-auth.md has ${found.length} blocks of ${language}`)
  }
  return text
}

/** The variables that the documentation has the whitelist service started with. */
export function documentedEnv(): Record<string, string> {
  const lines = documentedBlock('sh').trim().split('\n')
  return Object.fromEntries(lines.map((line) => line.split('=', 2) as [string, string]))
}

/** The block, with the addresses of the setup in the place of its own. */
function blockFor(language: string, { whitelist, application }: Backends): string {
  return [
    ['127.0.0.1:8082', whitelist],
    ['127.0.0.1:3000', application],
  ].reduce((text, [from = '', to = '']) => replaceOnce(text, from, to), documentedBlock(language))
}

function replaceOnce(text: string, from: string, to: string): string {
  const parts = text.split(from)
  if (parts.length !== 2) throw new Error(`the block has ${from} ${parts.length - 1} times`)
  return parts.join(to)
}

/** nginx, with the snippet in a `server` block. */
export const startNginx: StartProxy = (file, backends) =>
  onFreePort((port) => startNginxOn(port, file, backends))

/** Caddy, with the snippet as its site, but without TLS. */
export const startCaddy: StartProxy = (file, backends) =>
  onFreePort((port) => startCaddyOn(port, file, backends))

async function startNginxOn(port: number, file: string, backends: Backends): Promise<Proxy> {
  const folder = await temporaryFolder()
  const paths = ['client_body', 'proxy', 'fastcgi', 'uwsgi', 'scgi'].map(
    (name) => `${name}_temp_path ${join(folder, name)};`,
  )
  const config = `
    daemon off;
    master_process off;
    pid ${join(folder, 'pid')};
    error_log stderr notice;
    events {}
    http {
      access_log off;
      ${paths.join(' ')}
      server {
        listen 127.0.0.1:${port};
        server_name media.example.com;
        ${blockFor('nginx', backends)}
      }
    }`
  const path = join(folder, 'nginx.conf')
  await writeFile(path, config)
  // It listens before it says so.
  const program = await startProgram(file, ['-p', folder, '-c', path], { ready: /nginx\/\d/ })
  return { ...program, port }
}

async function startCaddyOn(port: number, file: string, backends: Backends): Promise<Proxy> {
  const folder = await temporaryFolder()
  const site = replaceOnce(
    blockFor('caddyfile', backends),
    'media.example.com {',
    `http://media.example.com:${port} {`,
  )
  const options = '{\n\tadmin off\n\tauto_https off\n\tdefault_bind 127.0.0.1\n}\n'
  const path = join(folder, 'Caddyfile')
  await writeFile(path, options + site)
  const program = await startProgram(file, ['run', '--config', path, '--adapter', 'caddyfile'], {
    ready: /serving initial configuration/,
    env: { HOME: folder, XDG_DATA_HOME: folder, XDG_CONFIG_HOME: folder },
  })
  return { ...program, port }
}
