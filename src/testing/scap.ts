/** Scap captures for tests: events by name and values, in any version of the blocks. */
import { SCAP_EVENTS, type ScapEvent } from '../../schema/scap/index.ts'
import {
  block,
  eventBlock,
  machineBlock,
  Packer,
  type ParamValue,
  type ProcessInit,
  processEntry,
  sectionBlock,
  type UserInit,
  userEntry,
} from '../capture/scap/encode.ts'

/** 2026-01-01T00:00:00Z */
export const SCAP_START = 1_767_225_600_000_000_000n

/** The latest event of this name and phase; the one with number `number` where several versions matter. */
export function scapEvent(
  name: string,
  phase: 'exit' | 'enter' | 'other' = 'exit',
  number?: number,
): ScapEvent {
  const found = SCAP_EVENTS.findLast(
    (event) =>
      event.name === name && event.phase === phase && (number === undefined || event.number === number),
  )
  if (found === undefined) throw new RangeError(`no event ${name} ${phase} ${number ?? ''}`)
  return found
}

export interface ScapEventInit {
  readonly tid: number
  readonly cpu?: number
  /** Ns after the first event. */
  readonly at: number
  readonly phase?: 'exit' | 'enter' | 'other'
  /** Of several versions, this one. */
  readonly number?: number
  /** Parameters that are written; all by default. */
  readonly count?: number
}

/** An event with its values by name; others are 0, empty or not there. */
export function scapBlock(
  name: string,
  { tid, at, cpu = 0, phase = 'exit', number, count }: ScapEventInit,
  values: Readonly<Record<string, ParamValue>>,
): Buffer {
  const event = scapEvent(name, phase, number)
  for (const key of Object.keys(values))
    if (!event.params.some((param) => param.name === key))
      throw new RangeError(`${name} has no parameter ${key}`)
  const params = event.params.slice(0, count).map((param) => values[param.name])
  return eventBlock({ number: event.number, time: SCAP_START + BigInt(at), tid, cpu, params })
}

export const text = (...words: readonly string[]): string => words.map((word) => `${word}\0`).join('')

const ipv4 = (address: string): Buffer => Buffer.from(address.split('.').map(Number))

/** `a.b.c.d:port` of two ends as captures have a pair. */
export function pairOf(source: string, target: string): Buffer {
  const pair = new Packer().u8(2)
  for (const end of [source, target]) {
    const [ip = '', port] = end.split(':')
    pair.raw(ipv4(ip)).u16(Number(port))
  }
  return pair.done()
}

export function addressOf(end: string): Buffer {
  const [ip = '', port] = end.split(':')
  return new Packer().u8(2).raw(ipv4(ip)).u16(Number(port)).done()
}

export interface ScapInit {
  readonly hostname?: string
  readonly booted?: bigint
  readonly processes?: readonly ProcessInit[]
  /** By thread: descriptors with their names, all of them files. */
  readonly files?: Readonly<Record<number, Readonly<Record<number, string>>>>
  readonly users?: readonly UserInit[]
}

const FILE = 1

/** What stands in front of the events. */
export function scapFront(init: ScapInit = {}): Buffer {
  const {
    hostname = 'box',
    booted = SCAP_START - 100_000_000_000n,
    processes = [],
    files = {},
    users = [],
  } = init
  return Buffer.concat([
    sectionBlock(),
    machineBlock({ cpus: 2, hostname, booted }),
    block(0x215, ...processes.map(processEntry)),
    ...Object.entries(files).map(([tid, fds]) =>
      block(
        0x218,
        new Packer().u64(Number(tid)).done(),
        ...Object.entries(fds).map(([fd, name]) =>
          new Packer().u64(Number(fd)).u64(7).u8(FILE).text(name).sized(),
        ),
      ),
    ),
    block(0x219),
    block(0x220, ...users.map(userEntry)),
  ])
}
