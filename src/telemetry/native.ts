/**
 * Our own JSON of an event, straight from the schema: every argument under its own name, numbers decoded where they stand
 * for names, integers beyond 2^53 as decimal strings.
 */
import { errnoName } from '../../schema/enums/index.ts'
import {
  type EventType,
  type FamilyDecl,
  layoutOf,
  PUBLIC_EVENT_TYPES,
  RECORD_FLAGS,
  type Slot,
} from '../../schema/index.ts'
import type { ProcessInfo } from '../fields/context.ts'
import { nameDiffers } from '../fields/differs.ts'
import { flagNamer } from '../fields/evt/argument-text.ts'
import { rawResult } from '../fields/evt/result.ts'
import { structureText } from '../fields/evt/structure-text.ts'
import { Ip } from '../fields/ip.ts'
import { splitVector } from '../fields/vector.ts'
import * as json from '../outputs/json-schema.ts'
import { maskArguments, maskEnvironment } from '../outputs/masking.ts'
import * as c from './columns.ts'
import { ProcessTexts } from './process-text.ts'
import { recordTypesOf } from './records.ts'
import type { LineMaker, LineOptions } from './telemetry.ts'
import { exactTime, TextCache, TimeText } from './text.ts'

type Texts = c.Texts
type Row = c.Row

const integer = (value: number | bigint): string =>
  Number.isSafeInteger(Number(value)) ? String(value) : `"${value}"`

/** Values that few numbers have are put into words once. */
function worded(slot: Slot, words: (value: number) => string): (row: Row) => string {
  const known = new Map<number, string>()
  return ({ ctx }) => {
    const value = ctx.event.numberAt(slot)
    let text = known.get(value)
    if (text === undefined) {
      text = `,"${slot.name}":${words(value)}`
      if (known.size < 4096) known.set(value, text)
    }
    return text
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

interface Value {
  readonly schema: json.JsonSchema
  readonly write: (row: Row, texts: Texts) => string
}

/** How a field is written, by its declaration. */
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
      return textValue(slot)
    case 'ip':
      return {
        schema: json.text(decl.doc),
        write: ({ ctx }) => {
          const bytes = ctx.event.ip(name)
          return bytes === undefined ? '' : `,"${name}":"${new Ip(bytes).text}"`
        },
      }
    case 'address':
      return {
        schema: json.text(`${decl.doc}, hexadecimal`),
        write: ({ ctx }) => `,"${name}":"0x${ctx.event.bigint(name)!.toString(16)}"`,
      }
    case 'sockaddr':
    case 'timespec':
    case 'timeval':
    case 'pair':
    case 'creds':
      return {
        schema: json.text(decl.doc),
        write: ({ ctx }, { cache }) => {
          const bytes = ctx.event.bytes(name)
          const text = bytes && structureText(decl.format, bytes)
          return text === undefined ? '' : cache.pair(name, text)
        },
      }
    case 'number':
    case 'errno':
    case 'fd':
    case 'time':
    case 'caps':
    case 'port':
      return {
        schema: { type: ['integer', 'string'], description: decl.doc },
        write: ({ ctx: { event } }) => {
          const value = event.numberAt(slot)
          return `,"${name}":${integer(Number.isSafeInteger(value) ? value : event.bigint(name)!)}`
        },
      }
    default:
      return decl.format satisfies never
  }
}

function textValue(slot: Slot): Value {
  const { name, decl } = slot
  if (decl.storage !== 'strv')
    return {
      schema: json.text(decl.doc),
      write: ({ ctx }, { cache }) => {
        const text = ctx.event.string(name)?.text
        return text === undefined ? '' : cache.pair(name, text)
      },
    }
  const mask = name === 'env' ? maskEnvironment : maskArguments
  return {
    schema: json.list(json.text('an element'), `${decl.doc}; secrets masked`),
    write: ({ ctx }, texts) => {
      const bytes = ctx.event.bytes(name)
      if (bytes === undefined) return ''
      const items = splitVector(bytes)
      return texts.cache.list(name, texts.mask ? mask(items) : items)
    },
  }
}

interface Argument extends Value {
  readonly name: string
}

/** What stands under `args`: the fields that are no internals, the paths put together, the ends of a socket. */
function argumentsOf(type: EventType): readonly Argument[] {
  const own = layoutOf(type.family)
    .slots.filter(({ name, decl }) => decl.hidden !== true && name !== 'res')
    .map((slot) => ({ name: slot.name, ...fieldValue(slot) }))
  return [...own, ...pathArguments(type), ...socketArguments(type.family)]
}

function pathArguments(type: EventType): readonly Argument[] {
  const paths = recordTypesOf.get(type.name)?.[0]?.paths ?? []
  const names = paths.length === 2 ? ['old_path', 'new_path'] : ['path']
  const accessed = paths.map((fields, i) =>
    c.accessedPath(fields, names[i]!, 'absolute path as accessed, cleaned as text'),
  )
  const resolved = paths.filter(({ path }) => path !== undefined).map(c.resolvedPath)
  return [...accessed, ...resolved].map(({ name, schema, write }) => ({ name, schema, write }))
}

const HAVE_ENDS: ReadonlySet<string> = new Set(['socket', 'message', 'flow', 'packet'])

const socketArguments = (family: FamilyDecl): readonly Argument[] =>
  !HAVE_ENDS.has(family.name)
    ? []
    : [...c.endpoint('local'), ...c.endpoint('remote'), c.UNIX_PATH].map(({ name, schema, write }) => ({
        name,
        schema,
        write,
      }))

const RECORD_FLAG_NAMES = Object.entries(RECORD_FLAGS)

/** Flags of the record, and the names of the values that were cut. */
function flagsText({ ctx: { event } }: Row, variable: readonly Slot[]): string {
  const flags: string[] = []
  for (const [name, bit] of RECORD_FLAG_NAMES)
    if ((event.flags & bit) !== 0) flags.push(`"${name.toLowerCase()}"`)
  if (nameDiffers(event) === true) flags.push('"name_differs"')
  for (const { name } of variable) if (event.cutFrom(name) !== undefined) flags.push(`"truncated:${name}"`)
  return flags.join(',')
}

const PROCESS = 'process'
function processText(process: ProcessInfo | undefined, { cache }: Texts): string {
  if (process === undefined) return ''
  const container =
    process.containerId === undefined
      ? ',"container_id":null'
      : cache.pair('container_id', process.containerId)
  return (
    `,"ppid":${process.ppid},"gid":${process.gid}` +
    cache.pair('comm', process.comm.text) +
    cache.pair('exe', process.exePath.text) +
    container
  )
}

/** Our shape is the same for all types of records. */
export interface NativeLines extends LineMaker {
  line(row: Row): string
}

/** Lines in our native shape. */
export function nativeLines({ lookup, host, mask, alertRecords, without }: LineOptions): NativeLines {
  const texts: Texts = { cache: new TextCache(), time: new TimeText(lookup), host, mask, alertRecords }
  const processes = new ProcessTexts()
  const about = processes.block((process) => processText(process, texts))
  const shapes = new Map(
    PUBLIC_EVENT_TYPES.map((type) => [
      type.name,
      {
        args: argumentsOf(type).filter(({ name }) => !without.has(name)),
        variable: layoutOf(type.family).slots.filter(({ decl }) => decl.max !== undefined),
      },
    ]),
  )
  const hostText = texts.cache.json(host)
  return {
    processChanged: () => processes.changed(),
    line(row) {
      const { event, process } = row.ctx
      const { args, variable } = shapes.get(event.name)!
      let values = ''
      for (let i = 0; i < args.length; i++) values += args[i]!.write(row, texts)
      const time = texts.time.wall(event.time, () => event.timeNs)
      const mono = Number.isSafeInteger(event.time)
        ? event.time
        : `"${exactTime(event.time, () => event.timeNs)}"`
      const ret = rawResult(row.ctx)
      const result =
        ret === undefined
          ? 'null'
          : `{"ret":${ret},"error":${ret < 0 ? `"${errnoName(ret) ?? -ret}"` : null}}`
      return (
        `{"v":1,"time":"${time}","mono_ns":${mono},"event":"${event.name}","source":"syscall","host":${hostText}` +
        `,"${PROCESS}":{"pid":${event.pid},"tid":${event.tid},"start_ns":${integer(event.start)},"uid":${event.uid}` +
        `${processes.get(process, about)}},"args":{${values.slice(1)}},"result":${result}` +
        `,"flags":[${flagsText(row, variable)}]${c.ALERT_IDS.write(row, texts)}}`
      )
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
