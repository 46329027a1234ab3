/**
 * What stands in a block: items of 8 bytes `{ u32 length; u8 kind; u8 ring; u16 0 }` and as many bytes as they say, each
 * 8-aligned. A record is as the kernel wrote it; what else a pipeline is told is JSON.
 */
import type { CgroupAnswer, ContainerAnswer, ContainerFacts, NameAnswer } from '../../decode/answers.ts'
import type { LossCause } from '../../sources/kernel/drops.ts'
import type { OpenFiles } from '../../sources/kernel/inventory.ts'
import type { Gap } from '../../sources/kernel/reader.ts'
import type { ThrottleNotice } from '../../sources/kernel/throttle.ts'
import type { Before, CaptureSink } from '../source.ts'

/** Bytes in front of an item: u32 length, u8 kind, u8 ring, u16 0. What follows is padded to 8. */
export const ITEM_BYTES = 8
/** Kinds of items: a record of the kernel side, and JSON of a fact. */
export const RECORD = 1
export const FACT_KIND = 2

/** What an item that is no record says, and whom it tells. */
export type Fact =
  | { readonly of: 'clock'; readonly wall: bigint; readonly boot: bigint }
  | { readonly of: 'users'; readonly passwd: string; readonly group: string }
  | { readonly of: 'gap'; readonly gap: Gap; readonly causes: readonly LossCause[] }
  | { readonly of: 'throttle'; readonly notice: ThrottleNotice }
  | { readonly of: 'cgroup'; readonly answer: CgroupAnswer }
  | { readonly of: 'container'; readonly answer: ContainerAnswer }
  | { readonly of: 'name'; readonly answer: NameAnswer }
  | { readonly of: 'names-settled' }
  | { readonly of: 'asked'; readonly fullId: string; readonly taken: boolean }
  | ({ readonly of: 'resume' } & Before)
  | { readonly of: 'mounts'; readonly text: string }
  | { readonly of: 'files'; readonly processes: readonly OpenFiles[]; readonly leftOut: number }

/** Bigints and maps, which JSON does not have. */
const pack = (_key: string, value: unknown): unknown => {
  if (typeof value === 'bigint') return { $int: String(value) }
  return value instanceof Map ? { $map: [...value] } : value
}

function unpack(_key: string, value: unknown): unknown {
  if (typeof value !== 'object' || value === null) return value
  const { $int, $map } = value as { readonly $int?: unknown; readonly $map?: unknown }
  if (typeof $int === 'string' && /^-?\d{1,20}$/.test($int)) return BigInt($int)
  if (Array.isArray($map)) return new Map($map.filter((entry) => Array.isArray(entry) && entry.length === 2))
  return value
}

/** JSON, with bigints and maps in objects of their own. */
export const encodeFact = (fact: Fact): Uint8Array => Buffer.from(JSON.stringify(fact, pack))

/** Undefined for what this version does not know or what does not look as it must. */
export function decodeFact(bytes: Uint8Array): Fact | undefined {
  try {
    const fact: unknown = JSON.parse(
      Buffer.from(bytes.buffer, bytes.byteOffset, bytes.length).toString(),
      unpack,
    )
    return isFact(fact) ? fact : undefined
  } catch {
    return undefined
  }
}

type Check = (value: unknown) => boolean
const isText: Check = (value) => typeof value === 'string'
const isInt: Check = (value) => typeof value === 'bigint' && BigInt.asIntN(64, value) === value
const isCount: Check = (value) => typeof value === 'number' && Number.isFinite(value) && value >= 0
const isFlag: Check = (value) => typeof value === 'boolean'
const isOneOf =
  (...values: readonly unknown[]): Check =>
  (value) =>
    values.includes(value)
const listOf =
  (check: Check): Check =>
  (value) =>
    Array.isArray(value) && value.every(check)
const optional =
  (check: Check): Check =>
  (value) =>
    value === undefined || check(value)
const shape =
  (checks: Readonly<Record<string, Check>>): Check =>
  (value) =>
    typeof value === 'object' &&
    value !== null &&
    Object.entries(checks).every(([key, check]) => check((value as Readonly<Record<string, unknown>>)[key]))
const isDescriptor: Check = (value) =>
  Array.isArray(value) && value.length === 2 && isCount(value[0]) && isText(value[1])
const isLabels: Check = (value) =>
  value instanceof Map && [...value].every(([name, text]) => isText(name) && isText(text))

const TEXTS = {
  name: optional(isText),
  uid: optional(isText),
  ip: optional(isText),
  cniJson: optional(isText),
}
const CONTAINER_FACTS: Readonly<Record<keyof ContainerFacts, Check>> = {
  type: isText,
  name: optional(isText),
  image: optional(isText),
  imageId: optional(isText),
  repository: optional(isText),
  tag: optional(isText),
  digest: optional(isText),
  privileged: optional(isFlag),
  hostPid: optional(isFlag),
  hostNetwork: optional(isFlag),
  hostIpc: optional(isFlag),
  mounts: optional(
    listOf(shape({ source: isText, dest: isText, mode: isText, writable: isFlag, propagation: isText })),
  ),
  labels: isLabels,
  ip: optional(isText),
  cniJson: optional(isText),
  started: optional(isInt),
  pod: optional(
    shape({ ...TEXTS, namespace: optional(isText), sandboxId: optional(isText), labels: isLabels }),
  ),
}

const CHECKS: Readonly<Record<Fact['of'], Check>> = {
  clock: shape({ wall: isInt, boot: isInt }),
  users: shape({ passwd: isText, group: isText }),
  gap: shape({
    gap: shape({
      ring: isOneOf('critical', 'bulk'),
      cpu: isCount,
      lost: isCount,
      from: isCount,
      to: isCount,
    }),
    causes: listOf(shape({ program: isText, reason: isText, count: isCount })),
  }),
  throttle: shape({
    notice: shape({
      ...{ state: isOneOf('start', 'stop'), cgroup: isCount, cgroupV1: isCount, count: isCount },
      ...{ from: isCount, to: isCount },
    }),
  }),
  cgroup: shape({
    answer: shape({
      pid: isCount,
      start: isCount,
      cgroup: isCount,
      cgroupV1: isCount,
      paths: listOf(isText),
    }),
  }),
  container: (fact) => {
    const { answer } = fact as { readonly answer?: { readonly status?: unknown } }
    const checks = answer?.status === 'known' ? { facts: shape(CONTAINER_FACTS) } : {}
    return shape({ status: isOneOf('known', 'late', 'unknown'), fullId: isText, ...checks })(answer)
  },
  name: shape({ answer: shape({ name: isText, addresses: listOf(isText) }) }),
  'names-settled': () => true,
  asked: shape({ fullId: isText, taken: isFlag }),
  resume: shape({ events: isCount, first: isCount, last: isCount }),
  mounts: shape({ text: isText }),
  files: shape({ processes: listOf(shape({ pid: isCount, files: listOf(isDescriptor) })), leftOut: isCount }),
}

function isFact(value: unknown): value is Fact {
  const of = (value as { readonly of?: unknown } | null)?.of
  return typeof of === 'string' && Object.hasOwn(CHECKS, of) && CHECKS[of as Fact['of']](value)
}

/** Tell the sink what a fact says. */
export function tellFact(sink: CaptureSink, fact: Fact): void {
  switch (fact.of) {
    case 'clock':
      sink.clock(fact)
      break
    case 'users':
      sink.users(fact.passwd, fact.group)
      break
    case 'gap':
      sink.gap(fact.gap, fact.causes)
      break
    case 'throttle':
      sink.throttle?.(fact.notice)
      break
    case 'cgroup':
      sink.cgroup(fact.answer)
      break
    case 'container':
      sink.container(fact.answer)
      break
    case 'name':
      sink.name(fact.answer)
      break
    case 'names-settled':
      sink.namesSettled()
      break
    case 'asked':
      sink.asked(fact.fullId, fact.taken)
      break
    case 'resume':
      sink.resume(fact)
      break
    case 'mounts':
      sink.mounts?.(fact.text)
      break
    case 'files':
      sink.files?.(fact.processes, fact.leftOut)
      break
    default:
      fact satisfies never
  }
}
