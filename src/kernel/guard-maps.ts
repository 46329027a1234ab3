/** What guard tables are written through: maps by name, many elements at a time. */
import type { Libbpf } from './libbpf.ts'

export interface GuardMaps {
  /** Descriptor of a map by name. Throws RangeError when no loaded object has it. */
  fd(name: string): number
  /** Set `count` elements. Throws SystemError. */
  update(fd: number, keys: Uint8Array, values: Uint8Array, count: number): void
  /** Take elements out; those that are not there are no error. */
  remove(fd: number, keys: Uint8Array, count: number): void
}

/** Tables of one set of consumers, ready to be written under any generation. */
export interface GuardSet {
  write(maps: GuardMaps, generation: number): void
  remove(maps: GuardMaps, generation: number): void
}

/** A map that every object with guarded programs has. */
export const GUARD_MAP = 'guard_shapes'

export const guardMaps = (lib: Libbpf, fd: (name: string) => number): GuardMaps => ({
  fd,
  update: (map, keys, values, count) => lib.mapUpdateBatch(map, keys, values, count),
  remove(map, keys, count) {
    const width = keys.length / count
    for (let i = 0; i < count; i++) lib.mapDelete(map, keys.subarray(i * width, (i + 1) * width))
  },
})
