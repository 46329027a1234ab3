/**
 * The agent as its users start it: `bin/tarsier run` as a child process, with rules of the test's own and a lock of its
 * own. What it writes is collected line by line.
 */
import { type ChildProcessByStdio, spawn, spawnSync } from 'node:child_process'
import { randomBytes } from 'node:crypto'
import { chmodSync, mkdtempSync, writeFileSync } from 'node:fs'
import type { Socket } from 'node:net'
import { join } from 'node:path'
import type { Readable } from 'node:stream'
import { setTimeout as sleep } from 'node:timers/promises'
import { scratchFolder } from '../../../src/testing/scratch.ts'
import { ROOT } from '../../kernel/support/programs.ts'

export { ROOT } from '../../kernel/support/programs.ts'

export const TARSIER: string = join(ROOT, 'bin/tarsier')
/** On a busy machine an alert may take this long. */
const ALERT_MS = 10_000
/** A busy machine, and a build when sources changed. */
const READY_MS = 30_000
const END_MS = 10_000

/** Reason to skip tests that run the agent, false when they can run. */
export const NEEDS_ROOT: string | false = process.getuid?.() === 0 ? false : 'needs root'

const BASE = scratchFolder('e2e')
chmodSync(BASE, 0o755)

/** A folder that everybody may enter, removed at the end of the test file. */
export function openFolder(name: string): string {
  const folder = mkdtempSync(join(BASE, `${name}-`))
  chmodSync(folder, 0o755)
  return folder
}

/** A word that stands nowhere else on the machine. */
export const marker = (): string => `mark${randomBytes(6).toString('hex')}`

export interface Rule {
  readonly rule: string
  readonly condition: string
  readonly output: string
  readonly priority?: string
  readonly tags?: readonly string[]
}

/** A rule file in the folder; YAML takes JSON as it is. */
export function writeRules(folder: string, ...rules: readonly Rule[]): string {
  const file = join(folder, `rules-${marker()}.yaml`)
  const whole = rules.map((rule) => ({ desc: 'For a test.', priority: 'WARNING', ...rule }))
  writeFileSync(file, JSON.stringify(whole, undefined, 1))
  return file
}

/** Any open of a file whose name has the word. */
export const opensOf = (word: string, output: string): Rule => ({
  rule: `Opens of ${word}`,
  condition: `evt.type in (open, openat, openat2) and fd.name contains "${word}"`,
  output,
})

export interface Start {
  /** Rule files; without any, the shipped rules. */
  readonly rules?: readonly string[]
  /** Configuration, `KEY=VALUE`. */
  readonly set?: readonly string[]
  readonly args?: readonly string[]
  readonly env?: Readonly<Record<string, string>>
  /** A command that runs the launcher, such as setpriv with its options. */
  readonly via?: readonly string[]
  /** A command that runs the agent, instead of `run`. */
  readonly command?: string
  /** The launcher of another installation. */
  readonly launcher?: string
  /** The agent's lock; a fresh one when left out. */
  readonly lock?: string
}

export interface Ended {
  readonly status: number | null
  readonly signal: NodeJS.Signals | null
  readonly stdout: string
  readonly stderr: string
}

/** Command line of `bin/tarsier run` for these options. */
export function commandLine(options: Start): { file: string; args: string[]; env: Record<string, string> } {
  const lock = options.lock ?? join(openFolder('lock'), 'agent.lock')
  const words = [
    ...(options.via ?? []),
    options.launcher ?? TARSIER,
    options.command ?? 'run',
    ...(options.rules ?? []).flatMap((file) => ['-r', file]),
    ...[`agent.lock_file=${lock}`, ...(options.set ?? [])].flatMap((setting) => ['-o', setting]),
    ...(options.args ?? []),
  ]
  return { file: words[0]!, args: words.slice(1), env: { PATH: process.env['PATH'] ?? '', ...options.env } }
}

/** Run `tarsier` to its end: for command lines that are refused. */
export function tarsier(args: readonly string[], via: readonly string[] = [], stdin = ''): Ended {
  const [file, ...rest] = [...via, TARSIER, ...args]
  return ended(spawnSync(file!, rest, { ...ONCE, input: stdin, env: { PATH: process.env['PATH'] ?? '' } }))
}

/** Run `tarsier run` to its end: for starts that are refused. One that works is ended after a while. */
export function refused(options: Start): Ended {
  const { file, args, env } = commandLine(options)
  return ended(spawnSync(file, args, { ...ONCE, env }))
}

const ONCE = { encoding: 'utf8', timeout: READY_MS } as const

const ended = ({ status, signal, stdout, stderr, error }: ReturnType<typeof spawnSync>): Ended => {
  if (error !== undefined) throw error
  return { status, signal, stdout: String(stdout), stderr: withoutBuild(String(stderr)) }
}

/** What the launcher tells when it had to build is not the program's word. */
const withoutBuild = (stderr: string): string =>
  stderr.replace(/^tarsier: (?:compiling|installing| ).*\n/gm, '')

/** A running agent. */
export class Running {
  readonly child: ChildProcessByStdio<null, Readable, Readable>
  readonly #end: Promise<Ended>
  #stdout = Buffer.alloc(0)
  #stderr = ''
  #over = false
  #taken = 0

  constructor(options: Start) {
    const { file, args, env } = commandLine(options)
    this.child = spawn(file, args, { env, stdio: ['ignore', 'pipe', 'pipe'] })
    running.add(this)
    // A test that failed half-way shall not wait for its agent for ever.
    this.child.unref()
    for (const stream of [this.child.stdout, this.child.stderr]) (stream as Socket).unref()
    this.child.stdout.on('data', (chunk: Buffer) => {
      this.#stdout = Buffer.concat([this.#stdout, chunk])
    })
    this.child.stderr.setEncoding('utf8').on('data', (text: string) => {
      this.#stderr += text
    })
    this.#end = new Promise((done) => {
      this.child.on('close', (status, signal) => {
        this.#over = true
        running.delete(this)
        done({ status, signal, stdout: this.#stdout.toString('utf8'), stderr: this.#stderr })
      })
    })
  }

  get pid(): number {
    return this.child.pid!
  }
  get stderr(): string {
    return this.#stderr
  }
  get over(): boolean {
    return this.#over
  }
  /** Bytes of standard output so far. */
  get bytes(): Buffer {
    return this.#stdout
  }
  /** Whole lines of standard output so far. */
  get lines(): string[] {
    return this.#stdout.toString('utf8').split('\n').slice(0, -1)
  }

  /** Wait until something is true; false when the time is over or the agent has ended. */
  async until(condition: () => boolean, ms: number): Promise<boolean> {
    const deadline = performance.now() + ms
    while (!condition()) {
      if (this.#over || performance.now() > deadline) return condition()
      await sleep(2)
    }
    return true
  }

  /**
   * Do something and take the lines with this word that it led to. They are complete when the alert of a last act has
   * come, an open of a file of its own.
   */
  async alerts(word: string, act: () => unknown): Promise<string[]> {
    await act()
    const last = join(BASE, `${word}-last-${this.#taken}`)
    writeFileSync(last, '')
    const came = await this.until(() => this.lines.some((line) => line.includes(last)), ALERT_MS)
    if (!came) throw new Error(`no alert of the last act within ${ALERT_MS} ms; stderr: ${this.#stderr}`)
    const lines = this.lines.slice(this.#taken)
    this.#taken += lines.length
    return lines.filter((line) => line.includes(word) && !line.includes(last))
  }

  async stop(signal: NodeJS.Signals = 'SIGTERM'): Promise<Ended> {
    this.child.kill(signal)
    return this.end()
  }

  /** Wait for the end; one that does not come is an error. */
  async end(): Promise<Ended> {
    if (!(await this.until(() => this.#over, END_MS))) {
      this.child.kill('SIGKILL')
      throw new Error(`the agent did not end within ${END_MS} ms; stderr: ${this.#stderr}`)
    }
    return this.#end
  }
}

/** Start the agent and wait for its `ready`. */
export async function startAgent(options: Start): Promise<Running> {
  const agent = new Running(options)
  await agent.until(() => agent.stderr.includes('ready'), READY_MS)
  if (!agent.stderr.includes('ready')) {
    agent.child.kill('SIGKILL')
    throw new Error(`the agent is not ready; stderr: ${agent.stderr}`)
  }
  return agent
}

/** Run the agent around a test. */
export async function withAgent(options: Start, use: (agent: Running) => Promise<void>): Promise<Ended> {
  const agent = await startAgent(options)
  try {
    await use(agent)
  } finally {
    if (!agent.over) agent.child.kill('SIGTERM')
  }
  return agent.end()
}

/** What an alert's line says after time and priority. */
export const said = (line: string): string => line.replace(/^[\d:.]+: [A-Z][a-z]+ /, '')

/** No test's agent outlives the test file. */
const running = new Set<Running>()
process.once('exit', () => {
  for (const agent of running) agent.child.kill('SIGKILL')
})
