import assert from 'node:assert/strict'
import { readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { test } from 'node:test'
import { inFolder, recordTo } from '../../testing/captures.ts'
import { openat, snapshot } from '../../testing/events.ts'
import { UserError } from '../command.ts'
import { captureConvert } from './capture-convert.ts'

/** What the command says on standard error. */
const said = async (from: string, to: string): Promise<string> => {
  const lines: string[] = []
  const io = { stderr: { write: (text: string) => void lines.push(text) } }
  await captureConvert(from, to, false, io as never)
  return lines.join('')
}

test('it says what was written', () =>
  inFolder(async (folder) => {
    const [from, to] = [join(folder, 'a.cap'), join(folder, 'a.scap')]
    recordTo(from, (_sink, feed) =>
      feed(snapshot({ path: '/bin/sh', time: 1 }), openat({ path: '/x', time: 2 })),
    )
    assert.match(await said(from, to), /a\.scap: 1 events, \d+ bytes\n$/)
    assert.equal(readFileSync(to).readUInt32LE(0), 0x0a0d0d0a)
  }))
test('nothing is written over', () =>
  inFolder(async (folder) => {
    const [from, to] = [join(folder, 'a.cap'), join(folder, 'a.scap')]
    recordTo(from, (_sink, feed) => feed(openat({ path: '/x', time: 2 })))
    writeFileSync(to, 'mine')
    await assert.rejects(
      said(from, to),
      (error) => error instanceof UserError && /there already/.test(error.message),
    )
    assert.equal(readFileSync(to, 'utf8'), 'mine')
  }))
test('what is no capture is said, and nothing is made', () =>
  inFolder(async (folder) => {
    const [from, to] = [join(folder, 'a.cap'), join(folder, 'a.scap')]
    writeFileSync(from, 'no capture')
    await assert.rejects(said(from, to), /byte 0: this is no capture/)
    assert.throws(() => readFileSync(to), { code: 'ENOENT' })
  }))
