/**
 * What the kernel can ask about an event beyond its shape, as a list of branches: the event may match when one of them
 * holds. A branch restricts some dimensions and leaves the rest open; an empty list never holds, an empty branch always does.
 *
 * Everything here may only ever widen: each operation gives something that follows from its operands.
 */

import { GUARD_DIMENSIONS } from '../../schema/guard.ts'

export type Dimension = (typeof GUARD_DIMENSIONS)[number]

/** A test of bits may hold of what another does, too. */
const NUMBER = { single: true, prefix: true }
const NUMBERS = { arg0: NUMBER, arg1: NUMBER, arg2: NUMBER, arg3: NUMBER, arg4: NUMBER, arg5: NUMBER }

/**
 * The dimensions, by how many values an event has of one and how its items are compared with them.
 *
 * Of paths and addresses an event has several values (spellings, ends), and an item holds when it holds of any of them. A
 * process has one name, one user, one container and one image: what two conditions ask of those can be put together exactly.
 * Items of `nets` and `images` stand for all values that begin with them, those of numbers for all that a test of bits holds of.
 */
const KINDS: Readonly<Record<Dimension, { readonly single: boolean; readonly prefix: boolean }>> = {
  dirs: { single: false, prefix: true },
  components: { single: false, prefix: false },
  bases: { single: false, prefix: false },
  tails: { single: false, prefix: false },
  raws: { single: false, prefix: false },
  comms: { single: true, prefix: false },
  uids: { single: true, prefix: false },
  containers: { single: true, prefix: false },
  ttys: { single: true, prefix: false },
  loginuids: { single: true, prefix: false },
  images: { single: true, prefix: true },
  exes: { single: true, prefix: false },
  ancestors: { single: false, prefix: false },
  ports: { single: false, prefix: false },
  nets: { single: false, prefix: true },
  ...NUMBERS,
}

export const DIMENSIONS = GUARD_DIMENSIONS

/** Values that are allowed; with `except` all but these. */
export interface Items {
  readonly except: boolean
  readonly of: ReadonlySet<string>
}

/**
 * Items by dimension; one that is not there is open.
 *
 * `dirs`: `=/etc/` is that directory, `^/etc/` everything whose directory, written with a final slash, begins like that.
 * `components`: some component of the directory. `bases`: the last component. `tails`: the last four (or all three) bytes of
 * an ending of it. `raws`: something in the name as the caller gave it, of which there is only `..`, two dots in a row.
 *
 * `comms`: name of the process. `uids`: effective user. `containers`: `host` or `container`. `ttys`: `none` or `some`, as of
 * the last exec. `loginuids`: user of the login session as of then, -1 for none. `images`: beginning of the executable's path, ended by NUL where all of it is meant. `exes`: its last component. `ancestors`: name that
 * the process or one it descends from ever had. `ports` and `nets` (hexadecimal, slash, bits): either end of a socket.
 * `arg0` to `arg5`: numbers of the event, by tests of bits (arguments.ts).
 */
export type Branch = { readonly [D in Dimension]?: Items }
export type Branches = readonly Branch[]

export const NEVER: Branches = []
export const ALWAYS: Branches = [{}]

export const only = (...values: readonly string[]): Items => ({ except: false, of: new Set(values) })
export const except = (...values: readonly string[]): Items => ({ except: true, of: new Set(values) })

/** Branches kept for one condition; more are melted together. */
const MOST_BRANCHES = 8
const MOST_PRODUCTS = 64

const isOpen = (branch: Branch): boolean => DIMENSIONS.every((d) => branch[d] === undefined)
export const isAlways = (branches: Branches): boolean => branches.some(isOpen)

/** Dimensions a branch restricts. */
export const restricted = (branch: Branch): readonly Dimension[] =>
  DIMENSIONS.filter((d) => branch[d] !== undefined)

/** The same text for equal branches; those that differ in `but` alone are equal, too. */
export const branchKey = (branch: Branch, but?: Dimension): string =>
  DIMENSIONS.map((d) => {
    const items = d === but ? undefined : branch[d]
    return items === undefined ? '*' : `${items.except ? '!' : ''}${[...items.of].sort().join('\0')}`
  }).join('\n')

/** Told when there are more branches than are kept apart. */
export type Lost = () => void
const ignore: Lost = () => {}

/** Either of two. */
export const or = (lists: readonly Branches[], lost: Lost = ignore): Branches => tidy(lists.flat(), lost)

/** Both of two. */
export function and(a: Branches, b: Branches, lost: Lost = ignore): Branches {
  if (a.length === 0 || b.length === 0) return NEVER
  if (isAlways(a)) return b
  if (isAlways(b)) return a
  if (a.length * b.length > MOST_PRODUCTS) {
    lost()
    return weight(a) <= weight(b) ? a : b
  }
  return tidy(
    a.flatMap((left) => b.flatMap((right) => both(left, right))),
    lost,
  )
}

/** None when no value is left for some dimension. */
function both(a: Branch, b: Branch): Branches {
  const result: { [D in Dimension]?: Items } = { ...a }
  for (const d of DIMENSIONS) {
    const [left, right] = [a[d], b[d]]
    if (right === undefined) continue
    const items = left === undefined ? right : common(d, left, right)
    if (!items.except && items.of.size === 0) return NEVER
    result[d] = items
  }
  return [result]
}

/**
 * Where an event has several values, each side may hold of another one: one of the restrictions is kept, not what they have
 * in common.
 */
function common(d: Dimension, a: Items, b: Items): Items {
  const { single, prefix } = KINDS[d]
  if (single && a.except && b.except) return { except: true, of: a.of.union(b.of) }
  if (single && !prefix) {
    if (a.except) return { except: false, of: b.of.difference(a.of) }
    return { except: false, of: b.except ? a.of.difference(b.of) : a.of.intersection(b.of) }
  }
  return passes(b) < passes(a) ? b : a
}

/** How many values an item allows, for choosing: all but some is more than any some. */
const passes = ({ except: negative, of }: Items): number => (negative ? 1e9 - of.size : of.size)

/** How much passes, roughly: for choosing between two that are both sound. */
const weight = (branches: Branches): number =>
  branches.reduce((sum, branch) => sum + 1 / (1 + 2 * restricted(branch).length), 0)

/** Without branches that say nothing new; those that differ in one dimension only become one. */
function tidy(branches: Branches, lost: Lost): Branches {
  if (branches.length < 2) return branches
  if (isAlways(branches)) return ALWAYS
  let list: Branches = [...new Map(branches.map((branch) => [branchKey(branch), branch])).values()]
  for (const d of DIMENSIONS) {
    if (list.filter((branch) => branch[d] !== undefined).length < 2) continue
    list = melt(list, (branch) =>
      branch[d] === undefined ? `apart ${branchKey(branch)}` : branchKey(branch, d),
    )
    if (isAlways(list)) return ALWAYS
  }
  if (list.length <= MOST_BRANCHES) return list
  lost()
  // The product of the alternatives: wider than their sum.
  const wider = melt(list, (branch) => restricted(branch).join())
  return isAlways(wider) ? ALWAYS : wider
}

/** Make one branch of all with the same key. */
const melt = (list: Branches, keyOf: (branch: Branch) => string): Branches =>
  [...Map.groupBy(list, keyOf).values()].map((group) => (group.length === 1 ? group[0]! : unionOf(group)))

/** One branch that holds whenever one of these does: a dimension that any leaves open is open. */
export function unionOf(group: readonly Branch[]): Branch {
  const result: { [D in Dimension]?: Items } = {}
  for (const d of DIMENSIONS) {
    let items: Items | undefined = group[0]![d]
    for (const branch of group.slice(1)) items = items && branch[d] && either(d, items, branch[d])
    if (items !== undefined) result[d] = items
  }
  return result
}

/** Undefined when that is everything. */
function either(d: Dimension, a: Items, b: Items): Items | undefined {
  if (!a.except && !b.except) return { except: false, of: a.of.union(b.of) }
  if (!(a.except && b.except) && KINDS[d].prefix) return undefined
  const [left, right] = a.except ? [a, b] : [b, a]
  const of = right.except ? left.of.intersection(right.of) : left.of.difference(right.of)
  return of.size === 0 ? undefined : { except: true, of }
}
