import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { chmod, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises'
import { connect } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { type EngineName, engine } from '../engines.js'
import { freePort } from '../helpers/listen.ts'

export interface Front {
  readonly port: number
  /** Takes the configuration anew; what there was ends within about a second, if it does. */
  reload(): void
  stop(): Promise<void>
}

/** How a server of Debian's is run on ports of its own, in a folder of its own, with the recipe that people copy. */
interface Kind {
  readonly engine: EngineName
  /** The file in this folder. */
  readonly recipe: string
  /** What stands in the recipe for a port that is free, and what for that of the server behind. */
  readonly listen: (port: number) => readonly [what: string | RegExp, by: string]
  /** The whole of the configuration. */
  readonly around: (site: string, home: string, port: number) => string
  readonly command: (file: string, home: string) => readonly string[]
  /** How it is told to reload: a signal, or a command. */
  readonly reload: NodeJS.Signals | ((file: string) => readonly string[])
  /** Whether streams that are open go on through a reload, as they were configured before. */
  readonly keeps?: boolean
}

export const PROXIES = {
  nginx: {
    engine: 'nginx',
    recipe: 'nginx.conf',
    listen: (port) => ['listen 80;', `listen 127.0.0.1:${port};`],
    around: (site, home) => `daemon off;
pid ${home}/pid;
worker_processes 2;
worker_shutdown_timeout 1s;
events { worker_connections 1024; }
http {
  access_log off;
${['client_body', 'proxy', 'fastcgi', 'uwsgi', 'scgi'].map((name) => `  ${name}_temp_path ${home}/${name};`).join('\n')}
${site}
}
`,
    // Its workers may run as another user, who has to reach its folder.
    command: (file, home) => ['-p', home, '-c', file, '-e', 'stderr'],
    reload: 'SIGHUP',
  },
  apache: {
    engine: 'apache',
    recipe: 'apache.conf',
    listen: () => ['', ''],
    around: (site, home, port) => `ServerName localhost
ServerRoot ${home}
DefaultRuntimeDir ${home}
PidFile ${home}/pid
ErrorLog ${home}/log
Listen 127.0.0.1:${port}
${['mpm_event', 'authz_core', 'setenvif', 'filter', 'deflate', 'proxy', 'proxy_http']
  .map((name) => `LoadModule ${name}_module /usr/lib/apache2/modules/mod_${name}.so`)
  .join('\n')}
# The site compresses what it can, as many do.
SetOutputFilter DEFLATE
${process.getuid?.() === 0 ? 'User www-data\nGroup www-data' : ''}
${site}
`,
    command: (file) => ['-f', file, '-DFOREGROUND'],
    // Not gracefully, which waits for streams to end by themselves.
    reload: 'SIGHUP',
  },
  caddy: {
    engine: 'caddy',
    recipe: 'Caddyfile',
    listen: (port) => ['example.com', `http://127.0.0.1:${port}`],
    around: (site, home) => `{\n\tauto_https off\n\tadmin unix/${home}/admin\n}\n${site}`,
    command: (file) => ['run', '--config', file, '--adapter', 'caddyfile'],
    reload: (file) => [
      'reload',
      '--force',
      '--config',
      file,
      '--adapter',
      'caddyfile',
      '--address',
      `unix/${file.replace(/[^/]+$/, 'admin')}`,
    ],
    keeps: true,
  },
  haproxy: {
    engine: 'haproxy',
    recipe: 'haproxy.cfg',
    listen: (port) => ['bind :80', `bind 127.0.0.1:${port}`],
    around: (site) => `global\n  hard-stop-after 1s\n${site}`,
    command: (file, home) => ['-W', '-f', file, '-p', `${home}/pid`],
    reload: 'SIGUSR2',
  },
} satisfies Record<string, Kind>

export type ProxyName = keyof typeof PROXIES

/** The recipe of a proxy, as it stands in the guide. */
export const recipeOf = (name: ProxyName): Promise<string> =>
  readFile(new URL(`./${PROXIES[name].recipe}`, import.meta.url), 'utf8')

/** Starts a proxy with `site`, in which its port and port 3000 stand for ports that are free. */
export async function startProxy(name: ProxyName, site: string, upstream: number): Promise<Front> {
  const kind: Kind = PROXIES[name]
  const command = engine(kind.engine)
  const home = await mkdtemp(join(tmpdir(), `unmissed-${name}-`))
  await chmod(home, 0o755)
  const port = await freePort()
  const file = join(home, 'configuration')
  const own = site.replace(...kind.listen(port)).replaceAll('127.0.0.1:3000', `127.0.0.1:${upstream}`)
  await writeFile(file, kind.around(own, home, port))
  const env = { ...process.env, HOME: home, XDG_DATA_HOME: home, XDG_CONFIG_HOME: home }
  const child = spawn(command, kind.command(file, home), { stdio: ['ignore', 'ignore', 'pipe'], env })
  let said = ''
  child.stderr.on('data', (text) => {
    said += text
  })
  const exit = once(child, 'exit')
  const gone = () => child.exitCode !== null || child.signalCode !== null
  while (!(await answers(port))) {
    if (gone())
      throw new Error(`${name} did not start: ${said}${await readFile(join(home, 'log'), 'utf8').catch(() => '')}`)
    await sleep(20)
  }
  return {
    port,
    reload() {
      if (typeof kind.reload === 'string') child.kill(kind.reload)
      else spawn(command, kind.reload(file), { stdio: 'ignore', env })
    },
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
