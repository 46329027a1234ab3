/**
 * Scap captures that were changed at random: each is read to an end, or refused with a place in the file. No crash, no hang, no
 * memory without bounds. TARSIER_FUZZ_SCAP=100000 tries more.
 */
import assert from 'node:assert/strict'
import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { test } from 'node:test'
import { gzipSync } from 'node:zlib'
import { SCAP_EVENTS } from '../../../schema/scap/index.ts'
import { playCapture } from '../../testing/capture-play.ts'
import { inFolder } from '../../testing/captures.ts'
import { change, dice, READS_ALL, type Roll, TOO_MUCH } from '../../testing/mutations.ts'
import { addressOf, pairOf, scapBlock, scapEvent, scapFront, text } from '../../testing/scap.ts'
import { CaptureError } from '../source.ts'
import { block, eventBlock, type ParamValue } from './encode.ts'

const ROUNDS = Number(process.env['TARSIER_FUZZ_SCAP'] ?? 2000)
/** An open takes no longer than that, whatever the file: most of it is for a busy machine. */
const TOO_LONG_MS = 20_000

/** Each event once, with some value for each of its parameters. */
function everyEvent(): readonly Buffer[] {
  return SCAP_EVENTS.filter(({ phase }) => phase !== 'unused').map(({ number, params }, i) => {
    const values = params.map(({ name, type }): ParamValue => {
      if (type === 'socktuple') return pairOf('10.0.0.2:4', '10.0.0.3:80')
      if (type === 'sockaddr') return addressOf('10.0.0.3:80')
      if (type === 'bytebuf') return text('a', 'cpu=/docker/x')
      if (type === 'charbuf' || type === 'fspath' || type === 'fsrelpath')
        return name === 'json' ? '{}' : `/some/${name}`
      return name === 'fd' || name === 'res' ? 3 : 1
    })
    return eventBlock({ number, time: BigInt(1e18 + i), tid: 100 + (i % 3), cpu: 0, params: values })
  })
}

const FRONT = scapFront({
  processes: [
    { tid: 1, pid: 1, ptid: 0, comm: 'init', exe: 'init', exePath: '/init', cwd: '/', cgroups: ['cpu=/'] },
    {
      tid: 100,
      pid: 100,
      ptid: 1,
      comm: 'sh',
      exe: 'sh',
      exePath: '/bin/sh',
      cwd: '/tmp',
      uid: 5,
      args: ['-c'],
    },
  ],
  files: { 100: { 0: '/dev/null', 3: '/var/log/x' } },
  users: [
    { uid: 5, gid: 5, name: 'games', home: '/', shell: '/bin/sh' },
    { gid: 5, name: 'games' },
  ],
})

function sample(): Buffer {
  const last = [
    scapBlock('clone', { tid: 100, at: 5 }, { res: 0, tid: 100, pid: 100, exe: 'x', args: text('y') }),
    block(0x777, Buffer.alloc(9)),
    scapBlock('openat', { tid: 100, at: 6, phase: 'enter' }, { dirfd: -100, name: 'x', flags: 1 }),
    scapBlock(
      'openat',
      { tid: 100, at: 7, number: scapEvent('openat').number },
      { fd: 4, dirfd: -100, name: 'x' },
    ),
  ]
  return Buffer.concat([FRONT, ...everyEvent(), ...last])
}

/** Change values within their blocks, which stay whole: what changes bytes at random seldom gets past the first. */
function changeInside(bytes: Buffer, roll: Roll): Buffer {
  const changed = Buffer.from(bytes)
  for (let at = 0; at + 12 <= changed.length; ) {
    const length = changed.readUInt32LE(at + 4)
    if (roll(12) === 0 && length > 16) {
      const place = at + 8 + roll(length - 16)
      if (roll(3) === 0) changed.writeUInt32LE(roll(2) === 0 ? 0xffffffff : roll(70_000), place)
      else changed[place] = roll(256)
    }
    at += length
  }
  return changed
}

test(`${ROUNDS} changed captures`, { timeout: 3_600_000 }, () =>
  inFolder(async (folder) => {
    const roll = dice(20260102)
    const good = sample()
    const file = join(folder, 'a.scap')
    let [whole, refused, longest] = [0, 0, 0]
    for (let i = 0; i < ROUNDS; i++) {
      const kind = roll(4)
      const changed = kind === 0 ? change(good, roll) : changeInside(good, roll)
      const bytes = kind === 1 ? change(gzipSync(changed, { level: 1 }), roll) : changed
      writeFileSync(file, kind === 2 ? gzipSync(bytes, { level: 1 }) : bytes)
      const begun = performance.now()
      try {
        const { fault } = await playCapture(file, { rules: READS_ALL })
        if (fault === undefined) whole++
        else if (fault instanceof CaptureError && fault.offset >= 0) refused++
        else throw fault
      } catch (error) {
        if (!(error instanceof CaptureError)) throw new Error(`round ${i}`, { cause: error })
        assert.ok(error.offset >= 0)
        refused++
      }
      longest = Math.max(longest, performance.now() - begun)
    }
    assert.ok(whole > ROUNDS / 10, `${whole} were read to their end`)
    assert.ok(refused > ROUNDS / 10, `${refused} were refused`)
    assert.ok(process.memoryUsage().rss < TOO_MUCH)
    assert.ok(longest < TOO_LONG_MS)
  }),
)
