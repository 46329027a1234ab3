/** What is known of an event by how its call ended, and of one that has no path, opens nothing and moves no data. */
import { OUTCOMES } from '../../schema/guard.ts'
import { PUBLIC_EVENT_TYPES } from '../../schema/index.ts'
import type { Fact, Facts } from './facts.ts'
import type { PathPart } from './paths.ts'

export interface GuardedEvent {
  readonly name: string
  /** Wire id: the row of the table. */
  readonly id: number
  /** Shapes that occur. */
  readonly shapes: readonly number[]
  facts(shape: number): Facts
  /** Is it no more than looking: an open for reading? */
  isLook(shape: number): boolean
  /** Fields that are a path of the event. Others of these names are absent. */
  readonly paths: Readonly<Record<string, PathPart>>
  /** The event is about a socket, and its ends are looked at. */
  readonly ends?: boolean
  /** Whose event it is is not known where it happens: processes are not looked at. */
  readonly nobody?: boolean
}

export const INT_MAX = 2 ** 31 - 1
const ERRORS: Fact = { from: -4095, to: -1 }
export const ABSENT: Fact = 'absent'
export const YES: Fact = { oneOf: [true] }
export const NO: Fact = { oneOf: [false] }
export const EITHER: Fact = { oneOf: [false, true] }
export const flag = (value: boolean): Fact => (value ? YES : NO)
export const MINUS_ONE: Fact = { oneOf: [-1] }
export const ZERO: Fact = { oneOf: [0] }
export const NUMBER: Fact = { from: 0, to: INT_MAX }
export const LENGTH: Fact = { from: 0, to: Number.MAX_SAFE_INTEGER }
const SUCCESS: Fact = { oneOf: ['SUCCESS'] }
const OTHER_ERROR: Fact = { noneOf: ['SUCCESS', 'EACCES', 'EPERM'] }
const DENIED: Fact = { oneOf: ['EACCES', 'EPERM'] }
const DENIALS: Fact = { oneOf: [-1, -13] }
const IN_PROGRESS: Fact = { oneOf: ['EINPROGRESS'] }

export const FD_PATHS: Readonly<Record<string, PathPart>> = {
  'fd.name': 'path',
  'fd.realpath': 'path',
  'fd.directory': 'directory',
  'fd.filename': 'name',
}
export const NAMED: Readonly<Record<string, PathPart>> = { 'fs.path.name': 'path' }
export const SOURCE: Readonly<Record<string, PathPart>> = { 'fs.path.source': 'path' }
export const TARGET: Readonly<Record<string, PathPart>> = { 'fs.path.target': 'path' }
const PATH_FIELDS: readonly string[] = [
  ...Object.keys(FD_PATHS),
  'fd.nameraw',
  ...['name', 'source', 'target'].flatMap((role) => [`fs.path.${role}`, `fs.path.${role}raw`]),
]

/** Ends of a socket, by role. */
export const END_FIELDS = ['', 'c', 's', 'l', 'r'].flatMap((role) =>
  ['ip', 'net', 'port'].map((what) => `fd.${role}${what}`),
)

/** How the call ended; `ok` is what it returns when it works, `errors` when it does not. */
export function outcome(shape: number, ok: Fact, errors = ERRORS): Facts {
  const [rawres, res] = {
    [OUTCOMES.OK]: [ok, SUCCESS] as const,
    [OUTCOMES.FAILED]: [errors, OTHER_ERROR] as const,
    [OUTCOMES.DENIED]: [DENIALS, DENIED] as const,
    [OUTCOMES.IN_PROGRESS]: [ERRORS, IN_PROGRESS] as const,
  }[shape & 3]!
  return { 'evt.failed': flag(hasFailed(shape)), 'evt.rawres': rawres, 'evt.res': res }
}
export const hasFailed = (shape: number): boolean => (shape & 3) !== OUTCOMES.OK

export const never = (names: readonly string[]): Facts =>
  Object.fromEntries(names.map((name) => [name, ABSENT]))

export const NO_IO: Facts = {
  'evt.is_io': NO,
  'evt.is_io_read': NO,
  'evt.is_io_write': NO,
}
export const NO_OPEN: Facts = {
  'evt.is_open_read': NO,
  'evt.is_open_write': NO,
  'evt.is_open_create': NO,
  'evt.is_open_exec': NO,
}

/** Path fields the event does not have: `keep` are those it has, or may have in some other way. */
export const withoutPaths = (keep: readonly string[]): Facts =>
  never(PATH_FIELDS.filter((name) => !keep.includes(name)))

export const upTo = (end: number): readonly number[] => Array.from({ length: end }, (_, i) => i)
export const idOf = (name: string): number => PUBLIC_EVENT_TYPES.find((type) => type.name === name)!.id
