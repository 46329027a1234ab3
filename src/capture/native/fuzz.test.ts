/**
 * Captures that were changed at random, bytes of the file as well as what blocks say (with checksums that fit): each plays
 * to an end through the whole pipeline, or is refused with a place in the file. TARSIER_FUZZ_CAPTURES=100000 tries more.
 */
import assert from 'node:assert/strict'
import { readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { test } from 'node:test'
import { Interner } from '../../decode/interner.ts'
import { createEngine } from '../../detect/engine.ts'
import { Pipeline } from '../../pipeline.ts'
import { inFolder, recordTo } from '../../testing/captures.ts'
import {
  accept,
  address,
  connect,
  execve,
  exit,
  fork,
  openat,
  setName,
  snapshot,
} from '../../testing/events.ts'
import { change, dice, READS_ALL, type Roll, TOO_MUCH } from '../../testing/mutations.ts'
import { CaptureError, type CaptureSink } from '../source.ts'
import { decodePayload, encodeFrame, FRAME_BYTES, SIGNATURE_BYTES } from './format.ts'
import { FrameReader } from './frames.ts'
import { openCapture, summariseNative } from './reader.ts'

const ROUNDS = Number(process.env['TARSIER_FUZZ_CAPTURES'] ?? 400)

const CHILD = { pid: 20, start: 9_000_000_001 }
const ID = 'b'.repeat(64)

/** A capture with a bit of everything, in several blocks. */
function sample(file: string): Buffer {
  recordTo(file, (sink, feed, recorder) => {
    sink.clock({ wall: 1_767_225_600_000_000_000n, boot: 5n })
    sink.users('root:x:0:0:root:/root:/bin/sh\n', 'root:x:0:\n')
    feed(snapshot({ path: '/bin/bash', time: 1000 }))
    recorder.flush()
    feed(fork({ child: CHILD, time: 2000 }), setName({ by: CHILD, to: 'x', time: 2500 }))
    recorder.asked(ID, true)
    feed(execve({ by: CHILD, path: '/usr/bin/curl', argv: ['a', 'b'], cgroup: `/docker/${ID}`, time: 3000 }))
    sink.container({ status: 'late', fullId: ID })
    sink.gap({ ring: 'bulk', cpu: 1, lost: 3, from: 3000, to: 4000 }, [])
    recorder.flush()
    feed(
      openat({ by: CHILD, path: '/etc/shadow', time: 5000 }),
      connect({ by: CHILD, remote: '192.0.2.1 80', time: 6000 }),
    )
    feed(accept({ local: '::1 22', remote: '::1 999', time: 6500, fields: { raddr: address('::1') } }))
    recorder.rotate()
    feed(exit({ by: CHILD, time: 7000 }))
  })
  return readFileSync(file)
}

/** The frames of a file, unpacked. */
function framesOf(file: string) {
  const reader = new FrameReader(file)
  const frames: { readonly header: Parameters<typeof encodeFrame>[0]; readonly payload: Uint8Array }[] = []
  for (let frame = reader.next(); frame !== undefined; frame = reader.next())
    frames.push({
      header: frame.header,
      payload: decodePayload(frame.header, reader.body(frame), frame.offset),
    })
  reader.close()
  return frames
}

/** Facts without an event that this program knows. */
function otherSchema({ header, payload }: ReturnType<typeof framesOf>[number]) {
  const facts = JSON.parse(Buffer.from(payload).toString())
  delete facts.layouts.events.creat
  return { header, payload: new Uint8Array(Buffer.from(JSON.stringify(facts))) }
}

/** Change what one frame says; checksums fit. */
function changeInside(start: Buffer, frames: ReturnType<typeof framesOf>, roll: Roll): Buffer {
  const victim = roll(frames.length)
  return Buffer.concat([
    start,
    ...frames.map(({ header, payload }, i) => {
      const changed = i === victim ? change(Buffer.from(payload), roll) : payload
      // Whole words, mostly, so that what is in it is looked at.
      const whole = roll(8) > 0 ? changed.subarray(0, changed.length & ~7) : changed
      return encodeFrame(header, whole, new Map())
    }),
  ])
}

function playThrough(file: string): void {
  const interner = new Interner(256)
  const capture = openCapture(file, interner)
  const pipeline = new Pipeline({
    interner,
    engine: createEngine(READS_ALL, { matching: 'all' }),
    identity: { hostname: 'h', hostId: 'i', bootId: 'b' },
    alert: () => {},
    error: () => {},
    maxProcesses: 64,
    enrichment: { rules: READS_ALL, matching: 'all', askContainer: () => true, names: capture.facts.names },
  })
  try {
    if (capture.progress.total % 2 === 0) capture.seek(1_767_225_600_000_005_000n)
    while (capture.play(Object.assign(pipeline, { asked: () => {} }) as CaptureSink));
    pipeline.finish()
  } finally {
    capture.close()
  }
}

test(`${ROUNDS} captures that were changed at random come to an end`, () =>
  inFolder((folder) => {
    const roll = dice(4711)
    const file = join(folder, 'a.cap')
    const whole = sample(file)
    const second = readFileSync(`${file}.1`)
    const frames = framesOf(file)
    // The third is of another schema: its records are made anew.
    const bases = [
      { bytes: whole, frames },
      { bytes: second, frames: framesOf(`${file}.1`) },
      { bytes: whole, frames: [otherSchema(frames[0]!), ...frames.slice(1)] },
    ]
    let refused = 0
    for (let round = 0; round < ROUNDS; round++) {
      const { bytes, frames } = bases[round % bases.length]!
      const changed =
        roll(3) === 0 ? change(bytes, roll) : changeInside(bytes.subarray(0, SIGNATURE_BYTES), frames, roll)
      writeFileSync(file, changed)
      for (const read of [playThrough, summariseNative])
        try {
          read(file)
        } catch (error) {
          if (!(error instanceof CaptureError)) throw error
          assert.ok(error.offset >= 0 && error.offset <= changed.length + FRAME_BYTES)
          refused++
        }
    }
    assert.ok(refused > 0 && refused < 2 * ROUNDS)
    assert.ok(process.memoryUsage().rss < TOO_MUCH)
  }))
