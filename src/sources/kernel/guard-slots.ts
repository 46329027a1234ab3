/** The guards in the kernel: tables of two generations side by side, of which one is in use. */
import type { ContainerRef } from '../../decode/answers.ts'
import {
  cgroupElement,
  GUARD_MAP,
  type GuardMaps,
  type GuardSet,
  guardMaps,
} from '../../kernel/guard-maps.ts'
import type { Libbpf } from '../../kernel/libbpf.ts'
import { SystemError } from '../../kernel/libc.ts'
import type { Loader } from '../../kernel/objects.ts'

const CGROUP_MAP = 'guard_cgroups'

interface Installed {
  readonly set: GuardSet
  readonly generation: number
}

export class GuardSlots {
  readonly #lib: Libbpf
  readonly #loader: Loader
  readonly #maps: GuardMaps
  #current: Installed | undefined
  /** Programs may still run under these. */
  #last: Installed | undefined

  constructor(lib: Libbpf, loader: Loader) {
    this.#lib = lib
    this.#loader = loader
    this.#maps = guardMaps(lib, (name) => loader.mapFd(name))
  }

  /** In use; 0 for none. */
  get generation(): number {
    return this.#current?.generation ?? 0
  }

  /** Is there an object whose programs know of guards? */
  get isOpen(): boolean {
    return this.#loader.hasMap(GUARD_MAP)
  }

  /**
   * Write tables beside those in use; `generation` is theirs from now on. Throws SystemError when the kernel has no room, and
   * all is as it was.
   */
  put(set: GuardSet): void {
    // One after the other: parity decides which half of the tables is free.
    const generation = this.generation + 1
    this.#last?.set.remove(this.#maps, this.#last.generation)
    this.#last = undefined
    try {
      set.write(this.#maps, generation)
    } catch (error) {
      if (error instanceof SystemError) set.remove(this.#maps, generation)
      throw error
    }
    set.begins?.(generation)
    this.#last = this.#current
    this.#current = { set, generation }
  }

  /** Tell of processes that were there before the tables. */
  addProcesses(namesEpoch: number): void {
    this.#current?.set.addProcesses?.(this.#maps, this.#current.generation, namesEpoch)
  }

  /** How often something was told of cgroups: processes that the kernel side remembers from before are looked at again. */
  cgroupEpoch = 0

  /** What kind of cgroup this is. Ids beyond 53 bits are not exact, and left out. */
  noteCgroup(v2: number, v1: number, container: ContainerRef | undefined): void {
    if (!this.#loader.hasMap(CGROUP_MAP) || !Number.isSafeInteger(v2) || !Number.isSafeInteger(v1)) return
    // A container of the name `host` passes for none, as it does to rules.
    const { key, value } = cgroupElement(v2, v1, container !== undefined && container.id !== 'host')
    this.#lib.mapUpdate(this.#loader.mapFd(CGROUP_MAP), key, value)
    this.cgroupEpoch = (this.cgroupEpoch + 1) >>> 0
  }
}
