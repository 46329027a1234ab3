/** Tracee's lines as records of ours: names of events and arguments are those that `tarsier trace` writes. */
import { EVENT_TYPES, layoutOf } from '../../../schema/index.ts'
import type { FieldValue } from '../../decode/encode.ts'
import { decodeBytes } from '../../decode/str.ts'
import { findTraceEvent, type TraceEvent } from '../../trace/catalogue.ts'
import type { Actor } from './processes.ts'
import { type Fields, fieldValue, isMap, type Json, numberOf, PARTS } from './values.ts'

/** A line that is one. */
export interface TraceeLine {
  readonly name: string
  /** Ns, as written. */
  readonly timestamp: bigint
  readonly cpu: number
  readonly result: number
  readonly actor: Actor
  readonly args: readonly Argument[]
}

export interface Argument {
  readonly name: string
  readonly value: Json
  readonly bytes: Json | undefined
}

const ARGS_MAX = 64
const NAME_MAX = 256
/** About the year 2200. */
const TIME_MAX = 1n << 63n

/** Integers that a number does not hold keep their digits. */
const exact = (_key: string, value: unknown, { source }: { readonly source?: string }): unknown =>
  typeof value === 'number' &&
  !Number.isSafeInteger(value) &&
  source !== undefined &&
  /^-?\d{1,20}$/.test(source)
    ? BigInt(source)
    : value

/** The usual beginning of a line. Its time is the one number that does not fit; asking about each takes far longer. */
const BEGINNING = /^\{"timestamp":(\d{1,19}),/
/** Perhaps another one that does not fit. */
const LONG = /\d{16}/

/** The value of a line, exact; throws for what is no JSON. */
function parseLine(text: string): Json {
  const [begin, time] = BEGINNING.exec(text) ?? []
  if (begin === undefined || LONG.test(text.slice(begin.length)))
    return (JSON.parse as (text: string, reviver: typeof exact) => Json)(text, exact)
  const json = JSON.parse(text) as Json
  return isMap(json) ? { ...json, timestamp: BigInt(time!) } : json
}

/** What a line says, or why it says nothing. */
export function readLine(text: string): TraceeLine | string {
  let json: Json
  try {
    json = parseLine(text)
  } catch (error) {
    return error instanceof RangeError ? 'it is nested too deeply' : 'it is no JSON'
  }
  if (!isMap(json)) return 'it is no JSON object'
  const { eventName, args } = json
  if (typeof eventName !== 'string' || eventName === '') return 'it has no eventName'
  const timestamp = numberOf(json['timestamp'] ?? null)
  if (timestamp === undefined || BigInt(timestamp) < 0n || BigInt(timestamp) >= TIME_MAX)
    return 'its timestamp is not a number of nanoseconds'
  if (args !== undefined && args !== null && !Array.isArray(args)) return 'its args are no list'
  const actor = actorOf(json)
  if (actor === undefined) return 'it does not say which process it is about'
  return {
    name: eventName.slice(0, NAME_MAX),
    timestamp: BigInt(timestamp),
    cpu: word(json['processorId']) ?? 0,
    result: Number(numberOf(json['returnValue'] ?? null) ?? 0),
    actor,
    args: ((args ?? []) as readonly Json[]).slice(0, ARGS_MAX).flatMap(argumentOf),
  }
}

/** A number of 32 bits. */
const word = (value: Json | undefined): number | undefined => {
  const number = numberOf(value ?? null)
  return number === undefined ? undefined : Number(BigInt.asUintN(32, BigInt(number)))
}

function actorOf(json: { readonly [key: string]: Json }): Actor | undefined {
  const pid = word(json['hostProcessId']) ?? word(json['processId'])
  if (pid === undefined) return undefined
  const text = (key: string): string => {
    const value = json[key]
    return typeof value === 'string' ? value.slice(0, NAME_MAX) : ''
  }
  const number = (key: string, otherwise = 0): number => word(json[key]) ?? otherwise
  const comm = json['processName_b64']
  return {
    pid,
    tid: number('hostThreadId', pid),
    uid: number('userId'),
    vpid: number('processId', pid),
    ppid: number('hostParentProcessId', number('parentProcessId')),
    pvpid: number('parentProcessId'),
    mntns: number('mountNamespace'),
    pidns: number('pidNamespace'),
    comm: typeof comm === 'string' ? exactText(comm) : text('processName'),
    host: text('hostName'),
    containerId: /^[\w.-]*$/.test(text('containerId')) ? text('containerId') : '',
  }
}

/** Bytes as our text has them: what is not UTF-8 keeps its bytes. */
const exactText = (base64: string): string => decodeBytes(Buffer.from(base64.slice(0, NAME_MAX), 'base64'))

function argumentOf(value: Json): readonly Argument[] {
  if (!isMap(value) || typeof value['name'] !== 'string' || value['value'] === undefined) return []
  return [{ name: value['name'], value: value['value'], bytes: value['value_b64'] }]
}

/** How an event of Tracee becomes one of ours. */
export interface Mapping {
  readonly event: TraceEvent
  /** Name of ours. */
  readonly source: string
  readonly hasResult: boolean
  readonly args: ReadonlyMap<string, TraceEvent['args'][number]>
}

/** Undefined for an event that we do not have. */
export function mappingOf(name: string): Mapping | undefined {
  const event = findTraceEvent(name)
  return event && mappingFor(event)
}

function mappingFor(event: TraceEvent): Mapping {
  const source = event.sources[0]!
  const { slots } = layoutOf(EVENT_TYPES.find((type) => type.name === source)!.family)
  return {
    event,
    source,
    hasResult: slots.some(({ name }) => name === 'res'),
    args: new Map(event.args.map((arg) => [arg.name, arg])),
  }
}

/** Fields of the record of a line; `strange` is told of arguments that are not known or make no sense. */
export function fieldsOf(mapping: Mapping, line: TraceeLine, strange: (argument: string) => void): Fields {
  const { event, source, args } = mapping
  const fields: Fields = resultFields(mapping, line)
  for (const { name, value, bytes } of line.args) {
    const argument = args.get(name)
    const parts = partsOf(event.family, name) ?? partsOf(source, name)
    if (parts !== undefined) {
      const made = parts(value, source, line.result)
      if (made === undefined) strange(name)
      else Object.assign(fields, made)
      continue
    }
    const field: FieldValue | undefined = argument?.slot && fieldValue(argument.slot, { value, bytes })
    if (field === undefined) {
      // Of a fork the record has what came of it, not what was asked for.
      const isMoot = argument === undefined ? event.family === 'fork' : argument.slot === undefined
      if (!isMoot) strange(name)
    } else fields[argument!.slot!.name] ??= field
  }
  return fields
}

const partsOf = (of: string, name: string): (typeof PARTS)[string] | undefined => {
  const key = `${of}.${name}`
  return Object.hasOwn(PARTS, key) ? PARTS[key] : undefined
}

/** Where a call's result is: opens and sockets have a new descriptor. */
function resultFields({ event, source, hasResult }: Mapping, { result }: TraceeLine): Fields {
  if (event.family === 'open') return { fd: result }
  if (!hasResult) return {}
  const gives = source === 'socket' || source === 'accept' || source === 'accept4'
  return gives ? { res: result, fd: result } : { res: result }
}
