/**
 * The source of answers about names: resolves the names that rules compare addresses with, at the start and again when their
 * time is over, and reports the addresses. Only names written in rules are asked for, never what events carry: nobody who
 * is watched can make the agent ask anything.
 *
 * hosts(5) comes first, then the resolvers of resolv.conf(5) or those of the configuration. Names in rules are complete: no
 * search list is tried.
 */
import type { Resolver } from 'node:dns/promises'
import type { NameAnswer } from '../../decode/answers.ts'
import { HostsFile } from './hosts.ts'

export interface NameSourceOptions {
  readonly names: readonly string[]
  /** Resolvers, `address` or `address:port`; none means those of the system. */
  readonly servers: readonly string[]
  /** hosts(5). */
  readonly hostsFile: string
  /** How long findings wait for the first answers, ms. */
  readonly waitMs: number
  /** Bounds of the time until a name is asked for again, ms. */
  readonly refreshMs: { readonly least: number; readonly most: number }
  /** How long an address that is no longer told stays: clients keep addresses beyond their time, ms. */
  readonly keepMs: number
  readonly answer: (answer: NameAnswer) => void
  /** Every name has been answered once, or findings can wait no longer. Called once. */
  readonly settled: () => void
}

export interface NameSourceCounts {
  /** Names looked after; those that have an address. */
  readonly wanted: number
  readonly resolved: number
  readonly asked: number
  /** Questions that no resolver answered; a name that does not exist is an answer. */
  readonly failed: number
}

/** Addresses kept for one name, newest first, and questions to resolvers at once. */
const ADDRESSES = 256
const AT_ONCE = 8
const TIMEOUT_MS = 2000
const TRIES = 2

interface Name {
  readonly name: string
  /** Address and when it was last told. */
  readonly addresses: Map<string, number>
  /** Reported for the first time. */
  answered: boolean
}

interface Found {
  readonly addresses: readonly string[]
  /** Undefined when the resolvers said nothing. */
  readonly ttlMs: number | undefined
}

export class NameSource {
  readonly #options: NameSourceOptions
  readonly #names: readonly Name[]
  readonly #timers = new Set<NodeJS.Timeout>()
  readonly #queue: Name[] = []
  readonly #hosts: HostsFile
  readonly #counts = { asked: 0, failed: 0 }
  #resolver: Resolver | undefined
  #running = 0
  #open: number
  #closed = false

  constructor(options: NameSourceOptions) {
    this.#options = options
    this.#names = [...new Set(options.names)].map((name) => ({ name, addresses: new Map(), answered: false }))
    this.#open = this.#names.length
    this.#hosts = new HostsFile(options.hostsFile, options.names)
  }

  get counts(): NameSourceCounts {
    const resolved = this.#names.filter(({ addresses }) => addresses.size > 0).length
    return { wanted: this.#names.length, resolved, ...this.#counts }
  }

  /** Begin to ask. Throws when a server is no address. */
  async start(): Promise<void> {
    if (this.#names.length === 0) {
      this.#settle()
      return
    }
    this.#after(this.#options.waitMs, () => this.#settle())
    const { Resolver } = await import('node:dns/promises')
    if (this.#closed) return
    this.#resolver = new Resolver({ timeout: TIMEOUT_MS, tries: TRIES })
    if (this.#options.servers.length > 0) this.#resolver.setServers(this.#options.servers)
    this.#queue.push(...this.#names)
    this.#next()
  }

  close(): void {
    this.#closed = true
    for (const timer of this.#timers) clearTimeout(timer)
    this.#timers.clear()
    this.#queue.length = 0
    this.#resolver?.cancel()
  }

  #settle(): void {
    if (this.#open === Number.NEGATIVE_INFINITY) return
    this.#open = Number.NEGATIVE_INFINITY
    this.#options.settled()
  }

  #next(): void {
    while (this.#running < AT_ONCE && !this.#closed) {
      const name = this.#queue.shift()
      if (name === undefined) return
      this.#running++
      void this.#refresh(name).finally(() => {
        this.#running--
        this.#next()
      })
    }
  }

  async #refresh(entry: Name): Promise<void> {
    const { name } = entry
    const { addresses, ttlMs } = (await this.#fromHosts(name)) ?? (await this.#fromResolvers(name))
    if (this.#closed) return
    const { least, most } = this.#options.refreshMs
    // Without an answer what is known stays known.
    if (ttlMs !== undefined || !entry.answered) this.#take(entry, addresses)
    if (--this.#open === 0) this.#settle()
    this.#after(Math.min(Math.max(ttlMs ?? least, least), most), () => {
      this.#queue.push(entry)
      this.#next()
    })
  }

  #take(entry: Name, addresses: readonly string[]): void {
    const now = performance.now()
    const before = [...entry.addresses.keys()].join()
    for (const address of addresses) {
      entry.addresses.delete(address)
      entry.addresses.set(address, now)
    }
    for (const [address, told] of entry.addresses)
      if (now - told > this.#options.keepMs || entry.addresses.size > ADDRESSES)
        entry.addresses.delete(address)
    if (entry.answered && [...entry.addresses.keys()].join() === before) return
    entry.answered = true
    this.#options.answer({ name: entry.name, addresses: [...entry.addresses.keys()] })
  }

  async #fromHosts(name: string): Promise<Found | undefined> {
    const addresses = await this.#hosts.addresses(name)
    return addresses && { addresses, ttlMs: 0 }
  }

  async #fromResolvers(name: string): Promise<Found> {
    const resolver = this.#resolver!
    this.#counts.asked++
    const answers = await Promise.all([
      settledAnswer(resolver.resolve4(name, { ttl: true })),
      settledAnswer(resolver.resolve6(name, { ttl: true })),
    ])
    const records = answers.flatMap((answer) => answer ?? [])
    if (answers.every((answer) => answer === undefined)) {
      if (!this.#closed) this.#counts.failed++
      return { addresses: [], ttlMs: undefined }
    }
    return {
      addresses: records.map(({ address }) => address),
      ttlMs: records.reduce((least, { ttl }) => Math.min(least, ttl * 1000), this.#options.refreshMs.most),
    }
  }

  #after(ms: number, then: () => void): void {
    const timer = setTimeout(() => {
      this.#timers.delete(timer)
      then()
    }, ms)
    timer.unref()
    this.#timers.add(timer)
  }
}

/** No such name and no such record are answers; anything else is none. */
async function settledAnswer<T>(question: Promise<readonly T[]>): Promise<readonly T[] | undefined> {
  try {
    return await question
  } catch (error) {
    const { code } = error as { readonly code?: string }
    return code === 'ENOTFOUND' || code === 'ENODATA' ? [] : undefined
  }
}
