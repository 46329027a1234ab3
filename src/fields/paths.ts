/**
 * The two spellings of a path: as accessed (absolute, cleaned as text, what Falco shows) and as the kernel resolved it.
 */
import { PATH_FLAGS } from '../../schema/enums/index.ts'
import type { EventType, Slot } from '../../schema/index.ts'
import { byEventType, type EventView, type Places, placesOf, slotOf } from '../decode/event-view.ts'
import { type PathFeatures, pathFeatures } from '../decode/known-paths.ts'
import type { Marked, Str } from '../decode/str.ts'
import type { SyscallContext } from './context.ts'
import type { Place } from './field.ts'

const SLASH = 0x2f
const IN_DIR = PATH_FLAGS.names['PATH_IN_DIR']!

/** Something in the path that cleaning would change: `//`, `/./`, `/../`, or a trailing slash or dot. */
const UNCLEAN = /\/(?:\.{0,2}\/|\.{0,2}$)/

/** An absolute path without empty, `.` and `..` components; `..` above the root stays at the root. */
export function cleanPath(path: string): string {
  if (!UNCLEAN.test(path)) return path
  const kept: string[] = []
  for (const part of path.split('/')) {
    if (part === '' || part === '.') continue
    if (part === '..') kept.pop()
    else kept.push(part)
  }
  return `/${kept.join('/')}`
}

/** `name` seen from directory `dir`, as text: links are not followed. */
export function joinPath(dir: string, name: string): string {
  if (name.startsWith('/')) return cleanPath(name)
  const whole = name === '' ? dir : `${dir}/${name}`
  // What is no directory, as `pipe:[1]`, has nothing above it.
  return dir === '' || dir.startsWith('/') ? cleanPath(whole) : whole
}

/** A path of an event: the fields of the record that describe it. */
export interface PathFields {
  /** As the caller gave it; undefined when the event knows the file by descriptor only. */
  readonly name: string | undefined
  /** Directory that a relative name starts from. */
  readonly dir: string | undefined
  /** As the kernel resolved it. */
  readonly path: string | undefined
  /** Where they lie. */
  readonly places: Readonly<Record<'name' | 'dir' | 'path', Places>>
}

export const pathOfFields = (
  name: string | undefined,
  dir: string | undefined,
  path: string | undefined,
): PathFields => ({
  name,
  dir,
  path,
  places: { name: placesOrNone(name), dir: placesOrNone(dir), path: placesOrNone(path) },
})

/** By event type: what its spellings follow from, and bits of other numbers as asked. */
export const featuresOf = (
  pathOfType: (type: EventType) => PathFields | undefined,
  more: Readonly<Record<string, number>> = {},
): readonly (PathFeatures | undefined)[] =>
  byEventType((type) => {
    const fields = pathOfType(type)
    if (fields === undefined) return undefined
    const slot = (name: string | undefined): Slot | undefined =>
      name === undefined ? undefined : slotOf(type.family, name)
    const numbers = Object.entries({ path_flags: IN_DIR, ...more }).flatMap(([name, mask]) => {
      const found = slot(name)
      return found === undefined ? [] : [{ offset: found.offset, mask }]
    })
    return pathFeatures({ path: slot(fields.path), name: slot(fields.name), dir: slot(fields.dir) }, numbers)
  })

const NOWHERE: Places = []
const placesOrNone = (name: string | undefined): Places => (name === undefined ? NOWHERE : placesOf(name))
const PATH_FLAG_PLACES = placesOf('path_flags')

/** The spellings of one path in one event; the same object for the same strings while nothing else was seen of them. */
export interface PathValue extends Marked {
  /** As the caller gave it; the kernel's where the event has no name. */
  readonly given: Str | undefined
  /** The directory that a relative name starts from, where that was needed. */
  readonly dir: Str | undefined
  /**
   * The given name joined to the directory it starts from, which the record carries unless it is the directory of the
   * kernel path (PATH_IN_DIR). Without either it falls back to the kernel path.
   */
  readonly accessed: Str | undefined
  /** The kernel's; undefined when the event has none, as after a failure. */
  readonly resolved: Str | undefined
  /** What kind of file the kernel's spelling tells of, once somebody has asked; of fields/fd. */
  kind: string | undefined
  /** Is the file watched, as was found last, and by whose lists; of telemetry/filter.ts. */
  watched: boolean | undefined
  watchedBy: object | undefined
  /** As what the same file was seen before. */
  next: PathValue | undefined
}

/** Ways to one file that are remembered: by its path, from its directory, from elsewhere, in vain. */
const SEEN_MAX = 4

/**
 * The path that `fields` describe. Events name the same files again and again: what was put together is remembered for
 * this event, and on the string for the next one with the same strings.
 */
export function pathOf(ctx: SyscallContext, fields: PathFields): PathValue {
  const { event } = ctx
  const key = fields.name ?? 'path'
  if (event.memoKey === key) return event.memo as PathValue
  const { places } = fields
  const path = event.slotAt(places.path)
  const resolved = path && event.stringAt(path)
  const given = event.slotAt(places.name)
  const name = fields.name === undefined ? resolved : given && event.stringLike(given, path, resolved)
  const dir = name === resolved ? undefined : directoryOf(event, fields, name, resolved)
  const value = seen(ctx, name, dir, resolved)
  event.memo = value
  event.memoKey = key
  return value
}

/** The directory a relative name starts from. */
function directoryOf(
  event: EventView,
  fields: PathFields,
  name: Str | undefined,
  resolved: Str | undefined,
): Str | undefined {
  if (name === undefined || name.text.charCodeAt(0) === SLASH) return undefined
  const flags = event.slotAt(PATH_FLAG_PLACES)
  if (flags !== undefined && (event.numberAt(flags) & IN_DIR) !== 0) return resolved?.directory
  const dir = event.slotAt(fields.places.dir)
  return dir && event.stringAt(dir)
}

function seen(
  ctx: SyscallContext,
  name: Str | undefined,
  dir: Str | undefined,
  resolved: Str | undefined,
): PathValue {
  const owner = resolved ?? name
  if (owner === undefined) return makePath(ctx, name, dir, resolved, undefined)
  const latest = owner.seenAs as PathValue | undefined
  let ways = 1
  for (let one = latest; one !== undefined; one = one.next) {
    if (one.given === name && one.dir === dir && one.resolved === resolved) return one
    if (++ways === SEEN_MAX) one.next = undefined
  }
  const value = makePath(ctx, name, dir, resolved, latest)
  owner.seenAs = value
  return value
}

const makePath = (
  ctx: SyscallContext,
  given: Str | undefined,
  dir: Str | undefined,
  resolved: Str | undefined,
  next: PathValue | undefined,
): PathValue => ({
  given,
  dir,
  accessed: makeAccessed(ctx, given, dir, resolved),
  resolved,
  kind: undefined,
  watched: undefined,
  watchedBy: undefined,
  next,
  marks: undefined,
  marksOf: undefined,
})

const NONE: readonly Str[] = []

/**
 * What comparisons look at: the accessed spelling first; one when they are equal or Falco is to be followed, which knows no
 * other, none when the event has no path.
 */
export function spellingsOf(ctx: SyscallContext, { accessed, resolved }: PathValue): readonly Str[] {
  if (accessed === undefined) return resolved === undefined ? NONE : [resolved]
  const one =
    resolved === undefined || resolved === accessed || resolved.text === accessed.text || ctx.lookup.asFalco
  return one ? [accessed] : [accessed, resolved]
}

function makeAccessed(
  ctx: SyscallContext,
  name: Str | undefined,
  dir: Str | undefined,
  resolved: Str | undefined,
): Str | undefined {
  // Without a name there is only what the kernel resolved, which is clean.
  if (name === undefined || name === resolved) return resolved
  if (name.text.charCodeAt(0) === SLASH) {
    const clean = cleanPath(name.text)
    return clean === name.text ? name : ctx.lookup.intern(clean)
  }
  return dir === undefined ? resolved : ctx.lookup.intern(joinPath(dir.text, name.text))
}

/**
 * Where the path lies in the record, when both spellings are one and need no work: absolute and clean. False when that
 * cannot be seen at a glance.
 */
export function plainPath(event: EventView, { name, places }: PathFields, at: Place): boolean {
  const path = event.slotAt(places.path)
  const given = event.slotAt(places.name)
  if (path === undefined || !event.locate(path, at))
    return given !== undefined && event.locate(given, at) && isClean(at)
  // The kernel's spelling is clean; what has no path has a name of the kernel's.
  if (at.bytes[at.start] !== SLASH || isMemoryFile(at)) return false
  if (name === undefined || given === undefined || event.same(given, path)) return true
  const flags = event.slotAt(PATH_FLAG_PLACES)
  if (flags === undefined || (event.numberAt(flags) & IN_DIR) === 0) return false
  const { bytes, start, end } = at
  if (!event.locate(given, at)) return false
  const from = end - (at.end - at.start)
  for (let i = 0; from + i < end; i++) {
    const byte = bytes[at.start + i]!
    if (byte === SLASH || byte !== bytes[from + i]) return false
  }
  if (from <= start || from === end || bytes[from - 1] !== SLASH) return false
  at.start = start
  at.end = end
  return true
}

const DOT = 0x2e

/** Is it an absolute path without empty, `.` and `..` components? */
function isClean({ bytes, start, end }: Place): boolean {
  if (bytes[start] !== SLASH || bytes[end - 1] === SLASH) return false
  for (let i = start + 1; i < end; i++) {
    if (bytes[i - 1] !== SLASH) continue
    // A component begins here: whatever begins with a dot is looked at more closely elsewhere.
    if (bytes[i] === SLASH || bytes[i] === DOT) return false
  }
  return true
}

const MEMORY_FILE = Buffer.from('/memfd:')
function isMemoryFile({ bytes, start, end }: Place): boolean {
  if (bytes[start + 1] !== MEMORY_FILE[1] || end - start < MEMORY_FILE.length) return false
  for (let i = 2; i < MEMORY_FILE.length; i++) if (bytes[start + i] !== MEMORY_FILE[i]) return false
  return true
}
