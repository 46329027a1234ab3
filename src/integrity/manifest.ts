/**
 * Hashes of the agent's files. A file is compared with the hash it had; one that differs, is gone or has come is told once,
 * and its new state is what later looks compare with.
 */
import { createHash } from 'node:crypto'
import {
  type BigIntStats,
  closeSync,
  constants,
  existsSync,
  fstatSync,
  openSync,
  readSync,
  statSync,
} from 'node:fs'
import { type AgentFile, belongs, expand, type FileKind, type FileRoot } from './files.ts'

export interface FileChange {
  readonly path: string
  readonly kind: FileKind
  readonly what: 'changed' | 'removed' | 'added'
  /** SHA-256 in hexadecimal digits; undefined when there is no such regular file. */
  readonly before: string | undefined
  readonly after: string | undefined
}

interface Entry {
  readonly kind: FileKind
  hash: string | undefined
  /** Device, inode, size and times when it was hashed. */
  stamp: string
  /** Not hashed yet. */
  fresh: boolean
}

/** Bytes hashed before other work gets its turn: less than a millisecond. */
export const SLICE_BYTES = 1 << 20
/** Bytes read at once: a buffer for a whole slice would stay in memory. */
const READ_BYTES = 1 << 16

export class Manifest {
  #roots: readonly FileRoot[]
  readonly #entries = new Map<string, Entry>()
  readonly #buffer = new Uint8Array(READ_BYTES)

  constructor(roots: readonly FileRoot[]) {
    this.#roots = roots
    for (const { path, kind } of this.#listed())
      this.#entries.set(path, { kind, hash: undefined, stamp: '', fresh: true })
  }

  /**
   * Other roots from now on. Files of new ones are taken as they are when they are hashed next; a file that came to a
   * directory which was one before is still told.
   */
  follow(roots: readonly FileRoot[]): void {
    const before = new Set(this.#roots.map(({ path }) => path))
    this.#roots = roots
    for (const path of this.#entries.keys())
      if (!roots.some((root) => root.path === path || belongs(root, path))) this.#entries.delete(path)
    for (const { path, kind } of roots.filter((root) => !before.has(root.path)).flatMap(expand))
      if (!this.#entries.has(path)) this.#entries.set(path, { kind, hash: undefined, stamp: '', fresh: true })
  }

  has(path: string): boolean {
    return this.#entries.has(path)
  }
  /** Is this one of the files, or would it be one if it came? */
  concerns(path: string): boolean {
    return this.#entries.has(path) || this.#roots.some((root) => belongs(root, path))
  }
  get paths(): readonly string[] {
    return [...this.#entries.keys()]
  }
  get size(): number {
    return this.#entries.size
  }
  /** Directories given as such, where a new file is a change. */
  get directories(): readonly string[] {
    return this.#roots.filter(({ endings }) => endings !== undefined).map(({ path }) => path)
  }

  /** Files that have come, of these paths or anywhere; they are part of the manifest from now on. */
  takeAdded(among?: readonly string[]): FileChange[] {
    const changes: FileChange[] = []
    for (const { path, kind } of among?.flatMap((one) => this.#candidate(one)) ?? this.#listed()) {
      if (this.#entries.has(path)) continue
      const entry: Entry = { kind, hash: undefined, stamp: '', fresh: true }
      this.#entries.set(path, entry)
      drain(this.check(path))
      changes.push({ path, kind, what: 'added', before: undefined, after: entry.hash })
    }
    return changes
  }

  /**
   * Compare a file with its entry, a slice at a time: the generator yields after each so that the caller can wait. With
   * `quick`, a file whose inode, size and times are the same is taken for the same. Returns the change, if there is one.
   */
  *check(path: string, quick = false): Generator<void, FileChange | undefined> {
    const entry = this.#entries.get(path)
    if (entry === undefined) return undefined
    const { hash, stamp } = yield* this.#hash(path, quick ? entry.stamp : undefined)
    if (hash === undefined && stamp === entry.stamp && !entry.fresh) return undefined
    const before = entry.hash
    const known = !entry.fresh
    entry.hash = hash
    entry.stamp = stamp
    entry.fresh = false
    if (!known || before === hash) return undefined
    return { path, kind: entry.kind, what: hash === undefined ? 'removed' : 'changed', before, after: hash }
  }

  *#hash(
    path: string,
    unless: string | undefined,
  ): Generator<void, { hash: string | undefined; stamp: string }> {
    if (unless !== undefined && stampNow(path) === unless) return { hash: undefined, stamp: unless }
    let fd: number
    try {
      // A FIFO put in a file's place must not keep us waiting.
      fd = openSync(path, constants.O_RDONLY | constants.O_NONBLOCK)
    } catch {
      return { hash: undefined, stamp: 'absent' }
    }
    try {
      const stats = fstatSync(fd, { bigint: true })
      const stamp = stampOf(stats)
      if (!stats.isFile()) return { hash: undefined, stamp }
      const hash = createHash('sha256')
      for (let done = 0; ; ) {
        const n = readSync(fd, this.#buffer, 0, READ_BYTES, null)
        if (n === 0) return { hash: hash.digest('hex'), stamp }
        hash.update(this.#buffer.subarray(0, n))
        done += n
        if (done % SLICE_BYTES === 0) yield
      }
    } catch {
      return { hash: undefined, stamp: 'unreadable' }
    } finally {
      closeSync(fd)
    }
  }

  #candidate(path: string): AgentFile[] {
    const root = this.#roots.find((one) => belongs(one, path))
    return root !== undefined && existsSync(path) ? [{ path, kind: root.kind }] : []
  }

  #listed(): AgentFile[] {
    return this.#roots.flatMap(expand)
  }
}

const stampOf = ({ dev, ino, size, mtimeNs, ctimeNs }: BigIntStats): string =>
  [dev, ino, size, mtimeNs, ctimeNs].join(' ')

function stampNow(path: string): string | undefined {
  try {
    const stats = statSync(path, { bigint: true, throwIfNoEntry: false })
    return stats && stampOf(stats)
  } catch {
    return undefined
  }
}

/** Run a check to its end at once. */
export function drain<T>(steps: Generator<void, T>): T {
  for (;;) {
    const step = steps.next()
    if (step.done === true) return step.value
  }
}
