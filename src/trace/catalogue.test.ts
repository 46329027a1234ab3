/** Events, arguments and sets against a list of Tracee's. */
import assert from 'node:assert/strict'
import { existsSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { suite, test } from 'node:test'
import { findTraceEvent, TRACE_EVENTS } from './catalogue.ts'
import { parseExpression } from './expression.ts'
import { selectEvents } from './select.ts'

const LIST = join(import.meta.dirname, '../../../shared/data/tracee/events-v0.7.json')

suite("Tracee's list of events", { skip: existsSync(LIST) ? false : 'the list is not here' }, () => {
  interface Listed {
    readonly name: string
    readonly sets: readonly string[]
    readonly params: readonly (readonly [string, string])[]
  }
  const listed: readonly Listed[] = existsSync(LIST) ? JSON.parse(readFileSync(LIST, 'utf8')).events : []
  const known = listed.flatMap((one) => {
    const found = TRACE_EVENTS.get(one.name)
    return found === undefined ? [] : [{ one, found }]
  })
  test('numbers of events are its own, and no two have one', () => {
    const idOf = (name: string): number | undefined => TRACE_EVENTS.get(name)?.id
    assert.deepEqual(
      ['openat', 'sys_enter', 'security_file_open', 'hidden_inodes', 'existing_container'].map(idOf),
      [257, 1000, 1018, 1033, 2003],
    )
    const ids = [...TRACE_EVENTS.values()].map(({ id }) => id)
    assert.equal(new Set(ids).size, ids.length)
    const ours = known.filter(({ found }) => !found.isSyscall && found.id >= 10_000)
    assert.deepEqual(
      ours.map(({ one }) => one.name),
      [],
    )
  })
  test('what is no syscall has all its arguments', () => {
    for (const { one, found } of known.filter(({ found }) => !found.isSyscall))
      for (const [type, name] of one.params)
        assert.ok(
          found.args.some((ours) => ours.name === name && ours.type === type),
          `${one.name}.${name}`,
        )
  })
  test('nearly all names are known', (t) => {
    const missing = listed.filter(({ name }) => findTraceEvent(name) === undefined).map(({ name }) => name)
    t.diagnostic(`${listed.length - missing.length} of ${listed.length}; not here: ${missing.join(' ')}`)
    assert.ok(missing.length < 0.08 * listed.length)
  })
  test('arguments have its names and types, in its order', () => {
    for (const { one, found } of known) {
      const theirs = one.params.map(
        ([type, name]) => `${type.replace(/ \*/, '*').replace('*restrict', '*')} ${name}`,
      )
      const ours = found.args.map(({ type, name }) => `${type} ${name}`)
      const shared = ours.filter((text) => theirs.includes(text))
      assert.deepEqual(
        shared,
        theirs.filter((text) => ours.includes(text)),
        one.name,
      )
      // What it leaves out of a call we may have, under a name that it does not use.
      const names = one.params.map(([, name]) => name)
      for (const { name, type } of found.args)
        if (names.includes(name))
          assert.ok(theirs.includes(`${type} ${name}`), `${one.name}: ${type} ${name}`)
    }
  })
  test('sets', () => {
    for (const { one, found } of known)
      assert.deepEqual(
        one.sets.filter((set) => !found.sets.includes(set)),
        // The table of x86-64 has it, too.
        one.name === 'afs_syscall' ? ['32bit_unique'] : [],
        one.name,
      )
  })
  test('entry points of 32-bit programs: their set has the calls that they are entry points of', () => {
    const calls = listed.flatMap(({ name, sets }) =>
      TRACE_EVENTS.has(name) || !sets.includes('32bit_unique') ? [] : [findTraceEvent(name)?.name ?? name],
    )
    assert.ok(calls.length > 40)
    const { events } = selectEvents([parseExpression('set=32bit_unique')])
    const selected = new Set(events.map(({ name }) => name))
    assert.deepEqual(
      calls.filter((name) => !selected.has(name)),
      [],
    )
  })
})
