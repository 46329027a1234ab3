import assert from 'node:assert/strict'
import { appendFileSync, existsSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { test } from 'node:test'
import { inFolder, recordTo } from '../../testing/captures.ts'
import { openat, snapshot } from '../../testing/events.ts'
import { EPOCH } from '../../testing/world.ts'
import { progressText } from '../playing.ts'
import { replayCommand } from './replay.ts'
import { captured } from './test-io.ts'
import { traceCommand } from './trace.ts'

const SECOND = 1_000_000_000

/** A capture of an open each second, made at 2026-01-01T00:00:00Z, and a rule for them. */
function recorded(folder: string): { readonly file: string; readonly rules: string; readonly out: string } {
  const [file, rules, out] = ['a.cap', 'r.yaml', 'out'].map((name) => join(folder, name)) as [
    string,
    string,
    string,
  ]
  recordTo(file, (sink, feed) => {
    sink.clock({ wall: EPOCH, boot: 0n })
    feed(snapshot({ path: '/bin/bash', time: 1000 }))
    for (let i = 1; i <= 5; i++) feed(openat({ path: `/tmp/${i}`, time: i * SECOND }))
  })
  const rule = {
    rule: 'r',
    desc: 'd',
    condition: 'evt.type = openat',
    output: 'n=%fd.name',
    priority: 'INFO',
  }
  writeFileSync(rules, JSON.stringify([rule]))
  return { file, rules, out }
}

/** Names that a replay with these options reports, and what it says. */
async function replayed(folder: string, more: Readonly<Record<string, unknown>>, files = recorded(folder)) {
  const { file, rules, out } = files
  const option = ['stdout_output.enabled=false', 'file_output.enabled=true', `file_output.filename=${out}`]
  const { err, code } = await captured(replayCommand, [file], { rules: [rules], option, ...more })
  const lines = existsSync(out) ? readFileSync(out, 'utf8') : ''
  return { names: [...lines.matchAll(/n=\/tmp\/(\d)/g)].map(([, n]) => Number(n)), err, code }
}

for (const [options, expected] of [
  [{}, [1, 2, 3, 4, 5]],
  [{ from: '+3s' }, [3, 4, 5]],
  [{ to: '+2s' }, [1, 2]],
  [{ from: '2026-01-01T00:00:02Z', to: '2026-01-01T00:00:03.5Z' }, [2, 3]],
  [{ from: '2026-01-01T01:00:04+01:00' }, [4, 5]],
  [{ from: '+1h' }, []],
  [{ format: 'tarsier' }, [1, 2, 3, 4, 5]],
] as const)
  test(`replay ${JSON.stringify(options)}`, () =>
    inFolder(async (folder) => {
      const { names, code } = await replayed(folder, options)
      assert.deepEqual([names, code], [expected, 0])
    }))

for (const [options, message] of [
  [{ from: 'yesterday' }, /--from takes a time, not 'yesterday'/],
  [{ to: '2026-13-01T00:00:00Z' }, /--to takes a time/],
  [{ format: 'pcap' }, /--format takes auto, tarsier, scap, tracee, not 'pcap'/],
] as const)
  test(`replay ${JSON.stringify(options)} is wrong usage`, () =>
    inFolder((folder) => assert.rejects(replayed(folder, options), { name: 'UsageError', message })))

test('a file that ends within a block is played as far as it goes, with a warning', () =>
  inFolder(async (folder) => {
    const files = recorded(folder)
    writeFileSync(files.file, readFileSync(files.file).subarray(0, -200))
    appendFileSync(files.file, 'TBLK')
    const { code, err } = await replayed(folder, {}, files)
    assert.equal(code, 0)
    assert.match(err, /the capture ends within a block|was not closed/)
  }))

test('what is no capture is told with its byte', () =>
  inFolder(async (folder) => {
    const files = recorded(folder)
    writeFileSync(files.file, 'x'.repeat(100))
    await assert.rejects(replayed(folder, {}, files), {
      name: 'UserError',
      message: /a\.cap: byte 0: this is no capture/,
    })
  }))

test('how far it is and how fast', () =>
  assert.equal(progressText({ done: 1, total: 4 }, 5000, 2000), '25.0 %, 5000 events, 2500 a second'))

test('trace shows the events of a capture through a filter; hashes are refused', () =>
  inFolder(async (folder) => {
    const { file, out } = recorded(folder)
    const options = { trace: [], output: ['json', `out-file:${out}`], replay: file }
    const { code } = await captured(traceCommand, ['openat.pathname=/tmp/3'], options)
    const names = readFileSync(out, 'utf8').match(/"eventName":"\w+"|\/tmp\/\d/g)
    assert.deepEqual([code, names], [0, ['"eventName":"openat"', '/tmp/3', '"eventName":"end_of_stream"']])
    const wrong = { ...options, output: ['option:exec-hash'] }
    await assert.rejects(captured(traceCommand, [], wrong), { name: 'UsageError', message: /exec-hash/ })
    const nowhere = { ...options, output: ['json', `err-file:${folder}`] }
    await assert.rejects(captured(traceCommand, [], nowhere), {
      message: /cannot open err-file .* directory/,
    })
  }))

test('a full disk is no success', () =>
  inFolder(async (folder) => {
    const { file } = recorded(folder)
    const options = { trace: [], output: ['json', 'out-file:/dev/full'], replay: file }
    const { code, err } = await captured(traceCommand, ['event=openat'], options)
    assert.equal(code, 1)
    assert.match(err, /no space left/)
    assert.match(err, /\/dev\/full, 6 lost: error/)
  }))
