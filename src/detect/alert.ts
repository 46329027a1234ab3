/**
 * From a finding to an alert: identity, time, and the values of the output format, printed at once because the event view
 * moves on.
 */
import { createHash } from 'node:crypto'
import { RINGS, type Ring } from '../../schema/index.ts'
import type { EventView } from '../decode/event-view.ts'
import { encodeText, Str } from '../decode/str.ts'
import type { SyscallContext } from '../fields/context.ts'
import type { Value, ValueType } from '../fields/field.ts'
import { Ip } from '../fields/ip.ts'
import { THRESHOLD_COUNT } from '../fields/threshold/threshold.ts'
import type { CompiledRule, FieldRef, FormatPart, Operand, Priority } from '../rules/ir.ts'
import { operandType, operandValue } from '../rules/operators/index.ts'

/** A printed value in its JSON type; 64-bit numbers are bigint, null is absent. */
export type AlertValue = string | number | bigint | boolean | null | readonly AlertValue[]

export interface Alert {
  /**
   * 32 hex digits that follow from host, boot, ring, CPU, sequence number and rule, and for what the agent makes of an
   * event from what it is: the same in a replay. Made when it is
   * asked for: not every output carries it, and hashing would be a third of the way from event to line.
   */
  readonly id: string
  /** Ns since the epoch. */
  readonly time: bigint
  readonly hostname: string
  readonly rule: string
  readonly priority: Priority
  readonly source: string
  /** Sorted. */
  readonly tags: readonly string[]
  /** The rule's output with values filled in, without time and priority. Raw text: outputs escape it. */
  readonly message: string
  /** Values of the output by key (`proc.name`), in the order they appear. */
  readonly fields: ReadonlyMap<string, AlertValue>
}

/** Value of an alert whose rule began a capture, or prolonged one: the file. */
export const CAPTURE_FILE = 'tarsier.capture'

/** Who speaks. */
export interface AlertIdentity {
  readonly hostname: string
  readonly hostId: string
  readonly bootId: string
}

/** Where an event stands: enough to tell it from any other of this boot. */
interface Position {
  readonly ring: Ring
  readonly cpu: number
  readonly seq: number
  /** Of an event that the agent made of another one, or of itself: what tells it from that, and from others made of it. */
  readonly made?: string | undefined
}

export function alertId(identity: AlertIdentity, { ring, cpu, seq, made }: Position, rule: string): string {
  const parts = [identity.hostId, identity.bootId, RINGS.indexOf(ring), cpu, seq, rule]
  const text = (made === undefined ? parts : [...parts, made]).join('\0')
  return createHash('sha256').update(encodeText(text)).digest('hex').slice(0, 32)
}

/** How values are printed. */
export interface Printing {
  /** Raw bytes as Base64 instead of text. */
  readonly base64Buffers: boolean
}

const PLAIN: Printing = { base64Buffers: false }

/** Families of events that no program sends: they have the place of the event they were made of, or none. */
const MADE: ReadonlySet<string> = new Set(['container', 'init_namespaces'])

const positionOf = (event: EventView): Position => ({
  ring: event.ring,
  cpu: event.cpu,
  seq: event.seq,
  ...(MADE.has(event.family) && { made: `${event.name}\0${event.string('container_id')?.text ?? ''}` }),
})

/** The alert of a rule that matched the context's event. */
export function createAlert(
  rule: CompiledRule<SyscallContext>,
  ctx: SyscallContext,
  identity: AlertIdentity,
  printing: Printing = PLAIN,
): Alert {
  const { event, lookup } = ctx
  const { message, fields } = render(rule.format, ctx, printing)
  for (const { key, format } of rule.extraFields ?? []) fields.set(key, extraValue(format, ctx, printing))
  if (rule.threshold !== undefined) fields.set(THRESHOLD_COUNT, ctx.memo.get(THRESHOLD_COUNT) as number)
  const position = positionOf(event)
  return {
    get id() {
      return alertId(identity, position, rule.name)
    },
    time: lookup.wallClock(event.timeNs),
    hostname: identity.hostname,
    rule: rule.name,
    priority: rule.priority,
    source: rule.source,
    tags: rule.tags,
    message,
    fields,
  }
}

/** Print a format for an event: the text and each value by key. A field that fails to be read is absent. */
export function render<C>(
  format: readonly FormatPart<C>[],
  ctx: C,
  printing: Printing = PLAIN,
): { message: string; fields: Map<string, AlertValue> } {
  let message = ''
  const fields = new Map<string, AlertValue>()
  for (const part of format) {
    if (part.kind === 'text') {
      message += part.text
      continue
    }
    const value = read(part.operand, ctx)
    const { type } = operandType(part.operand)
    const text = textOf(value, type, printing)
    message += part.width === undefined ? text : fit(text, part.width)
    // Falco leaves transformer calls out of the values.
    if (part.operand.kind === 'field') fields.set(part.key, jsonOf(value, type, printing))
  }
  return { message, fields }
}

/** A field alone has the value's own type; what a format says is text. */
function extraValue<C>(
  format: FieldRef<C> | readonly FormatPart<C>[],
  ctx: C,
  printing: Printing,
): AlertValue {
  if ('kind' in format) return jsonOf(read(format, ctx), format.def.type, printing)
  return render(format, ctx, printing).message
}

type Read = Value | readonly Value[] | undefined

function read<C>(operand: Operand<C>, ctx: C): Read {
  try {
    return operandValue(operand, (field: FieldRef<C>) => field.extractor.get(ctx))
  } catch {
    return undefined
  }
}

const base64 = ({ text }: Str): string => Buffer.from(encodeText(text)).toString('base64')

/** As Falco prints: absent is `<NA>`, lists are `(a,b)`, a double has one decimal. */
function textOf(value: Read, type: ValueType, printing: Printing): string {
  if (value === undefined) return '<NA>'
  if (value instanceof Str) return type === 'buffer' && printing.base64Buffers ? base64(value) : value.text
  if (value instanceof Ip) return value.text
  if (Array.isArray(value)) return `(${value.map((item: Value) => textOf(item, type, printing)).join(',')})`
  if (type === 'double') return (value as number).toFixed(1)
  return String(value)
}

function jsonOf(value: Read, type: ValueType, printing: Printing): AlertValue {
  if (value === undefined) return null
  if (value instanceof Str || value instanceof Ip) return textOf(value, type, printing)
  if (Array.isArray(value)) return value.map((item: Value) => jsonOf(item, type, printing))
  return value as number | bigint | boolean
}

/** Pad or cut to exactly `width` bytes; a character that would be cut in two is left out and padded for. */
function fit(text: string, width: number): string {
  let kept = ''
  let bytes = 0
  for (const char of text) {
    const size = encodeText(char).length
    if (bytes + size > width) break
    kept += char
    bytes += size
  }
  return kept + ' '.repeat(width - bytes)
}

/** Events that never came, as reported by the source. */
export interface Loss {
  readonly ring: Ring
  readonly cpu: number
  readonly lost: number
  /** CLOCK_MONOTONIC ns before and after the hole. */
  readonly from: number
  readonly to: number
}

/** Where events of a loss were dropped, as far as counters tell. */
export interface LossSource {
  readonly program: string
  readonly reason: string
  readonly count: number
}

/** Name of the rule under which losses are reported. */
export const GAP_RULE = 'Tarsier internal: events lost'

/** A loss as an alert of its own: source `internal`, so that every output and parser carries it. */
export function gapAlert(
  identity: AlertIdentity,
  loss: Loss,
  causes: readonly LossSource[],
  wallClock: (monotonicNs: bigint) => bigint,
): Alert {
  const { ring, cpu, lost } = loss
  const from = wallClock(BigInt(loss.from))
  const to = wallClock(BigInt(loss.to))
  const fields = new Map<string, AlertValue>([
    ['lost', lost],
    ['ring', ring],
    ['cpu', cpu],
    ['from', from],
    ['to', to],
    ['causes', causes.map(({ program, reason, count }) => `${program}/${reason}=${count}`)],
  ])
  return {
    id: alertId(identity, { ring, cpu, seq: loss.to }, GAP_RULE),
    time: to,
    hostname: identity.hostname,
    rule: GAP_RULE,
    priority: 'Warning',
    source: 'internal',
    tags: [],
    message: `${GAP_RULE}. ${lost} in ring ${ring} of CPU ${cpu}.`,
    fields,
  }
}

/** Nobody watched. Times are CLOCK_MONOTONIC ns. */
export interface Absence {
  /** Last sign of life of the agent before; 0 when that was before the machine was started. */
  readonly from: number
  /** Everything is attached again. */
  readonly to: number
  /** Process id of the agent before. */
  readonly pid: number
}

export const absenceText = ({ from, to }: Absence): string =>
  `No agent ran for ${((to - from) / 1e9).toFixed(3)} s: what happened meanwhile was not seen.`

/** Name of the rule under which a restart reports that. */
export const ABSENCE_RULE = 'Tarsier internal: agent was not running'

/** The time without an agent as an alert of its own. */
export function absenceAlert(
  identity: AlertIdentity,
  absence: Absence,
  wallClock: (monotonicNs: bigint) => bigint,
): Alert {
  const { from, to, pid } = absence
  return {
    id: alertId(identity, { ring: 'critical', cpu: 0, seq: to }, ABSENCE_RULE),
    time: wallClock(BigInt(to)),
    hostname: identity.hostname,
    rule: ABSENCE_RULE,
    priority: 'Warning',
    source: 'internal',
    tags: [],
    message: `${ABSENCE_RULE}. ${absenceText(absence)}`,
    fields: new Map<string, AlertValue>([
      ['seconds', (to - from) / 1e9],
      ['from', wallClock(BigInt(from))],
      ['to', wallClock(BigInt(to))],
      ['pid_before', pid],
    ]),
  }
}

/** Name of the rule under which it is reported that a cgroup sends more than it may. */
export const THROTTLE_RULE = 'Tarsier internal: events held back'

/** A cgroup begins to be held back, or is no more. Times are CLOCK_MONOTONIC ns. */
export interface Throttled {
  readonly state: 'start' | 'stop'
  readonly cgroup: number
  readonly cgroupV1: number
  readonly count: number
  readonly from: number
  readonly to: number
}

/** The beginning or the end of it as an alert of its own. */
export function throttleAlert(
  identity: AlertIdentity,
  { state, cgroup, cgroupV1, count, from, to }: Throttled,
  wallClock: (monotonicNs: bigint) => bigint,
): Alert {
  const words =
    state === 'start'
      ? `Cgroup ${cgroup} sends more than kernel.throttle allows: ${count} so far.`
      : `Cgroup ${cgroup} is within kernel.throttle again: ${count} in all.`
  return {
    id: alertId(identity, { ring: 'bulk', cpu: 0, seq: to + cgroup }, THROTTLE_RULE),
    time: wallClock(BigInt(to)),
    hostname: identity.hostname,
    rule: THROTTLE_RULE,
    priority: 'Warning',
    source: 'internal',
    tags: [],
    message: `${THROTTLE_RULE}. ${words}`,
    fields: new Map<string, AlertValue>([
      ['state', state],
      ['cgroup', cgroup],
      ['cgroup_v1', cgroupV1],
      ['count', count],
      ['from', wallClock(BigInt(from))],
      ['to', wallClock(BigInt(to))],
    ]),
  }
}

/** Name of the rule under which it is reported that the kernel side passed over an event somebody wanted. */
export const GUARD_RULE = 'Tarsier internal: guard violation'

/** An event that the guard passed over, and that was wanted: a fault of ours, as an alert of its own. */
export function guardAlert(
  identity: AlertIdentity,
  event: { readonly name: string; readonly ring: Ring; readonly cpu: number; readonly seq: number },
  wantedBy: readonly string[],
  time: bigint,
): Alert {
  const { name, ring, cpu, seq } = event
  return {
    id: alertId(identity, { ring, cpu, seq }, GUARD_RULE),
    time,
    hostname: identity.hostname,
    rule: GUARD_RULE,
    priority: 'Critical',
    source: 'internal',
    tags: [],
    message: `${GUARD_RULE}. The kernel side would have passed over an event ${name} that ${wantedBy.join(', ')} wants.`,
    fields: new Map<string, AlertValue>([
      ['event', name],
      ['wanted_by', wantedBy],
    ]),
  }
}
