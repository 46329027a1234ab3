/**
 * Beginning and end of containers, derived of events about cgroups and of the processes there were at the start. A runtime
 * makes a cgroup with the container's id, on hosts with several hierarchies one in each: the first begins it, the first
 * that is removed ends it. Cgroups further down belong to the container.
 */
import type { ContainerRef } from '../decode/answers.ts'
import { encodeRecord, type RecordInit } from '../decode/encode.ts'
import type { EventView } from '../decode/event-view.ts'

/** Containers told apart. */
const MAX = 4096

export interface ContainerLifeOptions {
  /** Container of a cgroup path; undefined for the host. */
  readonly containerOf: (cgroupPath: string) => ContainerRef | undefined
  readonly max?: number
}

/** What is known of an event's surroundings. */
export interface Surroundings {
  /** Container of the process of the event. */
  readonly container: ContainerRef | undefined
  /** Time of the event, ns since the epoch. */
  readonly now: () => bigint
  /** Start of the container's first process, ns since the epoch, if that is known. */
  readonly firstStart: () => bigint | undefined
}

export class ContainerLife {
  readonly #options: ContainerLifeOptions
  readonly #live = new Set<string>()

  constructor(options: ContainerLifeOptions) {
    this.#options = options
  }

  /** The record of what the event means for a container; undefined for most events. */
  derive(view: EventView, around: Surroundings): Uint8Array | undefined {
    const { type } = view
    if (type.internal === true) {
      if (around.container === undefined || !this.#begin(around.container.fullId)) return undefined
      return record(view, 'existing_container', around.container, around.firstStart() ?? 0n)
    }
    if (type.family.name !== 'cgroup') return undefined
    const path = view.string('cgroup_path')?.text ?? ''
    const container = this.#top(path)
    if (container === undefined) return undefined
    if (type.name === 'cgroup_mkdir')
      return this.#begin(container.fullId)
        ? record(view, 'container_create', container, around.now())
        : undefined
    return this.#live.delete(container.fullId)
      ? record(view, 'container_remove', container, around.now())
      : undefined
  }

  /** The container whose own cgroup this is, not one below it. */
  #top(path: string): ContainerRef | undefined {
    const { containerOf } = this.#options
    const container = containerOf(path)
    if (container === undefined) return undefined
    return containerOf(path.slice(0, path.lastIndexOf('/')))?.fullId === container.fullId
      ? undefined
      : container
  }

  /** False when it was known. */
  #begin(fullId: string): boolean {
    if (this.#live.has(fullId)) return false
    this.#live.add(fullId)
    if (this.#live.size > (this.#options.max ?? MAX)) this.#live.delete(this.#live.values().next().value!)
    return true
  }
}

function record(view: EventView, event: string, container: ContainerRef, ctime: bigint): Uint8Array {
  const { pid, tid, start, uid, cpu, seq, prog, cgroup, cgroupV1 } = view
  const fields: RecordInit['fields'] = {
    ctime,
    runtime: container.type ?? '',
    container_id: container.fullId,
  }
  return encodeRecord({
    event,
    pid,
    tid,
    start,
    uid,
    cpu,
    time: view.timeNs,
    seq,
    prog,
    cgroup,
    cgroupV1,
    fields,
  })
}
