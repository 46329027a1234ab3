/**
 * Our own JSON of an event, straight from the schema: every argument under its own name, numbers decoded where they stand
 * for names, integers beyond 2^53 as decimal strings.
 */
import { errnoName } from '../../schema/enums/index.ts'
import {
  argumentName,
  type EventType,
  type FamilyDecl,
  layoutOf,
  RECORD_FLAGS,
  type Slot,
} from '../../schema/index.ts'
import { forType, headerPlaces, slotOf } from '../decode/event-view.ts'
import { nameDiffers } from '../fields/differs.ts'
import { flagNamer } from '../fields/evt/argument-text.ts'
import { RESULT, rawResult } from '../fields/evt/result.ts'
import { structureText } from '../fields/evt/structure-text.ts'
import { Ip } from '../fields/ip.ts'
import { splitVector } from '../fields/vector.ts'
import { jsonString, visibleBytes } from '../outputs/escape.ts'
import * as json from '../outputs/json-schema.ts'
import { Line } from '../outputs/line.ts'
import { maskArguments, maskEnvironment } from '../outputs/masking.ts'
import { type Column, keyOf, type ProcessColumn, type Row, type RowColumn, type Texts } from './column.ts'
import * as c from './columns.ts'
import { compose, composeBoth, type Part, partsOf, type RowWriter } from './compose.ts'
import { ProcessTexts } from './process-text.ts'
import { recordTypesOf } from './records.ts'
import type { LineMaker, LineOptions } from './telemetry.ts'
import { TimeText, writeList, writeNamed, writeNull, writeStr } from './text.ts'

type Write = RowColumn['write']

/** Values that few numbers have are put into words once. */
function worded(slot: Slot, words: (value: number) => string): Write {
  const known = new Map<number, string>()
  return (out, { ctx }) => {
    const value = ctx.event.numberAt(slot)
    let text = known.get(value)
    if (text === undefined) {
      text = words(value)
      if (known.size < 4096) known.set(value, text)
    }
    out.bytesOf(text)
  }
}

const bitsText = (slot: Slot): ((value: number) => string) => {
  const table = slot.decl.names!
  const namer = flagNamer(table)
  const all = Object.values(table.names).reduce((sum, bit) => sum | bit, table.group?.mask ?? 0)
  return (value) => {
    const names = namer(value)?.split('|') ?? []
    const rest = (value & ~all) >>> 0
    return JSON.stringify(rest === 0 ? names : [...names, `0x${rest.toString(16)}`])
  }
}

const enumText = ({ decl }: Slot): ((value: number) => string) => {
  const names = new Map(Object.entries(decl.names!.names).map(([name, value]) => [value, name]))
  return (value) => {
    const name = names.get(value)
    return name === undefined ? String(value) : `"${name}"`
  }
}

/** Major and minor number of a kernel dev_t. */
const deviceText = (value: number): string => `"${value >>> 20}:${value & 0xfffff}"`

/** How a field is written, by its declaration: a column without its name. */
type Value = Pick<RowColumn, 'schema' | 'write' | 'optional'>

function fieldValue(slot: Slot): Value {
  const { name, decl } = slot
  switch (decl.format) {
    case 'flags':
      return { schema: json.list(json.text('name of a bit'), decl.doc), write: worded(slot, bitsText(slot)) }
    case 'enum':
      return {
        schema: { type: ['string', 'integer'], description: decl.doc },
        write: worded(slot, enumText(slot)),
      }
    case 'mode':
      return {
        schema: json.text(`${decl.doc}, octal`),
        write: worded(slot, (value) => `"0${value.toString(8)}"`),
      }
    case 'dev':
      return { schema: json.text(`${decl.doc}, major:minor`), write: worded(slot, deviceText) }
    case 'path':
    case 'text':
      return decl.storage === 'strv' ? listValue(slot) : textValue(slot)
    case 'ip':
      return addressValue(slot)
    case 'address':
      return {
        schema: json.text(`${decl.doc}, hexadecimal`),
        write: (out, { ctx }) => out.ascii(`"0x${ctx.event.bigint(name)!.toString(16)}"`),
      }
    case 'sockaddr':
    case 'timespec':
    case 'timeval':
    case 'pair':
    case 'creds':
      return structureValue(slot)
    case 'number':
    case 'errno':
    case 'fd':
    case 'time':
    case 'caps':
    case 'port':
      return {
        schema: { type: ['integer', 'string'], description: decl.doc },
        write(out, { ctx: { event } }) {
          const value = event.numberAt(slot)
          // What a double does not hold is a text of digits.
          if (Number.isSafeInteger(value)) out.int(value)
          else out.ascii(`"${event.bigintAt(slot)}"`)
        },
      }
    default:
      return decl.format satisfies never
  }
}

/** A value that some records do not have. */
const present = <T>(
  { name }: Slot,
  schema: json.JsonSchema,
  get: (row: Row) => T | undefined,
  write: (out: Line, value: T, texts: Texts) => void,
): Value => ({
  schema,
  optional: true,
  write(out, row, texts) {
    const value = get(row)
    if (value === undefined) return
    out.ascii(keyOf(name))
    write(out, value, texts)
  },
})

const textValue = (slot: Slot): Value =>
  present(
    slot,
    json.text(slot.decl.doc),
    ({ ctx }) => ctx.event.stringAt(slot),
    (out, str) => writeStr(out, slot.name, str),
  )

function listValue(slot: Slot): Value {
  const { name, decl } = slot
  const mask = name === 'env' ? maskEnvironment : maskArguments
  return present(
    slot,
    json.list(json.text('an element'), `${decl.doc}; secrets masked`),
    ({ ctx }) => ctx.event.bytes(name),
    (out, bytes, texts) => {
      const items = splitVector(bytes)
      writeList(out, name, texts.mask ? mask(items) : items)
    },
  )
}

const addressValue = (slot: Slot): Value =>
  present(
    slot,
    json.text(slot.decl.doc),
    ({ ctx }) => ctx.event.ip(slot.name),
    (out, bytes) => out.quoted(new Ip(bytes).text),
  )

const structureValue = (slot: Slot): Value =>
  present(
    slot,
    json.text(slot.decl.doc),
    ({ ctx }) => {
      const bytes = ctx.event.bytes(slot.name)
      return bytes && structureText(slot.decl.format, bytes)
    },
    (out, text) => writeNamed(out, slot.name, text),
  )

/** What stands under `args`: the fields that are no internals, the paths put together, the ends of a socket. */
function argumentsOf(type: EventType): readonly RowColumn[] {
  const own = layoutOf(type.family)
    .slots.filter(({ name, decl }) => decl.hidden !== true && name !== 'res')
    .flatMap((slot) => {
      const name = argumentName(slot, type.name)
      return name === undefined ? [] : [{ of: 'row', name, ...fieldValue(slot) } as const]
    })
  return [...own, ...pathArguments(type), ...socketArguments(type.family)]
}

function pathArguments(type: EventType): readonly RowColumn[] {
  const paths = recordTypesOf.get(type.name)?.[0]?.paths ?? []
  const names = paths.length === 2 ? ['old_path', 'new_path'] : ['path']
  const accessed = paths.map((fields, i) =>
    c.accessedPath(fields, names[i]!, 'absolute path as accessed, cleaned as text'),
  )
  const resolved = paths.filter(({ path }) => path !== undefined).map(c.resolvedPath)
  return [...accessed, ...resolved]
}

const HAVE_ENDS: ReadonlySet<string> = new Set(['socket', 'message', 'flow', 'packet'])

const socketArguments = (family: FamilyDecl): readonly RowColumn[] =>
  HAVE_ENDS.has(family.name) ? [...c.endpoint('local'), ...c.endpoint('remote'), c.UNIX_PATH] : []

const RECORD_FLAG_NAMES = Object.entries(RECORD_FLAGS)

/** Flags of the record, and the names of the values that were cut. */
function flagsWriter({ family }: EventType): RowWriter {
  const variable = layoutOf(family).slots.filter(({ decl }) => decl.max !== undefined)
  const name = slotOf(family, 'name')
  const path = slotOf(family, 'path')
  return (out, { ctx: { event } }) => {
    const start = out.length
    const { flags } = event
    if (flags !== 0)
      for (const [flag, bit] of RECORD_FLAG_NAMES)
        if ((flags & bit) !== 0) out.ascii(`,"${flag.toLowerCase()}"`)
    // Most files are opened by the name they have: to see that takes no text.
    const same = flags === 0 && name !== undefined && path !== undefined && event.same(name, path)
    if (!same && nameDiffers(event) === true) out.ascii(',"name_differs"')
    for (let i = 0; i < variable.length; i++)
      if (event.cutAt(variable[i]!) !== undefined) out.ascii(`,"truncated:${variable[i]!.name}"`)
    out.enclose(start, '[', ']')
  }
}

const ABOUT_PROCESS: ProcessColumn = {
  of: 'process',
  name: 'process',
  schema: {},
  optional: true,
  write(out, process) {
    if (process === undefined) return
    out.ascii(`,"ppid":${process.ppid},"gid":${process.gid},"comm":`)
    writeStr(out, 'comm', process.comm)
    out.ascii(',"exe":')
    writeStr(out, 'exe', process.exePath)
    out.ascii(',"container_id":')
    writeNamed(out, 'container_id', process.containerId)
  },
}

const writeMono: RowWriter = (out, { ctx: { event } }) => {
  if (Number.isSafeInteger(event.time)) out.int(event.time)
  else out.ascii(`"${event.timeNs}"`)
}
const writeStart: RowWriter = (out, { ctx: { event } }) => {
  if (Number.isSafeInteger(event.start)) out.int(event.start)
  else out.ascii(`"${event.start}"`)
}

const writeResult: RowWriter = (out, { ctx }) => {
  const ret = rawResult(ctx)
  if (ret === undefined) writeNull(out)
  else out.ascii(`{"ret":${ret},"error":${ret < 0 ? `"${errnoName(ret) ?? -ret}"` : null}}`)
}

/** An object of what the parts write, each member behind a comma. */
function objectOf(members: readonly Part[]): readonly Part[] {
  const [first, ...others] = members
  if (typeof first === 'string') return [`{${first.slice(1)}`, ...others, '}']
  // What is left out when there is nothing to say may be the first.
  const write = compose(members)
  return [
    (out, row) => {
      const start = out.length
      write(out, row)
      out.enclose(start, '{', '}')
    },
  ]
}

/** Our shape is the same for all types of records. */
export interface NativeLines extends LineMaker {
  line(row: Row): Line
}

/** Lines in our native shape. */
export function nativeLines({ lookup, host, mask, alertRecords, without }: LineOptions): NativeLines {
  const texts: Texts = { time: new TimeText(lookup), host, mask, alertRecords }
  const processes = new ProcessTexts()
  const out = new Line()
  const writers = new Map<EventType, RowWriter>()
  const partsFor = (type: EventType, usual: boolean): readonly Part[] => {
    const args = argumentsOf(type).filter(({ name }) => !without.has(name))
    const parts = (columns: readonly Column[]): readonly Part[] =>
      partsOf(columns, { texts, processes, usual })
    return [
      '{"v":1',
      ...parts([c.TIME]),
      ',"mono_ns":',
      writeMono,
      `,"event":"${type.name}","source":"syscall","host":${jsonString(visibleBytes(host))},"process":{"pid":`,
      headerPlaces('tgid'),
      ',"tid":',
      headerPlaces('tid'),
      ',"start_ns":',
      writeStart,
      ',"uid":',
      headerPlaces('uid'),
      ...parts([ABOUT_PROCESS]),
      '},"args":',
      ...objectOf(parts(args)),
      ',"result":',
      ...(usual && forType(RESULT, type) !== undefined
        ? ['{"ret":', RESULT, ',"error":null}']
        : [writeResult]),
      ',"flags":',
      flagsWriter(type),
      ...parts([c.ALERT_IDS]),
      '}',
    ]
  }
  const writerOf = (type: EventType): RowWriter => {
    const writer = composeBoth((usual) => partsFor(type, usual))
    writers.set(type, writer)
    return writer
  }
  return {
    processChanged: () => processes.changed(),
    line(row) {
      const { type } = row.ctx.event
      const writer = writers.get(type) ?? writerOf(type)
      out.begin()
      writer(out, row)
      return out
    },
  }
}

/** Schema of the record of one event type, its arguments one by one; without a type that of all. */
export function nativeSchema(type?: EventType): json.JsonSchema {
  const args = type === undefined ? [] : argumentsOf(type)
  const properties = Object.fromEntries(args.map(({ name, schema }) => [name, schema]))
  return json.record(
    {
      v: json.constant(1, 'version of this shape'),
      time: json.time('wall clock, RFC 3339 in UTC with ns'),
      mono_ns: { type: ['integer', 'string'], description: 'CLOCK_MONOTONIC, ns' },
      event: type === undefined ? json.text('name of the event') : json.constant(type.name, type.doc),
      source: json.constant('syscall', 'where the event comes from'),
      host: json.text('name of the host'),
      process: json.record(
        {
          pid: json.count('process id, initial namespace'),
          tid: json.count('thread id, initial namespace'),
          start_ns: { type: ['integer', 'string'], description: 'start of the process, CLOCK_BOOTTIME ns' },
          uid: json.count('effective user id'),
          ppid: json.count('process id of the parent'),
          gid: json.count('group id'),
          comm: json.text('name of the process'),
          exe: json.text('executable as the kernel resolved it; empty for kernel threads'),
          container_id: json.orNull(json.text('first 12 characters of the container id; null on the host')),
        },
        {
          optional: ['ppid', 'gid', 'comm', 'exe', 'container_id'],
          description: 'who did it; pid, tid, start_ns and uid alone when the process is unknown',
        },
      ),
      args:
        type === undefined
          ? { type: 'object', description: "arguments by name: 'tarsier events show NAME' has them" }
          : json.record(properties, { optional: Object.keys(properties) }),
      result: json.orNull(
        json.record(
          {
            ret: json.int('return value, a negative errno when the call failed'),
            error: json.orNull(json.text('name of the error; null when the call worked')),
          },
          { description: 'null for what is no call' },
        ),
      ),
      flags: json.list(json.text('a flag'), 'partial, compat, io_uring, truncated:NAME'),
      alert_ids: json.list(json.text('id of an alert'), 'alerts that this event raised'),
    },
    { optional: ['alert_ids'] },
  )
}
