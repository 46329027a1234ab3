import assert from 'node:assert/strict'
import { mkdtempSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { Readable } from 'node:stream'
import { test } from 'node:test'
import { rule, TEST_SOURCES } from '../../rules/languages/falco/test-rules.ts'
import { scratchFolder } from '../../testing/scratch.ts'
import { UserError } from '../command.ts'
import { createRulesCommand } from './rules.ts'
import { captured } from './test-io.ts'

const folder = scratchFolder('rules')
const file = (name: string, text: string): string => {
  writeFileSync(join(folder, name), text)
  return join(folder, name)
}
const run = (args: readonly string[], options = {}) =>
  captured(createRulesCommand(TEST_SOURCES), args, options)
const good = file(
  'good.yaml',
  rule('a', { tags: '[y, x]' }) + rule('b', { enabled: 'false', condition: 'evt.num=1' }),
)
const bad = file('bad.yaml', '- x')

test('check: a good and a bad file', async () => {
  const { out, code } = await run(['check', good, bad])
  assert.equal(code, 1)
  assert.match(
    out,
    /good.yaml: Ok, with warnings\n.*LOAD_NO_EVTTYPE.*bad.yaml: Invalid\n\S*bad.yaml:1:3: error: an item of a rules file must be/s,
  )
})
test('check: nothing wrong', async () => {
  const fine = file('fine.yaml', rule('a'))
  assert.deepEqual(await run(['check', fine]), { out: `${fine}: Ok\n`, err: '', code: 0 })
})
test('check: as JSON', async () => {
  const { out, code } = await run(['check', good, bad], { json: true })
  const { falco_load_results: files } = JSON.parse(out)
  assert.deepEqual(
    [code, files.map((result: { successful: boolean }) => result.successful)],
    [1, [true, false]],
  )
  assert.equal(files[1].errors[0].code, 'LOAD_ERR_YAML_VALIDATE')
})
test('check: a missing file is named', async () => {
  const { out, code } = await run(['check', join(folder, 'none.yaml')])
  assert.equal(code, 1)
  assert.match(out, /none.yaml: Invalid\n.*LOAD_ERR_FILE_READ/)
})
test('check: a directory without rules', async () => {
  await assert.rejects(run(['check', mkdtempSync(join(folder, 'empty-'))]), UserError)
})
test('explain: what begins a capture, and what is sent for the sake of one', async () => {
  const rule = { rule: 'begins', desc: 'd', condition: 'evt.type = openat and fd.name = /etc/x', output: 'o' }
  const rules = file(
    'capture.yaml',
    JSON.stringify([{ ...rule, priority: 'ERROR', capture: true, capture_duration: 70 }]),
  )
  const option = ['capture.enabled=true', 'capture.prebuffer=connect,unlinkat']
  const explain = (options: object) =>
    captured(createRulesCommand(), ['explain', 'begins'], { rules: [rules], ...options })
  const { out } = await explain({ option })
  assert.match(out, /^capture +a match begins a capture of 70 ms/m)
  assert.match(out, /^prebuffer +connect, unlinkat: every one is sent, whatever rules ask/m)
  const json = JSON.parse((await explain({ option, json: true })).out)
  assert.deepEqual([json.prebuffer, json.rules[0].capture], [['connect', 'unlinkat'], { duration_ms: 70 }])
  assert.doesNotMatch((await explain({})).out, /^prebuffer/m)
  await assert.rejects(explain({ option: ['capture.prebuffer=unlinkatt'] }), /capture.prebuffer/)
})
test('explain: what the kernel decides of a rule, and what it does not', async () => {
  const explained = file(
    'explained.yaml',
    rule('narrow', { condition: 'evt.type=open and fd.name=/etc/x and proc.cmdline contains y' }) +
      rule('wide', { condition: 'evt.type=open and proc.cmdline contains y' }),
  )
  const explain = (args: readonly string[], options = {}) =>
    captured(createRulesCommand(), ['explain', ...args], { rules: [explained], ...options })
  const narrow = await explain(['narrow'])
  assert.match(narrow.out, /^kernel +fd\.name = \/etc\/x: looked up by directory, name or ending$/m)
  assert.match(narrow.out, /^user space +proc\.cmdline contains y: field is not known to the kernel$/m)
  assert.doesNotMatch(narrow.out, /wide open/)
  const all = await explain([], { all: true })
  assert.match(all.out, /^wide open +open, by 'wide'$/m)
  assert.match(all.out, /to narrow it\s+name\s+files, directories or endings/)
  const json = JSON.parse((await explain(['wide'], { json: true })).out)
  assert.deepEqual(
    json.rules[0].wide_open[0].reasons.map(({ test }: { test: string }) => test),
    ['proc.cmdline contains y'],
  )
  await assert.rejects(explain([]), /needs the name of a rule, or --all/)
  await assert.rejects(explain(['narro']), /there is no rule 'narro'/)
  await assert.rejects(explain([], { all: true, live: 'x' }), /--live x is not a number of seconds/)
})
test('list', async () => {
  const { out, code } = await run(['list', good])
  assert.equal(code, 0)
  assert.deepEqual(
    out
      .trimEnd()
      .split('\n')
      .map((line) => line.split(/ {2,}/)),
    [
      ['NAME', 'PRIORITY', 'SOURCE', 'TAGS', 'EVENTS'],
      ['a', 'Informational', 'syscall', 'x,y', 'open'],
      ['b (off)', 'Informational', 'syscall', '*'],
    ],
  )
})
test('list: as JSON', async () => {
  const { out } = await run(['list', good], { json: true })
  assert.deepEqual(JSON.parse(out)[0], {
    name: 'a',
    priority: 'Informational',
    source: 'syscall',
    tags: ['x', 'y'],
    events: ['open'],
    enabled: true,
    file: good,
    line: 1,
  })
})
test('list: a bad file', async () => {
  await assert.rejects(run(['list', bad]), UserError)
})

test('describe: text', async () => {
  const { out, code } = await run(['describe', 'A'], { rules: [good] })
  assert.equal(code, 0)
  assert.match(out, /^rule {8}a\npriority {4}Informational\n.*compiled {4}evt.type = open\n$/s)
})
test('describe: JSON in the shape of Falco', async () => {
  const { out } = await run(['describe', 'a'], { rules: [good], json: true })
  const { rules } = JSON.parse(out)
  assert.deepEqual([rules.length, rules[0].info.name, rules[0].details.events], [1, 'a', ['open']])
})
test('describe: no such rule', async () => {
  await assert.rejects(
    run(['describe', 'Aa'], { rules: [good] }),
    (error) => error instanceof UserError && error.hint === "did you mean 'a'?",
  )
})
test('find: words given', async () => {
  const named = file('named.yaml', rule('Odd port', { output: 'odd port used' }))
  const { out, code } = await run(['find', 'port', 'used'], { rules: [named] })
  assert.equal(code, 0)
  assert.match(out, /^RULE .*\nOdd port .*named.yaml:1\n$/)
})
test('find: alerts from stdin, one answer each', async () => {
  const named = file('named.yaml', rule('Odd port', { output: 'odd port used' }))
  const stdin = Readable.from(['odd port used\n\nzebra\n'])
  const { out, code } = await captured(
    createRulesCommand(TEST_SOURCES),
    ['find'],
    { rules: [named], json: true },
    stdin,
  )
  assert.equal(code, 1)
  assert.deepEqual(
    out
      .trim()
      .split('\n')
      .map((line) => JSON.parse(line).rules.map((one: { match: string }) => one.match)),
    [['output'], []],
  )
})
