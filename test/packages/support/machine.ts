/**
 * A clean Debian 12 with systemd, in a container: nothing is in it but what Debian calls essential, systemd, and what the package
 * depends on. It has a pid namespace of its own, and nothing of this machine can be changed from within.
 */
import { execFile, spawnSync } from 'node:child_process'
import { mkdirSync, mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { promisify } from 'node:util'
import { Podman } from '../../e2e/support/podman.ts'

const run = promisify(execFile)

const MAKE_MS = 400_000
const BOOT_MS = 60_000
const NAME = 'machine'

/** What the service manager and dpkg need, and what the unit of the agent leaves to it. */
const CAPABILITIES = [
  ...['CHOWN', 'DAC_OVERRIDE', 'FOWNER', 'FSETID', 'KILL', 'SETGID', 'SETUID', 'SETPCAP', 'SETFCAP'],
  ...['SYS_CHROOT', 'SYS_ADMIN', 'BPF', 'PERFMON', 'SYS_PTRACE', 'DAC_READ_SEARCH', 'NET_ADMIN', 'SYS_NICE'],
]

/** Documentation takes as long to unpack as all the rest. */
const WITHOUT = ['man', 'doc', 'locale', 'info'].map(
  (folder) => `--dpkgopt=path-exclude=/usr/share/${folder}/*`,
)

/** The Debian 12 that this machine is set up with, as lines of sources.list; none for the usual mirror. */
function sources(): readonly string[] {
  const format = '$(REPO_URI) $(RELEASE) $(COMPONENT)'
  const { stdout } = spawnSync('apt-get', ['indextargets', '--format', format, 'Created-By: Packages'], {
    encoding: 'utf8',
  })
  const rows = [...new Set(stdout.split('\n'))].filter((row) =>
    / bookworm(?:-updates|-security)? main$/.test(row),
  )
  return rows.some((row) => row.endsWith(' bookworm main')) ? rows.map((row) => `deb ${row}`) : []
}

/** What Podman, dpkg and the journal leave behind, whatever is installed. */
const PASSING =
  /^(?:$|(?:run|tmp|dev|proc|sys|root|var\/(?:log\/journal|lib\/dpkg|cache|tmp))(?:\/|$)|etc\/host|var\/log\/dpkg\.log)/

export class DebianMachine {
  readonly #folder: string
  readonly #podman: Podman
  /** Where its files are on this machine. */
  readonly root: string

  /** Needs a mirror of Debian: that of this machine. */
  static async make(): Promise<DebianMachine> {
    const folder = mkdtempSync(join(tmpdir(), 'tarsier-machine-'))
    const root = join(folder, 'root')
    const options = ['--quiet', '--mode=root', '--variant=essential', ...WITHOUT]
    await run(
      'mmdebstrap',
      [...options, '--include=systemd,libbpf1,libstdc++6', 'bookworm', root, ...sources()],
      {
        timeout: MAKE_MS,
        killSignal: 'SIGKILL',
      },
    )
    return new DebianMachine(folder, root)
  }

  private constructor(folder: string, root: string) {
    this.#folder = folder
    this.root = root
    mkdirSync(join(folder, 'podman'))
    this.#podman = new Podman(join(folder, 'podman'))
  }

  async boot(): Promise<void> {
    const options = [
      '--systemd=always',
      '--cap-drop=all',
      `--cap-add=${CAPABILITIES.join(',')}`,
      '--security-opt=seccomp=unconfined',
      '--rootfs',
    ]
    await this.#podman.run(NAME, options, this.root, '/lib/systemd/systemd')
    for (const deadline = performance.now() + BOOT_MS; ; await sleep(100)) {
      const state = await this.try('systemctl', 'is-system-running')
      if (state === 'running' || state === 'degraded') return
      if (performance.now() > deadline) throw new Error(`Debian does not come up: ${state}`)
    }
  }

  /** Run a command in it and take what it prints; rejects when it fails. */
  run(...command: readonly string[]): Promise<string> {
    return this.#podman.command('exec', NAME, ...command)
  }

  /** The same, and what a command that fails printed. */
  async try(...command: readonly string[]): Promise<string> {
    try {
      return await this.run(...command)
    } catch (error) {
      return String((error as { stdout?: string }).stdout ?? '').trim()
    }
  }

  /** A property of the service. */
  property(name: string): Promise<string> {
    return this.try('systemctl', 'show', '--value', `--property=${name}`, 'tarsier.service')
  }

  /** Names of its files, without those that come and go by themselves. */
  files(): readonly string[] {
    const { stdout } = spawnSync('find', ['.', '-xdev', '-printf', '%P\\n'], {
      cwd: this.root,
      encoding: 'utf8',
    })
    return stdout
      .split('\n')
      .filter((name) => !PASSING.test(name))
      .sort()
  }

  async close(): Promise<void> {
    await this.#podman.close()
    rmSync(this.#folder, { recursive: true, force: true })
  }
}
