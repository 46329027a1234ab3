/**
 * Delivers messages to a receiver that may be slow, away, or hostile. Taking a message never waits and never throws; what
 * waits is bounded; a delivery that fails is tried again, with longer and longer pauses, until it works or is given up.
 */
import {
  type DropReason,
  type Message,
  noDrops,
  type OutputStatus,
  type Taken,
  type Transport,
} from './message.ts'
import { MemoryQueue, type Store } from './queue.ts'

export interface DeliveryOptions {
  readonly name: string
  readonly type: string
  readonly transport: Transport
  readonly queueBytes: number
  /** Most messages of one delivery. */
  readonly batch: number
  readonly timeoutMs: number
  readonly retryMinMs: number
  readonly retryMaxMs: number
  /** Time after which a delivery that keeps failing is dropped; 0 is never. */
  readonly giveUpMs: number
  /** Messages wait on disk, as far as that has room. */
  readonly spool?: Spool | undefined
  /** Most bytes of the spool. */
  readonly spoolBytes?: number
  /** Timeouts in a row that are not spoken of. */
  readonly quietTimeouts?: number
  /** A message for the log, once for each run of failures. */
  readonly onError: (message: string) => void
}

/** A store that is still there after the process has ended. */
export interface Spool extends Store {
  readonly directory: string
  /** Other bounds from now on; what is there stays. */
  resize(mostBytes: number): void
  /** Messages that could not be read any more. */
  readonly damaged: number
  close(): void
}

/** Characters of one delivery, beyond which it takes no more messages. */
const BATCH_CHARACTERS = 1 << 20
/** Deliveries after which others get their turn. */
const TURN = 32
/** First pause for a busy receiver, and how often it may be busy in a row before that is said. */
const BUSY_MS = 5
const BUSY_MOST = 10
/** How long the end waits for receivers. */
const FLUSH_MS = 2000

export class Delivery {
  #options: DeliveryOptions
  readonly #memory: MemoryQueue
  /** Where messages wait, the one to empty first in front. */
  #stores: readonly Store[]
  /** Spools of settings before: they are emptied, and closed. */
  #oldSpools: readonly Spool[] = []
  /** Transports of settings before, while a delivery of theirs is under way. */
  #oldTransports: Transport[] = []
  readonly #dropped = noDrops()
  #sent = 0
  #failed = 0
  #retried = 0
  #running = false
  #closed = false
  /** Failures in a row, and when the first of them was. */
  #failures = 0
  #failingSince = 0
  #complained = false
  /** Ends the pause, or the delivery under way. */
  #hurry: (() => void) | undefined
  #abort: AbortController | undefined
  #flushing = false

  constructor(options: DeliveryOptions) {
    this.#options = options
    this.#memory = new MemoryQueue(options.queueBytes)
    this.#stores = options.spool === undefined ? [this.#memory] : [this.#memory, options.spool]
    this.#wake()
  }

  get type(): string {
    return this.#options.type
  }
  get spool(): Spool | undefined {
    return this.#options.spool
  }

  /** Other settings from now on. What waits is delivered by them, what is just being delivered by those before. */
  become(settings: Omit<DeliveryOptions, 'name' | 'type' | 'onError'>): void {
    const { transport, spool, name, type, onError } = this.#options
    if (this.#abort === undefined) transport.close()
    else this.#oldTransports.push(transport)
    if (spool !== undefined && spool !== settings.spool) this.#oldSpools = [...this.#oldSpools, spool]
    this.#options = { ...settings, name, type, onError }
    this.#memory.resize(settings.queueBytes)
    if (settings.spoolBytes !== undefined) settings.spool?.resize(settings.spoolBytes)
    this.#stores = [
      ...this.#oldSpools,
      this.#memory,
      ...(settings.spool === undefined ? [] : [settings.spool]),
    ]
    this.#closeEmptied()
    // Whatever kept it from working may be what has changed.
    this.#failures = 0
    this.#complained = false
    this.#hurry?.()
    this.#wake()
  }

  #closeEmptied(): void {
    const emptied = this.#oldSpools.filter(({ waiting }) => waiting === 0)
    if (emptied.length === 0) return
    this.#oldSpools = this.#oldSpools.filter((spool) => !emptied.includes(spool))
    this.#stores = this.#stores.filter((store) => !(emptied as readonly Store[]).includes(store))
    for (const spool of emptied) spool.close()
  }

  /** Take a message; false when it is dropped, which has been counted. `share`: of the queue it may fill, 0 to 1. */
  take(message: Message, share = 1): boolean {
    const taken = !this.#closed && (this.#spooled(message) || this.#remembered(message, share))
    if (taken) this.#wake()
    else this.#drop('queue_full', 1)
    return taken
  }

  status(): OutputStatus {
    const { name, type, spool } = this.#options
    return {
      name,
      type,
      sent: this.#sent,
      failed: this.#failed,
      retried: this.#retried,
      dropped: { ...this.#dropped, damaged: spool?.damaged ?? 0 },
      waiting: this.#stores.reduce((sum, { waiting }) => sum + waiting, 0),
      bytes: this.#stores.reduce((sum, { bytes }) => sum + bytes, 0),
      spooled: this.#stores.reduce((sum, store) => sum + (store === this.#memory ? 0 : store.waiting), 0),
    }
  }

  /** Resolves when everything is delivered, or after 2 s; what then waits in memory is dropped, what is spooled stays. */
  async flush(): Promise<void> {
    this.#flushing = true
    this.#hurry?.()
    const deadline = performance.now() + FLUSH_MS
    while (!this.#closed && this.status().waiting > 0 && performance.now() < deadline)
      await new Promise((resolve) => setTimeout(resolve, 5))
    this.#flushing = false
  }

  close(): void {
    if (this.#closed) return
    this.#closed = true
    this.#drop('unsent', this.#memory.waiting)
    this.#memory.remove(this.#memory.waiting)
    this.#hurry?.()
    this.#abort?.abort()
    this.#closeOldTransports()
    this.#options.transport.close()
    for (const spool of this.#oldSpools) spool.close()
    this.#options.spool?.close()
  }

  #closeOldTransports(): void {
    for (const transport of this.#oldTransports) transport.close()
    this.#oldTransports = []
  }

  #spooled(message: Message): boolean {
    return this.#options.spool?.push(message) ?? false
  }

  #remembered(message: Message, share: number): boolean {
    if (share < 1 && this.#memory.bytes > this.#options.queueBytes * share) return false
    return this.#memory.push(message)
  }

  #drop(reason: DropReason, count: number): void {
    this.#dropped[reason] += count
  }

  /** Messages of one turn of events leave together. */
  #wake(): void {
    if (this.#running || this.#closed) return
    this.#running = true
    setImmediate(() => void this.#run())
  }

  async #run(): Promise<void> {
    for (let turn = 1; !this.#closed; turn++) {
      const store = this.#stores.find(({ waiting }) => waiting > 0)
      if (store === undefined) break
      const batch = fitting(store.peek(this.#options.batch), this.#options.transport.idCharacters)
      // What waited cannot be read, now or ever: the store has said which.
      if (batch.length === 0) await this.#pause(this.#options.retryMinMs)
      else await this.#deliver(batch, store)
      if (turn % TURN === 0) await new Promise((resolve) => setImmediate(resolve))
    }
    this.#running = false
  }

  async #deliver(batch: readonly Message[], store: Store): Promise<void> {
    try {
      const { refused, reason } = await this.#attempt(batch)
      if (this.#closed) return
      this.#failures = 0
      this.#complained = false
      this.#sent += batch.length - refused
      if (refused > 0) this.#complain(`${refused} refused: ${reason ?? 'no reason given'}`)
      this.#drop('refused', refused)
      store.remove(batch.length)
      this.#closeEmptied()
    } catch (error) {
      if (this.#closed) return
      await this.#failedWith(error as Error, batch, store)
    }
  }

  async #failedWith(error: Error, batch: readonly Message[], store: Store): Promise<void> {
    const { giveUpMs, retryMinMs, retryMaxMs } = this.#options
    const now = performance.now()
    if (this.#failures === 0) this.#failingSince = now
    const busy = isBusy(error)
    if (!this.#complained && this.#failures >= this.#silenceOn(error)) {
      this.#complained = true
      this.#complain(error.message)
    }
    this.#failures++
    if (!busy) this.#failed++
    if (giveUpMs > 0 && now - this.#failingSince >= giveUpMs) {
      this.#drop('gave_up', batch.length)
      store.remove(batch.length)
      this.#failingSince = now
      return
    }
    this.#retried += batch.length
    const first = busy ? BUSY_MS : retryMinMs
    const pause = Math.min(retryMaxMs, first * 2 ** Math.min(this.#failures - 1, 20))
    // Many agents must not come back to a receiver at the same moment.
    await this.#pause(pause * (0.75 + Math.random() * 0.5))
  }

  /** Failures in a row of this kind that are borne in silence. */
  #silenceOn(error: Error): number {
    if (isBusy(error)) return BUSY_MOST
    return error instanceof LateError ? (this.#options.quietTimeouts ?? 0) : 0
  }

  #pause(ms: number): Promise<void> {
    return new Promise((resolve) => {
      const timer = setTimeout(() => this.#hurry?.(), this.#flushing ? Math.min(ms, 100) : ms)
      this.#hurry = () => {
        this.#hurry = undefined
        clearTimeout(timer)
        resolve()
      }
    })
  }

  /** The transport's word, or an error when it takes too long: a transport that never answers cannot hold up the rest. */
  async #attempt(batch: readonly Message[]): Promise<Taken> {
    const { transport, timeoutMs } = this.#options
    const abort = new AbortController()
    this.#abort = abort
    const late = Promise.withResolvers<never>()
    abort.signal.addEventListener('abort', () => late.reject(new LateError(timeoutMs)))
    const timer = setTimeout(() => abort.abort(), timeoutMs)
    try {
      return await Promise.race([transport.send(batch, abort.signal), late.promise])
    } finally {
      clearTimeout(timer)
      this.#abort = undefined
      this.#closeOldTransports()
    }
  }

  #complain(message: string): void {
    this.#options.onError(`Output ${this.#options.name}: ${message}`)
  }
}

class LateError extends Error {
  constructor(ms: number) {
    super(`no answer within ${ms} ms`)
  }
}

/** A receiver whose queue is full for the moment has not failed. */
const isBusy = (error: NodeJS.ErrnoException): boolean => error.code === 'EAGAIN'

/** As many messages as a delivery may be long, but one. */
function fitting(messages: readonly Message[], idCharacters = Number.POSITIVE_INFINITY): readonly Message[] {
  let characters = 0
  let ofIds = 0
  const end = messages.findIndex(({ id, text }, i) => {
    characters += text.length
    ofIds += id.length
    return (characters > BATCH_CHARACTERS || ofIds > idCharacters) && i > 0
  })
  return end < 0 ? messages : messages.slice(0, end)
}
