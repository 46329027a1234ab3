/** A host in a box for tests: events go in, fields come out, through the real decoder, table and look-ups. */
import type { RecordInit } from '../decode/encode.ts'
import { EventView } from '../decode/event-view.ts'
import { Interner } from '../decode/interner.ts'
import { Str } from '../decode/str.ts'
import { containerOf } from '../enrich/container.ts'
import { containerAsFalco } from '../enrich/falco-container.ts'
import type { SyscallContext } from '../fields/context.ts'
import { type Extractor, FieldArgumentError, type Value } from '../fields/field.ts'
import { SYSCALL_FIELDS } from '../fields/index.ts'
import { Ip } from '../fields/ip.ts'
import { createClock } from '../state/clock.ts'
import { ContainerTable } from '../state/containers.ts'
import { createLookup } from '../state/lookup.ts'
import { NameTable } from '../state/names.ts'
import { createProcessTable, type ProcessTable, type ProcessTableOptions } from '../state/process-table.ts'
import { createUserDatabase } from '../state/users.ts'
import { look } from './events.ts'

/** 2026-01-01T00:00:00Z, where CLOCK_MONOTONIC is 0. */
export const EPOCH = 1_767_225_600_000_000_000n

export const PASSWD = 'root:x:0:0:root:/root:/bin/bash\nalice:x:1000:1000::/home/alice:/bin/zsh\n'
const GROUP = 'root:x:0:\nalice:x:1000:\n'

export interface World {
  readonly table: ProcessTable
  /** Apply an event. The context is valid until the next call. */
  feed(...events: readonly RecordInit[]): SyscallContext
  /** Value of a field (`proc.aname[2]`, `evt.arg.flags`) for the last event fed. */
  value(field: string): Value | readonly Value[] | undefined
  /** The same as plain data: text, numbers, booleans, bigint. */
  plain(field: string): unknown
  /** What comparisons look at. */
  candidates(field: string): readonly unknown[]
}

const plain = (value: unknown): unknown => {
  if (value instanceof Str || value instanceof Ip) return value.text
  return Array.isArray(value) ? value.map(plain) : value
}

/** Split `evt.arg.flags` and `proc.aname[2]` into field and argument, and bind it. Throws RangeError when unknown. */
export function bindField(expression: string): Extractor<SyscallContext> {
  const match = /^([^[]+?)(?:\[(.*)\])?$/.exec(expression)
  const name = match?.[1] ?? expression
  const direct = SYSCALL_FIELDS.get(name)
  if (direct !== undefined) return direct.bind(match?.[2])
  const dot = name.indexOf('.', name.indexOf('.') + 1)
  const keyed = dot < 0 ? undefined : SYSCALL_FIELDS.get(name.slice(0, dot))
  if (keyed?.arg === undefined) throw new RangeError(`Unknown field '${expression}'`)
  return keyed.bind(name.slice(dot + 1))
}

/** What the host of a test has beside the usual. */
export interface HostOptions {
  /** Lines to add to /etc/passwd. */
  readonly passwd?: string
  readonly containers?: ContainerTable
  /** Addresses by name, as resolvers told. */
  readonly names?: Readonly<Record<string, readonly string[]>>
  /** With `compat: falco`. */
  readonly asFalco?: boolean
}

export function createWorld({
  passwd = '',
  containers = new ContainerTable(),
  names = {},
  asFalco = false,
  ...options
}: Partial<ProcessTableOptions> & HostOptions = {}): World {
  const interner = new Interner(4096)
  const users = createUserDatabase()
  users.setPasswd(PASSWD + passwd)
  users.setGroup(GROUP)
  const clock = createClock({ wall: EPOCH, boot: 0n })
  const nameTable = new NameTable(interner)
  for (const [name, addresses] of Object.entries(names)) nameTable.answer({ name, addresses })
  const lookup = createLookup({
    users,
    clock,
    interner,
    hostname: 'testhost',
    containers,
    names: nameTable,
    asFalco,
  })
  const table = createProcessTable({
    interner,
    containerOf: asFalco ? containerAsFalco : containerOf,
    ...options,
  })
  const event = new EventView(interner)
  const memo = new Map<string, unknown>()
  let num = 0
  let firstTime: number | undefined
  let previousTime: number | undefined
  const fill = (process: SyscallContext['process']): SyscallContext => {
    firstTime ??= event.time
    previousTime ??= event.time
    const filled = { event, process, lookup, num, firstTime, previousTime, memo }
    previousTime = event.time
    return filled
  }
  let context: SyscallContext = {
    event,
    process: undefined,
    lookup,
    num,
    firstTime: 0,
    previousTime: 0,
    memo,
  }
  return {
    table,
    feed(...events) {
      for (const init of events) {
        look(event, init)
        memo.clear()
        num++
        context = fill(table.apply(event))
      }
      return context
    },
    value: (field) => bindField(field).get(context),
    plain: (field) => plain(bindField(field).get(context)),
    candidates(field) {
      const { candidates } = bindField(field)
      if (candidates === undefined) throw new FieldArgumentError(`${field} has no candidates`)
      return candidates(context).map(plain)
    },
  }
}
