/**
 * Demonstrations: small harmless actions that a running agent reports. Each says beforehand what it touches, never
 * overwrites anything, and removes what it made.
 */
import { execFile } from 'node:child_process'
import { chmodSync, closeSync, copyFileSync, mkdtempSync, openSync, rmSync, writeSync } from 'node:fs'
import { connect, createServer } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { promisify } from 'node:util'

const run = promisify(execFile)

export interface Scenario {
  readonly name: string
  readonly summary: string
  /** Files it makes and removes, ports it uses. */
  readonly touches: readonly string[]
  /** True when it writes where programs are started from: to be asked for, and only on a machine for trying things out. */
  readonly sensitive: boolean
  /** Shipped rules that report it. */
  readonly reportedBy: readonly string[]
  /** Does it and cleans up. Throws the error of the operating system when it cannot. */
  run(): Promise<void>
}

const MARK = '# tarsier demo: harmless, may be removed\n'

/** Make a file, which must not exist, and remove it again. */
async function makeAndRemove(file: string): Promise<void> {
  const fd = openSync(file, 'wx', 0o600)
  try {
    writeSync(fd, MARK)
  } finally {
    closeSync(fd)
    rmSync(file)
  }
}

const fileScenario = (
  name: string,
  file: string,
  summary: string,
  reportedBy: readonly string[],
): Scenario => ({
  name,
  summary,
  touches: [file],
  sensitive: true,
  reportedBy,
  run: () => makeAndRemove(file),
})

/** A temporary folder that is gone afterwards. */
async function inFolder(base: string, use: (folder: string) => Promise<void>): Promise<void> {
  const folder = mkdtempSync(join(base, 'tarsier-demo-'))
  try {
    await use(folder)
  } finally {
    rmSync(folder, { recursive: true, force: true })
  }
}

/** A copy of the shell under another name. Another command follows, or the shell would replace itself. */
const webShell = (): Promise<void> =>
  inFolder(tmpdir(), async (folder) => {
    const server = join(folder, 'nginx')
    copyFileSync('/bin/sh', server)
    chmodSync(server, 0o755)
    await run(server, ['-c', '/bin/sh -c "echo tarsier demo" >/dev/null; :'])
  })

const sharedMemory = (): Promise<void> =>
  inFolder('/dev/shm', async (folder) => {
    const program = join(folder, 'program')
    copyFileSync('/bin/true', program)
    chmodSync(program, 0o755)
    await run(program, [])
  })

const PORT = 4444

/** Listen on the port on loopback and connect to it. */
async function suspiciousPort(): Promise<void> {
  const server = createServer((socket) => socket.end())
  await new Promise<void>((resolve, reject) => {
    server.once('error', reject)
    server.listen(PORT, '127.0.0.1', resolve)
  })
  try {
    await new Promise<void>((resolve, reject) => {
      const socket = connect(PORT, '127.0.0.1')
      socket.once('error', reject)
      socket.once('close', () => resolve())
      socket.resume()
    })
  } finally {
    server.close()
  }
}

export const SCENARIOS: readonly Scenario[] = [
  {
    name: 'sensitive-read',
    summary: 'reads /etc/shadow with cat and throws away what it says',
    touches: ['/etc/shadow (read only)'],
    sensitive: false,
    reportedBy: ['Sensitive file read'],
    run: async () => void (await run('cat', ['/etc/shadow'])),
  },
  {
    name: 'web-shell',
    summary: 'a copy of the shell named nginx starts a shell',
    touches: ['a temporary folder'],
    sensitive: false,
    reportedBy: ['Shell spawned by web server'],
    run: webShell,
  },
  {
    name: 'shared-memory',
    summary: 'runs a copy of /bin/true from /dev/shm',
    touches: ['a folder in /dev/shm'],
    sensitive: false,
    reportedBy: ['Execution from shared memory'],
    run: sharedMemory,
  },
  {
    name: 'suspicious-port',
    summary: 'listens on and connects to port 4444 of the loopback interface',
    touches: [`127.0.0.1:${PORT}`],
    sensitive: false,
    reportedBy: ['Connection to suspicious port', 'Listening on suspicious port'],
    run: suspiciousPort,
  },
  fileScenario(
    'service-file',
    '/etc/systemd/system/tarsier-demo.service',
    'makes a unit file where systemd looks for them, and removes it',
    ['Systemd unit changed'],
  ),
  fileScenario('cron', '/etc/cron.d/tarsier-demo', 'makes a file where cron looks for jobs, and removes it', [
    'Cron job changed',
  ]),
]
