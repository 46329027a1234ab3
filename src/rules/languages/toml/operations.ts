/**
 * File operations of rand-guard: which calls count as which. A family holds every call that has the effect, whatever its
 * age, so that a rule cannot be passed by with an older or newer sibling.
 */

/** Calls of a family whose paths stand in the same fields. */
export interface OperationPart {
  readonly events: readonly string[]
  /** A rule matches when one of these paths does. */
  readonly paths: readonly string[]
}

export interface OperationFamily {
  readonly doc: string
  /** Failed calls changed nothing and do not count. */
  readonly doneOnly: boolean
  readonly parts: readonly OperationPart[]
}

export const OPERATIONS = {
  file_open: {
    doc: 'A file was opened, for whatever purpose, or the attempt failed',
    doneOnly: false,
    parts: [{ events: ['open', 'creat', 'openat', 'openat2'], paths: ['fs.path.name'] }],
  },
  file_write: {
    doc: 'The content of a file was changed',
    doneOnly: true,
    parts: [
      { events: ['write', 'writev', 'pwrite64', 'ftruncate', 'copy_file_range'], paths: ['fd.name'] },
      { events: ['truncate'], paths: ['fs.path.name'] },
    ],
  },
  file_rename: {
    doc: 'A name was given to a file: renamed, or linked; either side counts',
    doneOnly: true,
    parts: [
      {
        events: ['rename', 'renameat', 'renameat2', 'link', 'linkat', 'symlink', 'symlinkat'],
        paths: ['fs.path.source', 'fs.path.target'],
      },
    ],
  },
  file_unlink: {
    doc: 'A name of a file or a directory was removed',
    doneOnly: true,
    parts: [{ events: ['unlink', 'unlinkat', 'rmdir'], paths: ['fs.path.name'] }],
  },
} as const satisfies Record<string, OperationFamily>

export type Operation = keyof typeof OPERATIONS
const OPERATION_NAMES = Object.keys(OPERATIONS) as readonly Operation[]

/** What `operations` of a rule may hold. */
export const OPERATION_WORDS: readonly string[] = [
  ...OPERATION_NAMES,
  ...OPERATION_NAMES.map((name) => name.slice('file_'.length)),
  '*',
]

/** The families that words stand for. */
export function operationsOf(words: readonly string[]): readonly Operation[] {
  return OPERATION_NAMES.filter((name) =>
    words.some((word) => word === '*' || word === name || `file_${word}` === name),
  )
}

/** Direction of a network rule: the calls that count, and the field with the port that is meant. */
export const DIRECTIONS = {
  outbound: { events: ['connect'], port: 'fd.rport' },
  inbound: { events: ['bind', 'listen'], port: 'fd.lport' },
} as const

export type Direction = keyof typeof DIRECTIONS
export const DIRECTION_NAMES = Object.keys(DIRECTIONS) as readonly Direction[]
