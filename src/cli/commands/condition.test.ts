import assert from 'node:assert/strict'
import { Readable } from 'node:stream'
import { test } from 'node:test'
import { TEST_SOURCES } from '../../rules/languages/falco/test-rules.ts'
import { UsageError } from '../command.ts'
import { createConditionCommand } from './condition.ts'
import { captured } from './test-io.ts'

const run = async (lines: string, options: Readonly<Record<string, unknown>> = {}) =>
  captured(createConditionCommand(TEST_SOURCES), [], options, Readable.from([lines]))

/** One line in, one object out. */
const answers = (what: string, line: string, expected: object, options = {}): void => {
  test(what, async () => {
    const { out, code } = await run(`${line}\n`, options)
    assert.deepEqual(JSON.parse(out), expected)
    assert.equal(code, 'ok' in expected && expected.ok ? 0 : 1)
    assert.equal(out.split('\n').length, 2)
  })
}
const SYNTAX = { syntax: true }
answers('a condition', 'evt.type in (open,openat) and fd.name=/x', {
  ok: true,
  canonical: '(evt.type in (open, openat) and fd.name = /x)',
  events: ['open', 'openat'],
  fields: ['evt.type', 'fd.name'],
})
answers('without restriction', 'proc.aname[2]=a or proc.name = val(proc.exe)', {
  ok: true,
  canonical: '(proc.aname[2] = a or proc.name = val(proc.exe))',
  events: '*',
  fields: ['proc.aname[2]', 'proc.exe', 'proc.name'],
})
answers('never true', 'evt.num=0', { ok: true, canonical: 'evt.num = 0', events: [], fields: ['evt.num'] })
answers('fields of transformers', 'toupper(proc.name)=A', {
  ok: true,
  canonical: 'toupper(proc.name) = A',
  events: '*',
  fields: ['proc.name'],
})
answers('a JSON string', JSON.stringify('evt.type=open\nand proc.name="a\tb"'), {
  ok: true,
  canonical: '(evt.type = open and proc.name = "a\\tb")',
  events: ['open'],
  fields: ['evt.type', 'proc.name'],
})
answers('an unknown field', 'evt.type=open and proc.nmae=a', {
  ok: false,
  error: "unknown field 'proc.nmae' for source 'syscall' (did you mean 'proc.name'?)",
  line: 1,
  column: 19,
})
answers('a place in a JSON string', JSON.stringify('evt.type=open\n  and x.y=a'), {
  ok: false,
  error: "unknown field 'x.y' for source 'syscall'",
  line: 2,
  column: 7,
})
answers('columns count code points', 'proc.name="\u{1f600}" and x.y=1', {
  ok: false,
  error: "unknown field 'x.y' for source 'syscall'",
  line: 1,
  column: 19,
})
answers('a macro', 'evt.type=open and m', {
  ok: false,
  error: "Undefined macro 'm' used in filter.",
  line: 1,
  column: 19,
})
answers('no JSON string', '"evt.type=open', {
  ok: false,
  error: 'the line starts with a double quote but is not a JSON string',
  line: 1,
  column: 1,
})
answers(
  'syntax only',
  'm and no.such[x]>=1',
  { ok: true, canonical: '(m and no.such[x] >= 1)', fields: ['no.such[x]'] },
  SYNTAX,
)
answers(
  'another source',
  'ka.verb=get',
  { ok: true, canonical: 'ka.verb = get', events: '*', fields: ['ka.verb'] },
  { source: 'k8s_audit' },
)

test('one object for each line, also an empty one', async () => {
  const { out, code } = await run('evt.num=0\r\n\nevt.num=1')
  assert.deepEqual(
    [
      out
        .trim()
        .split('\n')
        .map((line) => JSON.parse(line).ok),
      code,
    ],
    [[true, false, true], 1],
  )
})
test('lines that come in pieces', async () => {
  const pieces = Readable.from([
    Buffer.from('proc.name="\u00e9'),
    Buffer.from([0xc3]),
    Buffer.from([0xa9, 0x22, 0x0a]),
  ])
  const { out } = await captured(createConditionCommand(TEST_SOURCES), [], {}, pieces)
  assert.equal(JSON.parse(out).canonical, 'proc.name = \u00e9\u00e9')
})
test('an unknown source', async () => {
  await assert.rejects(
    run('', { source: 'k8s_adit' }),
    (error) => error instanceof UsageError && error.hint === "did you mean 'k8s_audit'?",
  )
})
