/**
 * Which processes belong together, for `tree` and `follow`: kept by applying forks and exits in order, so that a
 * descendant stays one when those between are gone.
 */
import type { ProcessInfo, SyscallContext } from '../fields/context.ts'
import { MAX_ANCESTORS } from '../fields/syscall-field.ts'

/** Processes remembered; beyond that the longest known is forgotten, and its descent is read from the process table. */
const MOST = 1 << 18
const FORKS: ReadonlySet<string> = new Set(['clone', 'fork', 'vfork', 'clone3'])

const key = (pid: number, start: number): string => `${pid} ${start}`

/** A property of processes that children inherit. */
class Inherited<T> {
  readonly #known = new Map<string, T>()
  get(of: string): T | undefined {
    return this.#known.get(of)
  }
  set(of: string, value: T): void {
    if (this.#known.size >= MOST && !this.#known.has(of)) this.#known.delete(this.#known.keys().next().value!)
    this.#known.set(of, value)
  }
  delete(of: string): void {
    this.#known.delete(of)
  }
}

/** What the trees of a filter say: the process listed nearest above a process decides. */
export interface Trees {
  readonly included: ReadonlySet<number>
  readonly excluded: ReadonlySet<number>
}

export class Kinship {
  readonly #trees: Trees
  readonly #inTree = new Inherited<boolean>()
  readonly #followed = new Inherited<true>()
  readonly #hasTrees: boolean

  constructor(trees: Trees) {
    this.#trees = trees
    this.#hasTrees = trees.included.size + trees.excluded.size > 0
  }

  /** An event of the process life cycle, in order, before the filter is asked. `matched`: its process is in scope. */
  apply({ event, process }: SyscallContext, matched: boolean): void {
    const self = key(event.pid, event.start)
    if (matched) this.#followed.set(self, true)
    // A thread, or a call that failed, makes no process.
    if (FORKS.has(event.name) && event.number('child_pid') !== 0) {
      const child = key(event.number('child_pid')!, event.number('child_start')!)
      if (this.#followed.get(self)) this.#followed.set(child, true)
      if (this.#hasTrees) this.#inTree.set(child, this.#ofChild(event.number('child_pid')!, self, process))
    }
  }

  /** The process has ended and its last event is judged. */
  forget({ event }: SyscallContext): void {
    if (event.name !== 'procexit') return
    const self = key(event.pid, event.start)
    this.#followed.delete(self)
    this.#inTree.delete(self)
  }

  /** Is the process of the event in scope by its descent? */
  inTree({ event, process }: SyscallContext): boolean {
    return this.#ofProcess(event.pid, key(event.pid, event.start), process)
  }

  /** Did the process, or one it descends from, match at some time? */
  isFollowed({ event }: SyscallContext): boolean {
    return this.#followed.get(key(event.pid, event.start)) === true
  }

  /** A number that is listed decides for whoever has it now. */
  #ofChild(pid: number, parent: string, process: ProcessInfo | undefined): boolean {
    return this.#listed(pid) ?? this.#ofProcess(process?.pid ?? 0, parent, process)
  }

  #ofProcess(pid: number, self: string, process: ProcessInfo | undefined): boolean {
    let known = this.#inTree.get(self)
    if (known === undefined) {
      known = this.#listed(pid) ?? this.#byAncestors(process)
      this.#inTree.set(self, known)
    }
    return known
  }

  #byAncestors(process: ProcessInfo | undefined): boolean {
    let at = process?.parent
    for (let i = 0; at !== undefined && i < MAX_ANCESTORS; i++) {
      const listed = this.#listed(at.pid)
      if (listed !== undefined) return listed
      at = at.parent
    }
    return this.#trees.included.size === 0
  }

  #listed(pid: number): boolean | undefined {
    if (this.#trees.excluded.has(pid)) return false
    return this.#trees.included.has(pid) ? true : undefined
  }
}
