/**
 * Interned strings: event text exists once, and what rules found out about it hangs on it.
 *
 * Bytes that are not valid UTF-8 become lone surrogates U+DC80..U+DCFF (one for each byte), so text is lossless:
 * comparison, prefix and suffix tests on it mean the same as on the bytes, and outputs can give the exact bytes back.
 */

/** What findings of the predicate table can hang on. It owns them (see detect/marks.ts); everyone else leaves them alone. */
export interface Marked {
  /** The newest finding; the others hang on it. */
  marks: Mark | undefined
  /** What `marks` belongs to: of anything else they are void. */
  marksOf: object | undefined
}

/** Who found out something, and what. */
export interface Mark {
  readonly by: object
  readonly found: object
  readonly next: Mark | undefined
}

/** A string seen in events. Two events with the same bytes hold the same object while it stays cached. */
export class Str implements Marked {
  readonly text: string
  marks: Mark | undefined = undefined
  marksOf: object | undefined = undefined
  /** As which paths it was last seen; of fields/paths.ts. */
  seenAs: object | undefined = undefined
  /** How it is written in JSON, once that was needed; of telemetry/text.ts. */
  json: string | undefined = undefined
  #directory: Str | undefined
  #base: Str | undefined
  #slashed: Str | undefined

  constructor(text: string) {
    this.text = text
  }

  /** Last component of a path: what follows the last slash. */
  get base(): Str {
    this.#base ??= new Str(baseOf(this.text))
    return this.#base
  }

  /** Path without its last component; `/` for an entry of the root; empty when there is no slash. */
  get directory(): Str {
    this.#directory ??= new Str(directoryOf(this.text))
    return this.#directory
  }

  /** A directory with a slash at its end. */
  get slashed(): Str {
    this.#slashed ??= this.text === '' || this.text.endsWith('/') ? this : new Str(`${this.text}/`)
    return this.#slashed
  }
}

/** The same as text: most paths are asked for it once, and need not keep it. */
export const baseOf = (path: string): string => path.slice(path.lastIndexOf('/') + 1)
export function directoryOf(path: string): string {
  const slash = path.lastIndexOf('/')
  return slash === 0 ? '/' : path.slice(0, Math.max(slash, 0))
}

const decoder = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true })

/** Text of bytes; invalid UTF-8 bytes become U+DC80 + (byte - 0x80). */
export function decodeBytes(bytes: Uint8Array): string {
  for (let i = 0; i < bytes.length; i++) if (bytes[i]! >= 0x80) return decodeWide(bytes)
  return Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength).toString('latin1')
}

/** The same where some byte is above 0x7f. */
export function decodeWide(bytes: Uint8Array): string {
  try {
    return decoder.decode(bytes)
  } catch {
    return decodeLossless(bytes)
  }
}

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
