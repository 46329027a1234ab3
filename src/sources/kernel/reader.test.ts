import assert from 'node:assert/strict'
import { suite, test } from 'node:test'
import fc from 'fast-check'
import { RINGS, type Ring as RingName } from '../../../schema/index.ts'
import { encodeRecord } from '../../decode/encode.ts'
import { Interner } from '../../decode/interner.ts'
import type { Ring } from '../../kernel/ring.ts'
import { type Gap, Reader } from './reader.ts'

const CPUS = 2
const PROGRAMS = 3

/** A ring in ordinary memory: what `send` puts in comes out after the next `refresh`. */
class FakeRing {
  readonly fd = -1
  readonly size = 1 << 16
  readonly data = new ArrayBuffer(1 << 16)
  readonly dataOffset = 0
  length = 0
  released = 0
  readonly #waiting: { at: number; length: number }[] = []
  #end = 0
  #limit = 0
  #taken = 0

  send(record: Uint8Array): void {
    new Uint8Array(this.data).set(record, this.#end)
    this.#waiting.push({ at: this.#end, length: record.length })
    this.#end += Math.ceil(record.length / 8) * 8
  }
  refresh(): number {
    this.#limit = this.#waiting.length
    return this.backlog
  }
  peek(): number {
    const next = this.#taken < this.#limit ? this.#waiting[this.#taken] : undefined
    this.length = next?.length ?? 0
    return next?.at ?? -1
  }
  pop(): void {
    this.#taken++
  }
  release(): void {
    this.released = this.#taken
  }
  get backlog(): number {
    return this.#waiting.length - this.#taken
  }
}

interface Sent {
  readonly ring?: RingName
  readonly cpu?: number
  readonly seq: number
  readonly time?: number
  readonly prog?: number
}

function world() {
  const rings = RINGS.map(() => new FakeRing())
  const next = new Float64Array(RINGS.length * CPUS)
  const reader = new Reader({
    rings: rings as unknown as readonly Ring[],
    interner: new Interner(64),
    cpus: CPUS,
    programs: PROGRAMS,
    nextSequence: (row) => next[row]!,
  })
  const got: string[] = []
  return {
    reader,
    rings,
    got,
    /** Number handed out on (ring, CPU) so far, whether the record came or not. */
    numbered(ring: RingName, cpu: number, count: number): void {
      next[RINGS.indexOf(ring) * CPUS + cpu] = count
    },
    send({ ring = 'bulk', cpu = 0, seq, time = seq, prog = 1 }: Sent): void {
      const event = ring === 'bulk' ? 'unlink' : 'procexit'
      rings[RINGS.indexOf(ring)]!.send(encodeRecord({ event, cpu, seq, time, prog, pid: 7 }))
      const row = RINGS.indexOf(ring) * CPUS + cpu
      next[row] = Math.max(next[row]!, seq + 1)
    },
    drain(max = 1000): number {
      return reader.drain(max, (view) => got.push(`${view.ring} ${view.cpu} ${view.seq}`))
    },
    gaps: (now = 1000, final = false): Gap[] => reader.takeGaps(now, final),
  }
}

suite('reader', () => {
  test('hands on what is there, in the order of time, whatever the ring', () => {
    const w = world()
    w.send({ seq: 0, time: 20 })
    w.send({ seq: 1, time: 40 })
    w.send({ ring: 'critical', seq: 0, time: 10 })
    w.send({ ring: 'critical', seq: 1, time: 30 })
    assert.equal(w.drain(), 4)
    assert.deepEqual(w.got, ['critical 0 0', 'bulk 0 0', 'critical 0 1', 'bulk 0 1'])
    assert.deepEqual([w.reader.late, w.gaps(1, true), w.reader.backlog], [0, [], 0])
    assert.deepEqual(
      w.rings.map((ring) => ring.released),
      [2, 2],
    )
  })

  test('a batch ends at its size and goes on with the next', () => {
    const w = world()
    for (let seq = 0; seq < 5; seq++) w.send({ seq })
    assert.deepEqual([w.drain(3), w.drain(3), w.drain(3)], [3, 2, 0])
    assert.deepEqual(
      w.got,
      [0, 1, 2, 3, 4].map((seq) => `bulk 0 ${seq}`),
    )
  })

  test('counts what it handed on by program and CPU', () => {
    const w = world()
    w.send({ seq: 0, prog: 0 })
    w.send({ seq: 0, cpu: 1, prog: 2 })
    w.send({ seq: 1, cpu: 1, prog: 2 })
    w.drain()
    assert.deepEqual([...w.reader.delivered], [1, 0, 0, 0, 0, 2])
  })

  test('a hole is a gap with the times around it', () => {
    const w = world()
    w.send({ seq: 0, time: 10 })
    w.send({ seq: 4, time: 50 })
    w.drain()
    assert.deepEqual(w.gaps(), [{ ring: 'bulk', cpu: 0, lost: 3, from: 10, to: 50 }])
    assert.deepEqual(w.gaps(), [], 'told once')
  })

  test('holes of two rings and CPUs are told apart', () => {
    const w = world()
    w.send({ seq: 2, time: 5, cpu: 1 })
    w.send({ ring: 'critical', seq: 1, time: 6 })
    w.drain()
    assert.deepEqual(w.gaps(), [
      { ring: 'bulk', cpu: 1, lost: 2, from: 0, to: 5 },
      { ring: 'critical', cpu: 0, lost: 1, from: 0, to: 6 },
    ])
  })

  test('numbers that come in the wrong order are no loss', () => {
    const w = world()
    w.send({ seq: 0 })
    w.send({ seq: 2, time: 3 })
    w.send({ seq: 1, time: 4 })
    w.send({ seq: 3, time: 5 })
    w.drain()
    assert.deepEqual(w.gaps(1, true), [])
  })

  test('a loss at the end counts when it is still missing at the second look', () => {
    const w = world()
    w.send({ seq: 0, time: 10 })
    w.drain()
    w.numbered('bulk', 0, 4)
    assert.deepEqual(w.gaps(100), [])
    assert.deepEqual(w.gaps(200), [{ ring: 'bulk', cpu: 0, lost: 3, from: 10, to: 200 }])
    assert.deepEqual(w.gaps(300), [])
    w.send({ seq: 4, time: 400 })
    w.drain()
    assert.deepEqual(w.gaps(500), [], 'the next record is no second loss')
  })

  test('at the end of all, at once', () => {
    const w = world()
    w.numbered('critical', 1, 2)
    assert.deepEqual(w.gaps(9, true), [{ ring: 'critical', cpu: 1, lost: 2, from: 0, to: 9 }])
  })

  test('a record older than one already handed on is counted and still comes', () => {
    const w = world()
    w.send({ seq: 0, time: 100 })
    w.drain()
    w.send({ ring: 'critical', seq: 0, time: 50 })
    w.drain()
    assert.deepEqual([w.got.length, w.reader.late], [2, 1])
  })

  test('records that cannot be read are counted by reason and passed by', () => {
    const w = world()
    const bulk = w.rings[RINGS.indexOf('bulk')]!
    const record = (init: object = {}): Uint8Array => encodeRecord({ event: 'unlink', prog: 1, ...init })
    bulk.send(new Uint8Array(16))
    const unknown = record()
    unknown.set([0xff, 0xff], 0)
    bulk.send(unknown)
    const tooLong = record()
    new DataView(tooLong.buffer).setUint32(4, 9999, true)
    bulk.send(tooLong)
    bulk.send(record({ cpu: CPUS }))
    bulk.send(record({ prog: PROGRAMS }))
    w.send({ seq: 0 })
    w.drain()
    assert.deepEqual(w.got, ['bulk 0 0'])
    assert.deepEqual(w.reader.bad, { short: 1, unknown_event: 1, bad_size: 1, bad_origin: 2 })
  })

  test('a record that its consumer chokes on does not come again', () => {
    const w = world()
    for (let seq = 0; seq < 3; seq++) w.send({ seq })
    assert.throws(
      () =>
        w.reader.drain(10, (view) => {
          if (view.seq === 1) throw new Error('indigestible')
          w.got.push(`${view.seq}`)
        }),
      /indigestible/,
    )
    w.drain()
    assert.deepEqual(w.got, ['0', 'bulk 0 2'])
    assert.deepEqual(w.gaps(1, true), [])
  })

  test('delivered and lost are what was numbered, whatever comes in whatever batches', () => {
    const kept = fc.array(fc.boolean(), { maxLength: 40 })
    fc.assert(
      fc.property(kept, kept, fc.integer({ min: 1, max: 7 }), (first, second, batch) => {
        const w = world()
        let lost = 0
        for (const [cpu, list] of [first, second].entries()) {
          for (const [seq, keep] of list.entries()) if (keep) w.send({ cpu, seq, time: 2 * seq + cpu })
          w.numbered('bulk', cpu, list.length)
        }
        while (w.drain(batch) > 0) lost += w.gaps(99).reduce((sum, gap) => sum + gap.lost, 0)
        lost += w.gaps(99, true).reduce((sum, gap) => sum + gap.lost, 0)
        assert.equal(w.got.length + lost, first.length + second.length)
      }),
    )
  })
})
