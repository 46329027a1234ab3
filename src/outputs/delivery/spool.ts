/**
 * A queue on disk. A message is in it once `push` returns, whatever becomes of the process then (not of the machine: nothing
 * waits for the disk). Files of records in a private directory, the oldest read first and removed when all of it has been
 * delivered; beside them where reading has come to. What was delivered shortly before a kill is delivered again: the id of
 * an alert tells.
 *
 * A record is a line: CRC-32 of the rest in 8 hexadecimal digits, a space, id and text as a JSON array. A line that does not
 * agree with its sum is passed over and counted.
 */
import {
  chmodSync,
  closeSync,
  constants,
  ftruncateSync,
  lstatSync,
  mkdirSync,
  openSync,
  readdirSync,
  readFileSync,
  readSync,
  statSync,
  unlinkSync,
  writeSync,
} from 'node:fs'
import { join } from 'node:path'
import { crc32 } from 'node:zlib'
import type { Spool } from './delivery.ts'
import type { Message } from './message.ts'

export interface SpoolOptions {
  /** Made when it is not there; nobody but us may look into it. */
  readonly directory: string
  /** Most bytes of all files. */
  readonly mostBytes: number
  /** A message for the log, once for each run of failures. */
  readonly onError: (message: string) => void
}

/** A file with the messages in it that wait, and where those begin. */
interface Segment {
  readonly path: string
  size: number
  waiting: number
  /** Bytes that are done with. */
  done: number
}

/** A record that was read, and the bytes it takes with damaged ones in front of it. */
interface Ahead {
  readonly message: Message
  readonly bytes: number
}

const SEGMENT_BYTES = 1 << 20
/** A full spool must get room again before all of it is delivered. */
const SEGMENTS_LEAST = 8
const READ_BYTES = 1 << 16
const POSITION = 'position'
const { O_APPEND, O_CREAT, O_EXCL, O_NOFOLLOW, O_RDWR } = constants
const LINE_FEED = 10

/** Open it with what was left by whoever had it before. Throws when the directory cannot be used. */
export function openSpool(options: SpoolOptions): Spool {
  makePrivate(options.directory)
  return new DiskQueue(options)
}

class DiskQueue implements Spool {
  readonly #options: SpoolOptions
  readonly #segments: Segment[] = []
  readonly #position: number
  #mostBytes = 0
  #segmentBytes = 0
  /** Of the newest segment, which is the one written to. */
  #writing: number | undefined
  /** Of the oldest, while it is read. */
  #reading: number | undefined
  #ahead: Ahead[] = []
  /** Where reading has come to in the oldest, and the beginning of a record that is read already. */
  #readTo = 0
  #rest: Buffer = Buffer.alloc(0)
  /** Damaged bytes before the next record: they go with it. */
  #skipped = 0
  #waiting = 0
  #bytes = 0
  #next = 1
  #failing = false
  damaged = 0

  constructor(options: SpoolOptions) {
    this.#options = options
    this.resize(options.mostBytes)
    this.#position = openSync(join(options.directory, POSITION), O_RDWR | O_CREAT | O_NOFOLLOW, 0o600)
    this.#find()
  }

  get directory(): string {
    return this.#options.directory
  }

  resize(mostBytes: number): void {
    this.#mostBytes = mostBytes
    this.#segmentBytes = Math.min(SEGMENT_BYTES, mostBytes / SEGMENTS_LEAST)
  }

  get waiting(): number {
    return this.#waiting
  }

  get bytes(): number {
    return this.#bytes
  }

  push(message: Message): boolean {
    const line = lineOf(message)
    if (this.#bytes + line.length > this.#mostBytes) return false
    try {
      const segment = this.#segmentFor(line.length)
      this.#append(segment, line)
      segment.size += line.length
      segment.waiting++
      this.#bytes += line.length
      this.#waiting++
      this.#failing = false
      return true
    } catch (error) {
      this.#complain(error as Error)
      return false
    }
  }

  peek(most: number): readonly Message[] {
    try {
      while (this.#ahead.length < most && this.#readMore());
    } catch (error) {
      this.#complain(error as Error)
    }
    return this.#ahead.slice(0, most).map(({ message }) => message)
  }

  remove(count: number): void {
    const [segment] = this.#segments
    const gone = this.#ahead.splice(0, count)
    if (segment === undefined || gone.length === 0) return
    segment.done += gone.reduce((sum, { bytes }) => sum + bytes, 0)
    segment.waiting -= gone.length
    this.#waiting -= gone.length
    if (segment.waiting === 0) this.#removeOldest(segment)
    else this.#note(segment)
  }

  close(): void {
    for (const fd of [this.#writing, this.#reading, this.#position]) if (fd !== undefined) closeSync(fd)
    this.#writing = undefined
    this.#reading = undefined
  }

  /** Segments that are there already, the oldest first, without what was delivered. */
  #find(): void {
    const { directory } = this.#options
    const names = readdirSync(directory)
      .filter((name) => /^\d{12}\.spool$/.test(name))
      .sort()
    const [current = '', done = '0'] = readFileSync(this.#position, 'utf8').trim().split(/\s+/)
    for (const name of names) {
      const path = join(directory, name)
      this.#next = Number(name.slice(0, 12)) + 1
      if (!lstatSync(path).isFile()) continue
      const bytes = readFileSync(path)
      const from = name === current ? Math.min(Number(done) || 0, bytes.length) : 0
      const waiting = linesIn(bytes, from)
      // The last record of a file may have been written in part.
      if (waiting === 0) unlinkSync(path)
      else {
        this.#segments.push({ path, size: bytes.length, waiting, done: from })
        this.#bytes += bytes.length
        this.#waiting += waiting
      }
    }
  }

  #segmentFor(length: number): Segment {
    const last = this.#segments.at(-1)
    if (this.#writing !== undefined && last !== undefined && last.size + length <= this.#segmentBytes)
      return last
    const path = join(this.#options.directory, `${String(this.#next).padStart(12, '0')}.spool`)
    const fd = openSync(path, O_RDWR | O_CREAT | O_EXCL | O_APPEND | O_NOFOLLOW, 0o600)
    this.#next++
    if (this.#writing !== undefined) closeSync(this.#writing)
    this.#writing = fd
    const segment: Segment = { path, size: 0, waiting: 0, done: 0 }
    this.#segments.push(segment)
    return segment
  }

  /** All of it or nothing: a full disk takes the beginning of a record. */
  #append(segment: Segment, line: Buffer): void {
    let written = 0
    try {
      written = writeSync(this.#writing!, line)
    } finally {
      if (written < line.length) this.#undo(segment)
    }
    if (written < line.length) throw new Error('no space left on the disk')
  }

  #undo(segment: Segment): void {
    try {
      ftruncateSync(this.#writing!, segment.size)
    } catch (error) {
      this.#complain(error as Error)
    }
    if (segment.waiting > 0) return
    // Nothing else is in it.
    this.#segments.pop()
    closeSync(this.#writing!)
    this.#writing = undefined
    unlinkSync(segment.path)
  }

  /** Read on in the oldest segment; false when there is no more in it for now. */
  #readMore(): boolean {
    const [segment] = this.#segments
    if (segment === undefined || this.#ahead.length >= segment.waiting) return false
    if (this.#reading === undefined) {
      this.#reading = openSync(segment.path, constants.O_RDONLY | O_NOFOLLOW)
      this.#readTo = segment.done
      this.#rest = Buffer.alloc(0)
      this.#skipped = 0
    }
    const buffer = Buffer.allocUnsafe(READ_BYTES)
    const n = readSync(this.#reading, buffer, 0, READ_BYTES, this.#readTo)
    if (n === 0) return this.#endOfFile(segment)
    this.#readTo += n
    this.#parse(Buffer.concat([this.#rest, buffer.subarray(0, n)]), segment)
    return true
  }

  /** There are fewer records in the file than there were: somebody else had a hand in it. */
  #endOfFile(segment: Segment): boolean {
    this.#lose(segment, segment.waiting - this.#ahead.length)
    if (segment.waiting > 0) return false
    this.#removeOldest(segment)
    return true
  }

  #parse(bytes: Buffer, segment: Segment): void {
    let at = 0
    for (let end = bytes.indexOf(LINE_FEED); end >= 0; end = bytes.indexOf(LINE_FEED, at)) {
      const message = messageOf(bytes.subarray(at, end))
      const length = end + 1 - at
      at = end + 1
      if (message === undefined) {
        this.#skipped += length
        this.#lose(segment, 1)
      } else {
        this.#ahead.push({ message, bytes: length + this.#skipped })
        this.#skipped = 0
      }
    }
    this.#rest = bytes.subarray(at)
    if (segment.waiting === 0) this.#removeOldest(segment)
  }

  #lose(segment: Segment, count: number): void {
    this.damaged += count
    this.#waiting -= count
    segment.waiting -= count
  }

  #removeOldest(segment: Segment): void {
    this.#segments.shift()
    this.#bytes -= segment.size
    if (this.#reading !== undefined) closeSync(this.#reading)
    this.#reading = undefined
    this.#ahead = []
    if (this.#segments.length === 0 && this.#writing !== undefined) {
      closeSync(this.#writing)
      this.#writing = undefined
    }
    try {
      unlinkSync(segment.path)
    } catch (error) {
      this.#complain(error as Error)
    }
  }

  /** Where reading begins after a start. It is small enough to be written in one go, or not at all. */
  #note({ path, done }: Segment): void {
    const name = path.slice(path.lastIndexOf('/') + 1)
    try {
      writeSync(this.#position, `${name} ${String(done).padStart(15)}\n`, 0)
    } catch (error) {
      this.#complain(error as Error)
    }
  }

  #complain(error: Error): void {
    if (!this.#failing) this.#options.onError(`spool ${this.#options.directory}: ${error.message}`)
    this.#failing = true
  }
}

function lineOf({ id, text }: Message): Buffer {
  const json = JSON.stringify([id, text])
  return Buffer.from(`${crc32(json).toString(16).padStart(8, '0')} ${json}\n`)
}

function messageOf(line: Buffer): Message | undefined {
  if (line.length < 10 || line.subarray(0, 8).toString('latin1') !== sumOf(line.subarray(9))) return undefined
  try {
    const [id, text] = JSON.parse(line.subarray(9).toString()) as [string, string]
    return { id, text }
  } catch {
    return undefined
  }
}

const sumOf = (bytes: Buffer): string => crc32(bytes).toString(16).padStart(8, '0')

function linesIn(bytes: Buffer, from: number): number {
  let lines = 0
  for (let at = bytes.indexOf(LINE_FEED, from); at >= 0; at = bytes.indexOf(LINE_FEED, at + 1)) lines++
  return lines
}

/** A directory of our own: alerts are nobody else's to read, and nobody else's to write. */
function makePrivate(directory: string): void {
  mkdirSync(directory, { recursive: true, mode: 0o700 })
  const { uid } = lstatSync(directory)
  if (!lstatSync(directory).isDirectory() || uid !== process.geteuid!())
    throw new Error(`the spool '${directory}' is no directory of ours`)
  if ((statSync(directory).mode & 0o077) !== 0) chmodSync(directory, 0o700)
}
