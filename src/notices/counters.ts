/** What the kernel side has counted, in the words of Falco's drop notices and metrics. */
import { byProgram, type ProgramCounts } from '../health/ledger.ts'

/** Kinds of calls that Falco counts losses by. */
const CATEGORIES = [
  'clone_fork',
  'execve',
  'connect',
  'open',
  'dir_file',
  'other_interest',
  'close',
  'proc',
] as const
export type Category = (typeof CATEGORIES)[number]

/** Since the start. */
export interface DropCounters {
  /** Events that were to be sent, lost ones included. */
  readonly events: number
  readonly drops: number
  /** For lack of room in a ring. */
  readonly buffer: Readonly<Record<Category, number>>
  /** For lack of memory to build the record in. */
  readonly scratch: number
  /** For other reasons. */
  readonly other: number
}

const KINDS: readonly (readonly [Category, RegExp])[] = [
  ['clone_fork', /fork|clone/],
  ['execve', /exec/],
  ['proc', /exit$/],
  ['connect', /connect/],
  ['open', /open|creat/],
  ['close', /close/],
  ['dir_file', /rename|unlink|mkdir|rmdir|link|chmod|chown|truncate|chdir|chroot|mount/],
]

/** The kind of call that a program reports; `exit_` in front is that of the hook. */
export function categoryOf(program: string): Category {
  const name = program.replace(/^(?:sys_)?(?:exit|enter)_/, '')
  return KINDS.find(([, pattern]) => pattern.test(name))?.[0] ?? 'other_interest'
}

export function dropCounters(ledger: readonly ProgramCounts[]): DropCounters {
  const buffer = Object.fromEntries(CATEGORIES.map((category) => [category, 0])) as Record<Category, number>
  let events = 0
  let scratch = 0
  let other = 0
  let full = 0
  for (const [program, counts] of byProgram(ledger)) {
    const { ring_full, nested, scratch: noScratch, too_big, ...more } = counts.dropped
    buffer[categoryOf(program)] += ring_full
    full += ring_full
    scratch += nested + noScratch
    other += too_big + Object.values<number>(more).reduce((sum, n) => sum + n, 0)
    events += counts.seen - counts.guarded - counts.throttled
  }
  return { events, drops: full + scratch + other, buffer, scratch, other }
}

const NONE: DropCounters = dropCounters([])

/** What has come since `before`. */
export function since(now: DropCounters, before: DropCounters = NONE): DropCounters {
  return {
    events: now.events - before.events,
    drops: now.drops - before.drops,
    buffer: Object.fromEntries(
      CATEGORIES.map((category) => [category, now.buffer[category] - before.buffer[category]]),
    ) as Record<Category, number>,
    scratch: now.scratch - before.scratch,
    other: now.other - before.other,
  }
}

/** Losses under the names they have in Falco's values, without what stands in front. */
export const dropNames = ({
  buffer,
  scratch,
  other,
  drops,
}: DropCounters): Readonly<Record<string, number>> => ({
  n_drops: drops,
  n_drops_buffer_total: Object.values(buffer).reduce((sum, n) => sum + n, 0),
  ...Object.fromEntries(CATEGORIES.map((category) => [`n_drops_buffer_${category}_exit`, buffer[category]])),
  n_drops_scratch_map: scratch,
  n_drops_page_faults: 0,
  n_drops_bug: other,
})

/** Events that were to be sent, and those lost, by CPU. */
export function byCpu(
  ledger: readonly ProgramCounts[],
): readonly { readonly cpu: number; readonly events: number; readonly drops: number }[] {
  const rows = Map.groupBy(ledger, ({ cpu }) => cpu)
  return [...rows]
    .sort(([a], [b]) => a - b)
    .map(([cpu, counts]) => {
      const { events, drops } = dropCounters(counts)
      return { cpu, events, drops }
    })
}
