/** The shipped rules: they load, they are documented, and the cases beside them hold. */
import assert from 'node:assert/strict'
import { readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { test } from 'node:test'
import type { SyscallContext } from '../src/fields/context.ts'
import { SOURCES } from '../src/fields/index.ts'
import type { CompiledRule } from '../src/rules/ir.ts'
import { loadRules } from '../src/rules/load.ts'
import { sourceFile } from '../src/rules/passes/mapped-text.ts'
import { type Case, matches, play, readCases } from '../src/testing/rule-cases.ts'

const DIRECTORY = join(import.meta.dirname, 'default')
const FILES = readdirSync(DIRECTORY).sort()
const loaded = loadRules([DIRECTORY], { sources: SOURCES })
// Every shipped rule is one of the syscall source.
const rules = loaded.rules as readonly CompiledRule<SyscallContext>[]
const documents = FILES.filter((name) => name.endsWith('.test.yaml')).flatMap((name) =>
  readCases(sourceFile(name, readFileSync(join(DIRECTORY, name), 'utf8'))).map((cases) => ({
    ...cases,
    file: name,
  })),
)
const casesOf = (rule: string): readonly Case[] =>
  documents.filter((document) => document.rule === rule).flatMap(({ cases }) => cases)

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
    assert.ok(
      casesOf(rule.name).some(({ expect }) => expect !== undefined),
      'a case that fires',
    )
    assert.ok(
      casesOf(rule.name).some(({ expect }) => expect === undefined),
      'a near miss',
    )
  })

for (const { rule, cases, file, span } of documents) {
  test(`${file}:${span.line}: the rule '${rule}' exists`, () =>
    assert.ok(rules.some(({ name }) => name === rule)))
  for (const one of cases) test(`${rule}: ${one.name}`, () => check(rule, one))
}

function check(name: string, one: Case): void {
  const message = play(rules, one).get(name)
  const place = `${one.span.file}:${one.span.line}`
  if (one.expect === undefined) {
    assert.equal(message, undefined, `${place}: fired`)
    return
  }
  assert.ok(message !== undefined, `${place}: did not fire`)
  const { priority, output } = one.expect
  if (priority !== undefined) assert.equal(rules.find((rule) => rule.name === name)?.priority, priority)
  if (output !== undefined) assert.ok(matches(message, output), `${place}: printed ${message}`)
}
