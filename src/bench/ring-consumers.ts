/** Ways to read the same records: what the ring protocol costs, what looking at the type adds, what everything costs. */
import { EventView } from '../decode/event-view.ts'
import { Interner } from '../decode/interner.ts'
import { Ring } from '../kernel/ring.ts'

/** What a consumer found; both sides of a comparison must agree. */
export interface Tally {
  readonly count: number
  /** Bytes of all paths; undefined when the consumer does not look at them. */
  readonly pathBytes: number | undefined
}

export interface RingConsumer {
  readonly name: string
  /** Read all there is. */
  drain(): Tally
}

/** Ring protocol and the first word of each record. */
export function framing(fd: number, size: number): RingConsumer {
  const ring = new Ring(fd, size)
  const words = new Uint32Array(ring.data, ring.dataOffset)
  return {
    name: 'framing',
    drain() {
      let count = 0
      let sum = 0
      ring.refresh()
      for (let at = ring.peek(); at >= 0; at = ring.peek()) {
        sum ^= words[at >> 2]!
        count++
        ring.pop()
      }
      ring.release()
      // The words are all alike; using the result keeps the loop from being optimised away.
      return { count: sum === -1 ? -1 : count, pathBytes: undefined }
    },
  }
}

/** Framing, and the checks that make a record an event. */
export function seeking(fd: number, size: number): RingConsumer {
  const ring = new Ring(fd, size)
  const view = new EventView(new Interner(16))
  view.map(ring.data, ring.dataOffset)
  return {
    name: 'framing + seek',
    drain() {
      let count = 0
      ring.refresh()
      for (let at = ring.peek(); at >= 0; at = ring.peek()) {
        if (view.seek(at, ring.length) === undefined) count++
        ring.pop()
      }
      ring.release()
      return { count, pathBytes: undefined }
    },
  }
}

/** Everything a record holds, with the production view and interner. */
export function decoding(fd: number, size: number): RingConsumer {
  const ring = new Ring(fd, size)
  const view = new EventView(new Interner())
  view.map(ring.data, ring.dataOffset)
  return {
    name: 'full decode',
    drain() {
      let count = 0
      let pathBytes = 0
      ring.refresh()
      for (let at = ring.peek(); at >= 0; at = ring.peek()) {
        if (view.seek(at, ring.length) === undefined) {
          count++
          pathBytes += decodeAll(view)
        }
        ring.pop()
      }
      ring.release()
      return { count, pathBytes }
    },
  }
}

/** Where decoded values go: an engine must not find out that nobody wants them. */
const sink = { name: '', sum: 0 }

/** Every value of the header and of the record; returns the length of the path. */
export function decodeAll(event: EventView): number {
  sink.name = event.name
  sink.sum =
    event.time +
    event.seq +
    event.start +
    event.cgroup +
    event.cgroupV1 +
    event.flags +
    event.prog +
    event.cpu +
    event.pid +
    event.tid +
    event.uid
  const path = event.string('path')
  if (path === undefined || event.cutFrom('path') !== undefined) return 0
  return path.text.length
}
