/**
 * Podman for tests: a real container runtime whose images, containers, locks and cgroups are the test's own. Everything is
 * made of local files: an image is a folder with busybox in it, and containers have no network.
 */
import { type ChildProcess, execFile, spawn, spawnSync } from 'node:child_process'
import { once } from 'node:events'
import {
  copyFileSync,
  existsSync,
  mkdirSync,
  readdirSync,
  rmdirSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs'
import { connect } from 'node:net'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { promisify } from 'node:util'

const run = promisify(execFile)

const BUSYBOX = ['/bin/busybox', '/usr/bin/busybox'].find((file) => existsSync(file))
const APPLETS = ['sh', 'cat', 'sleep', 'true']

const MISSING = ['podman', 'runc', 'script', 'tar'].filter(
  (name) => spawnSync(name, ['--version']).error !== undefined,
)

/** Reason to skip tests that run containers, false when they can run. */
export const NEEDS_PODMAN: string | false =
  MISSING.length > 0 ? `needs ${MISSING.join(', ')}` : BUSYBOX === undefined ? 'needs busybox' : false

/** One command; the machine may be busy. */
const COMMAND_MS = 60_000
const CGROUPS = '/sys/fs/cgroup'

export class Podman {
  /** Where it serves its interface. */
  readonly socket: string
  /** Its environment: with it, podman means this one. */
  readonly env: Readonly<Record<string, string>>
  readonly #folder: string
  /** Cgroup above those of its containers, in each hierarchy. */
  readonly #parent: string
  /** What Podman and runc leave in places of their own, whatever they are told. */
  readonly #traces: readonly string[]
  #service: ChildProcess | undefined

  /** `folder`: everything lies below it. */
  constructor(folder: string) {
    this.#folder = folder
    this.socket = join(folder, 'podman.sock')
    this.#parent = `tarsier-podman-${process.pid}`
    this.#traces = ['/var/lib/containers/cache', '/var/lib/containers', '/run/runc', '/run/crun'].filter(
      (path) => !existsSync(path),
    )
    const file = (name: string, lines: readonly string[]): string => {
      const path = join(folder, name)
      writeFileSync(path, `${lines.join('\n')}\n`)
      return path
    }
    this.env = {
      PATH: process.env['PATH'] ?? '',
      HOME: folder,
      CONTAINERS_CONF: file('containers.conf', [
        '[containers]',
        // An agent's shell may have lower limits than Podman would ask for.
        'default_ulimits = ["nofile=1024:1024", "nproc=1024:1024"]',
        'netns = "none"',
        'cgroups = "no-conmon"',
        'log_driver = "none"',
        '[engine]',
        'cgroup_manager = "cgroupfs"',
        'events_logger = "none"',
        'lock_type = "file"',
        'runtime = "runc"',
        `tmp_dir = "${join(folder, 'tmp')}"`,
      ]),
      CONTAINERS_STORAGE_CONF: file('storage.conf', [
        '[storage]',
        'driver = "vfs"',
        `graphroot = "${join(folder, 'storage')}"`,
        `runroot = "${join(folder, 'run')}"`,
      ]),
    }
  }

  get cgroupParent(): string {
    return `/${this.#parent}`
  }

  /** Run a command of Podman and take what it prints. Rejects when it fails. */
  async command(...args: readonly string[]): Promise<string> {
    const { stdout } = await run('podman', args, {
      env: this.env,
      timeout: COMMAND_MS,
      killSignal: 'SIGKILL',
    })
    return stdout.trim()
  }

  /** Make an image with a shell and some files in it. */
  async makeImage(name: string, labels: Readonly<Record<string, string>> = {}): Promise<void> {
    const root = join(this.#folder, 'image')
    for (const folder of ['bin', 'tmp']) mkdirSync(join(root, folder), { recursive: true })
    copyFileSync(BUSYBOX!, join(root, 'bin/busybox'))
    for (const applet of APPLETS) symlinkSync('busybox', join(root, 'bin', applet))
    const tar = `${root}.tar`
    await run('tar', ['-C', root, '-cf', tar, '.'])
    const changes = Object.entries(labels).flatMap(([key, value]) => ['--change', `LABEL ${key}=${value}`])
    await this.command('import', '--quiet', ...changes, tar, name)
    rmSync(root, { recursive: true })
  }

  /** Start a container in the background. Returns its id. */
  run(
    name: string,
    options: readonly string[],
    image: string,
    ...command: readonly string[]
  ): Promise<string> {
    const always = ['--detach', '--name', name, '--cgroup-parent', this.cgroupParent]
    return this.command('run', ...always, ...options, image, ...command)
  }

  /** Run a command in a container with a terminal, by runc itself, which stays its parent. */
  async runcExec(id: string, ...command: readonly string[]): Promise<void> {
    const words = ['runc', 'exec', '--tty', id, ...command].map((word) => `'${word}'`)
    const args = ['--quiet', '--return', '--command', words.join(' '), '/dev/null']
    await run('script', args, { env: this.env, timeout: COMMAND_MS, killSignal: 'SIGKILL' })
  }

  /** Serve the interface that the agent asks. */
  async serve(): Promise<void> {
    const args = ['system', 'service', '--time=0', `unix://${this.socket}`]
    this.#service = spawn('podman', args, { env: this.env, stdio: 'ignore' })
    for (const deadline = performance.now() + COMMAND_MS; ; await sleep(20)) {
      if (await listens(this.socket)) return
      if (performance.now() > deadline) throw new Error('podman does not serve its socket')
    }
  }

  /** Ends and removes whatever there is. */
  async close(): Promise<void> {
    await this.command('rm', '--all', '--force', '--time', '0')
    if (this.#service !== undefined) {
      const ended = once(this.#service, 'exit')
      this.#service.kill('SIGKILL')
      await ended
    }
    for (const hierarchy of ['', ...readdirSync(CGROUPS)]) {
      const path = join(CGROUPS, hierarchy, this.#parent)
      if (existsSync(path)) removeCgroup(path)
    }
    for (const path of this.#traces) rmSync(path, { recursive: true, force: true })
  }
}

/** A service manager in a container leaves cgroups of its own behind. */
function removeCgroup(path: string): void {
  for (const entry of readdirSync(path, { withFileTypes: true }))
    if (entry.isDirectory()) removeCgroup(join(path, entry.name))
  rmdirSync(path)
}

const listens = (socket: string): Promise<boolean> =>
  new Promise((resolve) => {
    const connection = connect(socket)
    connection.once('connect', () => resolve(true)).once('error', () => resolve(false))
    connection.once('connect', () => connection.destroy())
  })
