import assert from 'node:assert/strict'
import { chmodSync, mkdirSync, writeFileSync } from 'node:fs'
import { basename, join } from 'node:path'
import { test } from 'node:test'
import { scratchFolder } from '../testing/scratch.ts'
import { list, macro, problems, rule, TEST_SOURCES } from './languages/falco/test-rules.ts'
import { loadRules } from './load.ts'

const folder = scratchFolder('load')
const path = (name: string, text: string): string => {
  writeFileSync(join(folder, name), text)
  return join(folder, name)
}
const load = (...paths: readonly string[]) => loadRules(paths, { sources: TEST_SOURCES })
const names = (...paths: readonly string[]) => load(...paths).files.map((file) => basename(file.name))

test('a file', () => {
  const result = load(path('one.yaml', `\ufeff${rule('a')}`))
  assert.deepEqual([problems(result), result.rules.map(({ name }) => name)], [[], ['a']])
})
test('a directory: its rule files in alphabetical order', () => {
  const sub = join(folder, 'sub')
  mkdirSync(join(sub, 'deeper.yaml'), { recursive: true })
  path('sub/b.yaml', rule('r', { condition: 'm' }))
  path('sub/a.yml', macro('m', 'evt.type=open') + rule('x', { condition: 'm' }))
  path('sub/c.txt', 'no rules')
  path('sub/a.test.yaml', 'tests of rules')
  path('sub/b.test.yml', 'tests of rules')
  path('sub/B.yaml', '')
  assert.deepEqual(names(sub), ['B.yaml', 'a.yml', 'b.yaml'])
  assert.deepEqual(
    load(sub).rules.map(({ name }) => name),
    ['x', 'r'],
  )
})
test('a file of tests that is named is read', () => {
  assert.match(problems(load(path('named.test.yaml', '- x')))[0]!, /^\/:1:3 LOAD_ERR/)
})
test('a TOML file that is not UTF-8', () => {
  const file = path('latin.toml', '')
  writeFileSync(file, Buffer.from([0x61, 0xe9]))
  assert.match(
    problems(load(file))[0]!,
    /:1:2 LOAD_ERR_TOML_PARSE the file is not UTF-8: unexpected byte 0xe9/,
  )
})
test('a missing file', () => {
  assert.deepEqual(problems(load(join(folder, 'none.yaml'))), [
    `/:1:1 LOAD_ERR_FILE_READ cannot read '${folder}/none.yaml': no such file or directory`,
  ])
})
test('a path through a file', () => {
  const file = path('plain.yaml', '')
  assert.match(problems(load(join(file, 'x.yaml')))[0]!, /a part of the path is not a directory/)
})
test('a file that must not be read', { skip: process.getuid?.() === 0 && 'root may read everything' }, () => {
  const file = path('closed.yaml', '')
  chmodSync(file, 0)
  assert.match(problems(load(file))[0]!, /LOAD_ERR_FILE_READ .*permission denied/)
})
test('loading stops at the first bad file', () => {
  const paths = [path('1.yaml', rule('a')), path('2.yaml', '- x'), path('3.yaml', rule('b'))]
  const result = load(...paths)
  assert.deepEqual(
    result.files.map(({ successful }) => successful),
    [true, false],
  )
  assert.deepEqual(result.rules, [])
})
test('each file has a verdict where that is asked for: as if those that failed were not there', () => {
  const paths = [
    path('v1.yaml', macro('m', 'evt.type=open')),
    path('v2.yaml', `${macro('bad', 'evt.type=open')}- x`),
    join(folder, 'v3.yaml'),
    path('v4.yaml', rule('a', { condition: 'm' })),
    path('v5.yaml', rule('b', { condition: 'bad' })),
    path('v6.yaml', rule('c', { condition: 'm' })),
  ]
  const result = loadRules(paths, { sources: TEST_SOURCES, everyFile: true })
  assert.deepEqual(
    result.files.map(({ successful }) => successful),
    [true, false, false, true, false, true],
  )
  assert.deepEqual(result.rules, [])
})
test('a missing plugin fails the file that asks for it', () => {
  const paths = [
    path('p.yaml', '- required_plugin_versions: [{name: json, version: 1.0.0}]'),
    path('q.yaml', list('l', 'a')),
  ]
  assert.deepEqual(
    load(...paths).files.map(({ successful }) => successful),
    [false, true],
  )
})
