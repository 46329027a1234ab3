/**
 * A reader of BTF, as far as the loader needs it: structs with member offsets, variables of data sections.
 * Format: Documentation/bpf/btf.rst of the kernel.
 */

const MAGIC = 0xeb9f
const KIND = {
  INT: 1,
  PTR: 2,
  ARRAY: 3,
  STRUCT: 4,
  UNION: 5,
  ENUM: 6,
  FUNC_PROTO: 13,
  VAR: 14,
  DATASEC: 15,
  DECL_TAG: 17,
  ENUM64: 19,
} as const

export interface BtfMember {
  readonly name: string
  /** Bytes from the start of the struct. */
  readonly offset: number
}
export interface BtfStruct {
  readonly name: string
  readonly size: number
  readonly members: readonly BtfMember[]
}
export interface Btf {
  struct(name: string): BtfStruct | undefined
  /** Offset and size of a variable in a data section such as `.rodata`. */
  variable(section: string, name: string): { readonly offset: number; readonly size: number } | undefined
}

/** Parse raw BTF. Throws RangeError when it is not BTF or is cut short. */
export function parseBtf(bytes: Uint8Array): Btf {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength)
  if (bytes.length < 24 || view.getUint16(0, true) !== MAGIC)
    throw new RangeError('Not BTF: wrong magic number')
  const headerSize = view.getUint32(4, true)
  const types = headerSize + view.getUint32(8, true)
  const typesEnd = types + view.getUint32(12, true)
  const strings = headerSize + view.getUint32(16, true)
  if (typesEnd > bytes.length || strings > bytes.length) throw new RangeError('BTF is cut short')
  return new Reader(bytes, view, types, typesEnd, strings)
}

class Reader implements Btf {
  readonly #bytes: Uint8Array
  readonly #view: DataView
  readonly #strings: number
  /** Offset of each type by id; id 0 is void. */
  readonly #offsets: number[] = [0]
  readonly #byName = new Map<string, number[]>()

  constructor(bytes: Uint8Array, view: DataView, types: number, typesEnd: number, strings: number) {
    this.#bytes = bytes
    this.#view = view
    this.#strings = strings
    for (let at = types; at + 12 <= typesEnd; at += 12 + this.#tailSize(at)) {
      const kind = this.#kind(at)
      if (kind === KIND.STRUCT || kind === KIND.DATASEC) {
        const name = this.#string(view.getUint32(at, true))
        const ids = this.#byName.get(name)
        if (ids) ids.push(this.#offsets.length)
        else this.#byName.set(name, [this.#offsets.length])
      }
      this.#offsets.push(at)
    }
  }

  struct(name: string): BtfStruct | undefined {
    const at = this.#find(name, KIND.STRUCT)
    if (at === undefined) return undefined
    const bitfields = this.#view.getUint32(at + 4, true) >>> 31 === 1
    const members: BtfMember[] = []
    for (let i = 0; i < this.#vlen(at); i++) {
      const member = at + 12 + 12 * i
      const position = this.#view.getUint32(member + 8, true)
      members.push({
        name: this.#string(this.#view.getUint32(member, true)),
        offset: (bitfields ? position & 0xffffff : position) >> 3,
      })
    }
    return { name, size: this.#view.getUint32(at + 8, true), members }
  }

  variable(section: string, name: string): { offset: number; size: number } | undefined {
    const at = this.#find(section, KIND.DATASEC)
    if (at === undefined) return undefined
    for (let i = 0; i < this.#vlen(at); i++) {
      const entry = at + 12 + 12 * i
      const variable = this.#offsets[this.#view.getUint32(entry, true)]!
      if (this.#string(this.#view.getUint32(variable, true)) === name)
        return { offset: this.#view.getUint32(entry + 4, true), size: this.#view.getUint32(entry + 8, true) }
    }
    return undefined
  }

  #find(name: string, kind: number): number | undefined {
    for (const id of this.#byName.get(name) ?? [])
      if (this.#kind(this.#offsets[id]!) === kind) return this.#offsets[id]
    return undefined
  }
  #kind(at: number): number {
    return (this.#view.getUint32(at + 4, true) >>> 24) & 0x1f
  }
  #vlen(at: number): number {
    return this.#view.getUint32(at + 4, true) & 0xffff
  }
  /** Bytes that follow the 12 common ones. */
  #tailSize(at: number): number {
    const vlen = this.#vlen(at)
    switch (this.#kind(at)) {
      case KIND.INT:
      case KIND.VAR:
      case KIND.DECL_TAG:
        return 4
      case KIND.ARRAY:
        return 12
      case KIND.STRUCT:
      case KIND.UNION:
      case KIND.DATASEC:
      case KIND.ENUM64:
        return 12 * vlen
      case KIND.ENUM:
      case KIND.FUNC_PROTO:
        return 8 * vlen
      default:
        return 0
    }
  }
  #string(offset: number): string {
    const from = this.#strings + offset
    const end = this.#bytes.indexOf(0, from)
    return Buffer.from(this.#bytes.buffer, this.#bytes.byteOffset + from, end - from).toString('latin1')
  }
}
