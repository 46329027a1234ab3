/** The agent as a child process: started through its launcher as users start it, measured from outside. */
import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type { Writable } from 'node:stream'
import { UserError } from '../user-error.ts'

export interface AgentProcessOptions {
  readonly root: string
  /** The command that runs it; `run` by default. */
  readonly command?: 'run' | 'monitor' | 'trace'
  /** Text of a rule file instead of the shipped rules. */
  readonly rules?: string
  readonly options?: readonly string[]
  /** More words of its command line. */
  readonly args?: readonly string[]
  /** What its standard output is connected to: a stream, or a descriptor. */
  readonly stdout?: Writable | number
}

const READY_MS = 60_000
/** The agent gives memory back 3 s after it is ready (src/cli/commands/run.ts). */
const SETTLE_MS = 5000
/** Clock ticks a second in /proc (USER_HZ). */
const TICK_MS = 10

export class AgentProcess {
  readonly #child: ChildProcess
  readonly #folder: string
  #log = ''

  private constructor(child: ChildProcess, folder: string) {
    this.#child = child
    this.#folder = folder
    child.stderr!.setEncoding('utf8').on('data', (text: string) => {
      this.#log += text
    })
  }

  /** Start it and wait until it is ready. Throws UserError when it ends or does not get there. */
  static async start({
    root,
    command = 'run',
    rules,
    options = [],
    args: more = [],
    stdout,
  }: AgentProcessOptions): Promise<AgentProcess> {
    const folder = mkdtempSync(join(tmpdir(), 'tarsier-bench-'))
    const args = [
      command,
      '-o',
      `agent.lock_file=${join(folder, 'lock')}`,
      ...options.flatMap((o) => ['-o', o]),
      ...more,
    ]
    if (rules !== undefined) {
      const file = join(folder, 'rules.yaml')
      writeFileSync(file, rules)
      args.push('-r', file)
    }
    const child = spawn(join(root, 'bin/tarsier'), args, { stdio: ['ignore', stdout ?? 'ignore', 'pipe'] })
    const agent = new AgentProcess(child, folder)
    await agent.#ready()
    return agent
  }

  get pid(): number {
    return this.#child.pid!
  }

  /** CPU time so far, user and kernel, in ms. */
  get cpuMs(): number {
    const stat = readFileSync(`/proc/${this.#child.pid}/stat`, 'latin1')
    const fields = stat.slice(stat.lastIndexOf(')') + 2).split(' ')
    return (Number(fields[11]) + Number(fields[12])) * TICK_MS
  }

  /** Resident memory now and at its peak, in kB. */
  get memoryKb(): { readonly rss: number; readonly peak: number } {
    const status = readFileSync(`/proc/${this.#child.pid}/status`, 'latin1')
    const kb = (key: string): number =>
      Number(new RegExp(`${key}:\\s+(\\d+)`).exec(status)?.[1] ?? Number.NaN)
    return { rss: kb('VmRSS'), peak: kb('VmHWM') }
  }

  /**
   * Wait until it has given back what its start needed, and forget the peak of memory so far: from here on it is the agent at
   * work that is measured. Where the kernel cannot forget (proc_pid_clear_refs(5)), the peak is that of the start, too.
   */
  async settle(): Promise<void> {
    await new Promise((resolve) => setTimeout(resolve, SETTLE_MS))
    try {
      writeFileSync(`/proc/${this.pid}/clear_refs`, '5')
    } catch {
      // A kernel without page monitor.
    }
  }

  /** End it by SIGTERM; returns what it wrote to standard error, the summary included. */
  async stop(): Promise<string> {
    const ended = this.#child.exitCode === null ? once(this.#child, 'exit') : undefined
    this.#child.kill('SIGTERM')
    await ended
    rmSync(this.#folder, { recursive: true, force: true })
    return this.#log
  }

  async #ready(): Promise<void> {
    const deadline = performance.now() + READY_MS
    while (!/\bready\b/.test(this.#log)) {
      if (this.#child.exitCode !== null || performance.now() > deadline) {
        const log = await this.stop()
        throw new UserError(
          `the agent did not start: ${log.trim()}`,
          'tarsier doctor says what this kernel offers',
        )
      }
      await new Promise((resolve) => setTimeout(resolve, 10))
    }
  }
}
