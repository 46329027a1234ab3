/** A field of Falco that is not served is an error when a rule is loaded, wherever the rule reads it. */
import assert from 'node:assert/strict'
import { existsSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { test } from 'node:test'
import { SOURCES } from '../../fields/index.ts'
import { unservedReason } from '../../fields/unserved.ts'
import type { Diagnostic } from '../diagnostics.ts'
import { loadRules } from '../load.ts'

const LIST = join(import.meta.dirname, '../../../../shared/data/falco/fields.json')
const served = new Set([...SOURCES.values()].flatMap(({ fields }) => [...fields.keys()]))
const known = existsSync(LIST) ? (JSON.parse(readFileSync(LIST, 'utf8')) as readonly { name: string }[]) : []
const unserved = ['evt.buffer', 'fd.types', 'ka.verb', ...known.map(({ name }) => name)].filter(
  (name) => !served.has(name),
)

function errorsOf(condition: string, output = 'o'): readonly Diagnostic[] {
  const text = `- {rule: R, desc: d, condition: ${condition}, output: '${output}', priority: INFO}`
  return loadRules([{ path: 'r.yaml', text }], { sources: SOURCES }).files[0]!.errors
}

test('in a condition, with the reason', () => {
  for (const name of unserved) {
    const [error] = errorsOf(`${name} exists`)
    assert.equal(error?.code, 'LOAD_ERR_COMPILE_CONDITION', name)
    assert.ok(error?.message.endsWith(unservedReason(name, 'syscall') ?? 'no reason'), error?.message)
  }
})
test('in an output', () =>
  assert.match(errorsOf('evt.type = open', '%fd.types')[0]!.message, /fd\.types' of Falco is not served/))
test('on the right-hand side', () =>
  assert.match(errorsOf('fd.type = val(fd.types)')[0]!.message, /fd\.types' of Falco is not served/))
test('unless the rule may be skipped for it', () => {
  const text =
    '- {rule: R, desc: d, condition: fd.types exists, output: o, priority: INFO, skip-if-unknown-filter: true}'
  const { files, rules } = loadRules([{ path: 'r.yaml', text }], { sources: SOURCES })
  assert.deepEqual(
    [files[0]?.errors, files[0]?.warnings.map(({ code }) => code), rules.length],
    [[], ['LOAD_UNKNOWN_FILTER'], 0],
  )
})
