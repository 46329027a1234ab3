/** The `threshold` key of a rule: what it compiles to, and what is said about one that is wrong. */
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { readsEnvironment } from '../../fields-used.ts'
import type { CompiledRule } from '../../ir.ts'
import { load, problems, rule } from './test-rules.ts'

const one = (threshold: string): string => rule('r', { threshold })
const compiled = (...texts: readonly string[]): CompiledRule => {
  const result = load(texts)
  assert.deepEqual(problems(result), [])
  return result.rules[0]!
}

const means = (what: string, threshold: string, expected: readonly unknown[]): void => {
  test(what, () => {
    const { distinct, atLeast, windowNs, by } = compiled(one(threshold)).threshold!
    const name = (field: { def: { name: string }; arg: string | undefined }): string =>
      field.arg === undefined ? field.def.name : `${field.def.name}[${field.arg}]`
    assert.deepEqual([distinct && name(distinct), atLeast, windowNs, by.map(name).join(' ')], expected)
  })
}
/** The problem starts with this; the value stands at column 14 of line 6. */
const refuses = (what: string, threshold: string, expected: string): void => {
  test(what, () => {
    const [found = 'nothing', ...more] = problems(load([one(threshold)]))
    assert.equal(found.slice(0, expected.length), expected)
    assert.deepEqual(more, [])
  })
}
const V = 'LOAD_ERR_YAML_VALIDATE'

means('matches', '{count: 100, window: 10s, by: [proc.name, fd.name]}', [
  undefined,
  100,
  10e9,
  'proc.name fd.name',
])
means('distinct values', '{distinct: fd.name, at_least: 50, window: 500ms, by: ["proc.aname[2]"]}', [
  'fd.name',
  50,
  5e8,
  'proc.aname[2]',
])
means('without by', '{count: 1, window: 5m}', [undefined, 1, 300e9, ''])
means('an hour, and an argument behind a dot', '{count: 1000000, window: 24h, by: [evt.arg.path]}', [
  undefined,
  1e6,
  86400e9,
  'evt.arg[path]',
])
test('a rule without it has none', () => assert.equal(compiled(rule('r')).threshold, undefined))
test('a later file may replace it', () => {
  const change = '- rule: r\n  threshold: {count: 7, window: 1s}\n  override: {threshold: replace}\n'
  assert.equal(compiled(one('{count: 3, window: 2s}'), change).threshold!.atLeast, 7)
})
test('a later file may not append to it', () => {
  const change = '- rule: r\n  threshold: {count: 7, window: 1s}\n  override: {threshold: append}\n'
  assert.match(
    problems(load([one('{count: 3, window: 2s}'), change]))[0]!,
    /^1:3:14 .* 'threshold' cannot be overridden with 'append'/,
  )
})
test('its fields count as read', () => {
  assert.equal(readsEnvironment(compiled(one('{count: 3, window: 2s}'))), false)
})

refuses('text', 'often', `0:6:14 ${V} 'threshold' must be a map of keys, not text`)
refuses('nothing', '', `0:6:14 ${V} 'threshold' must be a map of keys, not empty`)
refuses('an unknown key', '{count: 3, windw: 1s}', `0:6:25 ${V} 'threshold' has no key 'windw'`)
refuses('neither count nor distinct', '{window: 1s}', `0:6:14 ${V} 'threshold' needs 'count' or 'distinct'`)
refuses(
  'both',
  '{count: 3, distinct: fd.name, window: 1s}',
  `0:6:14 ${V} 'count' and 'distinct' exclude each other`,
)
refuses(
  'count with at_least',
  '{count: 3, at_least: 3, window: 1s}',
  `0:6:35 ${V} 'at_least' goes with 'distinct'`,
)
refuses(
  'distinct without at_least',
  '{distinct: fd.name, window: 1s}',
  `0:6:14 ${V} key 'at_least' is missing`,
)
refuses('no window', '{count: 3}', `0:6:14 ${V} key 'window' is missing`)
refuses(
  'a window without unit',
  '{count: 3, window: 10}',
  `0:6:33 ${V} 'window' must be a duration, not '10'`,
)
refuses('a window of nothing', '{count: 3, window: 0s}', `0:6:33 ${V} 'window' must be a duration, not '0s'`)
refuses('a window of days', '{count: 3, window: 25h}', `0:6:33 ${V} 'window' must be a duration, not '25h'`)
refuses(
  'count of zero',
  '{count: 0, window: 1s}',
  `0:6:22 ${V} 'count' must be a whole number from 1 to 1000000, not '0'`,
)
refuses(
  'count that is no number',
  '{count: many, window: 1s}',
  `0:6:22 ${V} 'count' must be a whole number from 1`,
)
refuses(
  'count too large',
  '{count: 1000001, window: 1s}',
  `0:6:22 ${V} 'count' must be a whole number from 1`,
)
refuses(
  'at_least too large',
  '{distinct: fd.name, at_least: 10001, window: 1s}',
  `0:6:44 ${V} 'at_least' must be a whole number from 1 to 10000, not '10001'`,
)
refuses('by that is text', '{count: 3, window: 1s, by: fd.name}', `0:6:41 ${V} 'by' must be a list, not text`)
refuses(
  'a field twice',
  '{count: 3, window: 1s, by: [fd.name, fd.name]}',
  `0:6:51 ${V} 'by' names 'fd.name' twice`,
)
refuses(
  'an unknown field',
  '{count: 3, window: 1s, by: [fd.nmae]}',
  "0:6:42 LOAD_ERR_VALIDATE unknown field 'fd.nmae' for source 'syscall'",
)
refuses(
  'what is no field',
  '{count: 3, window: 1s, by: [path]}',
  "0:6:42 LOAD_ERR_VALIDATE 'path' is not a field",
)
refuses(
  'a transformer',
  '{distinct: tolower(fd.name), at_least: 3, window: 1s}',
  "0:6:25 LOAD_ERR_VALIDATE 'tolower(fd.name)' is not a field",
)
refuses(
  'an argument missing',
  '{count: 3, window: 1s, by: [evt.arg]}',
  "0:6:42 LOAD_ERR_VALIDATE field 'evt.arg' needs an argument",
)
refuses(
  'too many fields',
  `{count: 3, window: 1s, by: [${'abcdefghi'.split('').join(', ')}]}`,
  `0:6:41 ${V} 'by' names 9 fields, 8 are the most`,
)
test('a hint says what to write', () => {
  const hintOf = (threshold: string): string | undefined => load([one(threshold)]).files[0]!.errors[0]!.hint
  assert.equal(hintOf('{count: 3, windw: 1s}'), "did you mean 'window'?")
  assert.equal(hintOf('{count: 3, window: 1s, by: [fd.nmae]}'), "did you mean 'fd.name'?")
  assert.match(hintOf('{count: 3, window: ten}')!, /500ms, 10s, 5m/)
})
test('with skip-if-unknown-filter a rule counting by an unknown field is skipped', () => {
  const text = rule('r', {
    threshold: '{count: 3, window: 1s, by: [fd.nmae]}',
    'skip-if-unknown-filter': 'true',
  })
  const result = load([text])
  assert.deepEqual(result.rules, [])
  assert.match(problems(result)[0]!, /LOAD_UNKNOWN_FILTER unknown field 'fd.nmae'/)
})
