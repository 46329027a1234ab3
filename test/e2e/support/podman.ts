/**
 * Podman for tests: a real container runtime whose images, containers, locks and cgroups are the test's own. Everything is
 * made of local files: an image is a folder with busybox in it, and containers have no network.
 */
import { type ChildProcess, spawn, spawnSync } from 'node:child_process'
import { once } from 'node:events'
import { existsSync, rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { makeRoot, NEEDS_BUSYBOX, removeCgroups } from './images.ts'
import { run, runOnTerminal, untilListens } from './run.ts'

const MISSING = ['podman', 'runc', 'script', 'tar'].filter(
  (name) => spawnSync(name, ['--version']).error !== undefined,
)

/** Reason to skip tests that run containers, false when they can run. */
export const NEEDS_PODMAN: string | false = MISSING.length > 0 ? `needs ${MISSING.join(', ')}` : NEEDS_BUSYBOX

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
  command(...args: readonly string[]): Promise<string> {
    return run('podman', args, this.env)
  }

  /** Make an image with a shell and some files in it. */
  async makeImage(name: string, labels: Readonly<Record<string, string>> = {}): Promise<void> {
    const changes = Object.entries(labels).flatMap(([key, value]) => ['--change', `LABEL ${key}=${value}`])
    await this.command('import', '--quiet', ...changes, await makeRoot(this.#folder), name)
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
  runcExec(id: string, ...command: readonly string[]): Promise<void> {
    return runOnTerminal(['runc', 'exec', '--tty', id, ...command], this.env)
  }

  /** Serve the interface that the agent asks. */
  async serve(): Promise<void> {
    const args = ['system', 'service', '--time=0', `unix://${this.socket}`]
    this.#service = spawn('podman', args, { env: this.env, stdio: 'ignore' })
    await untilListens(this.socket, this.#service)
  }

  /** Ends and removes whatever there is. */
  async close(): Promise<void> {
    await this.command('rm', '--all', '--force', '--time', '0')
    if (this.#service !== undefined) {
      const ended = once(this.#service, 'exit')
      this.#service.kill('SIGKILL')
      await ended
    }
    await removeCgroups(this.#parent)
    for (const path of this.#traces) rmSync(path, { recursive: true, force: true })
  }
}
