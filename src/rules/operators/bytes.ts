/** `bcontains`, `bstartswith`: the literal is written in hexadecimal. */
import { decodeBytes, encodeText } from '../../decode/str.ts'

/** Bytes of an even number of hexadecimal digits; undefined when the text is none. */
export function parseHex(text: string): Uint8Array | undefined {
  return text.length > 0 && text.length % 2 === 0 && /^[0-9a-fA-F]+$/.test(text)
    ? Uint8Array.from(Buffer.from(text, 'hex'))
    : undefined
}

/**
 * Throws RangeError for text that is not hexadecimal. Text stands for its bytes one to one, so that the bytes are sought
 * as text; a needle that begins or ends inside a character is sought byte by byte.
 */
export function bytesTest(op: 'bcontains' | 'bstartswith', hex: string): (text: string) => boolean {
  const bytes = parseHex(hex)
  if (!bytes) throw new RangeError(`'${hex}' is not an even number of hexadecimal digits`)
  const needle = decodeBytes(bytes)
  if (needle.isWellFormed())
    return op === 'bcontains' ? (text) => text.includes(needle) : (text) => text.startsWith(needle)
  return op === 'bcontains'
    ? (text) => findBytes(text, bytes) >= 0
    : (text) => findBytes(text, bytes, true) === 0
}

/** The needle's broken characters may be halves of whole ones in the text. */
function findBytes(text: string, bytes: Uint8Array, atStart = false): number {
  const haystack = textBytes(text)
  if (!atStart) return haystack.indexOf(bytes)
  return haystack.subarray(0, bytes.length).equals(bytes) ? 0 : -1
}

const textBytes = (text: string): Buffer => {
  const bytes = encodeText(text)
  return Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength)
}
