import assert from 'node:assert/strict'
import { appendFileSync, readFileSync, statSync, truncateSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { suite, test } from 'node:test'
import { encodeRecord } from '../../decode/encode.ts'
import { EventView } from '../../decode/event-view.ts'
import { Interner } from '../../decode/interner.ts'
import { containerOf } from '../../enrich/container.ts'
import { createProcessTable } from '../../state/process-table.ts'
import { inFolder, listener, recordTo } from '../../testing/captures.ts'
import { connect, execve, exit, fork, openat, SHELL, snapshot, viewOf } from '../../testing/events.ts'
import { type Capture, CaptureError } from '../source.ts'
import { snapshotOf } from './checkpoint.ts'
import { createTranslator, holdsTogether, isLayouts, type Layouts, ownLayouts } from './layouts.ts'
import { openCapture, summariseNative } from './reader.ts'

const ID = 'a'.repeat(64)
const CHILD = { pid: 20, start: 9_000_000_001 }

/** Tell one of everything. */
const everything: Parameters<typeof recordTo>[1] = (sink, feed, recorder) => {
  sink.clock({ wall: 1_767_225_600_000_000_000n, boot: 5n })
  sink.users('root:x:0:0:\n', 'root:x:0:\n')
  feed(snapshot({ path: '/bin/bash', time: 1000 }))
  feed(fork({ child: CHILD, time: 2000 }), execve({ by: CHILD, path: '/usr/bin/curl', time: 3000 }))
  recorder.asked(ID, true)
  sink.container({
    status: 'known',
    fullId: ID,
    facts: { ...NO_FACTS, type: 'docker', labels: new Map([['a', 'b']]), started: 7n },
  })
  sink.container({ status: 'late', fullId: 'b' })
  sink.cgroup({ pid: 20, start: CHILD.start, cgroup: 7, cgroupV1: 0, paths: ['/x'] })
  sink.name({ name: 'example.org', addresses: ['192.0.2.1'] })
  sink.namesSettled()
  sink.gap({ ring: 'bulk', cpu: 1, lost: 3, from: 3000, to: 4000 }, [
    { program: 'p', reason: 'ring_full', count: 3 },
  ])
  sink.throttle?.({ state: 'start', cgroup: 5, cgroupV1: 6, count: 7, from: 1, to: 2 })
  feed(openat({ path: '/etc/shadow', time: 5000 }), connect({ remote: '192.0.2.1 80', time: 6000 }))
  feed(exit({ by: CHILD, time: 7000 }))
}

const NO_FACTS = {
  ...{ name: undefined, image: undefined, imageId: undefined, repository: undefined, tag: undefined },
  ...{ digest: undefined, privileged: undefined, hostPid: undefined, hostNetwork: undefined },
  ...{ hostIpc: undefined, mounts: undefined, ip: undefined, cniJson: undefined, pod: undefined },
}

/** What a capture says, to its end. */
function played(
  file: string,
  before?: (capture: Capture) => void,
): { lines: string[]; notes: readonly string[] } {
  const heard = listener()
  const capture = openCapture(file, new Interner(1024))
  try {
    before?.(capture)
    while (capture.play(heard.sink));
    return { lines: heard.lines, notes: capture.notes }
  } finally {
    capture.close()
  }
}

suite('captures', () => {
  test('what was told is told again, in order, and the question before the event that led to it', () =>
    inFolder((folder) => {
      const file = join(folder, 'a.cap')
      const told = recordTo(file, everything)
      const { lines, notes } = played(file)
      assert.deepEqual(
        lines.filter((line) => !line.startsWith('asked')),
        told,
      )
      assert.deepEqual(
        lines.filter((line) => line.startsWith('asked')),
        [`asked ["${ID}",true]`],
      )
      assert.deepEqual(notes, [])
    }))

  test('the file is private, and never written over another', () =>
    inFolder((folder) => {
      const file = join(folder, 'a.cap')
      recordTo(file, everything)
      assert.equal(statSync(file).mode & 0o777, 0o600)
      assert.throws(() => recordTo(file, everything), { code: 'EEXIST' })
    }))

  test('records keep their bytes, and the ring they came from', () =>
    inFolder((folder) => {
      const file = join(folder, 'a.cap')
      const view = viewOf(openat({ path: '/tmp/ä\udcff', time: 9 }))
      view.ring = 'bulk'
      const before = Buffer.alloc(view.recordSize)
      view.copyTo(before, 0)
      recordTo(file, (sink) => sink.event(view))
      const capture = openCapture(file, new Interner(64))
      const after = Buffer.alloc(before.length)
      const rings: string[] = []
      while (
        capture.play({
          ...listener().sink,
          event(one) {
            one.copyTo(after, 0)
            rings.push(one.ring)
          },
        })
      );
      capture.close()
      assert.deepEqual(after, before)
      assert.deepEqual(rings, ['bulk'])
    }))

  test('info counts events, losses and time from the heads of blocks alone', () =>
    inFolder((folder) => {
      const file = join(folder, 'a.cap')
      recordTo(file, everything)
      const { events, total, lost, first, last, ending, facts } = summariseNative(file)
      assert.deepEqual(Object.fromEntries(events), {
        ...{ clone: 1, connect: 1, execve: 1, openat: 1, process_snapshot: 1, procexit: 1 },
      })
      assert.deepEqual([total, lost, ending, facts.hostname], [5, 3, 'closed', 'testhost'])
      assert.deepEqual([first, last], [1_767_225_600_000_002_000n, 1_767_225_600_000_007_000n])
    }))

  test('a capture that was cut anywhere is read as far as it goes, and says so', () =>
    inFolder((folder) => {
      const file = join(folder, 'a.cap')
      const empty = join(folder, 'empty.cap')
      recordTo(empty, () => {})
      const told = recordTo(file, (_sink, feed, recorder) => {
        for (let i = 0; i < 40; i++) {
          feed(openat({ path: `/tmp/${i}`, time: 1000 + i }))
          if (i % 8 === 0) recorder.flush()
        }
      })
      const whole = readFileSync(file)
      const { lines: all } = played(file)
      assert.deepEqual(all, told)
      for (let size = whole.length - 1; size > statSync(empty).size; size -= 37) {
        truncateSync(file, size)
        const { lines, notes } = played(file)
        // The last 16 bytes only say where the index is.
        assert.equal(notes.length, size > whole.length - 17 ? 0 : 1, String(size))
        assert.deepEqual(lines, all.slice(0, lines.length))
      }
      assert.ok(played(file).lines.length < all.length)
    }))

  test('zeros at the end, as a machine leaves them that went down, are an end like any', () =>
    inFolder((folder) => {
      const file = join(folder, 'a.cap')
      let written = 0
      recordTo(file, (_sink, feed, recorder) => {
        feed(openat({ path: '/tmp/a', time: 1000 }))
        recorder.flush()
        written = statSync(file).size
      })
      writeFileSync(file, Buffer.concat([readFileSync(file).subarray(0, written), Buffer.alloc(5000)]))
      const { lines, notes } = played(file)
      assert.deepEqual(lines, ['openat 1000 critical 0'])
      assert.match(notes[0]!, /ends within a block/)
    }))

  test('what is on disk is readable while recording goes on', () =>
    inFolder((folder) => {
      const file = join(folder, 'a.cap')
      recordTo(file, (sink, feed, recorder) => {
        feed(openat({ path: '/tmp/a', time: 1000 }))
        recorder.flush()
        feed(openat({ path: '/tmp/b', time: 2000 }))
        const { lines, notes } = played(file)
        assert.deepEqual(lines, ['openat 1000 critical 0'])
        assert.match(notes[0]!, /not closed/)
        sink.namesSettled()
      })
    }))

  test('damage is told with its place, after what was before it', () =>
    inFolder((folder) => {
      const file = join(folder, 'a.cap')
      recordTo(file, everything)
      const bytes = readFileSync(file)
      bytes[bytes.length - 300]! ^= 0xff
      writeFileSync(file, bytes)
      assert.throws(
        () => played(file),
        (error) => error instanceof CaptureError && error.offset > 0 && /checksum/.test(error.message),
      )
    }))

  for (const [what, bytes, message] of [
    ['an empty file', Buffer.alloc(0), /no capture/],
    ['something else', Buffer.from('#!/bin/sh\necho this is not a capture\n'), /no capture/],
    ['a later version', Buffer.from('TARSCAP\n\x09\0\0\0\0\0\0\0'), /version 9/],
    ['nothing but a signature', Buffer.from('TARSCAP\n\x01\0\0\0\0\0\0\0'), /before it says anything/],
  ] as const)
    test(`${what} is refused`, () =>
      inFolder((folder) => {
        const file = join(folder, 'a.cap')
        appendFileSync(file, bytes)
        assert.throws(() => openCapture(file, new Interner(64)), message)
      }))

  test('a full file is followed by one that stands on its own', () =>
    inFolder((folder) => {
      const file = join(folder, 'a.cap')
      recordTo(file, (sink, feed, recorder) => {
        everything(sink, feed, recorder)
        recorder.rotate()
        feed(openat({ path: '/tmp/b', time: 9000 }))
      })
      const { lines } = played(`${file}.1`)
      assert.deepEqual(
        lines.map((line) => line.split(' ')[0]),
        [
          'clock',
          'users',
          'names',
          'container',
          'container',
          'name',
          'process_snapshot',
          'cgroup',
          'resume',
          'openat',
        ],
      )
      assert.equal(
        lines.find((line) => line.startsWith('resume')),
        'resume [5,2000,7000]',
      )
    }))

  test('a state of many processes and long texts is all there', () =>
    inFolder((folder) => {
      const file = join(folder, 'a.cap')
      const passwd = 'x'.repeat(900_000)
      recordTo(file, (sink, feed, recorder) => {
        sink.users(passwd, '')
        for (let i = 0; i < 1500; i++)
          feed(execve({ by: { pid: 1000 + i, start: 1e9 + i }, argv: ['a'.repeat(1000)], time: 1000 + i }))
        recorder.rotate()
        feed(openat({ path: '/tmp/b', time: 9000 }))
      })
      const { lines } = played(`${file}.1`)
      assert.equal(lines.filter((line) => line.startsWith('process_snapshot')).length, 1500)
      assert.ok(lines.includes(`users ${JSON.stringify([passwd, ''])}`))
      assert.deepEqual(lines.slice(-2), ['resume [1500,1000,2499]', 'openat 9000 critical 0'])
    }))

  for (const what of ['closed', 'open'] as const)
    test(`a long capture (${what}) has places to begin at, and whoever was there passes them by`, () =>
      inFolder((folder) => {
        const file = join(folder, 'a.cap')
        const path = `/${'y'.repeat(3900)}`
        recordTo(file, (sink, feed) => {
          sink.clock({ wall: 1000n, boot: 0n })
          for (let i = 1; i <= 10_000; i++) feed(openat({ path, time: i }))
        })
        if (what === 'open') truncateSync(file, statSync(file).size - 16)
        const whole = played(file).lines
        assert.equal(whole.length, 10_001)
        const from = played(file, (capture) => capture.seek(1000n + 9000n)).lines
        const at = from.findIndex((line) => line.startsWith('resume'))
        const [, events] = /\[(\d+),1,/.exec(from[at]!)!
        assert.ok(Number(events) > 4000 && Number(events) < 9000)
        assert.deepEqual(from.slice(at + 1), whole.slice(1 + Number(events)))
        assert.deepEqual(played(file, (capture) => capture.seek(1n)).lines, whole)
      }))

  test('old files go when only so many are kept', () =>
    inFolder((folder) => {
      const file = join(folder, 'a.cap')
      recordTo(
        file,
        (_sink, feed) => {
          for (let i = 0; i < 5; i++) feed(openat({ path: '/tmp/b', time: 1_000_000_000 * i + 1 }))
        },
        { rotateNs: 1_000_000_000, keep: 2 },
      )
      const there = ['', '.1', '.2', '.3', '.4', '.5'].filter((end) =>
        statSync(file + end, { throwIfNoEntry: false }),
      )
      assert.equal(there.length, 2)
    }))

  test('a disk that takes no more ends the recording and nothing else', () =>
    inFolder((folder) => {
      const faults: string[] = []
      const file = join(folder, 'a.cap')
      recordTo(
        file,
        (_sink, feed, recorder) => {
          writeFileSync(`${file}.1`, '')
          feed(openat({ path: '/tmp/a', time: 1000 }))
          recorder.rotate()
          feed(openat({ path: '/tmp/b', time: 2000 }))
          assert.equal(recorder.counts.lost, 1)
        },
        { failed: ({ message }) => void faults.push(message) },
      )
      assert.equal(faults.length, 1)
      assert.match(faults[0]!, /EEXIST/)
      assert.deepEqual(played(file).lines, ['openat 1000 critical 0'])
    }))

  for (const argv of [['curl', '', 'x y'], ['x'.repeat(200_000)]])
    test(`a process of the table and the one its snapshot makes are the same: ${argv.join(' ').length} bytes`, () => {
      const interner = new Interner(1024)
      const [table, other] = [0, 1].map(() => createProcessTable({ interner, containerOf }))
      const fields = { stdin_path: '/dev/null', stdin_mode: 0o20666, fdlimit: 1024, exe_flags: 3, tty: 5 }
      table!.apply(
        viewOf(
          execve({
            path: '/usr/bin/curl',
            argv,
            env: ['A=b'],
            cgroup: `/docker/${ID}`,
            fields,
          }),
          interner,
        ),
      )
      const process = table!.find(SHELL.pid, SHELL.start)!
      const view = new EventView(interner)
      const record = snapshotOf(process as Parameters<typeof snapshotOf>[0])
      view.map(record.buffer as ArrayBuffer)
      assert.equal(view.seek(0, record.length), undefined)
      other!.apply(view)
      const plain = (value: object): object => JSON.parse(JSON.stringify(value, skip))
      assert.deepEqual(plain(other!.find(SHELL.pid, SHELL.start)!), plain(process))
    })
})

const skip = (key: string, value: unknown): unknown =>
  key === 'marks' || key === 'marksOf' || key === 'seenAs'
    ? undefined
    : typeof value === 'bigint'
      ? `${value}n`
      : value

suite('layouts of another schema', () => {
  const layouts = ownLayouts()
  const translate = createTranslator(layouts)
  const text = (record: Uint8Array<ArrayBuffer>): string => {
    const view = new EventView(new Interner(64))
    view.map(record.buffer)
    assert.equal(view.seek(0, record.length), undefined)
    return `${view.name} ${view.time} ${view.string('name')?.text} ${view.number('fd')} ${view.bigint('ino')}`
  }
  const record = encodeRecord(openat({ path: '/tmp/a', fd: -13, time: 77, fields: { ino: 1n << 60n } }))

  test('the layouts of this program are ones', () => {
    assert.ok(isLayouts(JSON.parse(JSON.stringify(layouts))))
  })
  test('the same schema changes nothing', () => assert.deepEqual(translate(record), record))
  test('vectors stay what they are, from whatever they counted', () => {
    const words = { ...layouts.families['exec']!.slots }
    words['argv'] = [words['argv']![0], 'str']
    const theirs = {
      ...layouts,
      families: { ...layouts.families, exec: { ...layouts.families['exec']!, slots: words } },
    }
    const own = encodeRecord(execve({ path: '/bin/x', argv: ['x', 'a b', ''] }))
    const old = Uint8Array.from(own)
    const at = words['argv'][0]
    const view = new DataView(old.buffer)
    view.setUint16(at, view.getUint16(at, true) * 8, true)
    view.setUint16(at + 2, view.getUint32(at + 4, true), true)
    assert.deepEqual(createTranslator(theirs)(old), own)
    assert.deepEqual(translate(own), own)
  })
  test('every slot at another place, and narrower', () => {
    // As a schema might have been: the header 8 bytes longer, so all that follows is further behind.
    const shifted: Layouts = JSON.parse(JSON.stringify(layouts))
    const { size, slots } = shifted.families['open']!
    const moved = Object.fromEntries(
      Object.entries(slots).map(([name, [at, kind]]) => [name, [at + 8, kind]]),
    )
    const theirs: Layouts = {
      header: { ...shifted.header, size: shifted.header.size + 8 },
      events: { ...shifted.events, openat: [777, 'open'] },
      families: { ...shifted.families, open: { size: size + 8, slots: moved as unknown as typeof slots } },
    }
    const old = new Uint8Array(record.length + 8)
    old.set(record.subarray(0, 104))
    old.set(record.subarray(104), 112)
    const view = new DataView(old.buffer)
    view.setUint16(0, 777, true)
    view.setUint16(moved['name']![0] as number, view.getUint16(moved['name']![0] as number, true) + 8, true)
    assert.equal(text(createTranslator(theirs)(old)!), text(record as Uint8Array<ArrayBuffer>))
  })
  test('events and fields that are not known are left out', () => {
    const theirs: Layouts = {
      ...layouts,
      events: { ...layouts.events, openat: [22, 'gone'], newest: [9999, 'open'] },
    }
    assert.equal(createTranslator(theirs)(record), undefined)
  })
  for (const [what, change] of [
    ['an offset behind the record', { open: { size: 200, slots: { name: [196, 'str'] } } }],
    ['a storage nobody knows', { open: { size: 200, slots: { name: [104, 'float'] } } }],
    ['an odd offset', { open: { size: 200, slots: { fd: [105, 's32'] } } }],
    ['a size that is none', { open: { size: 1e9, slots: {} } }],
    ['no slots', { open: { size: 200 } }],
  ] as const)
    test(`${what} is no layout`, () => assert.ok(!isLayouts({ ...layouts, families: change })))

  test('a value that would lie outside of its record is noticed', () => {
    const bad = Uint8Array.from(record)
    const words = new Uint16Array(bad.buffer)
    assert.ok(holdsTogether(words, 0, 22, bad.length))
    assert.ok(!holdsTogether(words, 0, 22, bad.length - 16))
    assert.ok(!holdsTogether(words, 0, 60_000, bad.length))
  })
})
