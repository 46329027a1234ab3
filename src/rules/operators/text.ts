/** Text comparisons that mean the same as comparisons of the bytes (see decode/str.ts for bytes that are not UTF-8). */
import { encodeText } from '../../decode/str.ts'

/** Order of the bytes: negative, zero or positive. */
export function compareText(a: string, b: string): number {
  const length = Math.min(a.length, b.length)
  for (let i = 0; i < length; i++) {
    const x = a.charCodeAt(i)
    const y = b.charCodeAt(i)
    if (x === y) continue
    // Below the surrogates UTF-16 and UTF-8 agree. Above them only the bytes tell; that text is rare.
    if (x < 0xd800 && y < 0xd800) return x - y
    return Buffer.compare(encodeText(a), encodeText(b))
  }
  return a.length - b.length
}

export const foldCode = (code: number): number => (code >= 0x41 && code <= 0x5a ? code | 0x20 : code)

/** Substring test that takes ASCII letters of either case as equal. */
export function containsFolded(needle: string): (text: string) => boolean {
  const wanted = asciiLower(needle)
  const size = wanted.length
  if (size === 0) return () => true
  const first = wanted.charCodeAt(0)
  return (text) => {
    for (let i = 0; i + size <= text.length; i++) {
      if (foldCode(text.charCodeAt(i)) !== first) continue
      let k = 1
      while (k < size && foldCode(text.charCodeAt(i + k)) === wanted.charCodeAt(k)) k++
      if (k === size) return true
    }
    return false
  }
}

export const asciiLower = (text: string): string => text.replace(/[A-Z]+/g, (run) => run.toLowerCase())
export const asciiUpper = (text: string): string => text.replace(/[a-z]+/g, (run) => run.toUpperCase())
