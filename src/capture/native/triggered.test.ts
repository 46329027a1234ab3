import assert from 'node:assert/strict'
import {
  existsSync,
  mkdirSync,
  readdirSync,
  rmdirSync,
  rmSync,
  statSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs'
import { join } from 'node:path'
import { suite, test } from 'node:test'
import type { RecordInit } from '../../decode/encode.ts'
import { EventView } from '../../decode/event-view.ts'
import { Interner } from '../../decode/interner.ts'
import { containerOf } from '../../enrich/container.ts'
import { createProcessTable } from '../../state/process-table.ts'
import { FACTS, inFolder, listener } from '../../testing/captures.ts'
import { execve, fork, openat, snapshot, viewOf } from '../../testing/events.ts'
import { EPOCH } from '../../testing/world.ts'
import { openCapture, summariseNative } from './reader.ts'
import { TriggeredCapture, type TriggeredOptions } from './triggered.ts'

const MS = 1_000_000
const CHILD = { pid: 20, start: 9_000_000_001 }

const tableOf = (interner: Interner) => createProcessTable({ interner, containerOf })

/** Captures in a folder, told of events; `match` is of the event told last. */
function captures(folder: string, options: Partial<TriggeredOptions> & { readonly room?: number } = {}) {
  const interner = new Interner(1024)
  const heard = listener(tableOf(interner))
  const said: string[] = []
  const one = new TriggeredCapture({
    ...{ prefix: join(folder, 'c'), files: 0, bytes: 0, durationNs: 100 * MS, maxBytes: 0, facts: FACTS },
    past: {
      ...{ bytes: options.room ?? 1 << 20, ns: 1000 * MS },
      ...{ table: tableOf(interner), view: new EventView(interner) },
    },
    log: (_level, message) => said.push(message),
    ...options,
  })
  one.open(false, { before: () => heard.before }, () => 0)
  let matching: number | undefined | 'not' = 'not'
  let file: string | undefined
  const sink = one.tee({
    ...heard.sink,
    event(view) {
      heard.sink.event(view)
      if (matching === 'not') return
      const time = EPOCH + BigInt(view.time)
      file = one.match({ rule: 'r', time, num: heard.before.events, durationNs: matching })
    },
  })
  sink.clock({ wall: EPOCH, boot: 0n })
  const feed = (...events: readonly RecordInit[]): void => {
    for (const event of events) sink.event(viewOf(event, interner))
  }
  return {
    one,
    said,
    feed,
    match(event: RecordInit, durationNs?: number) {
      matching = durationNs
      feed(event)
      matching = 'not'
      return file
    },
  }
}

const opened = (ms: number): RecordInit => openat({ by: CHILD, path: `/tmp/${ms}`, time: ms * MS })

/** What a file says: its lines, and how the child is called at each event. */
function contents(file: string): { readonly lines: readonly string[]; readonly names: readonly string[] } {
  const interner = new Interner(1024)
  const table = tableOf(interner)
  const heard = listener(table)
  const names: string[] = []
  const capture = openCapture(file, interner)
  try {
    while (
      capture.play({
        ...heard.sink,
        event(view) {
          heard.sink.event(view)
          if (view.type.internal !== true)
            names.push(table.find(CHILD.pid, CHILD.start)?.exePath.text ?? 'nobody')
        },
      })
    );
  } finally {
    capture.close()
  }
  return { lines: heard.lines, names }
}

const times = (file: string): readonly number[] =>
  contents(file).lines.flatMap((line) => {
    const time = /^(?:openat|execve|fork|clone) (\d+) /.exec(line)?.[1]
    return time === undefined ? [] : [Number(time) / MS]
  })

suite('captures that a rule begins', () => {
  test('it has what was before, the match, and what follows until its time is over', () =>
    inFolder((folder) => {
      const { one, feed, match } = captures(folder)
      feed(snapshot({ path: '/bin/bash', time: 1 }), fork({ child: CHILD, time: 5 * MS }))
      feed(execve({ by: CHILD, path: '/usr/bin/first', time: 10 * MS }), opened(900), opened(2000))
      feed(execve({ by: CHILD, path: '/usr/bin/second', time: 2100 * MS }))
      const file = match(opened(2500))!
      feed(opened(2550), opened(2600), opened(2601), opened(3000))
      one.close()
      assert.equal(statSync(file).mode & 0o777, 0o600)
      assert.deepEqual(times(file), [2000, 2100, 2500, 2550, 2600])
      const [first, second] = ['/usr/bin/first', '/usr/bin/second']
      assert.deepEqual(contents(file).names, [first, second, second, second, second])
      const { files, failed, lost, forgotten } = one.counts
      assert.deepEqual([files, failed, lost, forgotten], [1, 0, 0, 0])
    }))

  test('events have the numbers they had', () =>
    inFolder((folder) => {
      const { one, feed, match } = captures(folder)
      feed(snapshot({ path: '/bin/bash', time: 1 }), opened(10), opened(20), opened(3000), opened(3001))
      const file = match(opened(3002))!
      one.close()
      assert.match(file, /_0{19}5\.cap$/)
      const resumed = contents(file).lines.find((line) => line.startsWith('resume'))
      assert.deepEqual(JSON.parse(resumed!.replace('resume ', '')), [2, 10 * MS, 20 * MS])
    }))

  test('a match while it is written prolongs it; one that comes later begins another, with its own past', () =>
    inFolder((folder) => {
      const { one, feed, match } = captures(folder)
      const first = match(opened(100))
      assert.equal(match(opened(150)), first)
      assert.equal(match(opened(160), 1 * MS), first)
      feed(opened(240))
      const second = match(opened(251))
      assert.notEqual(second, first)
      one.close()
      assert.deepEqual(times(first!), [100, 150, 160, 240])
      assert.deepEqual(times(second!), [100, 150, 160, 240, 251])
      assert.deepEqual([one.counts.files, one.counts.prolonged], [2, 2])
    }))

  test('what leaves the past for lack of room is counted, and known all the same', () =>
    inFolder((folder) => {
      const { one, feed, match } = captures(folder, { room: 16 << 10 })
      feed(fork({ child: CHILD, time: 1 * MS }), execve({ by: CHILD, path: '/usr/bin/first', time: 2 * MS }))
      for (let i = 0; i < 500; i++) feed(opened(10 + i))
      const file = match(opened(520))!
      one.close()
      const { forgotten } = one.counts
      assert.ok(forgotten > 300, String(forgotten))
      // The clock is an item, too.
      assert.equal(times(file).length + forgotten, 504)
      assert.deepEqual(new Set(contents(file).names), new Set(['/usr/bin/first']))
    }))

  test('one that is as large as it may be ends, and none takes its place before its time is over', () =>
    inFolder((folder) => {
      const { one, feed, match, said } = captures(folder, { maxBytes: 1000 })
      const file = match(opened(100))
      feed(opened(101))
      assert.equal(match(opened(150)), file)
      const second = match(opened(201))
      assert.notEqual(second, file)
      one.close()
      assert.deepEqual([one.counts.full, one.counts.files], [2, 2])
      assert.deepEqual(times(file!), [100])
      assert.match(said.join(), /as large as capture.max_file_size_mb allows/)
      assert.equal(summariseNative(file!).ending, 'closed')
    }))

  test('so many files stay, those of an earlier agent among them; what is not ours is left alone', () =>
    inFolder((folder) => {
      const [old, alien] = [1, 2].map((n) =>
        join(folder, `c_${String(n).padStart(20, '0')}_${'0'.repeat(20)}.cap`),
      )
      const kept = ['c_1.cap', 'd_00000000000000000001_00000000000000000000.cap'].map((name) =>
        join(folder, name),
      )
      for (const file of [old!, ...kept]) writeFileSync(file, 'x')
      symlinkSync(kept[0]!, alien!)
      const { one, match } = captures(folder, { files: 2 })
      const files = [100, 1000, 2000].map((ms) => match(opened(ms))!)
      one.close()
      assert.deepEqual(
        readdirSync(folder).sort(),
        [alien!, ...files.slice(1), ...kept].map((f) => f.slice(folder.length + 1)).sort(),
      )
    }))

  test('files beyond the size of all go, the newest stays', () =>
    inFolder((folder) => {
      const { one, match } = captures(folder, { bytes: 1 })
      const [first, second] = [100, 1000].map((ms) => match(opened(ms))!)
      one.close()
      assert.deepEqual(
        [first, second].map((file) => existsSync(file!)),
        [false, true],
      )
    }))

  test('what cannot be written is told and counted, and tried again later', () =>
    inFolder((folder) => {
      const below = join(folder, 'below')
      mkdirSync(below)
      const { one, match, said } = captures(folder, { prefix: join(below, 'c') })
      rmdirSync(below)
      assert.deepEqual(
        [100, 101, 5000].map((ms) => match(opened(ms))),
        [undefined, undefined, undefined],
      )
      one.close()
      assert.equal(one.counts.failed, 2)
      assert.match(said.join(), /cannot write the capture .*ENOENT/)
    }))

  test('a file in the way is not written over', () =>
    inFolder((folder) => {
      const { one, match } = captures(folder)
      const file = join(
        folder,
        `c_${String(EPOCH + BigInt(100 * MS)).padStart(20, '0')}_${'1'.padStart(20, '0')}.cap`,
      )
      symlinkSync('/nonexistent/x', file)
      assert.equal(match(opened(100)), undefined)
      one.close()
      rmSync(file)
      assert.equal(one.counts.failed, 1)
    }))
})
