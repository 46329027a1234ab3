/**
 * `regex`: the whole text must match a POSIX extended expression. RE2 in POSIX mode: no Perl classes, no lazy
 * repetition, no look-around, linear time. Which of several matches is the longest makes no difference to a test of the
 * whole text.
 */
import { RE2JS, RE2JSException } from 're2js'

/** Why a pattern is no POSIX expression, undefined when it is one. */
export function regexProblem(pattern: string): string | undefined {
  const perl = perlSyntax(pattern)
  if (perl !== undefined) return `'${perl}' is not available in POSIX expressions`
  try {
    compile(pattern)
    return undefined
  } catch (error) {
    if (error instanceof RE2JSException) return error.message.replace(/^error parsing regexp: /, '')
    throw error
  }
}

/** The test whether a whole text matches. Throws RangeError for an invalid pattern. */
export function regexTest(pattern: string): (text: string) => boolean {
  const literal = literalOf(pattern)
  if (literal !== undefined) return (text) => text === literal
  const problem = regexProblem(pattern)
  if (problem !== undefined) throw new RangeError(problem)
  const compiled = compile(pattern)
  // Bytes that are not UTF-8 are seen as U+FFFD.
  return (text) => compiled.testExact(text.isWellFormed() ? text : text.toWellFormed())
}

const compile = (pattern: string): RE2JS =>
  RE2JS.compile(pattern, RE2JS.LONGEST_MATCH | RE2JS.DISABLE_UNICODE_GROUPS)

/** First piece of Perl syntax that POSIX mode does not have. */
function perlSyntax(pattern: string): string | undefined {
  for (let i = 0; i < pattern.length; i++) {
    const two = pattern.slice(i, i + 2)
    if (two[0] === '\\') {
      if (/^\\[dDsSwWbBAzZQEpPkKGR1-9]$/.test(two)) return two
      i++
    } else if (two === '(?') return pattern.slice(i, i + 3)
    else if (/^[*+?}][?+]$/.test(two) && !(two[0] === '}' && !repeatEnds(pattern, i))) return two
    else if (two[0] === '[') {
      const end = bracketEnd(pattern, i)
      const perl = /\\[dDsSwW]/.exec(pattern.slice(i, end))
      if (perl) return perl[0]
      i = end
    }
  }
  return undefined
}

const repeatEnds = (pattern: string, at: number): boolean =>
  /\{[0-9]+(?:,[0-9]*)?$/.test(pattern.slice(Math.max(0, at - 12), at))

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
