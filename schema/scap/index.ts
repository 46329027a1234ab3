/** The events of scap captures (events.ts), parsed. */
import { SCAP_EVENT_TABLE, USUAL } from './events.ts'

export { SCAP_SYSCALLS } from './syscalls.ts'

/** Types of parameters, as they are called there in lower case. */
export type ScapType = keyof typeof SCAP_BYTES

/** Bytes of a value; undefined where it says so itself. Numbers are little-endian. */
export const SCAP_BYTES = {
  int8: 1,
  int16: 2,
  int32: 4,
  int64: 8,
  uint8: 1,
  uint16: 2,
  uint32: 4,
  uint64: 8,
  flags8: 1,
  flags16: 2,
  flags32: 4,
  enumflags8: 1,
  enumflags16: 2,
  enumflags32: 4,
  errno: 8,
  fd: 8,
  fd32: 4,
  pid: 8,
  pid32: 4,
  uid: 4,
  gid: 4,
  mode: 4,
  port: 2,
  sigtype: 1,
  sigset: 4,
  syscallid: 2,
  reltime: 8,
  abstime: 8,
  ipv4addr: 4,
  ipv6addr: 16,
  charbuf: undefined,
  fspath: undefined,
  fsrelpath: undefined,
  bytebuf: undefined,
  sockaddr: undefined,
  socktuple: undefined,
  fdlist: undefined,
  dyn: undefined,
  charbufarray: undefined,
  charbuf_pair_array: undefined,
} as const satisfies Readonly<Record<string, number | undefined>>

/** Types whose numbers may be negative. */
export const SCAP_SIGNED: ReadonlySet<ScapType> = new Set([
  'int8',
  'int16',
  'int32',
  'int64',
  'errno',
  'fd',
  'fd32',
  'pid',
  'pid32',
])

export interface ScapParam {
  readonly name: string
  readonly type: ScapType
}

/** `exit`: what a call leaves; `enter`: what it began with; `other`: no call; `unused`: no event has the number. */
export type ScapPhase = 'exit' | 'enter' | 'other' | 'unused'

export interface ScapEvent {
  readonly number: number
  readonly name: string
  readonly phase: ScapPhase
  /** Only older captures have it. */
  readonly old: boolean
  readonly params: readonly ScapParam[]
}

const PHASES: Readonly<Record<string, ScapPhase>> = { '<': 'exit', '>': 'enter', '=': 'other', '-': 'unused' }

const isType = (type: string): type is ScapType => Object.hasOwn(SCAP_BYTES, type)

function param(word: string, usual: ReadonlyMap<string, string>): ScapParam {
  const [name = '', given] = word.split(':')
  const type = given ?? usual.get(name) ?? ''
  if (!isType(type)) throw new SyntaxError(`schema/scap/events.ts: no type of parameters: ${word}`)
  return { name, type }
}

function parse(table: string, usualTypes: string): readonly ScapEvent[] {
  const usual = new Map(
    usualTypes
      .trim()
      .split(/\s+/)
      .map((word) => word.split(':') as [string, string]),
  )
  return table
    .trim()
    .split(/\n(?! )/)
    .map((line, i) => {
      const [number, head = '', ...words] = line.split(/\s+/)
      const old = head.startsWith('~')
      const mark = old ? head.slice(1) : head
      const phase = PHASES[mark.charAt(0)]
      if (Number(number) !== i || phase === undefined)
        throw new SyntaxError(`schema/scap/events.ts: not a line of the table: ${line}`)
      return { number: i, name: mark.slice(1), phase, old, params: words.map((word) => param(word, usual)) }
    })
}

/** By number. */
export const SCAP_EVENTS: readonly ScapEvent[] = parse(SCAP_EVENT_TABLE, USUAL)
