import assert from 'node:assert/strict'
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import test from 'node:test'
import { type Abi, describeAbi } from './abi.ts'

const kept = JSON.parse(readFileSync(join(import.meta.dirname, 'abi.json'), 'utf8')) as Abi

/** Every leaf of a tree as `path = value`. */
function leaves(node: unknown, path = ''): string[] {
  if (typeof node !== 'object' || node === null) return [`${path} = ${String(node)}`]
  return Object.entries(node).flatMap(([key, value]) => leaves(value, path === '' ? key : `${path}.${key}`))
}

test('the record layout is the one in schema/abi.json', () => {
  const now = leaves(describeAbi())
  const before = leaves(kept)
  const gone = before.filter((line) => !now.includes(line)).map((line) => `- ${line}`)
  const come = now.filter((line) => !before.includes(line)).map((line) => `+ ${line}`)
  const difference = [...gone, ...come].join('\n')
  assert.equal(
    difference,
    '',
    `the record layout changed:\n${difference}\nIf that is meant, run 'npm run abi' and commit schema/abi.json.`,
  )
})

test('counters and slots keep their order', () => {
  assert.deepEqual(Object.keys(kept.counters), Object.keys(describeAbi().counters))
  assert.deepEqual(Object.keys(kept.header.slots), Object.keys(describeAbi().header.slots))
})
