/** Values of Tracee's JSON as fields of records: numbers, names of flags, addresses and structures, both ways of writing them. */
import {
  ADDRESS_FAMILIES,
  AF_INET,
  AF_INET6,
  AF_UNIX,
  CLONE_FLAGS,
  OPEN_FLAGS,
  PROT_ALERTS,
  RESOLVE_FLAGS,
  SIGNALS,
  SOCK_FLAGS,
  SOCK_TYPES,
} from '../../../schema/enums/index.ts'
import type { NameTable, Slot } from '../../../schema/index.ts'
import type { FieldValue } from '../../decode/encode.ts'
import { encodeText } from '../../decode/str.ts'
import { credentialBytes } from '../../fields/credentials.ts'
import { parseIp } from '../../fields/ip.ts'
import { MEMORY_ALERTS, MODE_NAMES } from '../../trace/structures.ts'

/** What JSON has, integers beyond 2^53 as bigint. */
export type Json =
  | null
  | boolean
  | number
  | bigint
  | string
  | readonly Json[]
  | { readonly [key: string]: Json }
type JsonMap = { readonly [key: string]: Json }

export type Fields = Record<string, FieldValue>

/** An object of JSON, no list and not null. */
export const isMap = (value: Json | undefined): value is JsonMap =>
  typeof value === 'object' && value !== null && !Array.isArray(value)

/** An argument as its line has it. */
export interface Written {
  readonly value: Json
  /** The exact bytes of text that is not UTF-8: of a text, or of elements by their place. */
  readonly bytes: Json | undefined
}

/** Most bytes of text and of a list of texts, as the kernel side has them. */
const TEXT_MAX = 4096
const VECTOR_MAX = 32 << 10

/** The value of a slot; undefined for what does not fit it. */
export function fieldValue({ decl }: Slot, written: Written): FieldValue | undefined {
  const { value } = written
  switch (decl.storage) {
    case 'str':
      return typeof value === 'string' ? textBytes(value, written.bytes, decl.max ?? TEXT_MAX) : undefined
    case 'strv':
      return Array.isArray(value) ? vectorBytes(value, written.bytes) : undefined
    case 'bytes':
      return structureBytes(decl.format, value)
    case 'ip':
      return typeof value === 'string' ? parseIp(value)?.bytes : undefined
    case 'u16':
    case 'u32':
    case 's32':
    case 'u64':
    case 's64':
      return numberOf(value, decl.format === 'mode' ? MODE_NAMES : decl.names)
    default:
      return decl.storage satisfies never
  }
}

/** Text ends where C's does. */
function textBytes(text: string, exact: Json | undefined, most: number): Uint8Array {
  const bytes = typeof exact === 'string' ? Buffer.from(exact, 'base64') : encodeText(text.slice(0, most))
  const end = bytes.indexOf(0)
  return bytes.subarray(0, Math.min(end < 0 ? bytes.length : end, most))
}

function vectorBytes(list: readonly Json[], exact: Json | undefined): Uint8Array | undefined {
  const parts: Uint8Array[] = []
  let room = VECTOR_MAX
  for (const [i, item] of list.entries()) {
    if (typeof item !== 'string' || room <= 0) break
    const bytes = textBytes(item, isMap(exact) ? exact[i] : undefined, room)
    parts.push(bytes, Buffer.of(0))
    room -= bytes.length + 1
  }
  return Buffer.concat(parts).subarray(0, VECTOR_MAX)
}

const WORD = /^-?\d{1,20}$/
const HEX = /^0x[0-9a-f]{1,16}$/i
const OCTAL = /^0[0-7]{0,21}$/

/** A number as it is written, in decimal, hexadecimal, octal, or in names. */
export function numberOf(value: Json, names?: NameTable): number | bigint | undefined {
  if (typeof value === 'boolean') return value ? 1 : 0
  if (typeof value === 'number') return Number.isSafeInteger(value) ? value : undefined
  if (typeof value === 'bigint') return inRange(value)
  if (typeof value !== 'string' || value.length > 1000) return undefined
  if (OCTAL.test(value)) return inRange(BigInt(`0o${value}`))
  if (HEX.test(value) || WORD.test(value)) return inRange(BigInt(value))
  if (names === undefined) return undefined
  let bits = 0
  for (const word of value.split('|')) {
    const bit = HEX.test(word) ? Number(word) : bitOf(names, word)
    if (bit === undefined) return undefined
    bits |= bit
  }
  return bits >>> 0
}

const bitOf = ({ names, group, none }: NameTable, word: string): number | undefined => {
  if (word === none) return 0
  for (const table of [names, group?.names ?? {}]) if (Object.hasOwn(table, word)) return table[word]
  return undefined
}

/** What 64 bits hold, signed or not. */
const inRange = (value: bigint): bigint | undefined =>
  value >= -(1n << 63n) && value < 1n << 64n ? BigInt.asIntN(64, value) : undefined

function structureBytes(format: Slot['decl']['format'], value: Json): Uint8Array | undefined {
  if (format === 'sockaddr') return isMap(value) ? sockaddrBytes(value) : undefined
  if (format === 'creds')
    return isMap(value) ? credentialBytes(value as Readonly<Record<string, unknown>>) : undefined
  if (format === 'pair') return Array.isArray(value) ? pairBytes(value) : undefined
  if (format === 'timespec' || format === 'timeval')
    return typeof value === 'string' ? timeBytes(value) : undefined
  return typeof value === 'string' ? Buffer.from(value.slice(0, TEXT_MAX), 'base64') : undefined
}

function pairBytes(value: readonly Json[]): Uint8Array | undefined {
  const [first, second] = value.map((item) => numberOf(item))
  if (first === undefined || second === undefined) return undefined
  const view = new DataView(new ArrayBuffer(8))
  view.setInt32(0, Number(first), true)
  view.setInt32(4, Number(second), true)
  return new Uint8Array(view.buffer)
}

/** Seconds and a fraction of nine or six digits. */
function timeBytes(text: string): Uint8Array | undefined {
  const [, seconds, fraction] = /^(-?\d{1,19})\.(0{0,9}-?\d{1,19})$/.exec(text) ?? []
  if (seconds === undefined) return undefined
  const view = new DataView(new ArrayBuffer(16))
  view.setBigInt64(0, BigInt(seconds), true)
  view.setBigInt64(8, BigInt(fraction!.replace(/^0+-/, '-')), true)
  return new Uint8Array(view.buffer)
}

/** An address in text by member, taken apart; undefined for one that makes no sense. */
interface Address {
  readonly family: number
  readonly ip?: Uint8Array
  readonly port?: number
  readonly path?: string
  readonly flow?: number
  readonly scope?: number
}

const wordIn = (map: JsonMap, key: string): number =>
  Number(BigInt.asUintN(32, BigInt(numberOf(map[key] ?? null) ?? 0)))

function addressOf(map: JsonMap): Address | undefined {
  const word = map['sa_family']
  const family = numberOf(word ?? null, ADDRESS_FAMILIES)
  if (family === undefined || Number(family) > 0xffff) return undefined
  const ip = (key: string): Uint8Array | undefined =>
    typeof map[key] === 'string' ? parseIp(map[key])?.bytes : undefined
  const port = (key: string): number => Number(numberOf(map[key] ?? null) ?? 0) & 0xffff
  switch (Number(family)) {
    case AF_INET:
      return withIp(AF_INET, ip('sin_addr'), port('sin_port'))
    case AF_INET6:
      return {
        ...withIp(AF_INET6, ip('sin6_addr'), port('sin6_port')),
        flow: wordIn(map, 'sin6_flowinfo'),
        scope: wordIn(map, 'sin6_scopeid'),
      }
    case AF_UNIX: {
      const path = map['sun_path']
      return { family: AF_UNIX, path: typeof path === 'string' ? path : '' }
    }
    default:
      return { family: Number(family) }
  }
}

const withIp = (family: number, ip: Uint8Array | undefined, port: number): Address => ({
  family,
  port,
  ...(ip && { ip }),
})

/** struct sockaddr. */
function sockaddrBytes(map: JsonMap): Uint8Array | undefined {
  const address = addressOf(map)
  if (address === undefined) return undefined
  const { family, ip, port = 0, path } = address
  const head = Buffer.alloc(2)
  head.writeUInt16LE(family)
  if (path !== undefined) {
    const text = Buffer.from(encodeText(path.slice(0, 108)))
    // A name that begins with @ is an abstract one.
    if (text[0] === 64) text[0] = 0
    return Buffer.concat([head, text]).subarray(0, 110)
  }
  if (ip === undefined) return head
  const number = Buffer.alloc(2)
  number.writeUInt16BE(port)
  if (family === AF_INET) return Buffer.concat([head, number, ip.subarray(12)])
  const flow = Buffer.alloc(4)
  flow.writeUInt32BE(wordIn(map, 'sin6_flowinfo'))
  const scope = Buffer.alloc(4)
  scope.writeUInt32LE(wordIn(map, 'sin6_scopeid'))
  const parts = [head, number, flow, ip]
  return Buffer.concat(map['sin6_scopeid'] === undefined ? parts : [...parts, scope])
}

/** Arguments that no one field is, by family of the event, or the event itself, and name: what they say of the record. */
export const PARTS: Readonly<
  Record<string, (value: Json, event: string, result: number) => Fields | undefined>
> = {
  'socket.addr': (value, event, result) => {
    const address = isMap(value) ? addressOf(value) : undefined
    if (event.startsWith('accept')) return address && result >= 0 ? peer(address) : undefined
    return address && { ...passed(address), ...(result < 0 ? {} : ends(address, event)) }
  },
  'message.dest_addr': (value) => passedIn(value),
  'message.src_addr': (value) => passedIn(value),
  'socket_new.type': (value) => {
    const both: NameTable = { kind: 'flags', names: { ...SOCK_FLAGS.names, ...SOCK_TYPES.names } }
    // Types are no bits, but no type has a bit of a flag.
    const word = Number(numberOf(value, both) ?? Number.NaN)
    return Number.isNaN(word) ? undefined : { type: word & 0xf, flags: word & ~0xf }
  },
  'socket_new.sv': (value) => {
    const [fd, fd2] = Array.isArray(value) ? value.map((item: Json) => numberOf(item)) : []
    return fd === undefined || fd2 === undefined ? undefined : { fd, fd2 }
  },
  'open.how': (value) =>
    isMap(value)
      ? membersOf(value, { flags: OPEN_FLAGS, mode: undefined, resolve: RESOLVE_FLAGS })
      : undefined,
  'open.size': (value) => given('how_size', numberOf(value)),
  'write.length': (value) => given('size', numberOf(value)),
  'fork.flags': (value) => {
    const word = cloneWord(value)
    return word === undefined ? undefined : { flags: word & ~0xffn, exit_signal: word & 0xffn }
  },
  'fork.cl_args': (value) => {
    if (!isMap(value)) return given('cl_args', numberOf(value))
    const { flags, ...others } = value
    return { ...given('flags', cloneWord(flags ?? 0)), ...membersOf(others, CLONE_MEMBERS) }
  },
  'mem_prot_alert.alert': (value) => {
    const known = Object.entries(MEMORY_ALERTS).find(([, text]) => text === value)?.[0]
    return given('alert', known === undefined ? numberOf(value, PROT_ALERTS) : Number(known))
  },
  'magic_write.bytes': (value) =>
    typeof value === 'string' ? { bytes: Buffer.from(value.slice(0, TEXT_MAX), 'base64') } : undefined,
  'exec.stdin_type': (value) => {
    const mode = numberOf(value, MODE_NAMES)
    return mode === undefined ? undefined : { stdin_mode: Number(mode) & 0xffff }
  },
}

const given = (field: string, value: FieldValue | undefined): Fields | undefined =>
  value === undefined ? undefined : { [field]: value }

/** Members of a structure that are fields of the record. */
function membersOf(value: JsonMap, names: Readonly<Record<string, NameTable | undefined>>): Fields {
  return Object.assign(
    {},
    ...Object.entries(value).map(([name, member]) =>
      Object.hasOwn(names, name) ? given(name, numberOf(member, names[name])) : undefined,
    ),
  )
}
const CLONE_MEMBERS: Readonly<Record<string, NameTable | undefined>> = {
  exit_signal: SIGNALS,
  ...Object.fromEntries(
    [
      'pidfd',
      'child_tid',
      'parent_tid',
      'stack',
      'stack_size',
      'tls',
      'set_tid',
      'set_tid_size',
      'cgroup',
    ].map((name) => [name, undefined]),
  ),
}

/** Flags of clone, of which some lie above 32 bits, and the signal among them. */
function cloneWord(value: Json): bigint | undefined {
  const words = typeof value === 'string' ? value.slice(0, 1000).split('|') : [value]
  let sum = 0n
  for (const word of words) {
    const name = String(word)
    const bits = CLONE_FLAGS.names[name] ?? SIGNALS.names[name] ?? numberOf(word)
    if (bits === undefined) return undefined
    sum |= BigInt.asUintN(64, BigInt(bits))
  }
  return sum
}

const passedIn = (value: Json): Fields | undefined => {
  const address = isMap(value) ? addressOf(value) : undefined
  return address && passed(address)
}

const passed = ({ family, ip, port, path, flow, scope }: Address): Fields => ({
  addr_family: family,
  ...(flow && { addr_flow: flow }),
  ...(scope && { addr_scope: scope }),
  ...(ip && { addr_ip: ip }),
  ...(port === undefined ? {} : { addr_port: port }),
  ...(path === undefined ? {} : { addr_path: path.slice(0, 108) }),
})

const peer = ({ family, ip, port = 0 }: Address): Fields =>
  ip === undefined ? { family } : { family, raddr: ip, rport: port }

/** A call that worked left the socket with this address: its own, or its peer's. */
function ends({ family, ip, port = 0, path }: Address, event: string): Fields {
  if (path !== undefined) return { family, unix_path: path.slice(0, 108) }
  if (ip === undefined) return { family }
  if (event === 'connect') return peer({ family, ip, port })
  return event === 'bind' ? { family, laddr: ip, lport: port } : { family }
}
