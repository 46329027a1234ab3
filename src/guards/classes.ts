/**
 * Guard classes: what consumers need of the paths of an event, each different need one bit. The same bit serves all event
 * types and consumers; tables say for each shape of each event type which bits are possible.
 */
import { GUARD_WORDS } from '../../schema/guard.ts'
import { type Branch, branchKey, restricted, unionOf } from './branches.ts'
import type { Limit } from './limits.ts'
import type { ByShape } from './weaken.ts'

/** Who wants events. Rules and watch lists are consumers alike. */
export interface Consumer {
  readonly kind: 'rule' | 'stream'
  readonly name: string
  /** By event type, of those with a guard that it can match. */
  readonly needs: ReadonlyMap<string, ByShape>
}

/** Classes there can be: class 0 is the one that restricts nothing. */
export const MOST_CLASSES = GUARD_WORDS * 64

export interface Classes {
  /** What each class asks for; class 0 asks for nothing. */
  readonly branches: readonly Branch[]
  /** Class of a branch of some consumer. */
  classOf(branch: Branch): number
  /** Set where several branches share a class, which asks for less than each of them. */
  readonly limit: Limit | undefined
}

/** One class for each different branch; where there are more than bits, similar ones share one. */
export function classesOf(consumers: readonly Consumer[]): Classes {
  const distinct = new Map<string, Branch>()
  const open = branchKey({})
  // Events and shapes share branches.
  const keys = new Map<Branch, string>()
  for (const { needs } of consumers)
    for (const byShape of needs.values())
      for (const { branches } of byShape)
        for (const branch of branches) if (!keys.has(branch)) keys.set(branch, branchKey(branch))
  for (const [branch, key] of keys) distinct.set(key, branch)
  distinct.delete(open)
  const groups = group([...distinct.values()], MOST_CLASSES - 1)
  const index = new Map([[open, 0]])
  for (const [i, members] of groups.entries())
    for (const branch of members) index.set(branchKey(branch), i + 1)
  const shared = groups.reduce((sum, { length }, i) => (length > 1 ? sum | (1n << BigInt(i + 1)) : sum), 0n)
  const about = { wanted: distinct.size, room: MOST_CLASSES - 1, of: 'different needs' }
  return {
    limit: shared === 0n ? undefined : { dimension: 'classes', classes: shared, ...about },
    branches: [{}, ...groups.map((members) => (members.length === 1 ? members[0]! : unionOf(members)))],
    classOf: (branch) => index.get(keys.get(branch) ?? branchKey(branch))!,
  }
}

/**
 * At most `most` groups. Only branches that restrict the same dimensions are put together, else one would open the other;
 * neighbours in the order of their directories lose least.
 */
function group(branches: readonly Branch[], most: number): readonly (readonly Branch[])[] {
  if (branches.length <= most) return branches.map((branch) => [branch])
  const kinds = Map.groupBy(branches, (branch) => restricted(branch).join())
  const share = (count: number): number =>
    Math.max(1, Math.floor((count * (most - kinds.size)) / branches.length))
  return [...kinds.values()].flatMap((members) => {
    const sorted = members.toSorted((a, b) => (branchKey(a) < branchKey(b) ? -1 : 1))
    const size = Math.ceil(sorted.length / share(sorted.length))
    return Array.from({ length: Math.ceil(sorted.length / size) }, (_, i) =>
      sorted.slice(i * size, (i + 1) * size),
    )
  })
}
