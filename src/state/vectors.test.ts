import assert from 'node:assert/strict'
import { test } from 'node:test'
import { Str } from '../decode/str.ts'
import { Vectors } from './vectors.ts'

const look = { comm: new Str('a'), exePath: new Str('/a'), exeFlags: 0, cwd: new Str('/') }

for (const [what, other] of [
  ['name', { comm: new Str('b') }],
  ['executable', { exePath: new Str('/b') }],
  ['flags', { exeFlags: 1 }],
  ['directory', { cwd: new Str('/b') }],
] as const)
  test(`processes of another ${what} look different`, () => {
    const vectors = new Vectors(['a'])
    assert.equal(vectors.lookOf(look), undefined)
    const first = vectors.lookOf(look)
    const second = vectors.lookOf({ ...look, ...other })
    assert.notEqual(first, second)
    assert.equal(vectors.lookOf({ ...look }), first)
    assert.equal(vectors.lookOf({ ...look, ...other }), second)
  })

test('few looks are kept for a vector', () => {
  const vectors = new Vectors(['a'])
  vectors.lookOf(look)
  const first = vectors.lookOf(look)
  for (let exeFlags = 1; exeFlags < 5; exeFlags++) vectors.lookOf({ ...look, exeFlags })
  assert.notEqual(vectors.lookOf(look), first)
})
