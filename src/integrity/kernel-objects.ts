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
  /** Head of the info struct as hexadecimal digits. */
  readonly info: string
  /** SHA-256 of a constant map. */
  readonly content: string | undefined
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
  /** By descriptor: maps that objects share stand behind one descriptor for each. */
  readonly #states = new Map<number, ObjectState>()
  readonly #ids = new Set<number>()

  constructor(lib: Libbpf, held: readonly HeldObject[]) {
    this.#lib = lib
    for (const object of held) this.adopt(object)
  }

  /** Take an object as it is now for how it must be. */
  adopt(object: HeldObject): ObjectState {
    const state = this.#read(object)
    this.#states.set(object.fd, state)
    this.#ids.add(keyOf(object.kind, state.id))
    return state
  }

  /** Is this one of ours? Kinds as in BPF_OBJECTS. */
  has(kind: number, id: number): boolean {
    return this.#ids.has(id * KINDS + kind)
  }

  get all(): readonly ObjectState[] {
    return [...this.#states.values()]
  }

  /** What is not as it was. An object that is gone is told once. */
  check(): ObjectChange[] {
    const changes: ObjectChange[] = []
    for (const [fd, state] of this.#states) {
      const change = this.#compare(state)
      if (change === undefined) continue
      changes.push(change)
      if (change.what === 'gone') this.#states.delete(fd)
      else this.#states.set(fd, { ...state, content: change.after })
    }
    return changes
  }

  #compare(state: ObjectState): ObjectChange | undefined {
    const { object, id, info, content } = state
    const { kind } = object
    const now = this.#tryRead(object)
    if (now instanceof SystemError || now.info !== info) {
      const after = now instanceof SystemError ? now.code : now.info
      return { object, id, what: 'gone', before: `${kind} ${id}`, after }
    }
    if (content === undefined || now.content === content) return undefined
    return { object, id, what: 'content', before: content, after: now.content ?? '' }
  }

  #tryRead(object: HeldObject): ObjectState | SystemError {
    try {
      return this.#read(object)
    } catch (error) {
      if (error instanceof SystemError) return error
      throw error
    }
  }

  #read(object: HeldObject): ObjectState {
    const bytes = this.#lib.objectInfo(object.fd, INFO_BYTES[object.kind])
    const view = new DataView(bytes.buffer, bytes.byteOffset)
    const id = view.getUint32(ID_AT, true)
    const isConstant = object.kind === 'map' && object.name.endsWith('.rodata')
    return {
      object,
      id,
      info: Buffer.from(bytes).toString('hex'),
      content: isConstant ? this.#contentOf(object.fd, view.getUint32(MAP_VALUE_SIZE_AT, true)) : undefined,
    }
  }

  /** Hash of the single element of a constant map. */
  #contentOf(fd: number, size: number): string {
    const value = new Uint8Array(size)
    if (!this.#lib.mapLookup(fd, new Uint8Array(4), value)) return 'unreadable'
    return createHash('sha256').update(value).digest('hex')
  }
}

const KINDS = 8
const keyOf = (kind: HeldObject['kind'], id: number): number => id * KINDS + BPF_OBJECTS.names[kind]!
