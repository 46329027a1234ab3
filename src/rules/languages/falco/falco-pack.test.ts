/** The official rule pack, where a copy lies beside the checkout, goes through reader and collector without a word. */
import assert from 'node:assert/strict'
import { existsSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { test } from 'node:test'
import { locate, sourceFile } from '../../passes/mapped-text.ts'
import { createCollector } from './collector.ts'
import { exceptionRules } from './exceptions.ts'
import { readItems } from './reader.ts'
import { TEST_SOURCES } from './test-rules.ts'

const PACK = join(import.meta.dirname, '../../../../../shared/data/falco/rules/falco_rules.yaml')

test('the official rule pack', { skip: !existsSync(PACK) && `${PACK} is missing` }, () => {
  const file = sourceFile(PACK, readFileSync(PACK, 'utf8'))
  const collector = createCollector(exceptionRules({ sources: TEST_SOURCES }))
  const warn = (_code: string, message: string) => assert.fail(message)
  for (const item of readItems(file, warn)) collector.add(item, warn)
  const { lists, macros, rules, requirements } = collector.collection()
  assert.deepEqual(
    [lists.length > 40, macros.length > 40, rules.length, requirements.length],
    [true, true, 25, 1],
  )
  for (const { condition } of [...macros, ...rules])
    for (const part of condition)
      for (const { 0: word, index } of part.text.matchAll(/[^\s\\'"]+/g)) {
        const { from, to } = locate(part, index, index + word.length)
        assert.equal(file.text.slice(from, to), word)
      }
})
