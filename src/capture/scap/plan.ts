/**
 * What each event of a capture becomes, made once from the two schemas: values are found by name, in the exit of a call or,
 * in captures that have it, in its beginning. So all versions of an event are read alike.
 */
import { EVENT_TYPES, type FieldDecl, type Slot } from '../../../schema/index.ts'
import {
  SCAP_BYTES,
  SCAP_EVENTS,
  SCAP_SIGNED,
  type ScapEvent,
  type ScapParam,
} from '../../../schema/scap/index.ts'
import { SCAP_VALUES } from '../../../schema/scap/values.ts'
import { EVENT_ALIASES, FALCO_NAMES } from '../../fields/evt/falco-arguments.ts'
import { kernelDev } from './processes.ts'
import { type Shape, shapeOf } from './record.ts'
import { fromScap, type Translate } from './values.ts'

/** Where a value is: its place among the parameters of the exit and of the beginning, -1 where it is not. */
export interface Source {
  readonly exit: number
  readonly enter: number
  /** It says itself what it is. */
  readonly dynamic: boolean
}

const NOWHERE: Source = { exit: -1, enter: -1, dynamic: false }

/** A value that goes into a record as it is. */
export interface Copy {
  readonly slot: Slot
  readonly source: Source
  readonly kind: 'u16' | 'u32' | 'u64' | 'text'
  readonly signed: boolean
  readonly translate: Translate | undefined
  /** Of a path: where the directory goes that a relative one starts from, and the descriptor of that. */
  readonly dir: Slot | undefined
  readonly dirfd: Source
}

export interface Plan {
  readonly number: number
  readonly event: ScapEvent
  /** What its call began with, in captures that have it. */
  readonly enter: ScapEvent | undefined
  /** The event of ours; undefined for one that we do not have. */
  readonly shape: Shape | undefined
  readonly copies: readonly Copy[]
  /** A value by the name it has there. */
  readonly source: (name: string) => Source
}

/** Names of values there that neither fields nor arguments of ours have; the first that is there counts. */
const OTHER_NAMES: Readonly<Record<string, Readonly<Record<string, readonly string[]>>>> = {
  unlink: { name: ['path'] },
  rmdir: { name: ['path'] },
  dup: { oldfd: ['fd'] },
  dup2: { oldfd: ['fd'] },
  dup3: { oldfd: ['fd'] },
  linkat: { olddirfd: ['olddir'], newdirfd: ['newdir'] },
  socketpair: { fd: ['fd1'], fd2: ['fd2'] },
  execve: { uid: ['uid'], loginuid: ['loginuid'] },
  creat: { flags: ['creat_flags'] },
}

/** Directory of a path in families of their own, and the descriptor it is given by. */
export const DIRS: Readonly<Record<string, readonly [dir: string, dirfd: string]>> = {
  oldpath: ['olddir', 'olddirfd'],
  newpath: ['newdir', 'newdirfd'],
  name: ['dir', 'dirfd'],
  filename: ['dir', 'dirfd'],
  linkpath: ['dir', 'linkdirfd'],
}

/** Values that handlers fill, because they need more than to be copied. */
const BY_HAND: ReadonlySet<string> = new Set(['exec', 'fork', 'socket', 'socket_new', 'message'])
const COPIED: Readonly<Record<string, readonly string[]>> = {
  socket: ['res', 'fd', 'backlog', 'flags'],
  socket_new: ['res', 'fd', 'fd2', 'domain', 'proto'],
  message: ['res', 'size', 'fd'],
}

const isNumber = ({ type }: ScapParam): boolean => SCAP_BYTES[type] !== undefined || type === 'dyn'
const isText = ({ type }: ScapParam): boolean =>
  type === 'charbuf' || type === 'fspath' || type === 'fsrelpath'

function sourceIn(event: ScapEvent, enter: ScapEvent | undefined, names: readonly string[]): Source {
  for (const name of names) {
    const exit = event.params.findIndex((param) => param.name === name)
    const begin = enter?.params.findIndex((param) => param.name === name) ?? -1
    if (exit >= 0 || begin >= 0)
      return { exit, enter: begin, dynamic: (event.params[exit] ?? enter?.params[begin])?.type === 'dyn' }
  }
  return NOWHERE
}

const KINDS: Readonly<Record<string, Copy['kind'] | undefined>> = {
  u16: 'u16',
  u32: 'u32',
  s32: 'u32',
  u64: 'u64',
  s64: 'u64',
  str: 'text',
}

/** The name of our event. */
function nameOf({ name }: ScapEvent): string | undefined {
  const ours = EVENT_ALIASES.get(name) ?? name
  return shapeOf(ours) === undefined ? undefined : ours
}

function namesOf(event: string, field: string, decl: FieldDecl): readonly string[] {
  const falco = FALCO_NAMES.get(event)?.get(field)
  const others = OTHER_NAMES[event]?.[field] ?? []
  return [falco, decl.falco, field, ...others].filter((name) => name !== undefined)
}

function copiesOf(shape: Shape, event: ScapEvent, enter: ScapEvent | undefined): readonly Copy[] {
  const { family } = shape.type
  const only = COPIED[family.name]
  if (BY_HAND.has(family.name) && only === undefined) return []
  const sourceOf = (field: string): Source => {
    const slot = shape.slots.get(field)
    return slot === undefined ? NOWHERE : sourceIn(event, enter, namesOf(shape.name, field, slot.decl))
  }
  return [...shape.slots.values()].flatMap((slot): readonly Copy[] => {
    const kind = KINDS[slot.decl.storage]
    const source = sourceOf(slot.name)
    const param = event.params[source.exit] ?? enter?.params[source.enter]
    if (slot.decl.hidden === true || kind === undefined || param === undefined) return []
    if (only !== undefined && !only.includes(slot.name)) return []
    if (kind === 'text' ? !isText(param) : !isNumber(param)) return []
    return [{ slot, source, kind, ...meaningOf(shape, slot, param), ...directoryOf(shape, slot, sourceOf) }]
  })
}

function meaningOf(shape: Shape, slot: Slot, param: ScapParam): Pick<Copy, 'signed' | 'translate'> {
  const values = SCAP_VALUES.get(`${shape.name}.${param.name}`)
  return {
    signed: SCAP_SIGNED.has(param.type),
    translate: values !== undefined ? fromScap(values) : slot.decl.format === 'dev' ? kernelDev : undefined,
  }
}

function directoryOf(
  shape: Shape,
  slot: Slot,
  sourceOf: (field: string) => Source,
): Pick<Copy, 'dir' | 'dirfd'> {
  const { base, format } = slot.decl
  if (format !== 'path') return { dir: undefined, dirfd: NOWHERE }
  if (base !== undefined)
    return { dir: shape.slots.get(base), dirfd: sourceOf(dirfdBefore(shape, slot.name)) }
  const known = DIRS[slot.name]
  return {
    dir: known && shape.slots.get(known[0]),
    dirfd: known === undefined ? NOWHERE : sourceOf(known[1]),
  }
}

/** The argument in front of a path of a plain call that says where it starts from. */
function dirfdBefore({ type }: Shape, path: string): string {
  const names = Object.keys(type.family.fields)
  const before = names.slice(0, names.indexOf(path)).findLast((name) => /dirfd$/.test(name))
  return before ?? ''
}

function planOf(event: ScapEvent): Plan | undefined {
  if (event.phase === 'unused' || event.phase === 'enter') return undefined
  const before = SCAP_EVENTS[event.number - 1]
  const enter = event.phase === 'exit' && before?.phase === 'enter' ? before : undefined
  const name = nameOf(event)
  const shape = name === undefined ? undefined : shapeOf(name)
  return {
    number: event.number,
    event,
    enter,
    shape,
    copies: shape === undefined ? [] : copiesOf(shape, event, enter),
    source: (param) => sourceIn(event, enter, [param]),
  }
}

/** By number; undefined for beginnings of calls and unused numbers. */
export const PLANS: readonly (Plan | undefined)[] = SCAP_EVENTS.map(planOf)

/** Plain calls by their name, for events that say no more than that. */
export const CALLS: ReadonlyMap<string, Shape> = new Map(
  EVENT_TYPES.map(({ name }) => [name, shapeOf(name)!]),
)
