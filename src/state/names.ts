/** Names of addresses, kept by applying the answers of resolvers: each says which addresses a name has now. */
import type { NameAnswer } from '../decode/answers.ts'
import type { Interner } from '../decode/interner.ts'
import type { Str } from '../decode/str.ts'
import { type Ip, parseIp } from '../fields/ip.ts'

const NONE: readonly Str[] = []

export class NameTable {
  readonly #interner: Interner
  readonly #addresses = new Map<string, readonly string[]>()
  readonly #names = new Map<string, readonly Str[]>()

  constructor(interner: Interner) {
    this.#interner = interner
  }

  /** Addresses with a name. */
  get size(): number {
    return this.#names.size
  }

  /** In the order in which they were first heard of. */
  namesOf(ip: Ip): readonly Str[] {
    return this.#names.size === 0 ? NONE : (this.#names.get(ip.text) ?? NONE)
  }

  answer({ name, addresses }: NameAnswer): void {
    const str = this.#interner.intern(name)
    for (const address of this.#addresses.get(name) ?? []) {
      const left = this.#names.get(address)!.filter((other) => other.text !== name)
      if (left.length === 0) this.#names.delete(address)
      else this.#names.set(address, left)
    }
    const distinct = [...new Set(addresses.flatMap((address) => parseIp(address)?.text ?? []))]
    this.#addresses.set(name, distinct)
    for (const address of distinct) this.#names.set(address, [...(this.#names.get(address) ?? []), str])
  }
}
