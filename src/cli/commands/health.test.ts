import assert from 'node:assert/strict'
import { Readable } from 'node:stream'
import { test } from 'node:test'
import { EXIT, UserError } from '../command.ts'
import { healthCommand } from './health.ts'
import { captured } from './test-io.ts'

const HEALTH = (fields: object): string => `${JSON.stringify({ event_type: 'health', ...fields })}\n`
const run = (text: string, options = {}) => captured(healthCommand, ['-'], options, Readable.from([text]))

test('health records among others are explained', async () => {
  const { out, code } = await run(
    `{"event_type":"file_write"}\n\n${HEALTH({ uptime_secs: 10, raw_events_read: 100, kernel_drops: { ring_full: 4 } })}`,
  )
  assert.equal(code, EXIT.ok)
  assert.match(out, /100 events read, 10 a second/)
  assert.match(out, /^! {2}4 events found the ring full/m)
})
test('the last of several runs is explained, and said to be', async () => {
  const text =
    HEALTH({ uptime_secs: 50, errors: 3 }) + HEALTH({ uptime_secs: 10 }) + HEALTH({ uptime_secs: 20 })
  const { out } = await run(text)
  assert.match(out, /2 runs of the agent/)
  assert.match(out, /2 health records; the agent had run for 20 s/)
  assert.match(out, /^ok Nothing was lost/m)
})
test('lines that are no JSON are counted', async () => {
  assert.match((await run(`half a li\n${HEALTH({})}`)).out, /1 lines are no JSON/)
})
test('values of the wrong kind are passed over', async () => {
  const { out } = await run(
    HEALTH({ uptime_secs: 'x', kernel_drops: { a: 'b' }, latency_us: { ring: 5 }, errors: [] }),
  )
  assert.match(out, /had run for 0 s/)
})
test('--json gives the remarks', async () => {
  const { out } = await run(HEALTH({ errors: 2 }), { json: true })
  const { records, remarks } = JSON.parse(out)
  assert.deepEqual([records, remarks.some(({ level }: { level: string }) => level === 'warning')], [1, true])
})
const refuses = (name: string, file: string, text: string, message: RegExp): void => {
  test(name, async () => {
    await assert.rejects(captured(healthCommand, [file], {}, Readable.from([text])), (error: unknown) => {
      assert.ok(error instanceof UserError)
      assert.match(error.message, message)
      return true
    })
  })
}
refuses(
  'a file without health records is an error',
  '-',
  '{"event_type":"alert"}\n',
  /no health records in stdin/,
)
refuses('a file that is not there is an error', '/nowhere/x', '', /cannot read \/nowhere\/x: no such file/)
refuses('a line without end is an error', '-', 'x'.repeat(17 << 20), /cannot read -: a line is longer than/)
refuses('a directory is an error', '/', '', /cannot read \/: it is a directory/)
