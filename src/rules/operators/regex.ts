/**
 * `regex`: the whole text must match a POSIX extended expression. RE2 in POSIX mode: no Perl classes, no lazy
 * repetition, no look-around, linear time; `^` and `$` stand for the ends of lines. Which of several matches is the
 * longest makes no difference to a test of the whole text. The engine reads Perl's syntax, which differs in one place
 * that the checks below leave: two repetitions in a row repeat the repetition in POSIX (`a+?` is `(a+)?`).
 */
import { RE2JS, RE2JSException } from 're2js'

/** Why a pattern is no POSIX expression, undefined when it is one. */
export function regexProblem(pattern: string): string | undefined {
  const compiled = checked(pattern)
  return typeof compiled === 'string' ? compiled : undefined
}

/** A compiled pattern, or what is wrong with it. */
function checked(pattern: string): RE2JS | string {
  const perl = perlSyntax(pattern)
  if (perl !== undefined) return `'${perl}' is not available in POSIX expressions`
  if (regexSteps(pattern) > MAX_STEPS)
    return `it has more than ${MAX_STEPS} steps when its repetitions are written out`
  try {
    return compile(pattern)
  } catch (error) {
    if (error instanceof RE2JSException) return error.message.replace(/^error parsing regexp: /, '')
    throw error
  }
}

/** The test whether a whole text matches. Throws RangeError for an invalid pattern. */
export function regexTest(pattern: string): (text: string) => boolean {
  const literal = literalOf(pattern)
  if (literal !== undefined) return (text) => text === literal
  const compiled = checked(pattern)
  if (typeof compiled === 'string') throw new RangeError(compiled)
  // Bytes that are not UTF-8 are seen as U+FFFD.
  return (text) => compiled.testExact(text.isWellFormed() ? text : text.toWellFormed())
}

const compile = (pattern: string): RE2JS =>
  RE2JS.compile(unstacked(pattern), RE2JS.LONGEST_MATCH | RE2JS.DISABLE_UNICODE_GROUPS | RE2JS.MULTILINE)

const REPETITION = /[*+?]+|\{[0-9]+(?:,[0-9]*)?\}/y
/** An escape of several characters, or of one. */
const ESCAPE = /\\(?:x\{[0-9A-Fa-f]*\}|x[0-9A-Fa-f]{2}|[0-7]{1,3}|[\s\S])?/y
/** Repetitions of repetitions: more than anybody means. */
const MAX_STACKED = 20

/** The same expression with `(?:...)` around what is repeated twice. */
function unstacked(pattern: string): string {
  if (!/[*+?}][*+?{]/.test(pattern)) return pattern
  let out = ''
  let atom = 0
  let stacked = -1
  const groups: number[] = []
  for (let i = 0; i < pattern.length; ) {
    const repetition = matchAt(REPETITION, pattern, i)
    if (repetition !== undefined) {
      if (++stacked > MAX_STACKED)
        throw new RE2JSException(`error parsing regexp: more than ${MAX_STACKED} repetitions of one piece`)
      out = (stacked > 0 ? `${out.slice(0, atom)}(?:${out.slice(atom)})` : out) + oneOf(repetition)
      i += repetition.length
      continue
    }
    stacked = -1
    const end =
      pattern[i] === '[' ? bracketEnd(pattern, i) + 1 : i + (matchAt(ESCAPE, pattern, i)?.length ?? 1)
    atom = pattern[i] === ')' ? (groups.pop() ?? out.length) : out.length
    if (pattern[i] === '(') groups.push(out.length)
    out += pattern.slice(i, end)
    i = end
  }
  return out
}

function matchAt(regex: RegExp, text: string, at: number): string | undefined {
  regex.lastIndex = at
  return regex.exec(text)?.[0]
}

/** `*`, `+` and `?` in a row mean one of them. */
const oneOf = (repetition: string): string =>
  /^(?:\++|\?+|\{.*)$/.test(repetition) ? (repetition[0] === '{' ? repetition : repetition[0]!) : '*'

const COUNT = /\{[0-9]{1,6}(?:,[0-9]{0,6})?\}/y

/** A text is matched in time proportional to its length and this. */
const MAX_STEPS = 50_000

/** About how many pieces a pattern has when its repetitions are written out. Takes any text. */
export function regexSteps(pattern: string): number {
  const groups: number[] = []
  let sum = 0
  let atom = 0
  for (let i = 0; i < pattern.length; ) {
    const count = matchAt(COUNT, pattern, i)
    if (count !== undefined) {
      const times = Math.max(1, ...count.slice(1, -1).split(',').map(Number))
      sum += atom * (times - 1)
      atom *= times
      i += count.length
      continue
    }
    const end =
      pattern[i] === '[' ? bracketEnd(pattern, i) + 1 : i + (matchAt(ESCAPE, pattern, i)?.length ?? 1)
    if (pattern[i] === '(') {
      groups.push(sum)
      atom = 0
    } else if (pattern[i] === ')') {
      const before = groups.pop() ?? 0
      atom = sum - before + 1
      sum += 1
    } else if (!'*+?|'.includes(pattern[i]!)) {
      atom = 1
      sum += 1
    }
    i = end
  }
  return sum
}

/** First piece of Perl syntax that POSIX mode does not have. */
function perlSyntax(pattern: string): string | undefined {
  for (let i = 0; i < pattern.length; i++) {
    const two = pattern.slice(i, i + 2)
    if (two[0] === '\\') {
      if (/^\\[dDsSwWbBAzZQEpPkKGR1-9]$/.test(two)) return two
      i++
    } else if (two === '(?') return pattern.slice(i, i + 3)
    else if (two[0] === '[') {
      const end = bracketEnd(pattern, i)
      const perl = /\\[dDsSwW]/.exec(pattern.slice(i, end))
      if (perl) return perl[0]
      i = end
    }
  }
  return undefined
}

/** Index of the `]` that closes the bracket expression at `open`, or the end of the pattern. */
function bracketEnd(pattern: string, open: number): number {
  let i = open + (pattern[open + 1] === '^' ? 2 : 1)
  if (pattern[i] === ']') i++
  for (; i < pattern.length && pattern[i] !== ']'; i++) {
    if (pattern[i] === '\\') i++
    else if (pattern.startsWith('[:', i)) i = Math.max(i, pattern.indexOf(':]', i) + 1)
  }
  return i
}

/** What a pattern without any operator matches; undefined for other patterns. */
export function literalOf(pattern: string): string | undefined {
  if (!/^(?:[^\\.^$|()[\]{}*+?]|\\[^0-9A-Za-z])*$/su.test(pattern)) return undefined
  return pattern.replace(/\\(.)/gsu, '$1')
}

/** How a pattern can be written with a simpler operator: `abc.*` is `startswith abc`. */
export function simplerThanRegex(
  pattern: string,
): { op: '=' | 'startswith' | 'endswith' | 'contains'; text: string } | undefined {
  const open = /^\^?\.\*/.exec(pattern)?.[0]
  const body = pattern.slice(open?.length ?? (pattern.startsWith('^') ? 1 : 0))
  const close = /(?<!\\)\.\*\$?$/.exec(body)?.[0]
  const text = literalOf(body.slice(0, body.length - (close?.length ?? (/(?<!\\)\$$/.test(body) ? 1 : 0))))
  if (text === undefined || text === '') return undefined
  const op =
    open !== undefined
      ? close !== undefined
        ? 'contains'
        : 'endswith'
      : close !== undefined
        ? 'startswith'
        : '='
  return { op, text }
}
