/** The tables of a guard as the kernel reads them, and the same judgement in TypeScript: its reference. */
import { GUARD_DIR, GUARD_NAME, GUARD_TAIL, NUMBER_DIMENSIONS, PATH_DIMENSIONS } from '../../schema/guard.ts'
import { encodeText } from '../decode/str.ts'
import { type Branch, DIMENSIONS, type Dimension } from './branches.ts'
import { type Classes, type Consumer, classesOf, MOST_CLASSES } from './classes.ts'
import { EVERY_CLASS, type Limit, type Mask, MOST_BEGINNINGS, MOST_ENTRIES, roomOf } from './limits.ts'
import { leftBy, type Numbers, numbersOf } from './numbers.ts'
import { split } from './paths.ts'
import { GUARDED_EVENTS } from './shapes.ts'
import { netHolds, netText } from './sockets.ts'

const OPEN_CLASS: Mask = 1n

/** What is possible of a directory's files, by how it compares with an entry (its text ends in a slash). */
export interface DirEntry {
  /** The directory begins with the entry: the longest such entry decides. */
  readonly within: Mask
  /** It is the entry. */
  readonly here: Mask
  /** Something below the entry is asked for that the entry itself is not. */
  readonly below: Mask
}

/** What a dimension says of values. */
export interface Lookup {
  /** By value: every class that it leaves. Where items are beginnings, the longest one decides. A tail has a character for each byte. */
  readonly table: ReadonlyMap<string, Mask>
  /** Classes left by a value that is not in the table. */
  readonly other: Mask
  /** Classes that do not ask. */
  readonly open: Mask
}

export interface Tables {
  readonly classes: Classes
  /** Classes possible for an event type and shape; an event type that is missing passes whole. */
  readonly shapes: ReadonlyMap<string, ReadonlyMap<number, Mask>>
  readonly dirs: ReadonlyMap<string, DirEntry>
  readonly numbers: Numbers
  readonly lookups: Readonly<Record<Dimension, Lookup>>
  /** What there is no room for. */
  readonly limits: readonly Limit[]
}

const bit = (index: number): Mask => 1n << BigInt(index)

/** Tables for consumers. Event types that `blocked` names pass whole, whoever wants them. */
export function tablesOf(consumers: readonly Consumer[], blocked: ReadonlySet<string> = new Set()): Tables {
  const classes = classesOf(consumers)
  const lookups = Object.fromEntries(DIMENSIONS.map((d) => [d, lookupOf(classes.branches, d)])) as Record<
    Dimension,
    ReturnType<typeof lookupOf>
  >
  const shapes = shapeTable(consumers, classes, blocked)
  const { numbers, limits } = numbersOf(classes, shapes)
  const dirs = dirEntries(lookups.dirs.table, lookups.dirs.open)
  return {
    classes,
    shapes,
    numbers,
    dirs: dirs.entries,
    lookups,
    limits: [
      ...(classes.limit === undefined ? [] : [classes.limit]),
      ...Object.values(lookups).flatMap(({ limit }) => limit ?? []),
      ...(dirs.limit === undefined ? [] : [dirs.limit]),
      ...limits,
    ],
  }
}

function shapeTable(
  consumers: readonly Consumer[],
  classes: Classes,
  blocked: ReadonlySet<string>,
): Tables['shapes'] {
  const result = new Map<string, Map<number, Mask>>()
  for (const event of GUARDED_EVENTS.values()) {
    if (blocked.has(event.name)) continue
    const masks = new Map<number, Mask>()
    for (const { needs } of consumers)
      for (const { shapes, branches } of needs.get(event.name) ?? []) {
        const mask = branches.reduce((sum, branch) => sum | bit(classes.classOf(branch)), 0n)
        for (const shape of shapes) masks.set(shape, (masks.get(shape) ?? 0n) | mask)
      }
    result.set(event.name, masks)
  }
  return result
}

/** Does an item stand for all that a (longer or equal) item stands for? */
const HOLDS: Readonly<Partial<Record<Dimension, (outer: string, inner: string) => boolean>>> = {
  nets: netHolds,
  images: (outer, inner) => inner.startsWith(outer),
}

function lookupOf(
  branches: readonly Branch[],
  dimension: Dimension,
): Lookup & { readonly limit: Limit | undefined } {
  const all = new Set(branches.flatMap((branch) => [...(branch[dimension]?.of ?? [])]))
  const room = roomOf(dimension)
  const crowded = all.size > room
  const holds = HOLDS[dimension]
  const unaskable = holds !== undefined && all.size > MOST_BEGINNINGS
  let open = 0n
  let left = 0n
  let negative = 0n
  const positive = new Map<string, Mask>()
  const excluded = new Map<string, Mask>()
  for (const [i, branch] of branches.entries()) {
    const items = branch[dimension]
    // Merged classes of thousands of rules: rather ask for one dimension less than for some of its values only.
    const tooMany = crowded && (items?.of.size ?? 0) > room / MOST_CLASSES
    if (items === undefined || tooMany || unaskable) {
      open |= bit(i)
      if (items !== undefined) left |= bit(i)
      continue
    }
    if (items.except) negative |= bit(i)
    const to = items.except ? excluded : positive
    for (const item of items.of) to.set(item, (to.get(item) ?? 0n) | bit(i))
  }
  const other = open | negative
  const table = new Map<string, Mask>()
  for (const item of new Set([...positive.keys(), ...excluded.keys()])) {
    const of = (masks: ReadonlyMap<string, Mask>): Mask =>
      holds === undefined
        ? (masks.get(item) ?? 0n)
        : [...masks].reduce((sum, [outer, mask]) => (holds(outer, item) ? sum | mask : sum), 0n)
    table.set(item, (other & ~of(excluded)) | of(positive))
  }
  const most = unaskable ? MOST_BEGINNINGS : room
  const limit = { dimension, classes: left, wanted: all.size, room: most, of: 'different values' }
  return { table, other, open, limit: left === 0n ? undefined : limit }
}

/** From `=/etc/` and `^/etc/` to entries, each with what its prefixes allow. */
function dirEntries(
  table: ReadonlyMap<string, Mask>,
  open: Mask,
): { readonly entries: ReadonlyMap<string, DirEntry>; readonly limit?: Limit } {
  const texts = new Set(['/'])
  for (const item of table.keys()) {
    const text = item.slice(1)
    texts.add(text)
    // Ancestors tell that something below them is asked for.
    for (let at = text.indexOf('/', 1); at > 0; at = text.indexOf('/', at + 1))
      texts.add(text.slice(0, at + 1))
  }
  const entries = new Map<string, DirEntry>()
  if (texts.size > MOST_ENTRIES) {
    const limit = {
      dimension: 'dirs',
      classes: EVERY_CLASS & ~open,
      wanted: texts.size,
      room: MOST_ENTRIES,
    } as const
    entries.set('/', { within: EVERY_CLASS, here: EVERY_CLASS, below: EVERY_CLASS })
    return { entries, limit: { ...limit, of: 'directories, with those above them' } }
  }
  for (const text of texts) {
    let within = open
    for (let end = 1; end <= text.length; end++) within |= table.get(`^${text.slice(0, end)}`) ?? 0n
    entries.set(text, { within, here: within | (table.get(`=${text}`) ?? 0n), below: 0n })
  }
  for (const [item, mask] of table) {
    const text = item.slice(1)
    for (let end = 1; end < text.length; end++) {
      const above = entries.get(text.slice(0, end))
      if (above !== undefined) entries.set(text.slice(0, end), { ...above, below: above.below | mask })
    }
  }
  return { entries }
}

/** A path that an event has: a kernel object, or a name with the directory it starts from. */
export interface GuardPath {
  /** Name as the caller gave it; undefined for an object without one. */
  readonly name: string | undefined
  /** Directory a relative name starts from; undefined when there is none. */
  readonly start: string | undefined
  /** Directory and name of the kernel's object; undefined when the call has none, `nowhere` when it is in no directory. */
  readonly resolved: { readonly directory: string; readonly name: string } | 'nowhere' | undefined
}

/** How a program was started. */
export interface GuardLaunch {
  /** The directory it was in, with a slash at its end; undefined when that cannot be told. */
  readonly directory: string | undefined
  /** Its first argument, empty without one. */
  readonly first: string
}

/** Whose event it is; what is undefined is not known to the kernel side, and keeps every class. */
export interface GuardProcess {
  readonly comm: string
  readonly uid: number
  readonly inContainer: boolean | undefined
  readonly image: GuardImage | undefined
}

/** What a process keeps from its last exec, and from those it descends from. */
export interface GuardImage {
  readonly path: string
  readonly hasTty: boolean
  /** User of the login session; -1 for none. */
  readonly loginuid: number
  /** Names that it and its ancestors ever had; undefined when some of them were not seen. */
  readonly names: readonly string[] | undefined
}

export interface GuardEnd {
  /** 16 bytes. */
  readonly ip: Uint8Array
  readonly port: number
}

/** What the kernel side looks at. */
export interface GuardInput {
  readonly event: string
  readonly shape: number
  /** Undefined where the process is not looked at. */
  readonly process: GuardProcess | undefined
  readonly paths: readonly GuardPath[]
  readonly launch?: GuardLaunch
  /** Its numbers as 64 bits; those that are undefined or missing cannot be told. */
  readonly numbers: readonly (bigint | undefined)[]
  /** Both ends of an IP socket, undefined where not set; empty when the event has no such socket; perhaps others. */
  readonly ends: readonly (GuardEnd | undefined)[] | 'any'
}

/** Classes that survive; 0 is an event that no consumer can want. */
export function judge(
  tables: Tables,
  { event, shape, process, paths, launch, numbers, ends }: GuardInput,
): Mask {
  const shapes = tables.shapes.get(event)
  if (shapes === undefined) return EVERY_CLASS
  const live = shapes.get(shape) ?? 0n
  if (live === 0n || (live & OPEN_CLASS) !== 0n) return live
  const { lookups } = tables
  const start: PathMasks = pathMasks((d) => lookups[d].open)
  const masks = [
    ...paths.map((path) => masksOf(tables, path)),
    ...(launch === undefined ? [] : launchMasks(tables, launch)),
  ].reduce(either, start)
  const left =
    live &
    (process === undefined ? EVERY_CLASS : processMask(tables, process)) &
    numbersMask(tables, event, numbers) &
    endsMask(tables, ends)
  return PATH_DIMENSIONS.reduce((rest, d) => rest & masks[d], left)
}

const at = ({ table, other }: Lookup, value: string): Mask => table.get(value) ?? other

function processMask({ lookups }: Tables, { comm, uid, inContainer, image }: GuardProcess): Mask {
  const container =
    inContainer === undefined ? EVERY_CLASS : at(lookups.containers, inContainer ? 'container' : 'host')
  const own = at(lookups.comms, comm) & at(lookups.uids, String(uid)) & container
  return image === undefined ? own : own & imageMask(lookups, image) & ancestorMask(lookups, image.names)
}

/** What a process's executable and terminal leave. */
export function imageMask(
  { images, exes, ttys, loginuids }: Tables['lookups'],
  { path, hasTty, loginuid }: Omit<GuardImage, 'names'>,
): Mask {
  const key = `${path}\0`
  const own = at(ttys, hasTty ? 'some' : 'none') & at(loginuids, String(loginuid)) & exeMask(exes, path)
  if (encodeText(key).length > GUARD_DIR) return own
  return own & longest(images, (item) => key.startsWith(item))
}

/** The path of a removed file says so behind its name, and what is in no directory has none. */
function exeMask(exes: Lookup, path: string): Mask {
  const base = path.slice(path.lastIndexOf('/') + 1)
  const isTold =
    path.includes('/') && !path.endsWith(')') && base !== '' && encodeText(base).length <= GUARD_NAME
  return isTold ? at(exes, base) : EVERY_CLASS
}

/** What the names on the way down to a process leave. */
export const ancestorMask = ({ ancestors }: Tables['lookups'], names: readonly string[] | undefined): Mask =>
  names === undefined
    ? EVERY_CLASS
    : names.reduce((mask, name) => mask | at(ancestors, name), ancestors.other)

function longest({ table, other }: Lookup, fits: (item: string) => boolean): Mask {
  let found: string | undefined
  for (const item of table.keys())
    if (fits(item) && (found === undefined || item.length > found.length)) found = item
  return found === undefined ? other : table.get(found)!
}

function numbersMask({ numbers: of }: Tables, event: string, numbers: GuardInput['numbers']): Mask {
  let left = EVERY_CLASS
  for (const [i, dimension] of NUMBER_DIMENSIONS.entries()) {
    const tests = of.get(event)?.get(dimension)
    const number = numbers[i]
    if (tests !== undefined && number !== undefined) left &= leftBy(tests, number)
  }
  return left
}

/** Either end may be meant, and one that is missing is in no list. */
function endsMask({ lookups: { ports, nets } }: Tables, ends: GuardInput['ends']): Mask {
  if (ends === 'any') return EVERY_CLASS
  const all = ends.length === 0 ? [undefined] : ends
  const byPort = all.map((end) => (end === undefined ? ports.other : at(ports, String(end.port))))
  const byNet = all.map((end) => (end === undefined ? nets.other : netMask(nets, end.ip)))
  return byPort.reduce((a, b) => a | b) & byNet.reduce((a, b) => a | b)
}

function netMask(nets: Lookup, ip: Uint8Array): Mask {
  const key = netText(ip, 128)
  let best: { readonly bits: number; readonly mask: Mask } = { bits: -1, mask: nets.other }
  for (const [item, mask] of nets.table) {
    const bits = Number(item.slice(item.indexOf('/') + 1))
    if (bits > best.bits && netHolds(item, key)) best = { bits, mask }
  }
  return best.mask
}

type PathDimension = (typeof PATH_DIMENSIONS)[number]
type PathMasks = Readonly<Record<PathDimension, Mask>>

const pathMasks = (of: (dimension: PathDimension) => Mask): PathMasks => ({
  dirs: of('dirs'),
  components: of('components'),
  bases: of('bases'),
  tails: of('tails'),
  raws: of('raws'),
})
const ALL = pathMasks(() => EVERY_CLASS)
const either = (a: PathMasks, b: PathMasks): PathMasks => pathMasks((d) => a[d] | b[d])

function masksOf(tables: Tables, { name, start, resolved }: GuardPath): PathMasks {
  const object = objectMasks(tables, resolved)
  return name === undefined ? object : either(object, givenMasks(tables, name, start))
}

function objectMasks(tables: Tables, resolved: GuardPath['resolved']): PathMasks {
  const open = pathMasks((d) => tables.lookups[d].open)
  if (resolved === undefined) return open
  // What the kernel calls a pipe, a socket or a memory file is no path.
  if (resolved === 'nowhere') return { ...open, bases: EVERY_CLASS, tails: EVERY_CLASS }
  // A root: its name stands elsewhere.
  if (resolved.name === '') return ALL
  return {
    ...nameMasks(tables, resolved.name),
    dirs: lookUp(tables, resolved.directory),
    components: componentMask(tables, resolved.directory),
    raws: open.raws,
  }
}

/** The masks of a name as the caller gave it: cleaned as text, links not followed. */
function givenMasks(tables: Tables, given: string, start: string | undefined): PathMasks {
  if (encodeText(given).length > GUARD_DIR) return ALL
  const { name, up } = cleaned(given)
  if (name === '/') return ALL
  const { lookups } = tables
  const raws = given.includes('..') ? EVERY_CLASS : lookups.raws.open
  const from = start && above(start, up)
  if (name === '') return { ...objectMasks(tables, from === undefined ? undefined : resolvedOf(from)), raws }
  const slash = name.lastIndexOf('/')
  const folder = name.slice(0, slash + 1)
  const known = { ...nameMasks(tables, name.slice(slash + 1)), raws }
  const inName = componentMask(tables, folder)
  if (name.startsWith('/')) return { ...known, dirs: lookUp(tables, folder), components: inName }
  // Without a directory to start from there is no such spelling.
  if (from === undefined) return { ...known, dirs: lookups.dirs.open, components: inName }
  return { ...known, dirs: lookUp(tables, from + folder), components: inName | componentMask(tables, from) }
}

/** The current directory, which is asked for no name, and the first argument as it is. */
function launchMasks(tables: Tables, { directory, first }: GuardLaunch): readonly PathMasks[] {
  const open = pathMasks((d) => tables.lookups[d].open)
  const within =
    directory === undefined
      ? { ...open, dirs: EVERY_CLASS, components: EVERY_CLASS }
      : { ...open, dirs: lookUp(tables, directory), components: componentMask(tables, directory) }
  if (first === '') return [within]
  // A comparison of directories takes this for another text.
  const untidy = first.startsWith('/') && cleaned(first).name !== first
  if (untidy || encodeText(first).length > GUARD_DIR) return [ALL]
  const [folder, name] = split(first)
  const components = componentMask(tables, folder)
  const dirs = first.startsWith('/') ? lookUp(tables, folder) : open.dirs
  const named = name === '' ? {} : nameMasks(tables, name)
  return [within, { ...open, ...named, dirs, components }]
}

/** A name without empty, `.` and `..` components, and how many directories a relative one goes up from its start. */
function cleaned(name: string): { readonly name: string; readonly up: number } {
  const isAbsolute = name.startsWith('/')
  const kept: string[] = []
  let up = 0
  for (const part of name.split('/')) {
    if (part === '' || part === '.') continue
    if (part !== '..') kept.push(part)
    else if (kept.length > 0) kept.pop()
    else if (!isAbsolute) up++
  }
  return { name: (isAbsolute ? '/' : '') + kept.join('/'), up }
}

/** So many directories above one, which is a text with its final slash: nothing is above the root. */
function above(directory: string, up: number): string {
  let text = directory
  for (let i = 0; i < up && text !== '/'; i++) text = resolvedOf(text).directory
  return text
}

/** Directory and name of a directory, which is a text with its final slash. */
function resolvedOf(text: string): { readonly directory: string; readonly name: string } {
  const [directory, name] = split(text.slice(0, -1))
  return { directory, name }
}

const componentMask = ({ lookups: { components } }: Tables, directory: string): Mask =>
  directory.split('/').reduce((mask, name) => mask | (components.table.get(name) ?? 0n), components.open)

function nameMasks({ lookups }: Tables, name: string): Pick<PathMasks, 'bases' | 'tails'> {
  const bytes = Buffer.from(encodeText(name))
  const bases = bytes.length > GUARD_NAME ? lookups.bases.other : at(lookups.bases, name)
  // What ends in a parenthesis may be taken for the mark of a removed file, ` (deleted)`, and left out.
  if (name.endsWith(')')) return { bases, tails: EVERY_CLASS }
  const tail = (count: number): Mask =>
    bytes.length < count ? 0n : (lookups.tails.table.get(bytes.subarray(-count).toString('latin1')) ?? 0n)
  return { bases, tails: lookups.tails.open | tail(GUARD_TAIL) | tail(GUARD_TAIL - 1) }
}

/** By a directory's text with its final slash. */
function lookUp(tables: Tables, directory: string): Mask {
  const exact = tables.dirs.get(directory)
  if (exact !== undefined) return exact.here
  for (let end = directory.length - 1; end > 0; end--) {
    const entry = tables.dirs.get(directory.slice(0, end))
    if (entry !== undefined) return entry.within
  }
  return tables.lookups.dirs.open
}
