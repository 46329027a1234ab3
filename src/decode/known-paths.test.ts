import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { EVENT_TYPES } from '../../schema/index.ts'
import { openat } from '../testing/events.ts'
import { encodeRecord, type RecordInit } from './encode.ts'
import { slotOf } from './event-view.ts'
import { KnownPaths, pathFeatures } from './known-paths.ts'

const { family } = EVENT_TYPES.find(({ name }) => name === 'openat')!
const slot = (name: string) => slotOf(family, name)
const MODE = 0xf000
const features = pathFeatures({ path: slot('path'), name: slot('name'), dir: slot('dir') }, [
  { offset: slot('i_mode')!.offset, mask: MODE },
])!

/** The record amid other bytes, and asked about. */
function ask(known: KnownPaths<object>, init: RecordInit, owner = 0, around = 0): object | null | undefined {
  const record = encodeRecord(init)
  const words = new Int32Array(record.length / 4 + 8).fill(around)
  words.set(new Int32Array(record.buffer), 4)
  return known.find(owner, words, 16, features)
}

/** Asked and kept until it is known. */
function learn(known: KnownPaths<object>, init: RecordInit, found: object, owner = 0): void {
  for (let i = 0; i < 2; i++) {
    ask(known, init, owner)
    known.keep(found)
  }
}

const text = fc
  .array(fc.constantFrom('a', 'b', '/', 'etc', 'ä', '.', '/usr/lib/x86_64/'), { maxLength: 5 })
  .map((parts) => parts.join(''))
const maybe = fc.option(text, { nil: undefined })
const given = (fields: Readonly<Record<string, string | undefined>>): Record<string, string> =>
  Object.fromEntries(
    Object.entries(fields).flatMap(([name, value]) => (value === undefined ? [] : [[name, value]])),
  )
const record = fc
  .record({ name: maybe, path: maybe, dir: maybe, mode: fc.constantFrom(0, 0o100644, 0o100600, 0o040755) })
  .map(
    ({ name, path, dir, mode }): RecordInit => ({
      event: 'openat',
      fields: { ...given({ name, path, dir }), i_mode: mode },
    }),
  )

const keyOf = (init: RecordInit, owner: number): string => {
  const { i_mode = 0, name, path, dir } = init.fields as Record<string, string | number | undefined>
  return JSON.stringify([owner, Number(i_mode) & MODE, name ?? null, path ?? null, dir ?? null])
}

test('what was kept is found again for records that say the same, and for no other', () => {
  let hits = 0
  fc.assert(
    fc.property(fc.array(fc.tuple(record, fc.nat(1)), { minLength: 1, maxLength: 30 }), (all) => {
      const known = new KnownPaths<object>()
      const kept = new Map<string, object>()
      for (const [init, owner] of [...all, ...all, ...all]) {
        const key = keyOf(init, owner)
        const found = ask(known, init, owner, hits)
        if (found !== undefined && found !== null) {
          hits++
          assert.equal(found, kept.get(key))
        } else if (found === undefined) {
          kept.set(key, kept.get(key) ?? {})
          known.keep(kept.get(key)!)
        }
      }
    }),
    { numRuns: 300 },
  )
  assert.ok(hits > 1000, `${hits} hits`)
})

test('what comes once is only noted, what is cleared is gone', () => {
  const known = new KnownPaths<object>()
  const init = openat({ path: '/etc/passwd' })
  const found = {}
  assert.equal(ask(known, init), undefined)
  known.keep(found)
  assert.equal(ask(known, init), undefined)
  known.keep(found)
  assert.equal(ask(known, init), found)
  known.clear()
  assert.equal(ask(known, init), undefined)
})

test('bytes that differ after the end do not count, nor those before', () => {
  const known = new KnownPaths<object>()
  const found = {}
  learn(known, openat({ path: '/etc/hosts' }), found)
  assert.equal(ask(known, openat({ path: '/etc/hosts' }), 0, -1), found)
})

for (const [what, other] of [
  ['another name of the same file', { path: '../a/b', resolved: '/a/b' }],
  ['a name of the same length', { path: '/a/c', resolved: '/a/b' }],
  ['a failure', { path: '/a/b', fd: -2 }],
  ['another kind', { path: '/a/b', fields: { i_mode: 0o010644 } }],
  ['a directory beside', { path: '/a/b', dir: '/' }],
] as const)
  test(`another record: ${what}`, () => {
    const known = new KnownPaths<object>()
    learn(known, openat({ path: '/a/b' }), {})
    assert.equal(ask(known, openat(other)), undefined)
    const found = {}
    learn(known, openat(other), found)
    assert.equal(ask(known, openat(other)), found)
  })

test('paths are kept up to 240 bytes in either spelling, and not without any', () => {
  const long = `/${'x'.repeat(239)}`
  for (const [init, isKept] of [
    [openat({ path: long }), true],
    [openat({ path: `${long}x` }), false],
    [openat({ path: 'y'.repeat(240), resolved: long, dir: long }), true],
    [openat({ path: 'y'.repeat(241), resolved: long }), false],
    [openat({ path: 'y', resolved: long, dir: `${long}x` }), false],
    [{ event: 'openat' }, false],
  ] as const) {
    const known = new KnownPaths<object>()
    const found = {}
    if (isKept) learn(known, init, found)
    assert.equal(ask(known, init), isKept ? found : null)
  }
})

test('when there is no room left, everything is forgotten, and what comes is learned as before', () => {
  const known = new KnownPaths<object>()
  // A megabyte is full after less than half of these.
  for (let i = 0; i < 10_000; i++) {
    const init = openat({ path: `/${'x'.repeat(200)}/${i}` })
    learn(known, init, init)
    assert.equal(ask(known, init), init)
  }
})

test('a bit cannot mean two things', () => {
  const at = (mask: number) => ({ offset: slot('i_mode')!.offset, mask })
  assert.throws(
    () => pathFeatures({ path: slot('path'), name: undefined, dir: undefined }, [at(3), at(2)]),
    RangeError,
  )
})
