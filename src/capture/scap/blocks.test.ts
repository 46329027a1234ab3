/** Scap captures of all versions, whole and damaged: their blocks, lists and ends. */
import assert from 'node:assert/strict'
import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { suite, test } from 'node:test'
import { gzipSync } from 'node:zlib'
import { playCapture } from '../../testing/capture-play.ts'
import { inFolder } from '../../testing/captures.ts'
import { SCAP_START, scapBlock, scapEvent, scapFront, text } from '../../testing/scap.ts'
import { AT_FDCWD, FRONT, INIT, openat, rows, SHELL } from '../../testing/scap-shell.ts'
import { bindField } from '../../testing/world.ts'
import { CaptureError } from '../source.ts'
import { summariseCapture } from '../summary.ts'
import { block, eventBlock, Packer, processEntry, sectionBlock } from './encode.ts'

/** An event block in an older shape. */
function reshaped(bytes: Buffer, type: number, flags: boolean, counted: boolean): Buffer {
  const length = bytes.readUInt32LE(26)
  const event = Buffer.from(bytes.subarray(10, 10 + length))
  const cpu = bytes.subarray(8, 10)
  const shorter = counted ? event : Buffer.concat([event.subarray(0, 22), event.subarray(26)])
  shorter.writeUInt32LE(shorter.length, 16)
  return block(type, cpu, ...(flags ? [Buffer.alloc(4)] : []), shorter)
}

suite('blocks', () => {
  const one = openat(0, '/etc/passwd')
  const wanted = [['openat', 'bash', '/etc/passwd']]
  const KINDS: readonly (readonly [string, Buffer])[] = [
    ['event 2', one],
    ['event', reshaped(one, 0x204, false, false)],
    ['event of files before the first release', reshaped(one, 0x8010abcd, false, false)],
    ['event with flags', reshaped(one, 0x208, true, false)],
    ['event 2 with flags', reshaped(one, 0x217, true, true)],
    ['a kind that is not known, in front', Buffer.concat([block(0x777, Buffer.alloc(33)), one])],
  ]
  for (const [what, bytes] of KINDS)
    test(what, async () => assert.deepEqual((await rows(Buffer.concat([FRONT, bytes]))).rows, wanted))

  test('a value longer than 16 bits can say', async () => {
    const { params, number } = scapEvent('sendto')
    const values = params.map(({ name }) => (name === 'data' ? Buffer.alloc(100_000) : 3))
    const large = eventBlock({ number, time: SCAP_START, tid: 100, cpu: 1, params: values.slice(0, 4) })
    assert.equal(large.readUInt32LE(0), 0x221)
    const { rows: found } = await rows(Buffer.concat([FRONT, large]), ['evt.type', 'evt.rawres', 'evt.cpu'])
    assert.deepEqual(found, [['sendto', '3', '1']])
  })
  test('unknown blocks and events are counted', async () => {
    const none = eventBlock({ number: 0, time: 0n, tid: 1, cpu: 0, params: [] })
    none.writeUInt16LE(9999, 30)
    const { notes } = await rows(
      Buffer.concat([FRONT, block(0x777), none, scapBlock('switch', { tid: 1, at: 0, phase: 'other' }, {})]),
    )
    assert.deepEqual(notes, [
      '1 blocks of kinds that are not known here were left out',
      '1 events were left out that are none here, such as switches of the processor',
      '1 events of numbers that are not known here were left out',
    ])
  })
  for (const [what, pack] of [
    ['packed', (bytes: Buffer) => gzipSync(bytes)],
    [
      'packed in several pieces',
      (bytes: Buffer) => Buffer.concat([gzipSync(bytes.subarray(0, 99)), gzipSync(bytes.subarray(99))]),
    ],
  ] as const)
    test(what, async () => assert.deepEqual((await rows(pack(Buffer.concat([FRONT, one])))).rows, wanted))
  test('two sections: the second begins anew', async () => {
    const second = scapFront({ processes: [{ ...SHELL, comm: 'zsh' }] })
    const { rows: found } = await rows(Buffer.concat([FRONT, one, second, openat(9, '/x')]))
    assert.deepEqual(found, [...wanted, ['openat', 'zsh', '/x']])
  })
})

/** Entries of older lists: what was added later is not there. */
function oldList(version: number): Buffer {
  const list = new Packer().u64(100).u64(100).u64(1)
  if (version >= 6) list.u64(50)
  if (version >= 8) list.u64(51)
  list.text('bash').text('-bash')
  if (version >= 7) list.text('/usr/bin/bash')
  list.text('-l\0').text('/srv/').u64(1024).u32(0).u32(1000).u32(1000)
  if (version >= 2) list.u32(1).u32(2).u32(3).u64(4).u64(5)
  if (version >= 3) list.text('A=1\0')
  if (version >= 4) list.u64(7).u64(8).text('cpu=/x\0')
  if (version >= 5) list.text('/')
  return list.done()
}

suite('lists of processes', () => {
  const TYPES = [0x202, 0x207, 0x209, 0x210, 0x211, 0x212, 0x213, 0x214]
  const fields = ['proc.cmdline', 'fd.name', 'user.uid', 'proc.vpid', 'proc.sid', 'proc.exepath']
  for (const [i, type] of TYPES.entries())
    test(`version ${i + 1}`, async () => {
      const bytes = Buffer.concat([sectionBlock(), block(type, oldList(i + 1)), openat(0, 'x')])
      const vpid = i >= 3 ? '8' : '100'
      const sid = i >= 5 ? '50' : '0'
      const path = i >= 6 ? '/usr/bin/bash' : ''
      assert.deepEqual((await rows(bytes, fields)).rows, [['bash -l', '/srv/x', '1000', vpid, sid, path]])
    })
  test('version 9 with more than is known here, and with less', async () => {
    const entry = processEntry(SHELL)
    const longer = Buffer.concat([entry, Buffer.alloc(20)])
    longer.writeUInt32LE(longer.length, 0)
    const shorter = Buffer.from(entry.subarray(0, entry.length - 20))
    shorter.writeUInt32LE(shorter.length, 0)
    for (const list of [longer, shorter]) {
      const bytes = Buffer.concat([sectionBlock(), block(0x215, list, processEntry(INIT)), openat(0, 'x')])
      assert.deepEqual((await rows(bytes, ['proc.cmdline', 'proc.pname'])).rows, [['bash -l', 'init']])
    }
  })
})

suite('damaged captures', () => {
  const good = Buffer.concat([FRONT, openat(0, '/a'), openat(1, '/b')])
  const last = openat(1, '/b').length

  test('one that ends within an event keeps what was before', async () => {
    const { rows: found, fault } = await rows(good.subarray(0, good.length - 5))
    assert.deepEqual(found, [['openat', 'bash', '/a']])
    assert.ok(fault instanceof CaptureError)
    assert.equal(fault.offset, good.length - last)
    assert.match(fault.message, /ends within a block \(\d+ bytes left out\)/)
  })
  test('the same packed', async () => {
    const packed = gzipSync(good)
    const { fault } = await rows(packed.subarray(0, packed.length - 12))
    assert.ok(fault instanceof CaptureError)
    assert.match(fault.message, /packed bytes make no sense/)
  })
  test('a block that ends with another length than it begins with', async () => {
    const bad = Buffer.from(good)
    bad.writeUInt32LE(1, bad.length - 4)
    const { rows: found, fault } = await rows(bad)
    assert.equal(found.length, 1)
    assert.ok(fault instanceof CaptureError)
    assert.equal(fault.offset, good.length - last)
    assert.match(fault.message, /begins with a length of \d+ bytes and ends with one of 1/)
  })
  for (const length of [0, 4, 0xffffffff])
    test(`a block of ${length} bytes`, async () => {
      const bad = Buffer.from(good)
      bad.writeUInt32LE(length, bad.length - last + 4)
      const { rows: found, fault } = await rows(bad)
      assert.equal(found.length, 1)
      assert.ok(fault instanceof CaptureError)
      assert.match(fault.message, new RegExp(`says it has ${length} bytes`))
    })
  test('values that do not fit their event are left out', async () => {
    const bad = Buffer.from(good)
    bad.writeUInt16LE(0xffff, bad.length - last + 36)
    const { rows: found, fault, notes } = await rows(bad)
    assert.equal(fault, undefined)
    assert.equal(found.length, 1)
    assert.deepEqual(notes, ['1 events whose values make no sense were left out'])
  })
  test('a big-endian capture', async () => {
    const bad = Buffer.from(good)
    bad.writeUInt32BE(0x1a2b3c4d, 8)
    await assert.rejects(rows(bad), /big-endian/)
  })
  test('a later version of the format', async () => {
    const bad = Buffer.from(good)
    bad.writeUInt16LE(2, 12)
    await assert.rejects(rows(bad), /version 2; this program reads 1/)
  })
})

test('a summary', () =>
  inFolder(async (folder) => {
    const file = join(folder, 'a.scap')
    writeFileSync(
      file,
      Buffer.concat([FRONT, openat(5, '/a'), openat(9, '/b'), scapBlock('close', { tid: 1, at: 12 }, {})]),
    )
    const { format, facts, first, last, events, total, ending } = await summariseCapture(file)
    assert.deepEqual(
      { format, host: facts.hostname, cpus: facts.cpus, first, last, total, ending, events: [...events] },
      {
        ...{ format: 'scap', host: 'box', cpus: 2, first: SCAP_START + 5n, last: SCAP_START + 12n, total: 3 },
        ...{
          ending: 'closed',
          events: [
            ['openat', 2],
            ['close', 1],
          ],
        },
      },
    )
  }))

test('events that nobody wants are counted, and change what they change', () =>
  inFolder(async (folder) => {
    const file = join(folder, 'a.scap')
    const clone = { res: 200, vtid: 100, flags: 0 }
    const child = {
      exe: '-bash',
      args: text('-l'),
      tid: 200,
      pid: 200,
      ptid: 100,
      comm: 'bash',
      vtid: 200,
      vpid: 200,
    }
    const blocks = [
      scapBlock('openat', { tid: 100, at: 0 }, { fd: 3, dirfd: AT_FDCWD, name: '/var', flags: 1 }),
      scapBlock('clone', { tid: 100, at: 1 }, clone),
      scapBlock('clone', { tid: 200, at: 2 }, { res: 0, ...child, uid: 1000, gid: 1000 }),
      scapBlock('chdir', { tid: 200, at: 3 }, { res: 0, path: '/var/log/' }),
      scapBlock('unlinkat', { tid: 200, at: 4 }, { res: 0, dirfd: 3, name: 'x', flags: 0 }),
      scapBlock('rename', { tid: 200, at: 5 }, { res: 0, oldpath: 'a', newpath: 'b' }),
    ]
    writeFileSync(file, Buffer.concat([FRONT, ...blocks]))
    const found: unknown[] = []
    const fields = ['evt.num', 'proc.pname', 'proc.cwd', 'evt.arg.name', 'evt.arg.oldpath'].map(bindField)
    const { events } = await playCapture(file, {
      want: new Set(['unlinkat', 'rename']),
      observe: (ctx) => {
        if (ctx.event.family === 'fork') return
        found.push(
          fields.map(({ get }) => String((get(ctx) as { text?: string } | undefined)?.text ?? get(ctx))),
        )
      },
    })
    assert.deepEqual(found, [
      ['5', 'bash', '/var/log/', '/var/x', 'undefined'],
      ['6', 'bash', '/var/log/', 'undefined', '/var/log/a'],
    ])
    assert.deepEqual(Object.fromEntries(events), { openat: 1, clone: 2, chdir: 1, unlinkat: 1, rename: 1 })
  }))

test('memory does not grow with the file', () =>
  inFolder(async (folder) => {
    const held: number[] = []
    for (const times of [1, 10]) {
      const file = join(folder, `${times}.scap`)
      const round = Buffer.concat(
        Array.from({ length: 5000 }, (_, i) => [
          openat(i * 2, `/tmp/file-${i}`),
          scapBlock('close', { tid: 100, at: i * 2 + 1 }, { res: 0, fd: 3 }),
        ]).flat(),
      )
      writeFileSync(file, Buffer.concat([FRONT, ...Array.from({ length: times }, () => round)]))
      const { events, fault } = await playCapture(file, {})
      assert.equal(fault, undefined)
      assert.equal(events.get('openat'), 5000 * times)
      held.push(process.memoryUsage().arrayBuffers)
    }
    // The files themselves are 1.5 and 15 MB; the window is 1 MB.
    assert.ok(held[1]! - held[0]! < 40e6)
  }))
