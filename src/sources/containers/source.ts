/**
 * The source of answers about containers: asks the runtimes of this host, through their sockets, about each container once,
 * and reports what became of it. Nothing waits for it, and nothing it does is unbounded: questions under way, questions
 * waiting, time, size and number of repetitions have limits, and what they cut off is counted.
 */
import { join } from 'node:path'
import type { ContainerAnswer, ContainerFacts, ContainerRef } from '../../decode/answers.ts'
import { isThere } from '../../kernel/machine.ts'
import { criRuntime } from './cri.ts'
import { dockerRuntime } from './docker.ts'
import type { Runtime } from './runtime.ts'

export interface ContainerSourceOptions {
  /** Sockets to try, by the protocol they speak. */
  readonly sockets: Readonly<Record<Runtime['type'], readonly string[]>>
  /** Directory that stands for the root of the host, empty for `/`. */
  readonly hostRoot: string
  /** How long findings wait for an answer, ms. */
  readonly waitMs: number
  /** How long a runtime may take for one container, ms. */
  readonly timeoutMs: number
  /** Takes an answer. Called from the event loop, never from within `ask`. */
  readonly answer: (answer: ContainerAnswer) => void
  /** Trouble with a runtime, told once for each kind. */
  readonly trouble: (message: string) => void
}

export interface ContainerSourceCounts {
  /** Containers asked about. */
  readonly asked: number
  /** Of those: told by a runtime, unknown to all, unanswered when findings could wait no longer. */
  readonly known: number
  readonly unknown: number
  readonly late: number
  /** Questions that a runtime did not answer as it should, or not in time. */
  readonly failed: number
  /** Containers nobody was asked about: too many at once. */
  readonly refused: number
}

/** Questions to the runtimes at once, and those that may wait for their turn. */
const AT_ONCE = 4
const QUEUE = 4096
/** Time before a container that nobody knew is asked about again: doubled each time, ms. */
const RETRY_FIRST = 1000
const RETRY_MOST = 300_000
const RETRIES = 12
/** A container that was just made has no start time and no address yet. */
const REFRESH = 2000

/** Types of cgroup names that no socket here knows. */
const ASKABLE = /^[0-9a-f]{64}$/

interface Question {
  readonly ref: ContainerRef
  attempts: number
  /** A runtime has told. */
  known: boolean
}

export class ContainerSource {
  readonly #options: ContainerSourceOptions
  readonly #runtimes: readonly Runtime[]
  readonly #waiting: Question[] = []
  /** Containers to ask about again, by id. */
  readonly #retries = new Map<string, NodeJS.Timeout>()
  readonly #late = new Map<string, NodeJS.Timeout>()
  readonly #end = new AbortController()
  readonly #told = new Set<string>()
  /** Runtimes that did not answer the last time. */
  readonly #failing = new Set<Runtime>()
  readonly #counts = { asked: 0, known: 0, unknown: 0, late: 0, failed: 0, refused: 0 }
  #running = 0

  constructor(options: ContainerSourceOptions) {
    this.#options = options
    const { sockets, hostRoot } = options
    const at = (socket: string): string => (hostRoot === '' ? socket : join(hostRoot, socket))
    this.#runtimes = [
      ...sockets.docker.map((socket) => dockerRuntime(at(socket), 'docker')),
      ...sockets.podman.map((socket) => dockerRuntime(at(socket), 'podman')),
      ...sockets.cri.map((socket) => criRuntime(at(socket))),
    ]
  }

  get counts(): ContainerSourceCounts {
    return this.#counts
  }

  /** Ask about a container. False when there is nobody to ask now; it may still be answered later. */
  ask(ref: ContainerRef): boolean {
    if (this.#end.signal.aborted || !ASKABLE.test(ref.fullId)) return false
    // Whoever asks has forgotten meanwhile that they did.
    if (this.#late.has(ref.fullId)) return true
    if (this.#waiting.length >= QUEUE) {
      this.#counts.refused++
      return false
    }
    this.#counts.asked++
    const question = { ref, attempts: 0, known: false }
    if (this.#present(ref).length === 0) {
      this.#counts.unknown++
      this.#retry(question)
      return false
    }
    this.#late.set(
      ref.fullId,
      setTimeout(() => this.#tooLate(ref.fullId), this.#options.waitMs),
    )
    this.#waiting.push(question)
    // Not from here: the event that led to the question is still being handled.
    setImmediate(() => this.#next())
    return true
  }

  /** Ends everything at once: no answer comes afterwards. */
  close(): void {
    this.#end.abort()
    for (const timer of [...this.#retries.values(), ...this.#late.values()]) clearTimeout(timer)
    this.#retries.clear()
    this.#late.clear()
    this.#waiting.length = 0
  }

  /**
   * Runtimes that are there, the one whose cgroups look like this first. Those that fail come last, so that one that hangs
   * does not hold up what others know.
   */
  #present({ type }: ContainerRef): readonly Runtime[] {
    const isLikely = (runtime: Runtime): boolean =>
      type === 'docker' || type === 'podman' ? runtime.type === type : runtime.type === 'cri'
    const rank = (runtime: Runtime): number =>
      (this.#failing.has(runtime) ? 2 : 0) + (isLikely(runtime) ? 0 : 1)
    return this.#runtimes.filter(({ socket }) => isThere(socket)).sort((a, b) => rank(a) - rank(b))
  }

  #next(): void {
    while (this.#running < AT_ONCE) {
      const question = this.#waiting.shift()
      if (question === undefined) return
      this.#running++
      void this.#answer(question).finally(() => {
        this.#running--
        this.#next()
      })
    }
  }

  async #answer(question: Question): Promise<void> {
    const { fullId } = question.ref
    let failed = false
    for (const runtime of this.#present(question.ref)) {
      const facts = await this.#inspect(runtime, fullId)
      if (this.#end.signal.aborted) return
      if (facts === 'failed') failed = true
      else if (facts !== undefined) {
        this.#know(question, facts)
        return
      }
    }
    // It was there a moment ago.
    if (question.known) return
    if (question.attempts === 0 && !failed) this.#counts.unknown++
    this.#settle(fullId)
    this.#options.answer({ status: 'unknown', fullId })
    this.#retry(question)
  }

  #know(question: Question, facts: ContainerFacts): void {
    const { fullId } = question.ref
    this.#settle(fullId)
    this.#options.answer({ status: 'known', fullId, facts })
    if (question.known) return
    question.known = true
    this.#counts.known++
    if (facts.started === undefined) this.#again(question, REFRESH)
  }

  async #inspect(runtime: Runtime, fullId: string): Promise<ContainerFacts | undefined | 'failed'> {
    const signal = AbortSignal.any([this.#end.signal, AbortSignal.timeout(this.#options.timeoutMs)])
    try {
      const facts = await runtime.inspect(fullId, signal)
      this.#failing.delete(runtime)
      return facts
    } catch (error) {
      if (this.#end.signal.aborted) return undefined
      this.#counts.failed++
      this.#failing.add(runtime)
      this.#trouble(runtime, signal.aborted ? 'no answer in time' : (error as Error).message)
      return 'failed'
    }
  }

  #trouble({ socket }: Runtime, message: string): void {
    const text = `container runtime at ${socket}: ${message}`
    if (this.#told.has(text) || this.#told.size >= 64) return
    this.#told.add(text)
    this.#options.trouble(text)
  }

  #tooLate(fullId: string): void {
    this.#late.delete(fullId)
    this.#counts.late++
    this.#options.answer({ status: 'late', fullId })
  }

  #settle(fullId: string): void {
    clearTimeout(this.#late.get(fullId))
    this.#late.delete(fullId)
  }

  #retry(question: Question): void {
    if (question.attempts >= RETRIES) return
    this.#again(question, Math.min(RETRY_FIRST * 2 ** question.attempts, RETRY_MOST))
    question.attempts++
  }

  #again(question: Question, ms: number): void {
    if (this.#retries.size >= QUEUE) return
    const { fullId } = question.ref
    const timer = setTimeout(() => {
      this.#retries.delete(fullId)
      if (this.#present(question.ref).length === 0) {
        this.#retry(question)
        return
      }
      this.#waiting.push(question)
      this.#next()
    }, ms)
    timer.unref()
    clearTimeout(this.#retries.get(fullId))
    this.#retries.set(fullId, timer)
  }
}
