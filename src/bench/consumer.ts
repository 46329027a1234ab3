/**
 * The C program that fills the ring and reads it for comparison (test/bench/ring-consumer.c): compiled when it is older
 * than its source, run as a child that answers one line for each command.
 */
import { type ChildProcess, spawn } from 'node:child_process'
import { createInterface } from 'node:readline'
import { UserError } from '../user-error.ts'
import { buildProgram } from './compile.ts'

/**
 * With the builtin, gcc turns the copy of a path into `rep movs`, whose start-up triples the cost of a record: C would
 * look worse than it is.
 */
const FLAGS = ['-fno-builtin-memcpy'] as const

/** Compile test/bench/ring-consumer.c below `root` unless that was done; returns the program's file name. */
export const buildConsumer = (
  root: string,
  env: Readonly<Record<string, string | undefined>> = process.env,
): Promise<string> => buildProgram({ root, name: 'ring-consumer', libraries: ['bpf'], flags: FLAGS, env })

export interface CConsumed {
  readonly count: number
  readonly pathBytes: number
  readonly ns: number
}

/** The child. Its commands are described in test/bench/ring-consumer.c. */
export class Consumer {
  readonly #child: ChildProcess
  readonly #lines: AsyncIterator<string>
  #failure: UserError | undefined

  private constructor(child: ChildProcess) {
    this.#child = child
    this.#lines = createInterface({ input: child.stdout! })[Symbol.asyncIterator]()
    child.on('error', (error) => {
      this.#failure = new UserError(`cannot run ${child.spawnfile}: ${error.message}`)
    })
    // A child that died is noticed by the missing answer.
    child.stdin!.on('error', () => {})
  }

  /** Start it with the descriptors of the fill program and of the ring. */
  static async start(file: string, programFd: number, ringFd: number): Promise<Consumer> {
    const consumer = new Consumer(
      spawn(file, { stdio: ['pipe', 'pipe', 'inherit', programFd, ringFd], env: {} }),
    )
    await consumer.#answer('ready')
    return consumer
  }

  /** Forget what the ring holds and put `count` records into it, over `paths` different paths. */
  async fill(count: number, paths: number): Promise<number> {
    return (await this.#ask(`fill ${count} ${paths}`, 'filled'))[0]!
  }

  /** Read the records of the last fill with libbpf. */
  async consume(): Promise<CConsumed> {
    const [count, pathBytes, ns] = await this.#ask('consume', 'consumed')
    return { count: count!, pathBytes: pathBytes!, ns: ns! }
  }

  /** Produce `rate` records a second for `ms`; how many were tried in how many ns. */
  async produce(rate: number, ms: number, paths: number): Promise<{ tried: number; ns: number }> {
    const [tried, ns] = await this.#ask(`produce ${rate} ${ms} ${paths}`, 'produced')
    return { tried: tried!, ns: ns! }
  }

  /** End it; it needs no more than its stdin closed. */
  close(): void {
    this.#child.stdin!.end()
  }

  async #ask(command: string, expected: string): Promise<number[]> {
    this.#child.stdin!.write(`${command}\n`)
    return this.#answer(expected)
  }

  async #answer(expected: string): Promise<number[]> {
    const { value, done } = await this.#lines.next()
    if (done) throw this.#failure ?? new UserError('the C program for the comparison ended early')
    const [word, ...rest] = (value as string).split(' ')
    if (word !== expected) throw new UserError(`the C program for the comparison says: ${value}`)
    return rest.map(Number)
  }
}
