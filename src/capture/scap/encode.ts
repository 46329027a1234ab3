/** Blocks of scap captures from values: what the writer makes, and tests. Text is encoded as it was decoded (decode/str.ts). */
import { SCAP_BYTES, SCAP_EVENTS, type ScapEvent, type ScapType } from '../../../schema/scap/index.ts'
import { encodeText } from '../../decode/str.ts'
import {
  BLOCK_HEAD,
  BYTE_ORDER,
  EVENT_2,
  EVENT_2_LARGE,
  EVENT_HEAD,
  GROUP_ENTRY,
  MAJOR_VERSION,
  MIN_BLOCK,
  MINOR_VERSION,
  SECTION,
  USER_ENTRY,
} from './format.ts'

/** A value of a parameter; undefined for one that is not there. Bytes are taken as they are. */
export type ParamValue = number | bigint | string | Uint8Array | undefined

export interface EventInit {
  readonly number: number
  /** Ns since the epoch. */
  readonly time: bigint
  readonly tid: number
  readonly cpu: number
  /** In the order of the table; what is missing at the end is not written. */
  readonly params: readonly ParamValue[]
}

const pad = (length: number): number => (length + 3) & ~3
/** Lengths of 16 bits end here. */
const SMALL_MAX = 0xffff

/** A block around its content. */
export function block(type: number, ...parts: readonly Uint8Array[]): Buffer {
  const length = parts.reduce((sum, part) => sum + part.length, 0)
  const bytes = Buffer.alloc(pad(length) + MIN_BLOCK)
  bytes.writeUInt32LE(type, 0)
  bytes.writeUInt32LE(bytes.length, 4)
  let at = BLOCK_HEAD
  for (const part of parts) {
    bytes.set(part, at)
    at += part.length
  }
  bytes.writeUInt32LE(bytes.length, bytes.length - 4)
  return bytes
}

/** Content of a block, value by value. */
export class Packer {
  readonly #parts: Buffer[] = []
  #length = 0

  get length(): number {
    return this.#length
  }
  u8(value: number): this {
    return this.raw(Buffer.of(value & 0xff))
  }
  u16(value: number): this {
    const bytes = Buffer.alloc(2)
    bytes.writeUInt16LE(value & 0xffff)
    return this.raw(bytes)
  }
  u32(value: number): this {
    const bytes = Buffer.alloc(4)
    bytes.writeUInt32LE(value >>> 0)
    return this.raw(bytes)
  }
  u64(value: number | bigint): this {
    const bytes = Buffer.alloc(8)
    bytes.writeBigUInt64LE(BigInt.asUintN(64, BigInt(value)))
    return this.raw(bytes)
  }
  /** Text with its length in front, cut at `max` bytes. */
  text(text: string, max = 4095): this {
    const bytes = encodeText(text).subarray(0, max)
    return this.u16(bytes.length).raw(bytes)
  }
  raw(bytes: Uint8Array): this {
    this.#parts.push(Buffer.from(bytes.buffer, bytes.byteOffset, bytes.length))
    this.#length += bytes.length
    return this
  }
  done(): Buffer {
    return Buffer.concat(this.#parts)
  }
  /** The same with its length in front, itself included. */
  sized(): Buffer {
    const bytes = this.done()
    return Buffer.concat([new Packer().u32(bytes.length + 4).done(), bytes])
  }
}

/** The head of a section, without the length of the whole. */
export const sectionBlock = (): Buffer =>
  block(
    SECTION,
    new Packer().u32(BYTE_ORDER).u16(MAJOR_VERSION).u16(MINOR_VERSION).u64(0xffffffffffffffffn).done(),
  )

export interface MachineInit {
  readonly cpus: number
  readonly hostname: string
  /** Ns since the epoch. */
  readonly booted: bigint
}

const MEMORY = 0
const MAX_PID = 4194304
const X64_LINUX = 0x0201000000000000n

/** The block about the machine. The host's name is cut to 127 bytes. */
export function machineBlock({ cpus, hostname, booted }: MachineInit): Buffer {
  const name = Buffer.alloc(128)
  name.set(encodeText(hostname).subarray(0, 127))
  const info = new Packer()
    .u32(cpus)
    .u64(MEMORY)
    .u64(MAX_PID)
    .raw(name)
    .u64(booted)
    .u64(X64_LINUX)
    .u64(0)
    .u64(0)
  return block(0x201, info.done())
}

export interface ProcessInit {
  readonly tid: number
  readonly pid: number
  readonly ptid: number
  readonly sid?: number
  readonly vpgid?: number
  readonly vpid?: number
  readonly comm: string
  readonly exe: string
  readonly exePath: string
  readonly args?: readonly string[]
  readonly cwd: string
  readonly uid?: number
  readonly gid?: number
  readonly loginuid?: number
  readonly tty?: number
  readonly fdLimit?: number
  readonly env?: readonly string[]
  readonly cgroups?: readonly string[]
  readonly exeFlags?: number
  readonly exeIno?: number
  readonly exeCtime?: bigint
  readonly exeMtime?: bigint
  readonly capInheritable?: number
  readonly capPermitted?: number
  readonly capEffective?: number
  readonly pidnsStart?: number
}

/** Bits of clone flags that say which thread is the main one: none is needed. */
const NO_FLAGS = 0
const joined = (words: readonly string[] = []): string => words.map((word) => `${word}\0`).join('')
const ARGS_MAX = 4096

/** An entry of the latest list of processes. */
export function processEntry(process: ProcessInit): Buffer {
  const { tid, pid, ptid, comm, exe, exePath, cwd } = process
  const flags = process.exeFlags ?? 0
  return new Packer()
    .u64(tid)
    .u64(pid)
    .u64(ptid)
    .u64(process.sid ?? 0)
    .u64(process.vpgid ?? 0)
    .text(comm)
    .text(exe)
    .text(exePath)
    .text(joined(process.args), ARGS_MAX)
    .text(cwd)
    .u64(process.fdLimit ?? 1024)
    .u32(NO_FLAGS)
    .u32(process.uid ?? 0)
    .u32(process.gid ?? 0)
    .raw(Buffer.alloc(12 + 16))
    .text(joined(process.env), ARGS_MAX)
    .u64(tid === pid ? (process.vpid ?? pid) : tid)
    .u64(process.vpid ?? pid)
    .text(joined(process.cgroups), ARGS_MAX)
    .text('/')
    .u64(process.pidnsStart ?? 0)
    .u32(process.tty ?? 0)
    .u32(process.loginuid ?? 0xffffffff)
    .u8(flags & 1)
    .u64(process.capInheritable ?? 0)
    .u64(process.capPermitted ?? 0)
    .u64(process.capEffective ?? 0)
    .u8((flags >> 1) & 1)
    .u64(process.exeIno ?? 0)
    .u64(process.exeCtime ?? 0n)
    .u64(process.exeMtime ?? 0n)
    .u8((flags >> 2) & 1)
    .u8((flags >> 3) & 1)
    .sized()
}

/** A user or group. */
export interface UserInit {
  readonly uid?: number
  readonly gid: number
  readonly name: string
  readonly home?: string
  readonly shell?: string
}

/** An entry of a list of users; without a uid it is a group's. */
export function userEntry({ uid, gid, name, home = '', shell = '' }: UserInit): Buffer {
  const entry = new Packer().u8(uid === undefined ? GROUP_ENTRY : USER_ENTRY)
  if (uid === undefined) return entry.u32(gid).text(name, 255).sized()
  return entry.u32(uid).u32(gid).text(name, 255).text(home, 255).text(shell, 255).sized()
}

const NUMBERS: Readonly<Record<number, (bytes: Buffer, value: bigint) => void>> = {
  1: (bytes, value) => void bytes.writeUInt8(Number(BigInt.asUintN(8, value))),
  2: (bytes, value) => void bytes.writeUInt16LE(Number(BigInt.asUintN(16, value))),
  4: (bytes, value) => void bytes.writeUInt32LE(Number(BigInt.asUintN(32, value))),
  8: (bytes, value) => void bytes.writeBigUInt64LE(BigInt.asUintN(64, value)),
}

const NONE = Buffer.alloc(0)
const NUL = Buffer.alloc(1)

/** One value in the bytes it has in an event. */
function paramBytes(type: ScapType, value: ParamValue): Uint8Array {
  if (value === undefined) return NONE
  if (value instanceof Uint8Array) return value
  if (typeof value === 'string') {
    const text = encodeText(value)
    return type === 'bytebuf' ? text : Buffer.concat([text, NUL])
  }
  const bytes = Buffer.alloc(SCAP_BYTES[type] ?? 0)
  NUMBERS[bytes.length]?.(bytes, BigInt(value))
  return bytes
}

/** An event block of the latest version; of the large kind where a value is longer than 16 bits can say. */
export function eventBlock({ number, time, tid, cpu, params }: EventInit): Buffer {
  const event: ScapEvent = SCAP_EVENTS[number]!
  const values = params.map((value, i) => paramBytes(event.params[i]!.type, value))
  const total = values.reduce((sum, value) => sum + value.length, 0)
  const large = total > SMALL_MAX - EVENT_HEAD - 2 * values.length
  const width = large ? 4 : 2
  const length = EVENT_HEAD + values.length * width + total
  const bytes = Buffer.alloc(pad(2 + length) + MIN_BLOCK)
  bytes.writeUInt32LE(large ? EVENT_2_LARGE : EVENT_2, 0)
  bytes.writeUInt32LE(bytes.length, 4)
  bytes.writeUInt16LE(cpu & 0xffff, 8)
  bytes.writeBigUInt64LE(time, 10)
  bytes.writeBigUInt64LE(BigInt(tid), 18)
  bytes.writeUInt32LE(length, 26)
  bytes.writeUInt16LE(number, 30)
  bytes.writeUInt32LE(values.length, 32)
  let at = 36
  for (const value of values) {
    if (large) bytes.writeUInt32LE(value.length, at)
    else bytes.writeUInt16LE(value.length, at)
    at += width
  }
  for (const value of values) {
    bytes.set(value, at)
    at += value.length
  }
  bytes.writeUInt32LE(bytes.length, bytes.length - 4)
  return bytes
}
