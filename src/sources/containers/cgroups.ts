/**
 * The source of answers about cgroups: a process that was moved without executing anything since is looked up in /proc.
 * Bounded and never waited for; a process that has gone has no answer.
 */
import { readFile } from 'node:fs/promises'
import type { CgroupAnswer, CgroupQuestion } from '../../decode/answers.ts'

/** Questions at once; more are put off, which leaves a process in the cgroup it was in. */
const AT_ONCE = 64
/** Clock ticks in /proc (USER_HZ), ns. */
const TICK_NS = 10_000_000

export class CgroupSource {
  readonly #answer: (answer: CgroupAnswer) => void
  readonly #proc: string
  #running = 0
  #closed = false
  dropped = 0

  constructor(answer: (answer: CgroupAnswer) => void, proc = '/proc') {
    this.#answer = answer
    this.#proc = proc
  }

  /** False when there are too many questions now. */
  ask(question: CgroupQuestion): boolean {
    if (this.#closed) return true
    if (this.#running >= AT_ONCE) {
      this.dropped++
      return false
    }
    this.#running++
    void this.#look(question).finally(() => this.#running--)
    return true
  }

  close(): void {
    this.#closed = true
  }

  async #look(question: CgroupQuestion): Promise<void> {
    const folder = `${this.#proc}/${question.pid}`
    try {
      const paths = pathsOf(await readFile(`${folder}/cgroup`, 'latin1'))
      // Read last: were the process id another's by now, this would tell.
      const start = startOf(await readFile(`${folder}/stat`, 'latin1'))
      if (!this.#closed && Math.abs(start - question.start) <= TICK_NS) this.#answer({ ...question, paths })
    } catch {
      // It has gone.
    }
  }
}

/** Paths of proc_pid_cgroup(5), `N:CONTROLLERS:PATH`. */
const pathsOf = (text: string): readonly string[] =>
  text.split('\n').flatMap((line) => /^\d+:[^:]*:(.*)$/.exec(line)?.[1] ?? [])

/** Field 22 of proc_pid_stat(5); the name before it may hold anything. */
const startOf = (stat: string): number =>
  Number(stat.slice(stat.lastIndexOf(')') + 2).split(' ')[19]) * TICK_NS
