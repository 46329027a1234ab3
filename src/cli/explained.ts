/** What guards decide of rules, as text and JSON. */
import type { SyscallContext } from '../fields/context.ts'
import {
  type ExplainedEvent,
  type Explanation,
  hintFor,
  IN_KERNEL,
  leftToUserSpace,
  limitText,
} from '../guards/explain.ts'
import type { GuardPlan } from '../guards/plan.ts'
import { GUARDED_EVENTS } from '../guards/shapes.ts'
import { didYouMean } from '../rules/condition/suggest.ts'
import type { CompiledRule } from '../rules/ir.ts'
import { visible } from '../rules/render-diagnostics.ts'
import { UserError } from './command.ts'
import type { PassRates } from './pass-rates.ts'
import { wrap } from './table.ts'

type Rule = CompiledRule<SyscallContext>

/** Throws UserError when there is none of that name. */
export function ruleNamed(rules: readonly Rule[], name: string): Rule {
  const found = rules.find((rule) => rule.name.toLowerCase() === name.toLowerCase())
  if (found !== undefined) return found
  const names = rules.map((rule) => rule.name)
  throw new UserError(
    `there is no rule '${name}' for system calls`,
    didYouMean(name, names) ?? "'tarsier rules list' names those there are",
  )
}

const WIDTH = 110
const LABEL = 14

const row = (label: string, text: string): string => {
  const lines = wrap(visible(text), WIDTH - LABEL)
  return `${label.padEnd(LABEL)}${lines.join(`\n${' '.repeat(LABEL)}`)}\n`
}

const WORDS = {
  shape: 'decided by the call itself',
  path: 'looked up by directory, name or ending',
  process: 'looked up by the process',
  argument: 'looked up by an argument of the call',
  socket: 'looked up by the ends of the socket',
} as const

/** For people. `all`: with a summary of the tables. */
export function explanationText(
  plan: GuardPlan,
  explained: readonly Explanation[],
  rates: PassRates | undefined,
  all: boolean,
): string {
  const parts = explained.map((one) => ruleText(one, rates))
  if (all) parts.push(summaryText(plan, explained, rates))
  return parts.join('\n')
}

function ruleText(one: Explanation, rates: PassRates | undefined): string {
  const { rule, events, tests } = one
  const lines = [row('rule', rule.name), ...groupEvents(events).map((text) => row('event', text))]
  for (const { test, verdicts } of tests)
    for (const [verdict, names] of Map.groupBy(verdicts.keys(), (name) => verdicts.get(name)!)) {
      const where = names.length === verdicts.size ? '' : ` (${names.join(', ')})`
      const inKernel = IN_KERNEL.has(verdict)
      const words = inKernel ? WORDS[verdict as keyof typeof WORDS] : verdict
      lines.push(row(inKernel ? 'kernel' : 'user space', `${shortened(test)}: ${words}${where}`))
    }
  const limits = Map.groupBy(
    events.flatMap(({ event, limits: texts }) => texts.map((text) => ({ event, text }))),
    ({ text }) => text,
  )
  for (const [text, members] of limits)
    lines.push(row('limit', `${members.map(({ event }) => event).join(', ')}: ${text}`))
  if (rule.capture !== undefined) lines.push(row('capture', captureText(rule.capture)))
  for (const { event, open, of } of events)
    if (open > 0) lines.push(row('wide open', wideOpenText(one, event, open, of)))
  const rate = rates?.rules.get(rule)
  if (rates !== undefined && rate !== undefined) {
    const offered = rates.offered(events.map(({ event }) => event))
    lines.push(row('live', `${rate}${offered === undefined ? '' : ` of ${offered}`} events passed for it`))
  }
  return lines.join('')
}

const captureText = ({ durationNs }: NonNullable<Rule['capture']>): string =>
  `a match begins a capture of ${durationNs === undefined ? 'capture.default_duration' : `${durationNs / 1e6} ms`}, where capture.enabled is on`

/** Events that pass whatever rules ask. */
export const prebufferText = (names: readonly string[]): string =>
  names.length === 0
    ? ''
    : row(
        'prebuffer',
        `${names.join(', ')}: every one is sent, whatever rules ask, to have it from before a match (capture.prebuffer)`,
      )

/** Most characters of a test that are shown; its beginning tells which one it is. */
const LONGEST = 160
const shortened = (test: string): string =>
  test.length <= LONGEST ? test : `${test.slice(0, LONGEST)}... (${test.split(', ').length} values)`

/** Events that are treated alike in one line. */
function groupEvents(events: readonly ExplainedEvent[]): readonly string[] {
  const groups = Map.groupBy(events, ({ guarded, why, shapes, of, classes }) => {
    if (!guarded) return `no guard: every one is sent${why === undefined ? '' : `, ${why}`}`
    if (shapes === 0) return 'passed over: the rule cannot match'
    const bits = classes.map((number) => (number === 0 ? 'open' : String(number))).join(', ')
    return `guarded: ${shapes} of ${of} kinds of calls may match, bits ${bits}`
  })
  return [...groups].map(([text, members]) => `${members.map(({ event }) => event).join(', ')}: ${text}`)
}

function wideOpenText(one: Explanation, event: string, open: number, of: number): string {
  const left = leftToUserSpace(one, event)
  const because = left.length === 0 ? 'it asks for nothing more' : reasons(left)
  return `${event}: ${open} of ${of} kinds of calls pass whatever they are about, because ${because}; to narrow it ${hintFor(GUARDED_EVENTS.get(event)!)}`
}

const reasons = (left: readonly { readonly test: string; readonly reason: string }[]): string =>
  [...Map.groupBy(left, ({ reason }) => reason)]
    .map(([reason, members]) => `${reason}: ${members.map(({ test }) => shortened(test)).join('; ')}`)
    .join('; ')

function summaryText(
  plan: GuardPlan,
  explained: readonly Explanation[],
  rates: PassRates | undefined,
): string {
  const { classes, dirs, lookups } = plan.tables
  const entries = Object.entries(lookups)
    .map(([name, { table }]) => `${name === 'dirs' ? dirs.size : table.size} ${name}`)
    .filter((text) => !text.startsWith('0 '))
  const lines = [
    row('classes', `${classes.branches.length - 1} of bits that ask for more than the kind of call`),
    row('tables', entries.join(', ')),
    ...plan.tables.limits.map((limit) =>
      row('limit', `${limit.event === undefined ? '' : `${limit.event}: `}${limitText(limit)}`),
    ),
  ]
  const open = explained.flatMap(({ rule, events }) =>
    events.filter((event) => event.open > 0).map(({ event }) => ({ event, rule: rule.name })),
  )
  for (const [event, members] of Map.groupBy(open, (one) => one.event))
    lines.push(row('wide open', `${event}, by ${members.map(({ rule }) => `'${rule}'`).join(', ')}`))
  for (const { event, seen, guarded } of rates?.events ?? [])
    lines.push(row('live', `${event}: ${seen} calls, ${guarded} passed over in the kernel`))
  return lines.join('')
}

export function explanationJson(
  plan: GuardPlan,
  explained: readonly Explanation[],
  rates: PassRates | undefined,
): object {
  return {
    classes: plan.tables.classes.branches.length,
    rules: explained.map((one) => ({
      name: one.rule.name,
      events: one.events,
      tests: one.tests.map(({ test, verdicts }) => ({ test, verdicts: Object.fromEntries(verdicts) })),
      wide_open: one.events
        .filter(({ open }) => open > 0)
        .map(({ event }) => ({
          event,
          reasons: leftToUserSpace(one, event),
          hint: hintFor(GUARDED_EVENTS.get(event)!),
        })),
      ...(one.rule.capture === undefined
        ? {}
        : { capture: { duration_ms: (one.rule.capture.durationNs ?? 0) / 1e6 || null } }),
      ...(rates === undefined ? {} : { passed: rates.rules.get(one.rule) ?? 0 }),
    })),
    ...(rates === undefined ? {} : { live: { seconds: rates.seconds, events: rates.events } }),
  }
}
