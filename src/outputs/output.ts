/** What an output is: a place lines go to, with a queue of its own so that a slow one never holds up the rest. */
import {
  closeSync,
  constants,
  existsSync,
  fstatSync,
  openSync,
  renameSync,
  type Stats,
  statSync,
  unlinkSync,
  writeSync,
} from 'node:fs'

export interface OutputCounters {
  readonly written: number
  /** Lines that found the queue full. */
  readonly droppedFull: number
  /** Lines lost to a write error. */
  readonly droppedError: number
  /** Bytes waiting. */
  readonly queued: number
}

export interface Output {
  readonly name: string
  /** Take a line without its line feed, or several that stand in one text (`lines`). Never blocks, never throws. */
  write(line: string, lines?: number): void
  /** Take lines, each with its line feed. The bytes may be overwritten afterwards. */
  writeBytes(bytes: Uint8Array, lines: number): void
  /** Bytes waiting. */
  readonly queued: number
  /** Resolves when everything taken so far is written or given up. */
  flush(): Promise<void>
  close(): void
  /** Open what its name leads to. */
  reopen(): void
  readonly counters: OutputCounters
}

export interface FdOutputOptions {
  readonly name: string
  readonly fd: number
  /** Most bytes waiting; lines beyond are dropped and counted. */
  readonly maxQueued?: number
  /** The other side has gone (EPIPE): nothing more can be written. */
  readonly onClosed: () => void
  /** Any other error, once for each run of failures. */
  readonly onError: (message: string) => void
  /** Close the descriptor with the output. */
  readonly owned: boolean
  /** Write `length` bytes of text; returns how many were taken, throws when none can be. By default through node:fs. */
  readonly writeText?: (fd: number, text: string, length: number) => number
  /** Asked before a line is written: a descriptor to take the place of `fd` from now on. */
  readonly next?: (fd: number) => number | undefined
  /** A descriptor to take the place of `fd` when that is asked for. */
  readonly anew?: () => number | undefined
}

/** Bytes on their way, and how many lines end in them that count as written. */
interface Chunk {
  readonly bytes: Buffer
  readonly lines: number
}

const RETRY_MS = 5
const LINE_END: Chunk = { bytes: Buffer.from('\n'), lines: 0 }
/** Lines that end in a text. */
const linesIn = (bytes: Buffer): number => {
  let lines = 0
  for (let at = bytes.indexOf(10); at >= 0; at = bytes.indexOf(10, at + 1)) lines++
  return lines
}
/** Bytes from which on node:fs is the faster way: a batch of lines. */
const LONG = 8192
/** How long `flush` waits for a reader that does not read. */
const FLUSH_MS = 2000

/**
 * Lines to a descriptor. Written at once where the descriptor takes them, so an alert is on its way within microseconds;
 * what a full pipe does not take waits in the queue.
 */
export class FdOutput implements Output {
  readonly name: string
  readonly #options: Required<Omit<FdOutputOptions, 'fd'>>
  #fd: number
  #queue: Chunk[] = []
  #queued = 0
  #timer: NodeJS.Timeout | undefined
  #closed = false
  #reopen = false
  #failing = false
  /** The head of the queue is the rest of a line whose beginning is written. */
  #torn = false
  #written = 0
  #droppedFull = 0
  #droppedError = 0

  constructor(options: FdOutputOptions) {
    this.name = options.name
    this.#fd = options.fd
    this.#options = {
      maxQueued: 64 << 20,
      writeText: (fd, text) => writeSync(fd, text),
      next: () => undefined,
      anew: () => undefined,
      ...options,
    }
  }

  get counters(): OutputCounters {
    return {
      written: this.#written,
      droppedFull: this.#droppedFull,
      droppedError: this.#droppedError,
      queued: this.#queued,
    }
  }

  get queued(): number {
    return this.#queued
  }

  write(line: string, lines = 1): void {
    const text = `${line}\n`
    // Of a single line no copy is made.
    if (text.length > LONG) this.writeBytes(Buffer.from(text), lines)
    else
      this.#take(
        Buffer.byteLength(text),
        lines,
        (length) => this.#options.writeText(this.#fd, text, length),
        () => Buffer.from(text),
      )
  }

  writeBytes(bytes: Uint8Array, lines: number): void {
    this.#take(
      bytes.length,
      lines,
      () => writeSync(this.#fd, bytes),
      () => Buffer.from(bytes),
    )
  }

  /** The short way for the usual case of a descriptor that takes all; of what it does not take `copy` goes into the queue. */
  #take(length: number, lines: number, write: (length: number) => number, copy: () => Buffer): void {
    if (this.#closed || this.#queued + length > this.#options.maxQueued) {
      if (this.#closed) this.#droppedError += lines
      else this.#droppedFull += lines
      return
    }
    const taken = this.#queue.length === 0 ? this.#writeAtOnce(length, write) : 0
    if (taken === length) {
      this.#written += lines
      this.#failing = false
      return
    }
    if (taken > 0) this.#torn = true
    this.#queue.push({ bytes: copy().subarray(taken), lines })
    this.#queued += length - taken
    if (this.#queue.length === 1) this.#send()
  }

  /** What goes wrong is left to the queue. */
  #writeAtOnce(length: number, write: (length: number) => number): number {
    this.#moveOn()
    try {
      return write(length)
    } catch {
      return 0
    }
  }

  reopen(): void {
    this.#reopen = true
    // A line that is half written stays where its beginning is.
    if (this.#queue.length === 0 && !this.#closed) this.#moveOn()
  }

  #moveOn(): void {
    const next = this.#reopen ? this.#options.anew() : this.#options.next(this.#fd)
    this.#reopen = false
    if (next === undefined) return
    if (this.#options.owned) closeSync(this.#fd)
    this.#fd = next
  }

  async flush(): Promise<void> {
    const deadline = performance.now() + FLUSH_MS
    while (this.#queue.length > 0 && !this.#closed && performance.now() < deadline) {
      await new Promise((resolve) => setTimeout(resolve, RETRY_MS))
      this.#send()
    }
    for (const chunk of this.#queue) this.#abandon(chunk)
    this.#queue = []
    this.#queued = 0
  }

  close(): void {
    clearTimeout(this.#timer)
    if (this.#options.owned && !this.#closed) closeSync(this.#fd)
    this.#closed = true
  }

  /** Write until the queue is empty or the descriptor takes no more. */
  #send(): void {
    clearTimeout(this.#timer)
    while (this.#queue.length > 0 && !this.#closed) {
      const { bytes, lines } = this.#queue[0]!
      const n = this.#tryWrite(bytes)
      if (n < 0) return
      this.#queued -= n
      if (n < bytes.length) {
        this.#queue[0] = { bytes: bytes.subarray(n), lines }
        this.#torn ||= n > 0
        continue
      }
      this.#queue.shift()
      this.#torn = false
      this.#failing = false
      this.#written += lines
    }
  }

  /** Bytes written; -1 when nothing more can be written now. */
  #tryWrite(bytes: Buffer): number {
    try {
      return writeSync(this.#fd, bytes)
    } catch (error) {
      const { code, message } = error as NodeJS.ErrnoException
      if (code === 'EAGAIN') {
        this.#timer = setTimeout(() => this.#send(), RETRY_MS)
        return -1
      }
      if (code === 'EPIPE') {
        this.#closed = true
        this.#options.onClosed()
        return -1
      }
      this.#giveUp(message)
      return -1
    }
  }

  /** What is left of a chunk will not be written; lines of it that were stay counted. */
  #abandon({ bytes, lines }: Chunk): void {
    const left = Math.min(lines, linesIn(bytes))
    this.#droppedError += left
    this.#written += lines - left
  }

  /** A line that is cut must not swallow the next one, so it is ended before anything else is written. */
  #dropHead(): void {
    const head = this.#queue.shift()
    if (head === undefined) return
    this.#queued -= head.bytes.length
    this.#abandon(head)
    if (!this.#torn) return
    this.#torn = false
    this.#queue.unshift(LINE_END)
    this.#queued += LINE_END.bytes.length
  }

  /** The head of the queue cannot be written: count it, say so once, try the rest later. */
  #giveUp(message: string): void {
    if (this.#queue[0] !== LINE_END) this.#dropHead()
    if (!this.#failing) this.#options.onError(`Output ${this.name}: ${message}`)
    this.#failing = true
    this.#timer = setTimeout(() => this.#send(), RETRY_MS)
  }
}

/** What the descriptor outputs of a configuration share. */
export type Handlers = Pick<FdOutputOptions, 'onClosed' | 'onError' | 'writeText' | 'maxQueued'> & {
  /** Something worth a line in the log that is no error. */
  readonly onInfo?: (message: string) => void
}

/** Lines to standard output. */
export function openStdoutOutput(handlers: Handlers): FdOutput {
  const fd = nonBlockingStdout()
  return new FdOutput({ name: 'stdout', fd: fd ?? 1, owned: fd !== undefined, ...handlers })
}

/**
 * A pipe or terminal that nobody reads must not stop the agent, so writes to it must not block. O_NONBLOCK belongs to the
 * open file, which the shell and other processes share with us: it is set on one of our own, opened anew. Undefined where
 * descriptor 1 itself serves: for files, which never block for long, and for sockets.
 */
function nonBlockingStdout(): number | undefined {
  try {
    const stat = fstatSync(1)
    // A socket (a service's journal, a parent in Node) cannot be opened anew: Node makes it non-blocking when it opens its
    // own stream for it.
    if (stat.isSocket()) void process.stdout
    if (!stat.isFIFO() && !stat.isCharacterDevice()) return undefined
    return openSync('/proc/self/fd/1', constants.O_WRONLY | constants.O_NONBLOCK | constants.O_NOCTTY)
  } catch {
    return undefined
  }
}

/** When a file is put aside, and how many of those are kept. 0 for `bytes` and `seconds` is never. */
export interface Rotation {
  readonly bytes: number
  readonly seconds: number
  readonly keep: number
}

/** What a file output can be told. */
interface FileOptions {
  /** The open file is written to whatever becomes of its name; otherwise the name is followed. */
  readonly keepAlive: boolean
  readonly rotation?: Rotation
}

/** Lines appended to a file, which is made with mode 0600. Throws when it cannot be opened. */
export function openFileOutput(
  file: string,
  { keepAlive, rotation }: FileOptions,
  handlers: Handlers,
): FdOutput {
  const { onError } = handlers
  const anew = (): number | undefined => {
    try {
      return openToAppend(file)
    } catch (error) {
      onError(`Output ${file}: it cannot be opened anew: ${(error as Error).message}`)
      return undefined
    }
  }
  const about = { name: file, fd: openToAppend(file), owned: true, anew, ...handlers }
  return new FdOutput(keepAlive ? about : { ...about, next: nameFollower(file, onError, rotation) })
}

const { O_WRONLY, O_APPEND, O_CREAT, O_NONBLOCK, O_NOCTTY } = constants

/** A file to append to. A pipe in its place keeps nobody waiting, neither for a reader nor for room. */
export function openToAppend(file: string): number {
  try {
    return openSync(file, O_WRONLY | O_APPEND | O_CREAT | O_NONBLOCK | O_NOCTTY, 0o600)
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'ENXIO') throw error
    throw new Error('nobody reads this pipe', { cause: error })
  }
}

/**
 * Opens the file anew when its name leads somewhere else: it was moved away or removed, or is due to be put aside. Where
 * that is not possible lines go on to the old file, which is said once.
 */
function nameFollower(
  file: string,
  onError: (message: string) => void,
  rotation: Rotation = { bytes: 0, seconds: 0, keep: 0 },
): (fd: number) => number | undefined {
  let failing = false
  return (fd) => {
    try {
      const [open, named] = [fstatSync(fd), statSync(file, { throwIfNoEntry: false })]
      const isSame = named?.ino === open.ino && named.dev === open.dev
      const due = isSame && isDue(open, rotation)
      if (due) putAside(file, rotation.keep)
      const next = isSame && !due ? undefined : openToAppend(file)
      failing = false
      return next
    } catch (error) {
      if (!failing)
        onError(`Output ${file}: it was moved away and cannot be made anew: ${(error as Error).message}`)
      failing = true
      return undefined
    }
  }
}

const isDue = ({ size, birthtimeMs }: Stats, { bytes, seconds }: Rotation): boolean =>
  (bytes > 0 && size >= bytes) || (seconds > 0 && size > 0 && Date.now() - birthtimeMs >= seconds * 1000)

/** `file.1` becomes `file.2`, and so on; the last one goes. */
function putAside(file: string, keep: number): void {
  if (keep === 0) {
    unlinkSync(file)
    return
  }
  for (let i = keep - 1; i >= 1; i--)
    if (existsSync(`${file}.${i}`)) renameSync(`${file}.${i}`, `${file}.${i + 1}`)
  renameSync(file, `${file}.1`)
}
