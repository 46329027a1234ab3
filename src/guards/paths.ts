/**
 * Tests of a path as branches: what follows from them for directory, name and ending. A path is absolute and cleaned, or
 * the kernel's name of what has no path; the latter never begins with a slash, so only tests for an absolute path restrict.
 */
import { GUARD_DIR, GUARD_NAME, GUARD_TAIL } from '../../schema/guard.ts'
import { encodeText } from '../decode/str.ts'
import type { Operator } from '../rules/ir.ts'
import { ALWAYS, and, type Branch, type Branches, only, or } from './branches.ts'
import type { LiteralTest } from './facts.ts'

/**
 * The whole path, its directory, its last component, or the text that the caller gave; of an exec the first argument, text that
 * nobody cleans, and the current directory with a slash at its end.
 */
export type PathPart = 'path' | 'directory' | 'name' | 'raw' | 'text' | 'slashed'

const bytes = (text: string): number => encodeText(text).length

/** Characters that mean something to a glob. */
const SPECIAL = /[*?[\\]/
/**
 * The kernel writes ` (deleted)` behind the path of a removed file, and its name does not show it; nor does that of a pipe
 * or a socket show what it writes in brackets.
 */
const isWritten = (text: string): boolean => text.endsWith(')') || text.endsWith(']')

const dirs = (...items: readonly string[]): Branch => {
  const open = items.some((item) => item === '^/' || item === '^' || bytes(item) - 1 > GUARD_DIR)
  return open ? {} : { dirs: only(...items) }
}
const bases = (name: string): Branch =>
  name === '' || isWritten(name) || bytes(name) > GUARD_NAME ? {} : { bases: only(name) }

/** Last bytes of an ending, each as a character; shorter than three it is not asked for. */
const tails = (ending: string): Branch => {
  const last = Buffer.from(encodeText(ending)).subarray(-GUARD_TAIL).toString('latin1')
  return last.length < GUARD_TAIL - 1 || isWritten(ending) ? {} : { tails: only(last) }
}

/** A component that stands between two slashes of literal text: it belongs to the directory. */
function components(text: string): Branch {
  const whole = text.split('/').slice(1, -1)
  const longest = whole
    .filter((name) => name !== '' && name !== '.' && name !== '..' && bytes(name) <= GUARD_NAME)
    .toSorted((a, b) => b.length - a.length)[0]
  return longest === undefined ? {} : { components: only(longest) }
}

/** Is some text of a test longer than what tables have? */
export const isLong = <C>({ right }: { readonly right: LiteralTest<C>['right'] }): boolean =>
  right.some(({ value }) => {
    const [directory, name] = split(String(value))
    return bytes(directory) > GUARD_DIR || bytes(name) > GUARD_NAME
  })

/** What `PART OP text` needs, for an operator that is positive; anything when it tells nothing. */
export function pathTest(part: PathPart, op: Operator, text: string): Branches {
  if (part === 'raw') return rawTest(op, text)
  switch (op) {
    case '=':
    case 'in':
    case 'intersects':
      return exact(part, text)
    case 'startswith':
      return startsWith(part, text)
    case 'endswith':
      return endsWith(part, text)
    case 'contains':
      return part === 'path' ? [components(text)] : ALWAYS
    case 'glob':
      return glob(part, text)
    case 'pmatch':
      return within(part, text)
    case '!=':
    case '<':
    case '<=':
    case '>':
    case '>=':
    case 'icontains':
    case 'bcontains':
    case 'bstartswith':
    case 'iglob':
    case 'regex':
    case 'exists':
      return ALWAYS
    default:
      return op satisfies never
  }
}

/** Two dots in a row, or all of a clean path, are what is asked of a name as it was given. */
function rawTest(op: Operator, text: string): Branches {
  if ((op === '=' || op === 'in' || op === 'intersects') && isClean(text)) return exact('path', text)
  const literal = op === '=' || op === 'in' || op === 'contains' || op === 'startswith' || op === 'endswith'
  const plain = literal || (op === 'glob' && !/[[\\]/.test(text))
  return plain && text.includes('..') ? [{ raws: only('..') }] : ALWAYS
}

/** Absolute, and joining and cleaning leave it as it is. */
const isClean = (text: string): boolean =>
  /^\/./.test(text) &&
  !text
    .split('/')
    .slice(1)
    .some((name) => name === '' || name === '.' || name === '..')

/** Directory with its final slash, and name. */
export function split(path: string): readonly [string, string] {
  const slash = path.lastIndexOf('/')
  return [path.slice(0, slash + 1), path.slice(slash + 1)]
}

function exact(part: PathPart, text: string): Branches {
  if (part === 'name') return [bases(text)]
  if (part === 'slashed') return text.startsWith('/') && text.endsWith('/') ? [dirs(`=${text}`)] : ALWAYS
  if (!text.startsWith('/')) return ALWAYS
  if (part === 'directory') return [dirs(text === '/' ? '=/' : `=${text}/`)]
  const [directory, name] = split(text)
  return [{ ...dirs(`=${directory}`), ...bases(name) }]
}

function startsWith(part: PathPart, text: string): Branches {
  if (part === 'name' || !text.startsWith('/')) return ALWAYS
  if (part === 'directory' || part === 'slashed') return [dirs(`^${text}`)]
  return [dirs(`^${text}`, `=${split(text)[0]}`)]
}

function endsWith(part: PathPart, text: string): Branches {
  if (part === 'directory' || part === 'slashed') return ALWAYS
  if (!text.includes('/')) return [tails(text)]
  return [{ ...bases(split(text)[1]), ...(part === 'path' ? components(text) : {}) }]
}

/** What stands before the first special character, between any two, and behind the last. */
function glob(part: PathPart, pattern: string): Branches {
  const first = pattern.search(SPECIAL)
  if (first < 0) return exact(part, pattern)
  // A backslash or a bracket reaches further than one character.
  if (/[[\\]/.test(pattern)) return startsWith(part, pattern.slice(0, first))
  const runs = pattern.split(/[*?]/)
  const inside = part === 'path' ? runs.slice(1, -1).map((run) => [components(run)]) : []
  return [startsWith(part, runs[0]!), endsWith(part, runs.at(-1)!), ...inside].reduce((a, b) => and(a, b))
}

/** The path itself, or below it. */
function within(part: PathPart, text: string): Branches {
  if (part === 'name' || !text.startsWith('/')) return ALWAYS
  const parts = text.split('/').filter((name) => name !== '')
  const wild = parts.findIndex((name) => SPECIAL.test(name))
  const top = `/${(wild < 0 ? parts : parts.slice(0, wild)).join('/')}`
  if (top === '/') return ALWAYS
  const below: Branches = [dirs(`^${top}/`)]
  return wild < 0 && (part === 'path' || part === 'text') ? or([exact('path', top), below]) : below
}
