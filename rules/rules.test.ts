/** The shipped rules: they load, they are documented, and the cases beside them hold. */
import assert from 'node:assert/strict'
import { readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { test } from 'node:test'
import { SOURCES } from '../src/fields/index.ts'
import { loadRules } from '../src/rules/load.ts'
import { sourceFile } from '../src/rules/passes/mapped-text.ts'
import { coverageOf, judgeCases } from '../src/testing/rule-case-run.ts'
import { readCases } from '../src/testing/rule-cases.ts'

const DIRECTORY = join(import.meta.dirname, 'default')
const FILES = readdirSync(DIRECTORY).sort()
const loaded = loadRules([DIRECTORY], { sources: SOURCES })
const { rules } = loaded
const documents = FILES.filter((name) => name.endsWith('.test.yaml')).flatMap((name) =>
  readCases(sourceFile(name, readFileSync(join(DIRECTORY, name), 'utf8'))),
)
const coverage = new Map(coverageOf(rules, documents).map((one) => [one.rule, one]))

test('the rules load without errors, and without warnings when they are loaded together', () => {
  assert.deepEqual(
    loaded.files.map(({ name }) => name),
    FILES.filter((name) => !name.includes('.test.')).map((name) => join(DIRECTORY, name)),
  )
  // What a file defines for the next ones is unused while it is the only one.
  const sharing = new Set(['LOAD_UNUSED_MACRO', 'LOAD_UNUSED_LIST'])
  for (const { errors, warnings } of loaded.files)
    assert.deepEqual(
      [...errors, ...warnings].filter(({ code }) => !sharing.has(code)),
      [],
    )
  assert.ok(rules.length >= 14, `${rules.length} rules`)
  assert.equal(new Set(rules.map(({ name }) => name)).size, rules.length)
})

test('nothing is defined that no rule uses', () => {
  const text = FILES.filter((name) => !name.includes('.test.'))
    .map((name) => readFileSync(join(DIRECTORY, name), 'utf8').replace(/^#.*$/gm, ''))
    .join('\n')
  for (const [, name = ''] of text.matchAll(/^- (?:macro|list): (\S+)$/gm))
    assert.ok([...text.matchAll(new RegExp(`\\b${name}\\b`, 'g'))].length > 1, name)
})

test('no rule makes every write an event', () => {
  const costly = ['write', 'writev', 'pwrite64']
  for (const { name, events } of rules)
    assert.ok(events !== '*' && costly.every((event) => !events.has(event)), name)
})

for (const rule of rules)
  test(`${rule.name}: explained, tagged, and proven by cases`, () => {
    assert.match(rule.desc, /False positives: \S/)
    assert.ok(
      rule.tags.some((tag) => /^T\d{4}(?:\.\d{3})?$/.test(tag)),
      'a technique',
    )
    assert.ok(
      rule.tags.some((tag) => tag.startsWith('mitre_')),
      'a tactic',
    )
    const { fires = 0, silent = 0 } = coverage.get(rule.name) ?? {}
    assert.ok(fires > 0, 'a case that fires')
    assert.ok(silent > 0, 'a near miss')
  })

// As `tarsier rules test` does it.
for (const { rule, one, problem } of judgeCases(documents, rules))
  test(`${rule}: ${one.name}`, () =>
    assert.equal(problem, undefined, `${one.span.file}:${one.span.line}: ${problem}`))
