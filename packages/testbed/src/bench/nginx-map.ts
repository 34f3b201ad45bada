import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { setTimeout as delay } from 'node:timers/promises'
import { freePort } from '../test-tools/free-port.js'

/**
 * Starts nginx with the keys in a `map`, answering 200 or 403; undefined where there is no nginx. It is what
 * one would build without this service.
 */
export async function startNginxMap(folder: string, keys: readonly string[]) {
  const port = await freePort()
  await writeFile(join(folder, 'nginx.conf'), configuration(folder, port, keys))
  const child = spawn('nginx', ['-c', join(folder, 'nginx.conf'), '-p', folder], {
    stdio: 'ignore',
  })
  const failed = once(child, 'error').then(() => true)
  const url = `http://127.0.0.1:${port}`
  while (child.exitCode === null) {
    if (await Promise.race([failed, answers(url)])) break
    await delay(50)
  }
  if (child.pid === undefined || child.exitCode !== null) return undefined
  return {
    url,
    stop: async () => {
      child.kill('SIGTERM')
      await once(child, 'exit')
    },
  }
}

function configuration(folder: string, port: number, keys: readonly string[]): string {
  return `daemon off; worker_processes 1; pid ${folder}/nginx.pid; error_log /dev/null;
events { worker_connections 1024; }
http {
  access_log off; keepalive_requests 100000000; map_hash_max_size 1048576; map_hash_bucket_size 128;
  client_body_temp_path ${folder}/body; proxy_temp_path ${folder}/proxy; fastcgi_temp_path ${folder}/f;
  uwsgi_temp_path ${folder}/u; scgi_temp_path ${folder}/s;
  map $arg_pubkey $status_of_key { default 403; ${keys.map((key) => `"${key}" 200;`).join('\n')} }
  server {
    listen 127.0.0.1:${port};
    default_type application/json;
    location / {
      if ($status_of_key = 403) { return 403 '{"allowed":false}'; }
      return 200 '{"allowed":true}';
    }
  }
}
`
}

async function answers(url: string): Promise<boolean> {
  try {
    await fetch(url)
    return true
  } catch {
    return false
  }
}
