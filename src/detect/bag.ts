/** A list that is filled and emptied for each event: setting the length of an array would free its memory and ask for more. */
export class Bag<T> {
  /** Of these the first `size` are in it. */
  readonly items: T[] = []
  size = 0

  add(item: T): void {
    this.items[this.size++] = item
  }
  clear(): void {
    this.size = 0
  }
  /** What is in it, in order; a copy. */
  sorted(compare: (a: T, b: T) => number): readonly T[] {
    return this.items.slice(0, this.size).sort(compare)
  }
}
