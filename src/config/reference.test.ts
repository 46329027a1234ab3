import assert from 'node:assert/strict'
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { test } from 'node:test'
import { KEYS } from './keys.ts'
import { configurationReference } from './reference.ts'

const PAGE = join(import.meta.dirname, '..', '..', 'docs', 'configuration.md')

test('docs/configuration.md is what the tables say: tarsier config reference > docs/configuration.md', () => {
  assert.equal(readFileSync(PAGE, 'utf8'), configurationReference())
})

test('every key is documented, in a table that holds together', () => {
  const text = configurationReference()
  for (const key of Object.keys(KEYS)) assert.ok(text.includes(`| \`${key}\` |`), key)
  const columns = text.split('\n').map((line) => line.replaceAll('\\|', '').split('|').length)
  const lines = text.split('\n')
  for (const [i, line] of lines.entries())
    if (line.startsWith('| ') && lines[i - 1]?.startsWith('| '))
      assert.equal(columns[i], columns[i - 1], line)
})
