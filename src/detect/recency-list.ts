/**
 * Things in the order they were last used, as a linked list: moving one to the end and taking the oldest take the same
 * short time however many there are. (A Map in insertion order would do, but finding its first entry steps over every
 * deleted one.)
 */
export interface Linked<T> {
  older: T | undefined
  newer: T | undefined
}

export class RecencyList<T extends Linked<T>> {
  oldest: T | undefined
  newest: T | undefined

  /** Put one that is in no list at the end. */
  add(item: T): void {
    item.older = this.newest
    item.newer = undefined
    if (this.newest === undefined) this.oldest = item
    else this.newest.newer = item
    this.newest = item
  }

  remove(item: T): void {
    if (item.older === undefined) this.oldest = item.newer
    else item.older.newer = item.newer
    if (item.newer === undefined) this.newest = item.older
    else item.newer.older = item.older
    item.older = undefined
    item.newer = undefined
  }

  /** Move one of the list to the end. */
  touch(item: T): void {
    if (item === this.newest) return
    this.remove(item)
    this.add(item)
  }
}
