/** What guard tables are written through: maps by name, many elements at a time. */
import type { Libbpf } from './libbpf.ts'

export interface GuardMaps {
  /** Descriptor of a map by name. Throws RangeError when no loaded object has it. */
  fd(name: string): number
  /** Set `count` elements. Throws SystemError. */
  update(fd: number, keys: Uint8Array, values: Uint8Array, count: number): void
  /** Set an element unless there is one with this key. */
  insert(fd: number, key: Uint8Array, value: Uint8Array): void
  /** Take elements out; those that are not there are no error. */
  remove(fd: number, keys: Uint8Array, count: number): void
}

/** Tables of one set of consumers, ready to be written under any generation. */
export interface GuardSet {
  write(maps: GuardMaps, generation: number): void
  /** These tables are about to be used, under this generation. */
  begins?(generation: number): void
  /**
   * They are in use, and what happened before was handled: tell the kernel side of processes that were there already. What it
   * learned of a process itself stays. `namesEpoch` is what the kernel had counted of names before what was handled.
   */
  addProcesses?(maps: GuardMaps, generation: number, namesEpoch: number): void
  remove(maps: GuardMaps, generation: number): void
}

/** What a cgroup is to rules, by its ids in both hierarchies; 1 for a container. Of no generation: a cgroup stays what it is. */
export function cgroupElement(
  v2: number,
  v1: number,
  contained: boolean,
): { readonly key: Uint8Array; readonly value: Uint8Array } {
  const key = new Uint8Array(16)
  const view = new DataView(key.buffer)
  view.setBigUint64(0, BigInt(v2), true)
  view.setBigUint64(8, BigInt(v1), true)
  return { key, value: new Uint8Array([contained ? 1 : 0, 0, 0, 0]) }
}

/** A map that every object has whose programs know of guards. */
export const GUARD_MAP = 'guard_shapes'

export const guardMaps = (lib: Libbpf, fd: (name: string) => number): GuardMaps => ({
  fd,
  update: (map, keys, values, count) => lib.mapUpdateBatch(map, keys, values, count),
  insert: (map, key, value) => void lib.mapInsert(map, key, value),
  remove(map, keys, count) {
    const width = keys.length / count
    for (let i = 0; i < count; i++) lib.mapDelete(map, keys.subarray(i * width, (i + 1) * width))
  },
})
