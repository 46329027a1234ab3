/**
 * Interned strings: event text exists once, and what rules found out about it hangs on it.
 *
 * Bytes that are not valid UTF-8 become lone surrogates U+DC80..U+DCFF (one for each byte), so text is lossless:
 * comparison, prefix and suffix tests on it mean the same as on the bytes, and outputs can give the exact bytes back.
 */

/** What findings of the predicate table can hang on. It owns them (see detect/predicates.ts); everyone else leaves them alone. */
export interface Marked {
  /** By predicate group: what its predicates say. */
  marks: (object | undefined)[]
  /** What `marks` belongs to: of anything else they are void. */
  marksOf: object | undefined
}

/** A string seen in events. Two events with the same bytes hold the same object while it stays cached. */
export class Str implements Marked {
  readonly text: string
  marks: (object | undefined)[] = []
  marksOf: object | undefined = undefined
  /** As which paths it was last seen; of fields/paths.ts. */
  seenAs: object | undefined = undefined
  #directory: Str | undefined
  #base: Str | undefined

  constructor(text: string) {
    this.text = text
  }

  /** Last component of a path: what follows the last slash. */
  get base(): Str {
    this.#base ??= new Str(this.text.slice(this.text.lastIndexOf('/') + 1))
    return this.#base
  }

  /** Path without its last component; `/` for an entry of the root; empty when there is no slash. */
  get directory(): Str {
    if (this.#directory === undefined) {
      const slash = this.text.lastIndexOf('/')
      this.#directory = new Str(slash === 0 ? '/' : this.text.slice(0, Math.max(slash, 0)))
    }
    return this.#directory
  }
}

const decoder = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true })

/** Text of bytes; invalid UTF-8 bytes become U+DC80 + (byte - 0x80). */
export function decodeBytes(bytes: Uint8Array): string {
  let ascii = true
  for (let i = 0; i < bytes.length; i++)
    if (bytes[i]! >= 0x80) {
      ascii = false
      break
    }
  if (ascii) return latin1(bytes)
  try {
    return decoder.decode(bytes)
  } catch {
    return decodeLossless(bytes)
  }
}

const latin1 = (bytes: Uint8Array): string =>
  Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength).toString('latin1')

function decodeLossless(bytes: Uint8Array): string {
  let text = ''
  for (let i = 0; i < bytes.length; ) {
    const length = sequenceLength(bytes, i)
    if (length === 0) {
      text += String.fromCharCode(0xdc00 + bytes[i]!)
      i++
    } else {
      text += length === 1 ? String.fromCharCode(bytes[i]!) : decoder.decode(bytes.subarray(i, i + length))
      i += length
    }
  }
  return text
}

/** Length of the valid UTF-8 sequence at `i`, 0 when there is none (RFC 3629, table 3-7 of the Unicode standard). */
function sequenceLength(bytes: Uint8Array, i: number): number {
  const first = bytes[i]!
  if (first < 0x80) return 1
  const length =
    first >= 0xc2 && first <= 0xdf
      ? 2
      : first >= 0xe0 && first <= 0xef
        ? 3
        : first >= 0xf0 && first <= 0xf4
          ? 4
          : 0
  if (length === 0 || i + length > bytes.length) return 0
  const second = bytes[i + 1]!
  const low = first === 0xe0 ? 0xa0 : first === 0xf0 ? 0x90 : 0x80
  const high = first === 0xed ? 0x9f : first === 0xf4 ? 0x8f : 0xbf
  if (second < low || second > high) return 0
  for (let k = 2; k < length; k++) if ((bytes[i + k]! & 0xc0) !== 0x80) return 0
  return length
}

/** Does the text hold a byte that was not valid UTF-8? */
export const isLossy = (text: string): boolean => /[\udc80-\udcff]/.test(text) && !text.isWellFormed()

/** The exact bytes of a text made by `decodeBytes`. */
export function encodeText(text: string): Uint8Array {
  if (text.isWellFormed()) return Buffer.from(text, 'utf8')
  const parts: Buffer[] = []
  for (const char of text) {
    const code = char.codePointAt(0)!
    parts.push(code >= 0xdc80 && code <= 0xdcff ? Buffer.of(code - 0xdc00) : Buffer.from(char, 'utf8'))
  }
  return Buffer.concat(parts)
}

interface Entry {
  readonly str: Str
  readonly hash: number
  /** Bytes of the string. */
  readonly length: number
  /** The same in words, the last filled up with zeros. */
  readonly words: Uint32Array
  /** Used since the clock hand last passed. */
  used: boolean
}

const EMPTY = new Str('')

/**
 * Bounded table from bytes to `Str`: open addressing on a word hash with exact byte compare, clock eviction.
 * Eviction only costs a later lookup: a `Str` already handed out stays valid.
 */
export class Interner {
  readonly #mask: number
  readonly #slots: (Entry | undefined)[]
  readonly #probes = 8
  /** Strings thrown out to make room, since the start. */
  evictions = 0

  /** `capacity`: entries, rounded up to a power of two. */
  constructor(capacity = 65536) {
    const size = 2 ** Math.ceil(Math.log2(Math.max(capacity, 16)))
    this.#mask = size - 1
    this.#slots = new Array<Entry | undefined>(size)
  }

  /** The string of `length` bytes at `offset` of a buffer whose offset is 4-aligned. */
  get(u8: Uint8Array, u32: Uint32Array, offset: number, length: number): Str {
    if (length === 0) return EMPTY
    const hash = hashWords(u8, u32, offset, length)
    let free = -1
    for (let i = 0; i < this.#probes; i++) {
      const at = (hash + i) & this.#mask
      const entry = this.#slots[at]
      if (entry === undefined) {
        free = at
        break
      }
      if (entry.hash === hash && entry.length === length && sameWords(entry.words, u8, u32, offset, length)) {
        entry.used = true
        return entry.str
      }
    }
    return this.#insert(hash, free, u8.subarray(offset, offset + length))
  }

  /** The `Str` of a text that did not come from a record. */
  intern(text: string): Str {
    const bytes = encodeText(text)
    const padded = new Uint8Array(Math.ceil(bytes.length / 4) * 4)
    padded.set(bytes)
    return this.get(padded, new Uint32Array(padded.buffer), 0, bytes.length)
  }

  #insert(hash: number, free: number, bytes: Uint8Array): Str {
    const str = new Str(decodeBytes(bytes))
    let at = free
    if (at < 0) {
      // The run of probes is full: throw out the first entry not used since the last time we came by.
      at = hash & this.#mask
      for (let i = 0; i < this.#probes; i++) {
        const candidate = (hash + i) & this.#mask
        const entry = this.#slots[candidate]!
        if (!entry.used) {
          at = candidate
          break
        }
        entry.used = false
      }
      this.evictions++
    }
    const padded = new Uint8Array((bytes.length + 3) & ~3)
    padded.set(bytes)
    this.#slots[at] = { str, hash, length: bytes.length, words: new Uint32Array(padded.buffer), used: true }
    return str
  }
}

/** A 32-bit signed hash: small integers in the engine. */
function hashWords(u8: Uint8Array, u32: Uint32Array, offset: number, length: number): number {
  let hash = length
  const first = offset >> 2
  const words = length >> 2
  for (let i = 0; i < words; i++) hash = Math.imul(hash ^ u32[first + i]!, 0x9e3779b1) ^ (hash >>> 15)
  if (length & 3) hash = Math.imul(hash ^ lastWord(u8, offset, length), 0x85ebca6b) ^ (hash >>> 15)
  return hash ^ (hash >>> 13)
}

function sameWords(
  kept: Uint32Array,
  u8: Uint8Array,
  u32: Uint32Array,
  offset: number,
  length: number,
): boolean {
  const first = offset >> 2
  const words = length >> 2
  for (let i = 0; i < words; i++) if (kept[i] !== u32[first + i]) return false
  return (length & 3) === 0 || kept[words] === lastWord(u8, offset, length)
}

/** The 1 to 3 bytes after the last whole word, little-endian. What follows them in memory may be anything. */
function lastWord(u8: Uint8Array, offset: number, length: number): number {
  const from = offset + (length & ~3)
  let word = u8[from]!
  if ((length & 3) > 1) word |= u8[from + 1]! << 8
  if ((length & 3) > 2) word |= u8[from + 2]! << 16
  return word
}
