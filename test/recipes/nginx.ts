import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { chmod, mkdtemp, rm, writeFile } from 'node:fs/promises'
import { connect } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { engine } from '../engines.js'
import { freePort } from '../helpers/listen.ts'

export interface Nginx {
  readonly port: number
  /** Takes the configuration anew: new workers for new connections, the old ones end within a second. */
  reload(): void
  stop(): Promise<void>
}

/** Starts nginx with `site`, in which `listen 80` and port 3000 stand for ports that are free; it keeps to a folder of its own. */
export async function startNginx(site: string, upstream: number): Promise<Nginx> {
  const command = engine('nginx')
  const home = await mkdtemp(join(tmpdir(), 'unmissed-nginx-'))
  // Its workers may run as another user, who has to reach the folders below.
  await chmod(home, 0o755)
  const port = await freePort()
  const temporary = ['client_body', 'proxy', 'fastcgi', 'uwsgi', 'scgi']
  await writeFile(
    join(home, 'nginx.conf'),
    `daemon off;
pid ${home}/pid;
worker_processes 2;
worker_shutdown_timeout 1s;
events { worker_connections 1024; }
http {
  access_log off;
${temporary.map((name) => `  ${name}_temp_path ${home}/${name};`).join('\n')}
${site.replace('listen 80;', `listen 127.0.0.1:${port};`).replace('127.0.0.1:3000', `127.0.0.1:${upstream}`)}
}
`,
  )
  const child = spawn(command, ['-p', home, '-c', join(home, 'nginx.conf'), '-e', 'stderr'], {
    stdio: ['ignore', 'ignore', 'pipe'],
  })
  let said = ''
  child.stderr.on('data', (text) => {
    said += text
  })
  const exit = once(child, 'exit')
  const gone = () => child.exitCode !== null || child.signalCode !== null
  while (!(await answers(port))) {
    if (gone()) throw new Error(`nginx did not start: ${said}`)
    await sleep(20)
  }
  return {
    port,
    reload: () => void child.kill('SIGHUP'),
    async stop() {
      if (!gone()) child.kill('SIGTERM')
      await exit
      await rm(home, { recursive: true, force: true })
    },
  }
}

async function answers(port: number): Promise<boolean> {
  const socket = connect(port, '127.0.0.1')
  try {
    await once(socket, 'connect')
    return true
  } catch {
    return false
  } finally {
    socket.destroy()
  }
}
