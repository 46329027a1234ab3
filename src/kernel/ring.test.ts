/** The ring's protocol over an ordinary file that plays the kernel's part: page of the consumer, page of the producer, data. */
import assert from 'node:assert/strict'
import { closeSync, ftruncateSync, mkdtempSync, openSync, readSync, rmSync, writeSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import test from 'node:test'
import fc from 'fast-check'
import { pageSize } from './libc.ts'
import { Ring } from './ring.ts'

const SIZE = pageSize()
const HEADER = 8
const BUSY = 0x80000000
const DISCARDED = 0x40000000

/** A producer that keeps the kernel's rules: 8-byte header, 8-aligned, data area visible twice. */
class FakeKernel {
  readonly #fd: number
  readonly ring: Ring
  #producer: number

  constructor(start = 0) {
    const folder = mkdtempSync(join(tmpdir(), 'tarsier-ring-'))
    this.#fd = openSync(join(folder, 'ring'), 'w+')
    rmSync(folder, { recursive: true })
    ftruncateSync(this.#fd, 2 * pageSize() + 2 * SIZE)
    this.#producer = start
    this.#writePosition(0, start)
    this.#writePosition(pageSize(), start)
    this.ring = new Ring(this.#fd, SIZE)
  }

  /** Is there room for a record, as far as the consumer has told? */
  fits(length: number): boolean {
    return this.#producer + space(length) - this.consumer <= SIZE
  }

  /** Append a record; returns where its header is. */
  put(bytes: Uint8Array, flags = 0): number {
    const at = this.#producer
    this.#header(at, bytes.length, flags)
    this.#write(at + HEADER, bytes)
    this.#producer += space(bytes.length)
    this.#writePosition(pageSize(), this.#producer)
    return at
  }

  /** Finish a record that was put with BUSY. */
  commit(at: number, length: number, flags = 0): void {
    this.#header(at, length, flags)
  }

  /** What the consumer has published. */
  get consumer(): number {
    const bytes = Buffer.alloc(8)
    readSync(this.#fd, bytes, 0, 8, 0)
    return Number(bytes.readBigUInt64LE())
  }

  close(): void {
    closeSync(this.#fd)
  }

  #header(at: number, length: number, flags: number): void {
    const header = Buffer.alloc(HEADER)
    header.writeUInt32LE((length | flags) >>> 0)
    this.#write(at, header)
  }
  #writePosition(offset: number, value: number): void {
    const bytes = Buffer.alloc(8)
    bytes.writeBigUInt64LE(BigInt(value))
    writeSync(this.#fd, bytes, 0, 8, offset)
  }
  /** Both views of the data area show the same bytes. */
  #write(position: number, bytes: Uint8Array): void {
    for (let i = 0; i < bytes.length; i++) {
      const at = 2 * pageSize() + ((position + i) % SIZE)
      writeSync(this.#fd, bytes, i, 1, at)
      writeSync(this.#fd, bytes, i, 1, at + SIZE)
    }
  }
}

const space = (length: number): number => (length + HEADER + 7) & ~7
const bytes = (length: number, fill = 1): Uint8Array => new Uint8Array(length).fill(fill)
const content = (ring: Ring, at: number): number[] => [
  ...new Uint8Array(ring.data, ring.dataOffset + at, ring.length),
]

/** Everything a batch holds. */
function batch(ring: Ring): number[][] {
  const found: number[][] = []
  ring.refresh()
  for (let at = ring.peek(); at >= 0; at = ring.peek()) {
    found.push(content(ring, at))
    ring.pop()
  }
  return found
}

const onRing = (what: string, body: (kernel: FakeKernel, ring: Ring) => void, start = 0) =>
  test(what, () => {
    const kernel = new FakeKernel(start)
    try {
      body(kernel, kernel.ring)
    } finally {
      kernel.close()
    }
  })

onRing('an empty ring', (_, ring) => {
  assert.equal(ring.refresh(), 0)
  assert.equal(ring.peek(), -1)
  assert.equal(ring.backlog, 0)
})

onRing('records come in order, with their length', (kernel, ring) => {
  kernel.put(bytes(5, 1))
  kernel.put(bytes(16, 2))
  kernel.put(bytes(0))
  assert.deepEqual(batch(ring), [Array(5).fill(1), Array(16).fill(2), []])
  assert.equal(ring.peek(), -1)
})

onRing('peek twice is the same record', (kernel, ring) => {
  kernel.put(bytes(8))
  ring.refresh()
  assert.equal(ring.peek(), HEADER)
  assert.equal(ring.peek(), HEADER)
})

onRing('what comes after refresh waits for the next', (kernel, ring) => {
  kernel.put(bytes(8, 1))
  ring.refresh()
  kernel.put(bytes(8, 2))
  assert.equal(content(ring, ring.peek())[0], 1)
  ring.pop()
  assert.equal(ring.peek(), -1)
  assert.equal(ring.backlog, 16)
  assert.deepEqual(batch(ring), [Array(8).fill(2)])
})

onRing('discarded records are passed over', (kernel, ring) => {
  kernel.put(bytes(8, 1), DISCARDED)
  kernel.put(bytes(24, 2))
  kernel.put(bytes(8, 3), DISCARDED)
  assert.deepEqual(batch(ring), [Array(24).fill(2)])
  assert.equal(ring.backlog, 0)
})

onRing('a record being written stops the batch, also for those behind it', (kernel, ring) => {
  kernel.put(bytes(8, 1))
  const open = kernel.put(bytes(8, 2), BUSY)
  kernel.put(bytes(8, 3))
  assert.deepEqual(batch(ring), [Array(8).fill(1)])
  assert.deepEqual(batch(ring), [])
  kernel.commit(open, 8)
  assert.deepEqual(batch(ring), [Array(8).fill(2), Array(8).fill(3)])
})

onRing('a record being written may be discarded', (kernel, ring) => {
  const open = kernel.put(bytes(8, 2), BUSY)
  kernel.put(bytes(8, 3))
  assert.deepEqual(batch(ring), [])
  kernel.commit(open, 8, DISCARDED)
  assert.deepEqual(batch(ring), [Array(8).fill(3)])
})

onRing('the kernel learns of progress by release', (kernel, ring) => {
  kernel.put(bytes(8))
  batch(ring)
  assert.equal(kernel.consumer, 0)
  ring.release()
  assert.equal(kernel.consumer, 16)
})

onRing('a long batch gives room back before its end', (kernel, ring) => {
  while (kernel.fits(56)) kernel.put(bytes(56))
  ring.refresh()
  for (let i = 0; i < SIZE / 64 / 2; i++) {
    ring.peek()
    ring.pop()
  }
  assert.ok(kernel.consumer >= SIZE / 4, `published ${kernel.consumer} of ${SIZE / 2}`)
})

onRing('a full ring is read to the end', (kernel, ring) => {
  let count = 0
  for (; kernel.fits(24); count++) kernel.put(bytes(24, count))
  assert.equal(ring.refresh(), SIZE)
  assert.equal(batch(ring).length, count)
})

for (const start of [2 ** 31 - 64, 2 ** 32 - 64, 2 ** 40 + SIZE - 32])
  onRing(
    `positions around ${start}`,
    (kernel, ring) => {
      for (let i = 0; i < 5; i++) kernel.put(bytes(24, i))
      assert.deepEqual(
        batch(ring),
        [0, 1, 2, 3, 4].map((i) => Array(24).fill(i)),
      )
      ring.release()
      assert.equal(kernel.consumer, start + 5 * 32)
    },
    start,
  )

test('whatever is put in comes out, round and round', () =>
  fc.assert(
    fc.property(
      fc.nat(2 ** 20).map((n) => n * 8),
      fc.array(fc.record({ length: fc.nat(900), discard: fc.boolean(), drain: fc.boolean() }), {
        maxLength: 40,
      }),
      (start, steps) => {
        const kernel = new FakeKernel(start)
        try {
          const expected: number[][] = []
          const found: number[][] = []
          const drain = (): void => {
            found.push(...batch(kernel.ring))
            kernel.ring.release()
          }
          for (const [i, { length, discard, drain: wanted }] of steps.entries()) {
            if (!kernel.fits(length)) drain()
            const record = bytes(length, i & 0xff)
            kernel.put(record, discard ? DISCARDED : 0)
            if (!discard) expected.push([...record])
            if (wanted) drain()
          }
          drain()
          assert.deepEqual(found, expected)
          assert.equal(kernel.ring.backlog, 0)
        } finally {
          kernel.close()
        }
      },
    ),
    { numRuns: 25 },
  ))
