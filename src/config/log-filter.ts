/** Log levels in the words of Rust's tracing: `info`, `warn`, `rand_guard=debug,info`. */

const LEVELS: Readonly<Record<string, string>> = {
  trace: 'trace',
  debug: 'debug',
  info: 'info',
  warn: 'warning',
  warning: 'warning',
  error: 'error',
  // The quietest there is: what stops the agent is always said.
  off: 'error',
}

/** Words that can stand in a filter, for messages. */
export const FILTER_LEVELS = Object.keys(LEVELS)

/** Programs whose directives are meant for us. */
const OUR_TARGETS: ReadonlySet<string> = new Set(['rand_guard', 'rand-guard', 'tarsier'])

/** Directives of one filter. */
const MAX_DIRECTIVES = 64

export type LogFilter = { readonly level: string } | { readonly problem: string }

/**
 * The level of a filter: directives `level` and `target=level`, separated by commas. One for our name comes first, then
 * the one without a target; directives for other programs are none of our business, and without any of ours only errors
 * are logged, as tracing has it.
 */
export function parseLogFilter(filter: string): LogFilter {
  const directives = filter.split(',').map((directive) => directive.trim())
  if (directives.length > MAX_DIRECTIVES) return { problem: `it has more than ${MAX_DIRECTIVES} directives` }
  let plain: string | undefined
  let ours: string | undefined
  for (const directive of directives) {
    if (directive === '') continue
    const equals = directive.lastIndexOf('=')
    const word = directive.slice(equals + 1).toLowerCase()
    const level = Object.hasOwn(LEVELS, word) ? LEVELS[word] : undefined
    if (equals >= 0 && !OUR_TARGETS.has(directive.slice(0, equals).split('::')[0]!)) continue
    if (level === undefined) return { problem: `'${directive.slice(0, 100)}' is not a level` }
    if (equals < 0) plain = level
    else ours = level
  }
  return { level: ours ?? plain ?? 'error' }
}
