/** NUL-separated vectors of records: argv and environment. */
import { decodeBytes } from '../decode/str.ts'

/** Strings of a NUL-separated vector; a last one without NUL counts. */
export function splitVector(bytes: Uint8Array | undefined): readonly string[] {
  if (bytes === undefined || bytes.length === 0) return []
  return splitText(decodeBytes(bytes))
}

/** The same of a vector that is text already; it has at least one string. */
export function splitText(text: string): readonly string[] {
  return (text.endsWith('\0') ? text.slice(0, -1) : text).split('\0')
}
