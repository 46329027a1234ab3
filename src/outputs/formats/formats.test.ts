import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import type { Alert, AlertValue } from '../../detect/alert.ts'
import { type FalcoOptions, falcoJson, falcoText } from './falco.ts'
import { type Json, toJson } from './json.ts'
import { tarsierJson } from './tarsier.ts'
import { isoTime, localTime } from './time.ts'

const TIME = 1_767_323_045_000_000_006n // 2026-01-02T03:04:05.000000006Z

const alert = (more: Partial<Alert> = {}): Alert => ({
  id: '0123456789abcdef0123456789abcdef',
  time: TIME,
  hostname: 'host',
  rule: 'R',
  priority: 'Warning',
  source: 'syscall',
  tags: ['T1003', 'a'],
  message: 'something happened',
  fields: new Map<string, AlertValue>(),
  ...more,
})
const fields = (entries: Readonly<Record<string, AlertValue>>): Partial<Alert> => ({
  fields: new Map(Object.entries(entries)),
})
const OPTIONS: FalcoOptions = {
  iso8601: true,
  includeOutput: true,
  includeMessage: true,
  includeFields: true,
  includeTags: true,
}

test('times', () => {
  assert.equal(isoTime(TIME), '2026-01-02T03:04:05.000000006Z')
  assert.match(localTime(TIME), /^\d\d:\d\d:05\.000000006$/)
})

test('Falco text', () => {
  assert.equal(
    falcoText(alert({ message: 'a "b" \u001b' }), OPTIONS),
    '2026-01-02T03:04:05.000000006+0000: Warning a \\"b\\" \\u001b',
  )
  assert.equal(
    falcoText(alert(), { ...OPTIONS, iso8601: false }),
    `${localTime(TIME)}: Warning something happened`,
  )
})

test('Falco JSON: every key, in alphabetical order, integers exact', () => {
  const line = falcoJson(
    alert(
      fields({
        'proc.pid': 7,
        'evt.rawres': -2n,
        'fd.name': null,
        'proc.name': 'sh',
        'x.list': ['a', 'b'],
        b: true,
      }),
    ),
    OPTIONS,
  )
  assert.equal(
    line,
    '{"hostname":"host","message":"something happened",' +
      '"output":"2026-01-02T03:04:05.000000006+0000: Warning something happened",' +
      '"output_fields":{"b":true,"evt.rawres":-2,"evt.time.iso8601":1767323045000000006,"fd.name":null,"proc.name":"sh","proc.pid":7,"x.list":["a","b"]},' +
      '"priority":"Warning","rule":"R","source":"syscall","tags":["T1003","a"],"time":"2026-01-02T03:04:05.000000006Z"}',
  )
})

test('Falco JSON: a time printed by the rule is ns in the values', () => {
  const parsed = falcoJson(alert(fields({ 'evt.time': '03:04:05.000000006' })), OPTIONS)
  assert.match(parsed, /"evt\.time":1767323045000000006,"evt\.time\.iso8601":1767323045000000006/)
  for (const key of ['evt.time.s', 'evt.datetime', 'evt.datetime.s'])
    assert.ok(
      falcoJson(alert(fields({ [key]: '03:04:05' })), OPTIONS).includes(`"${key}":1767323045000000006`),
    )
})

const keysWith = (options: Partial<FalcoOptions>): string[] =>
  Object.keys(JSON.parse(falcoJson(alert(), { ...OPTIONS, ...options })))

test('Falco JSON: parts can be left out', () => {
  assert.ok(!keysWith({ includeOutput: false }).includes('output'))
  assert.ok(!keysWith({ includeMessage: false }).includes('message'))
  assert.ok(!keysWith({ includeFields: false }).includes('output_fields'))
  assert.ok(!keysWith({ includeTags: false }).includes('tags'))
})

test('what the agent says about itself: values behind the text, no prefix and no time in JSON', () => {
  const internal = alert({ source: 'internal', tags: [], ...fields({ n_evts: '7', a: null, n: 2n ** 60n }) })
  assert.equal(
    falcoText(internal, OPTIONS),
    '2026-01-02T03:04:05.000000006+0000: Warning something happened (a=<NA> n=1152921504606846976 n_evts=7)',
  )
  assert.equal(
    falcoJson(internal, OPTIONS),
    '{"hostname":"host","output":"something happened","output_fields":{"a":null,"n":1152921504606846976,"n_evts":"7"},' +
      '"priority":"Warning","rule":"R","source":"internal","time":"2026-01-02T03:04:05.000000006Z"}',
  )
  assert.match(falcoText(alert({ source: 'internal' }), OPTIONS), /happened$/)
  assert.match(falcoJson(alert({ source: 'internal' }), OPTIONS), /"tags":\["T1003","a"\]/)
})

test('bytes that are not UTF-8: U+FFFD for readers of Falco, visible and exact in ours', () => {
  const lossy = alert({
    message: 'm\udcff',
    ...fields({ 'fd.name': '/\udcff', list: ['a', '\udc80'], clean: 'x' }),
  })
  assert.equal(JSON.parse(falcoJson(lossy, OPTIONS)).output_fields['fd.name'], '/\ufffd')
  assert.deepEqual(JSON.parse(falcoJson(lossy, OPTIONS)).output_fields.list, ['a', '\ufffd'])
  assert.match(falcoText(lossy, OPTIONS), /m\ufffd$/)
  const ours = JSON.parse(tarsierJson(lossy))
  assert.equal(ours.message, 'm\\xff')
  assert.equal(ours.message_b64, Buffer.from([0x6d, 0xff]).toString('base64'))
  assert.deepEqual(ours.fields, {
    'fd.name': '/\\xff',
    'fd.name_b64': Buffer.from([0x2f, 0xff]).toString('base64'),
    list: ['a', '\\x80'],
    list_b64: ['YQ==', 'gA=='],
    clean: 'x',
  })
})

test('ours: integers that a double cannot hold are strings', () => {
  const big = alert(fields({ small: 5n, large: 2n ** 63n, negative: -(2n ** 60n), list: [2n ** 60n] }))
  assert.deepEqual(JSON.parse(tarsierJson(big)).fields, {
    small: 5,
    large: '9223372036854775808',
    negative: '-1152921504606846976',
    list: ['1152921504606846976'],
  })
})

test('ours: version, kind, id', () => {
  assert.equal(
    tarsierJson(alert()),
    '{"v":1,"kind":"alert","id":"0123456789abcdef0123456789abcdef","time":"2026-01-02T03:04:05.000000006Z","host":"host",' +
      '"rule":"R","priority":"Warning","source":"syscall","tags":["T1003","a"],"message":"something happened","fields":{}}',
  )
})

test('JSON of numbers', () => {
  assert.equal(
    toJson([2n ** 64n - 1n, -1, 1.5, Number.NaN, Number.POSITIVE_INFINITY, true, null]),
    '[18446744073709551615,-1,1.5,null,null,true,null]',
  )
})

test('JSON is what JSON.parse reads', () => {
  fc.assert(
    fc.property(fc.jsonValue({ noUnicodeString: false } as never), (value) => {
      assert.deepEqual(JSON.parse(toJson(value as Json)), JSON.parse(JSON.stringify(value)))
    }),
  )
})

const hostile = fc.string({ unit: 'binary', maxLength: 30 })
const RAW = /[\x00-\x1f\x7f-\x9f\u061c\u200e\u200f\u2028-\u202e\u2066-\u2069\ud800-\udbff](?![\udc00-\udfff])/

test('no format lets a control character or a line end through', () => {
  fc.assert(
    fc.property(hostile, hostile, hostile, (message, key, value) => {
      const one = alert({ message, rule: value, hostname: key, tags: [key], ...fields({ [key]: value }) })
      for (const line of [falcoText(one, OPTIONS), falcoJson(one, OPTIONS), tarsierJson(one)]) {
        assert.doesNotMatch(line, RAW)
        assert.ok(line.isWellFormed())
      }
    }),
    { numRuns: 500 },
  )
})
