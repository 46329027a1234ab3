/**
 * Where each character of a YAML scalar's value stands in the file. The YAML reader gives a scalar's value and its range;
 * indentation, folding (YAML 1.2.2 section 6.5), quoting and escapes (section 5.7) lie between the two.
 */

export type ScalarStyle = 'plain' | 'single' | 'double' | 'block'

/** A unit of the raw text: one character, or an escape that stands for other text. */
interface Unit {
  readonly from: number
  readonly to: number
  readonly text: string
  readonly blank: boolean
}

/** Offsets into the file, by UTF-16 unit of the value: where what stands for it begins and ends. */
export interface ScalarOffsets {
  readonly starts: Int32Array
  readonly ends: Int32Array
}

/**
 * Offsets into `source` for every UTF-16 unit of `value`. Words are matched one to one; runs of
 * blanks and line breaks are matched run to run, because folding changes their length.
 */
export function scalarOffsets(
  source: string,
  from: number,
  to: number,
  style: ScalarStyle,
  value: string,
): ScalarOffsets {
  const starts = new Int32Array(value.length)
  const ends = new Int32Array(value.length)
  const put = (i: number, start: number, stop: number): void => {
    starts[i] = start
    ends[i] = stop
  }
  const units = unitsOf(source, from, to, style)
  let unit = units.next()
  let end = from
  for (let i = 0; i < value.length; ) {
    const blank = isBlank(value[i]!)
    // Before a word the rest of the blanks of the file is indentation; an escape without text is a line continuation.
    while (!unit.done && (unit.value.text === '' || (!blank && unit.value.blank))) unit = units.next()
    if (unit.done || (blank && !unit.value.blank)) {
      const at = unit.done ? end : unit.value.from
      put(i++, at, at)
      continue
    }
    end = unit.value.to
    for (let k = 0; k < unit.value.text.length && i < value.length; k++) put(i++, unit.value.from, end)
    unit = units.next()
  }
  return { starts, ends }
}

function* unitsOf(source: string, from: number, to: number, style: ScalarStyle): Generator<Unit, undefined> {
  let at = style === 'plain' ? from : from + 1
  const end = style === 'single' || style === 'double' ? to - 1 : to
  if (style === 'block') {
    const header = source.indexOf('\n', from)
    at = header < 0 ? to : header + 1
  }
  while (at < end) {
    const unit =
      style === 'double' && source[at] === '\\'
        ? escapeUnit(source, at)
        : style === 'single' && source.startsWith("''", at)
          ? { from: at, to: at + 2, text: "'", blank: false }
          : { from: at, to: at + 1, text: source[at]!, blank: isBlank(source[at]!) }
    yield unit
    at = unit.to
  }
  return undefined
}

const HEX_LENGTH: Readonly<Record<string, number>> = { x: 2, u: 4, U: 8 }
const BLANK_ESCAPES = new Set(['n', 't', '\t', 'r', ' '])

function escapeUnit(source: string, at: number): Unit {
  const letter = source[at + 1] ?? ''
  const digits = HEX_LENGTH[letter]
  if (digits !== undefined) {
    const code = Number.parseInt(source.slice(at + 2, at + 2 + digits), 16)
    const text = code > 0 && code <= 0x10ffff ? String.fromCodePoint(code) : '\ufffd'
    return { from: at, to: at + 2 + digits, text, blank: isBlank(text) }
  }
  if (letter === '\n' || letter === '\r') {
    let to = at + 2
    while (isBlank(source[to] ?? 'x')) to++
    return { from: at, to, text: '', blank: false }
  }
  return { from: at, to: at + 2, text: letter, blank: BLANK_ESCAPES.has(letter) }
}

const isBlank = (char: string): boolean => char === ' ' || char === '\n' || char === '\t' || char === '\r'
