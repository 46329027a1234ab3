/**
 * SHA-256 of executed files, computed beside the pipeline: few at a time, each file once for as long as device, inode,
 * change and modification time stay the same. A file that cannot be had in time has no hash.
 */
import { createHash } from 'node:crypto'
import { type FileHandle, open } from 'node:fs/promises'
import type { SyscallContext } from '../fields/context.ts'

export interface HashOptions {
  /** Where processes of the host are: `/proc`. */
  readonly proc: string
  /** Files hashed at the same time. */
  readonly parallel?: number
  /** Executables that wait for their turn; beyond that there is no hash. */
  readonly waiting?: number
  /** Files remembered. */
  readonly remembered?: number
  /** Largest file, bytes. */
  readonly largest?: number
  /** How long an event waits for its hash, ms. */
  readonly patienceMs?: number
}

export interface HashCounts {
  readonly hashed: number
  readonly remembered: number
  /** Gone, replaced, too large, too many, too late. */
  readonly missed: number
}

/** An executed file: which, and where to find it. */
interface File {
  readonly key: string
  readonly ino: number
  readonly ctimeNs: bigint
  readonly places: readonly string[]
}

const CHUNK = 1 << 18

export class ExecHashes {
  readonly #options: Required<HashOptions>
  /** By file, the least recently used first. */
  readonly #known = new Map<string, Promise<string | undefined>>()
  readonly #turns: (() => void)[] = []
  #running = 0
  #closed = false
  #counts = { hashed: 0, remembered: 0, missed: 0 }

  constructor(options: HashOptions) {
    this.#options = {
      parallel: 2,
      waiting: 256,
      remembered: 4096,
      largest: 256 << 20,
      patienceMs: 2000,
      ...options,
    }
  }

  get counts(): HashCounts {
    return this.#counts
  }

  /** Hash of the file that an exec is about, in hexadecimal digits. */
  of({ event }: SyscallContext): Promise<string | undefined> {
    const ino = event.number('exe_ino') ?? 0
    const ctimeNs = event.bigint('exe_ctime') ?? 0n
    const path = event.string('exe_path')?.text ?? ''
    const root = `${this.#options.proc}/${event.pid}`
    const places = [`${root}/exe`, ...(path.startsWith('/') ? [`${root}/root${path}`, path] : [])]
    const key = `${event.number('exe_dev') ?? 0} ${ino} ${ctimeNs} ${event.bigint('exe_mtime') ?? 0n}`
    return this.#hash({ key, ino, ctimeNs, places })
  }

  close(): void {
    this.#closed = true
    for (const turn of this.#turns.splice(0)) turn()
  }

  #hash(file: File): Promise<string | undefined> {
    const known = this.#known.get(file.key)
    if (known !== undefined) {
      this.#counts.remembered++
      this.#known.delete(file.key)
      this.#known.set(file.key, known)
      return known
    }
    const { waiting, remembered, patienceMs } = this.#options
    if (this.#closed || this.#turns.length >= waiting) {
      this.#counts.missed++
      return Promise.resolve(undefined)
    }
    const made = this.#make(file).then((hash) => {
      if (hash === undefined) {
        this.#counts.missed++
        this.#known.delete(file.key)
      } else this.#counts.hashed++
      return hash
    })
    this.#known.set(file.key, made)
    if (this.#known.size > remembered) this.#known.delete(this.#known.keys().next().value!)
    return within(made, patienceMs)
  }

  async #make(file: File): Promise<string | undefined> {
    // Opened at once, so that a short-lived process is still there; read when it is its turn.
    const handle = await this.#open(file)
    if (handle === undefined) return undefined
    try {
      if (this.#running >= this.#options.parallel) await new Promise<void>((turn) => this.#turns.push(turn))
      this.#running++
      try {
        return this.#closed ? undefined : await digest(handle)
      } finally {
        this.#running--
        this.#turns.shift()?.()
      }
    } catch {
      return undefined
    } finally {
      await handle.close().catch(() => {})
    }
  }

  /** The first place where the very file is; another one there by now does not count. */
  async #open({ places, ino, ctimeNs }: File): Promise<FileHandle | undefined> {
    for (const place of places) {
      const handle = await open(place, 'r').catch(() => undefined)
      if (handle === undefined) continue
      const stat = await handle.stat({ bigint: true }).catch(() => undefined)
      // Devices of overlay and btrfs files differ between kernel and stat, so time and inode have to do.
      const same = stat?.isFile() === true && Number(stat.ino) === ino && stat.ctimeNs === ctimeNs
      if (same && stat !== undefined && stat.size <= this.#options.largest) return handle
      await handle.close().catch(() => {})
      if (same) return undefined
    }
    return undefined
  }
}

async function digest(handle: FileHandle): Promise<string> {
  const hash = createHash('sha256')
  const buffer = Buffer.allocUnsafe(CHUNK)
  for (let at = 0; ; ) {
    const { bytesRead } = await handle.read(buffer, 0, CHUNK, at)
    if (bytesRead === 0) return hash.digest('hex')
    hash.update(buffer.subarray(0, bytesRead))
    at += bytesRead
  }
}

function within<T>(promise: Promise<T>, ms: number): Promise<T | undefined> {
  return new Promise((done) => {
    const timer = setTimeout(() => done(undefined), ms)
    void promise.then((value) => {
      clearTimeout(timer)
      done(value)
    })
  })
}
