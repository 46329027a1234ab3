/** Command lines of a first hour: what is at home elsewhere is told where. */
import assert from 'node:assert/strict'
import { PassThrough } from 'node:stream'
import { test } from 'node:test'
import { EXIT, UsageError } from './command.ts'
import { falcoOptions } from './falco/options.ts'
import { main } from './main.ts'

for (const [argv, message] of [
  [['condition', 'proc.name = a'], /hint: conditions are read from standard input/],
  [['run', 'rules.yaml'], /hint: files of rules are given with -r/],
  [['run', '-A'], /hint: docs\/coming-from-falco\.md/],
  [['trace', '--capture', 'exec'], /hint: docs\/coming-from-tracee\.md/],
  [['trace', '-b', '1024'], /hint: docs\/coming-from-tracee\.md/],
] as const)
  test(argv.join(' '), async () => {
    const stderr = new PassThrough()
    const io = { stdin: new PassThrough(), stdout: new PassThrough(), stderr, env: {} }
    assert.equal(await main(argv, io), EXIT.usage)
    assert.match(String(stderr.read()), message)
  })

for (const given of [{ N: true }, { format: 'json' }])
  test(`how to list without a list: ${Object.keys(given)}`, () => {
    assert.throws(() => falcoOptions(given), UsageError)
    falcoOptions({ ...given, list: true })
    falcoOptions({ ...given, listEvents: true })
  })
