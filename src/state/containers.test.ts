import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { ContainerFacts } from '../decode/answers.ts'
import { Interner } from '../decode/interner.ts'
import { parseIp } from '../fields/ip.ts'
import { ContainerTable } from './containers.ts'
import { NameTable } from './names.ts'

const facts = { name: 'web' } as ContainerFacts

test('a question and what becomes of it', () => {
  const table = new ContainerTable()
  assert.equal(table.status('a'), undefined)
  table.asked('a')
  assert.equal(table.status('a'), 'asked')
  table.answer({ status: 'late', fullId: 'a' })
  assert.equal(table.status('a'), 'late')
  table.answer({ status: 'known', fullId: 'a', facts })
  assert.deepEqual([table.status('a'), table.facts('a')?.name], ['known', 'web'])
})
test('what was told once stays', () => {
  const table = new ContainerTable()
  table.answer({ status: 'known', fullId: 'a', facts })
  for (const status of ['late', 'unknown'] as const) table.answer({ status, fullId: 'a' })
  assert.equal(table.facts('a')?.name, 'web')
})
test('beyond the limit the one heard of longest ago goes', () => {
  const table = new ContainerTable({ containers: 2, text: 100 })
  for (const id of ['a', 'b']) table.asked(id)
  table.answer({ status: 'known', fullId: 'a', facts })
  table.asked('c')
  assert.deepEqual(
    ['a', 'b', 'c'].map((id) => table.status(id)),
    ['known', undefined, 'asked'],
  )
  assert.equal(table.size, 2)
})
test('beyond the limit of what was told the oldest goes', () => {
  const table = new ContainerTable({ containers: 10, text: 100 })
  const told = (fullId: string, length: number): void =>
    table.answer({
      status: 'known',
      fullId,
      facts: { name: 'x', labels: new Map([['k', 'v'.repeat(length)]]) } as unknown as ContainerFacts,
    })
  told('a', 40)
  told('a', 40)
  told('b', 40)
  assert.equal(table.size, 2)
  told('c', 40)
  assert.deepEqual([table.status('a'), table.status('b'), table.status('c')], [undefined, 'known', 'known'])
  told('d', 200)
  assert.equal(table.size, 0)
})

const names = (table: NameTable, address: string): readonly string[] =>
  table.namesOf(parseIp(address)!).map(({ text }) => text)

test('names of addresses', () => {
  const table = new NameTable(new Interner(64))
  assert.deepEqual(names(table, '192.0.2.1'), [])
  table.answer({ name: 'a', addresses: ['192.0.2.1', '2001:db8::1', '192.0.2.1'] })
  table.answer({ name: 'b', addresses: ['192.0.2.1'] })
  assert.deepEqual(names(table, '192.0.2.1'), ['a', 'b'])
  assert.deepEqual(names(table, '2001:db8::1'), ['a'])
  table.answer({ name: 'a', addresses: ['192.0.2.2'] })
  assert.deepEqual(
    ['192.0.2.1', '192.0.2.2', '2001:db8::1'].map((address) => names(table, address)),
    [['b'], ['a'], []],
  )
  table.answer({ name: 'b', addresses: [] })
  assert.deepEqual(names(table, '192.0.2.1'), [])
})
