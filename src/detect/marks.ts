/**
 * What was found out about a string, or about a path with its spellings, hangs on it: few who judge ever ask about the same
 * one, so it is a list, as long as what is known.
 */
import type { Marked } from '../decode/str.ts'

/** What `by` found out in this era; undefined when nothing, or when it is forgotten. */
export function markOf(marked: Marked, by: object, era: object): object | undefined {
  if (marked.marksOf !== era) return undefined
  for (let mark = marked.marks; mark !== undefined; mark = mark.next) if (mark.by === by) return mark.found
  return undefined
}

/** Keep what `by` found out; to be called once. What belongs to another era goes. */
export function setMark(marked: Marked, by: object, era: object, found: object): void {
  const next = marked.marksOf === era ? marked.marks : undefined
  marked.marksOf = era
  marked.marks = { by, found, next }
}
