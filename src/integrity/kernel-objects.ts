/**
 * The agent's BPF objects as the kernel has them, compared with what they were: programs by id and tag, links by id and
 * program, maps by id and shape, and constants by content.
 */
import { createHash } from 'node:crypto'
import { BPF_OBJECTS } from '../../schema/enums/index.ts'
import type { Libbpf } from '../kernel/libbpf.ts'
import { SystemError } from '../kernel/libc.ts'
import type { HeldObject } from '../kernel/objects.ts'

/** What tells an object from any other: the head of its info struct (include/uapi/linux/bpf.h). */
const INFO_BYTES = { prog: 16, map: 20, link: 12 } as const
/** All three begin with type and id; a program's tag follows, a map's sizes, a link's program. */
const ID_AT = 4
const MAP_VALUE_SIZE_AT = 12

export interface ObjectState {
  readonly object: HeldObject
  readonly id: number
  /** Head of the info struct. */
  readonly info: Uint8Array
  /** The element of a constant map; empty where it cannot be read. */
  readonly content: Uint8Array | undefined
}

export interface ObjectChange {
  readonly object: HeldObject
  readonly id: number
  /** `gone`: the descriptor is closed or stands for something else. */
  readonly what: 'gone' | 'content'
  readonly before: string
  readonly after: string
}

export class KernelObjects {
  readonly #lib: Libbpf
  /** By descriptor. */
  readonly #states = new Map<number, ObjectState>()
  readonly #ids = new Set<number>()
  /** Where info structs are read for comparison: this is done once a second for every object. */
  readonly #room = {
    prog: new Uint8Array(INFO_BYTES.prog),
    map: new Uint8Array(INFO_BYTES.map),
    link: new Uint8Array(INFO_BYTES.link),
  }

  constructor(lib: Libbpf, held: readonly HeldObject[]) {
    this.#lib = lib
    for (const object of held) this.adopt(object)
  }

  /**
   * Take an object as it is now for how it must be. Maps that BPF objects share stand behind a descriptor for each, of which
   * the first is used: the others are not looked at.
   */
  adopt(object: HeldObject): void {
    const info = new Uint8Array(INFO_BYTES[object.kind])
    this.#lib.objectInfo(object.fd, info)
    const view = new DataView(info.buffer)
    const id = view.getUint32(ID_AT, true)
    const key = keyOf(object.kind, id)
    if (object.kind === 'map' && this.#ids.has(key)) return
    const isConstant = object.kind === 'map' && object.name.endsWith('.rodata')
    const content = isConstant
      ? this.#contentOf(object.fd, view.getUint32(MAP_VALUE_SIZE_AT, true))
      : undefined
    this.#states.set(object.fd, { object, id, info, content })
    this.#ids.add(key)
  }

  /** Is this one of ours? Kinds as in BPF_OBJECTS. */
  has(kind: number, id: number): boolean {
    return this.#ids.has(id * KINDS + kind)
  }

  get all(): Iterable<ObjectState> {
    return this.#states.values()
  }
  get size(): number {
    return this.#states.size
  }

  /** Those that a look is about: what `always` says of a state, and of the rest those of which it is the turn, of so many. */
  *inTurn(turn: number, turns: number, always: (state: ObjectState) => boolean): Generator<ObjectState> {
    let index = 0
    for (const state of this.#states.values()) if (index++ % turns === turn || always(state)) yield state
  }

  /** What is not as it was, of all links and of the others of which it is the turn. An object that is gone is told once. */
  check(turn: number, turns: number): ObjectChange[] {
    const changes: ObjectChange[] = []
    for (const state of this.inTurn(turn, turns, isLink)) {
      const change = this.#isThere(state) ? this.#checkContent(state) : this.#gone(state)
      if (change !== undefined) changes.push(change)
    }
    return changes
  }

  #isThere({ object: { fd, kind }, info }: ObjectState): boolean {
    try {
      return Buffer.compare(this.#lib.objectInfo(fd, this.#room[kind]), info) === 0
    } catch (error) {
      if (error instanceof SystemError) return false
      throw error
    }
  }

  #gone({ object, id }: ObjectState): ObjectChange {
    this.#states.delete(object.fd)
    return { object, id, what: 'gone', before: `${object.kind} ${id}`, after: this.#now(object) }
  }

  /** What stands behind the descriptor instead, or why nothing does. */
  #now({ fd, kind }: HeldObject): string {
    try {
      return Buffer.from(this.#lib.objectInfo(fd, this.#room[kind])).toString('hex')
    } catch (error) {
      return (error as SystemError).code
    }
  }

  #checkContent(state: ObjectState): ObjectChange | undefined {
    const { object, id, content } = state
    if (content === undefined) return undefined
    const now = this.#contentOf(object.fd, content.length)
    if (Buffer.compare(now, content) === 0) return undefined
    this.#states.set(object.fd, { ...state, content: now })
    return { object, id, what: 'content', before: hashOf(content), after: hashOf(now) }
  }

  /** The single element of a constant map. */
  #contentOf(fd: number, size: number): Uint8Array {
    const value = new Uint8Array(size)
    return this.#lib.mapLookup(fd, new Uint8Array(4), value) ? value : new Uint8Array(0)
  }
}

const hashOf = (content: Uint8Array): string =>
  content.length === 0 ? 'unreadable' : createHash('sha256').update(content).digest('hex')

const isLink = ({ object }: ObjectState): boolean => object.kind === 'link'

const KINDS = 8
const keyOf = (kind: HeldObject['kind'], id: number): number => id * KINDS + BPF_OBJECTS.names[kind]!
