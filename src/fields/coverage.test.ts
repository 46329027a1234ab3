import assert from 'node:assert/strict'
import { existsSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { test } from 'node:test'
import { SOURCES } from './index.ts'
import { unservedReason } from './unserved.ts'

const LIST = join(import.meta.dirname, '../../../shared/data/falco/fields.json')

test('every field of Falco is served or has a reason', {
  skip: existsSync(LIST) ? false : `${LIST} is not there`,
}, () => {
  const known = JSON.parse(readFileSync(LIST, 'utf8')) as readonly { name: string }[]
  const served = new Set([...SOURCES.values()].flatMap((source) => [...source.fields.keys()]))
  const left = known.filter(({ name }) => !served.has(name) && unservedReason(name, 'syscall') === undefined)
  assert.deepEqual(left, [])
  assert.ok(known.length > 600)
})
test('no field is served and refused at once', () => {
  for (const [source, { fields }] of SOURCES)
    for (const name of fields.keys()) assert.equal(unservedReason(name, source), undefined, name)
})
test('fields about either end and about networks are compared, not printed', () => {
  const fields = [...SOURCES.get('syscall')!.fields.values()]
  assert.equal(
    fields.flatMap(({ name, filterOnly }) => (filterOnly ? [name] : [])).join(' '),
    'fd.ip fd.net fd.port fd.proto fd.cnet fd.snet fd.lnet fd.rnet',
  )
})
