/**
 * What the kernel can ask about the paths of an event, as a list of branches: the event may match when one of them holds.
 * A branch restricts some dimensions and leaves the rest open; an empty list never holds, an empty branch always does.
 *
 * Everything here may only ever widen: each operation gives something that follows from its operands.
 */

/** The dimensions a path is asked for. */
export const DIMENSIONS = ['dirs', 'components', 'bases', 'tails', 'raws'] as const
export type Dimension = (typeof DIMENSIONS)[number]

/**
 * Alternatives by dimension; one that is not there is open.
 *
 * `dirs`: `=/etc/` is that directory, `^/etc/` everything whose directory, written with a final slash, begins like that.
 * `components`: some component of the directory. `bases`: the last component. `tails`: the last four (or all three) bytes of
 * an ending of it. `raws`: something in the name as the caller gave it, of which there is only `..`, two dots in a row.
 */
export type Branch = { readonly [D in Dimension]?: ReadonlySet<string> }
export type Branches = readonly Branch[]

export const NEVER: Branches = []
export const ALWAYS: Branches = [{}]

/** Branches kept for one condition; more are melted together. */
const MOST_BRANCHES = 8
const MOST_PRODUCTS = 64

const isOpen = (branch: Branch): boolean => DIMENSIONS.every((d) => branch[d] === undefined)
export const isAlways = (branches: Branches): boolean => branches.some(isOpen)

/** Dimensions a branch restricts. */
const restricted = (branch: Branch): readonly Dimension[] => DIMENSIONS.filter((d) => branch[d] !== undefined)

/** The same text for equal branches. */
export const branchKey = (branch: Branch): string =>
  DIMENSIONS.map((d) => (branch[d] === undefined ? '*' : [...branch[d]].sort().join('\0'))).join('\n')

/** Either of two. */
export const or = (lists: readonly Branches[]): Branches => tidy(lists.flat())

/**
 * Both of two. An event has several paths and spellings, and each side may hold of another: a dimension that both sides
 * restrict keeps one of the restrictions, not what they have in common.
 */
export function and(a: Branches, b: Branches): Branches {
  if (a.length === 0 || b.length === 0) return NEVER
  if (isAlways(a)) return b
  if (isAlways(b)) return a
  if (a.length * b.length > MOST_PRODUCTS) return weight(a) <= weight(b) ? a : b
  return tidy(a.flatMap((left) => b.map((right) => both(left, right))))
}

function both(a: Branch, b: Branch): Branch {
  const result: { [D in Dimension]?: ReadonlySet<string> } = { ...a }
  for (const d of DIMENSIONS) {
    const [left, right] = [a[d], b[d]]
    if (right !== undefined && (left === undefined || right.size < left.size)) result[d] = right
  }
  return result
}

/** How much passes, roughly: for choosing between two that are both sound. */
const weight = (branches: Branches): number =>
  branches.reduce((sum, branch) => sum + 1 / (1 + 2 * restricted(branch).length), 0)

/** Without branches that say nothing new; those that differ in one dimension only become one. */
function tidy(branches: Branches): Branches {
  if (isAlways(branches)) return ALWAYS
  let list = [...new Map(branches.map((branch) => [branchKey(branch), branch])).values()]
  for (const d of DIMENSIONS) list = melt(list, (branch) => branchKey({ ...branch, [d]: new Set() }), d)
  if (list.length <= MOST_BRANCHES) return list
  // The product of the alternatives: wider than their sum.
  return melt(list, (branch) => restricted(branch).join())
}

/** Make one branch of all with the same key that restrict the same dimensions. */
function melt(list: readonly Branch[], keyOf: (branch: Branch) => string, only?: Dimension): Branch[] {
  const groups = new Map<string, Branch[]>()
  for (const branch of list) {
    const apart = only !== undefined && branch[only] === undefined
    const key = apart ? `apart ${branchKey(branch)}` : keyOf(branch)
    groups.set(key, [...(groups.get(key) ?? []), branch])
  }
  return [...groups.values()].map((group) => (group.length === 1 ? group[0]! : unionOf(group)))
}

/** One branch that holds whenever one of these does: a dimension that any leaves open is open. */
export function unionOf(group: readonly Branch[]): Branch {
  const result: { [D in Dimension]?: ReadonlySet<string> } = {}
  for (const d of DIMENSIONS) {
    if (group.some((branch) => branch[d] === undefined)) continue
    result[d] = new Set(group.flatMap((branch) => [...branch[d]!]))
  }
  return result
}
