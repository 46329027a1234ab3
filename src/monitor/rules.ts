/**
 * Suspicious writes as rules with a threshold: one for the general quota and one for each path with a quota of its own.
 * They are written in the rule language and go through its loader like any other.
 */
import { quoteText } from '../rules/condition/quoting.ts'
import { durationText } from '../rules/duration.ts'
import type { MonitorOptions, QuotaOverride } from './options.ts'

/** Name of the rule; those of paths with a quota of their own have the path behind it. */
export const SUSPICIOUS = 'Suspiciously active file'

/** Data was written to a file: not to a pipe, a socket or a terminal, and not to what swallows everything. */
const WRITES = [
  'evt.type in (write, writev, pwrite64, copy_file_range)',
  'evt.failed = false',
  'fd.type = file',
  'not fd.name in (/dev/null, /dev/zero, /dev/full, /dev/tty, /dev/console, /dev/ptmx, "")',
  'not fd.name startswith /dev/pts/',
].join(' and ')

/** The rule file for these options; empty text when writes are not watched. */
export function monitorRules(options: MonitorOptions): string {
  const { quota, overrides } = options
  if (quota === undefined) return ''
  const rules = [
    ...overrides.map((override) => {
      const longer = overrides.filter((other) => isBelow(other, override)).flatMap(({ paths }) => paths)
      return ruleOf(
        `${SUSPICIOUS} (below ${override.paths[0]})`,
        override.quota,
        override.paths,
        longer,
        options,
      )
    }),
    ruleOf(
      SUSPICIOUS,
      quota,
      [],
      overrides.flatMap(({ paths }) => paths),
      options,
    ),
  ]
  return JSON.stringify(rules, undefined, 1)
}

/** Does one override say more about some path than the other? */
const isBelow = (other: QuotaOverride, override: QuotaOverride): boolean =>
  other !== override &&
  other.paths.some((path) =>
    override.paths.some((above) => path !== above && path.startsWith(above === '/' ? '/' : `${above}/`)),
  )

function ruleOf(
  rule: string,
  quota: number,
  only: readonly string[],
  but: readonly string[],
  { paths, ignore, windowNs }: MonitorOptions,
): object {
  const window = durationText(windowNs)
  const terms = [WRITES]
  for (const wanted of [paths, only]) if (wanted.length > 0) terms.push(within(wanted))
  for (const unwanted of [ignore, but]) if (unwanted.length > 0) terms.push(`not ${within(unwanted)}`)
  return {
    rule,
    desc: `A process wrote to one file more than ${quota} times within ${window}.`,
    condition: terms.join(' and '),
    output: `"%fd.name" is suspiciously active (writes=%threshold.count within=${window} quota=${quota} process=%proc.name pid=%proc.pid exe=%proc.exepath command=%proc.cmdline user=%user.name)`,
    priority: 'WARNING',
    tags: ['file', 'monitor'],
    threshold: { count: quota + 1, window, by: ['proc.pid', 'proc.pid.ts', 'fd.name'] },
  }
}

/** The path is one of these or below one, by whole components. */
function within(paths: readonly string[]): string {
  const below = paths.map((path) => quoteText(path === '/' ? '/' : `${path}/`))
  return `(fd.name in (${paths.map(quoteText).join(', ')}) or fd.name startswith oneof (${below.join(', ')}))`
}
