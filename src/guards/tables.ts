/** The tables of a guard as the kernel reads them, and the same judgement in TypeScript: its reference. */
import { GUARD_DIR, GUARD_ENTRIES, GUARD_NAME, GUARD_TAIL, GUARD_WORDS } from '../../schema/guard.ts'
import { encodeText } from '../decode/str.ts'
import { type Branch, DIMENSIONS, type Dimension } from './branches.ts'
import { type Classes, type Consumer, classesOf, MOST_CLASSES } from './classes.ts'
import { GUARDED_EVENTS } from './shapes.ts'

/** A set of classes, bit by bit. */
export type Mask = bigint

export const EVERY_CLASS: Mask = (1n << BigInt(GUARD_WORDS * 64)) - 1n
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

/** Dimensions looked up by a text as it is. */
export const KEYED = ['components', 'bases', 'tails'] as const
export type Keyed = (typeof KEYED)[number]

export interface Tables {
  readonly classes: Classes
  /** Classes possible for an event type and shape; an event type that is missing passes whole. */
  readonly shapes: ReadonlyMap<string, ReadonlyMap<number, Mask>>
  readonly dirs: ReadonlyMap<string, DirEntry>
  /** By text; a tail has a character for each byte. */
  readonly keyed: Readonly<Record<Keyed, ReadonlyMap<string, Mask>>>
  /** Classes that leave a dimension open. */
  readonly open: Masks
}

/** A mask for each dimension. */
export type Masks = Readonly<Record<Dimension, Mask>>

const bit = (index: number): Mask => 1n << BigInt(index)

/** Half of a table: the other half is for the generation before or after. */
const MOST_ENTRIES = GUARD_ENTRIES / 2

/** Tables for consumers. Event types that `blocked` names pass whole, whoever wants them. */
export function tablesOf(consumers: readonly Consumer[], blocked: ReadonlySet<string> = new Set()): Tables {
  const classes = classesOf(consumers)
  const [dirs, components, bases, tails, raws] = DIMENSIONS.map((d) => maskTable(classes.branches, d)) as [
    MaskTable,
    MaskTable,
    MaskTable,
    MaskTable,
    MaskTable,
  ]
  return {
    classes,
    shapes: shapeTable(consumers, classes, blocked),
    dirs: dirEntries(dirs.table, dirs.open),
    keyed: { components: components.table, bases: bases.table, tails: tails.table },
    open: {
      dirs: dirs.open,
      components: components.open,
      bases: bases.open,
      tails: tails.open,
      raws: raws.open,
    },
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
      for (const [shape, branches] of needs.get(event.name) ?? [])
        for (const branch of branches)
          masks.set(shape, (masks.get(shape) ?? 0n) | bit(classes.classOf(branch)))
    result.set(event.name, masks)
  }
  return result
}

interface MaskTable {
  readonly table: Map<string, Mask>
  readonly open: Mask
}

/** By alternative of a dimension, the classes that allow it, those that leave it open among them. */
function maskTable(branches: readonly Branch[], dimension: Dimension): MaskTable {
  const all = new Set(branches.flatMap((branch) => [...(branch[dimension] ?? [])]))
  const crowded = all.size > MOST_ENTRIES / 2
  let open = 0n
  const table = new Map<string, Mask>()
  for (const [i, branch] of branches.entries()) {
    const items = branch[dimension]
    // Merged classes of thousands of rules: rather ask for one dimension less than for some of its values only.
    if (items === undefined || (crowded && items.size > MOST_ENTRIES / 2 / MOST_CLASSES)) open |= bit(i)
    else for (const item of items) table.set(item, (table.get(item) ?? 0n) | bit(i))
  }
  for (const [item, mask] of table) table.set(item, mask | open)
  return { table, open }
}

/** From `=/etc/` and `^/etc/` to entries, each with what its prefixes allow. */
function dirEntries(table: ReadonlyMap<string, Mask>, open: Mask): Map<string, DirEntry> {
  const texts = new Set(['/'])
  for (const item of table.keys()) {
    const text = item.slice(1)
    texts.add(text)
    // Ancestors tell that something below them is asked for.
    for (let at = text.indexOf('/', 1); at > 0; at = text.indexOf('/', at + 1))
      texts.add(text.slice(0, at + 1))
  }
  const entries = new Map<string, DirEntry>()
  if (texts.size > MOST_ENTRIES)
    return entries.set('/', { within: EVERY_CLASS, here: EVERY_CLASS, below: EVERY_CLASS })
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
  return entries
}

/** A path that an event has: a kernel object, or a name with the directory it starts from. */
export interface GuardPath {
  /** Name as the caller gave it; undefined for an object without one. */
  readonly name: string | undefined
  /** Directory a relative name starts from; undefined when there is none. */
  readonly start: string | undefined
  /** Directory and name of the kernel's object; undefined when the call has none. */
  readonly resolved: { readonly directory: string; readonly name: string } | undefined
}

/** What the kernel side looks at. */
export interface GuardInput {
  readonly event: string
  readonly shape: number
  readonly paths: readonly GuardPath[]
}

/** Classes that survive; 0 is an event that no consumer can want. */
export function judge(tables: Tables, { event, shape, paths }: GuardInput): Mask {
  const shapes = tables.shapes.get(event)
  if (shapes === undefined) return EVERY_CLASS
  const live = shapes.get(shape) ?? 0n
  if (live === 0n || (live & OPEN_CLASS) !== 0n) return live
  const masks = paths.map((path) => masksOf(tables, path)).reduce(either, NONE)
  return DIMENSIONS.reduce((left, d) => left & masks[d], live)
}

const masks = (of: (dimension: Dimension) => Mask): Masks => ({
  dirs: of('dirs'),
  components: of('components'),
  bases: of('bases'),
  tails: of('tails'),
  raws: of('raws'),
})
const NONE = masks(() => 0n)
const ALL = masks(() => EVERY_CLASS)
const either = (a: Masks, b: Masks): Masks => masks((d) => a[d] | b[d])

function masksOf(tables: Tables, { name, start, resolved }: GuardPath): Masks {
  const object =
    resolved === undefined
      ? NONE
      : {
          ...nameMasks(tables, resolved.name),
          dirs: lookUp(tables, resolved.directory).at,
          components: componentMask(tables, resolved.directory),
          raws: tables.open.raws,
        }
  return name === undefined ? object : either(object, givenMasks(tables, name, start))
}

/** The masks of a name as the caller gave it: as text, links not followed. */
function givenMasks(tables: Tables, name: string, start: string | undefined): Masks {
  if (encodeText(name).length > GUARD_DIR || !isPlain(name)) return ALL
  const slash = name.lastIndexOf('/')
  const folder = name.slice(0, slash + 1)
  const known = {
    ...nameMasks(tables, name.slice(slash + 1)),
    raws: name.includes('..') ? EVERY_CLASS : tables.open.raws,
  }
  if (name.startsWith('/'))
    return { ...known, dirs: lookUp(tables, folder).at, components: componentMask(tables, folder) }
  const inName = componentMask(tables, folder)
  // Without a directory to start from there is no such spelling.
  if (start === undefined) return { ...known, dirs: tables.open.dirs, components: inName }
  const { at, below } = lookUp(tables, start)
  const components = inName | componentMask(tables, start)
  return { ...known, dirs: slash < 0 ? at : at | below, components }
}

const componentMask = (tables: Tables, directory: string): Mask =>
  directory
    .split('/')
    .reduce((mask, name) => mask | (tables.keyed.components.get(name) ?? 0n), tables.open.components)

/** No `..`, no final slash or dot; from the root also no `.` and no empty component: joining needs no cleaning. */
function isPlain(name: string): boolean {
  const parts = name.split('/')
  const last = parts.at(-1)!
  if (last === '' || last === '.' || parts.includes('..')) return false
  return !name.startsWith('/') || !parts.slice(1).some((part) => part === '' || part === '.')
}

function nameMasks(tables: Tables, name: string): Pick<Masks, 'bases' | 'tails'> {
  const bytes = Buffer.from(encodeText(name))
  const base = bytes.length > GUARD_NAME ? undefined : tables.keyed.bases.get(name)
  // What ends in a parenthesis may be taken for the mark of a removed file, ` (deleted)`, and left out.
  if (name.endsWith(')')) return { bases: base ?? tables.open.bases, tails: EVERY_CLASS }
  const tail = (count: number): Mask =>
    bytes.length < count ? 0n : (tables.keyed.tails.get(bytes.subarray(-count).toString('latin1')) ?? 0n)
  return {
    bases: base ?? tables.open.bases,
    tails: tables.open.tails | tail(GUARD_TAIL) | tail(GUARD_TAIL - 1),
  }
}

/** By a directory's text with its final slash. */
function lookUp(tables: Tables, directory: string): { readonly at: Mask; readonly below: Mask } {
  const exact = tables.dirs.get(directory)
  if (exact !== undefined) return { at: exact.here, below: exact.below }
  for (let end = directory.length - 1; end > 0; end--) {
    const entry = tables.dirs.get(directory.slice(0, end))
    if (entry !== undefined) return { at: entry.within, below: 0n }
  }
  return { at: tables.open.dirs, below: 0n }
}
