/** Which lists a condition needs: looking for thousands of names in thousands of conditions would be quadratic. */
import type { NamedList } from '../../condition/expand.ts'
import type { ListDefinition } from './collector.ts'
import { RuleError } from './report.ts'

interface Entry extends NamedList {
  readonly index: number
  /** Names of lists among the words of the items: they are replaced too where they come later. */
  readonly inner: readonly string[]
}

export type ListTable = ReadonlyMap<string, Entry>

/** Items of all lists after lists within lists are put in. */
const MAX_ITEMS = 5_000_000

/**
 * Lists ready to be put into conditions. An item that names an earlier list stands for the items of that list as they
 * were written: one level, no more. Names of lists so used are added to `used`. Throws RuleError.
 */
export function listTable(lists: readonly ListDefinition[], used: Set<string>): ListTable {
  const byName = new Map(lists.map((list) => [list.name, list]))
  const table = new Map<string, Entry>()
  let count = 0
  for (const list of lists) {
    const items: string[] = []
    for (const { text } of list.items.flat()) {
      const other = byName.get(text)
      if (!other || other.index >= list.visibility) items.push(text)
      else {
        used.add(text)
        count += addItems(other, items)
      }
      if (count > MAX_ITEMS)
        throw new RuleError(
          'LOAD_ERR_VALIDATE',
          `lists grow beyond ${MAX_ITEMS} items`,
          list.span,
          list.context,
        )
    }
    const inner = new Set(items.flatMap(wordsOf).filter((word) => byName.has(word)))
    table.set(list.name, { name: list.name, items, index: list.index, inner: [...inner] })
  }
  return table
}

function addItems(list: ListDefinition, into: string[]): number {
  const before = into.length
  for (const part of list.items) for (const { text } of part) into.push(text)
  return into.length - before
}

/** The lists a text can need, in the order in which they are applied. */
export function listsFor(text: string, table: ListTable): readonly NamedList[] {
  const found = new Set<Entry>()
  const add = (name: string): void => {
    const entry = table.get(name)
    if (entry) found.add(entry)
  }
  wordsOf(text).forEach(add)
  // A set hands out what is added while it is walked.
  for (const entry of found) entry.inner.forEach(add)
  return [...found].sort((a, b) => a.index - b.index)
}

/** What can be the name of a list: the pieces between the characters that delimit one. */
export const wordsOf = (text: string): readonly string[] => text.split(/[ \t\r\n(),=]+/)
