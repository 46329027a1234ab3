import assert from 'node:assert/strict'
import { test } from 'node:test'
import { Line } from '../outputs/line.ts'
import { event, INIT, SHELL, snapshot } from '../testing/events.ts'
import { createWorld } from '../testing/world.ts'
import { isUsual, type Row } from './column.ts'
import { compose, composeBoth, partsOf } from './compose.ts'
import { ProcessTexts } from './process-text.ts'
import { RECORD_TYPES, type RecordType } from './records.ts'
import { TimeText } from './text.ts'

const world = createWorld()
world.feed(snapshot({ by: INIT, path: '/sbin/init' }), snapshot({ by: SHELL, path: '/usr/bin/bash' }))

/** The record of a type as it is written for usual records, and for all others. */
function bothWays({ columns }: RecordType, row: Row, processes = new ProcessTexts()): readonly string[] {
  const texts = { time: new TimeText(row.ctx.lookup), host: 'h', mask: true, alertRecords: true }
  return [true, false].map((usual) => {
    const line = new Line()
    compose(partsOf(columns, { texts, processes, usual }))(line, row)
    return line.text
  })
}

for (const type of RECORD_TYPES.filter(({ outcome }) => outcome !== 'failed'))
  for (const name of type.events)
    test(`${type.name} of ${name}: what is constant in usual records is what would be written`, () => {
      const row = { ctx: world.feed(event(name, { by: SHELL })), findings: [] }
      assert.equal(isUsual(row), true)
      const [usual, other] = bothWays(type, row)
      assert.equal(usual, other)
    })

test('a call that failed is no usual event', () => {
  const told: boolean[] = []
  const write = composeBoth((usual) => [() => told.push(usual)])
  for (const res of [0, -2])
    write(new Line(), { ctx: world.feed(event('unlink', {}, { res, name: '/x' })), findings: [] })
  assert.deepEqual(told, [true, false])
})
test('every thread has its own ids, whatever is kept of its process', () => {
  const type = RECORD_TYPES.find(({ name }) => name === 'file_unlink')!
  const processes = new ProcessTexts()
  const seen = [100, 101, 100, 102].map((tid) => {
    const row = { ctx: world.feed(event('unlink', { by: { ...SHELL, tid, uid: tid } })), findings: [] }
    const record = JSON.parse(`{"v":1${bothWays(type, row, processes)[0]}}`) as Record<string, unknown>
    return [record['pid'], record['tid'], record['uid'], record['comm']]
  })
  assert.deepEqual(seen, [
    [100, 100, 100, 'bash'],
    [100, 101, 101, 'bash'],
    [100, 100, 100, 'bash'],
    [100, 102, 102, 'bash'],
  ])
})
