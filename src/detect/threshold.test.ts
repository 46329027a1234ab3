/** Thresholds: exact against a naive count, quiet after an alert, bounded. */
import assert from 'node:assert/strict'
import { suite, test } from 'node:test'
import fc from 'fast-check'
import { Str } from '../decode/str.ts'
import type { Value } from '../fields/field.ts'
import type { CompiledRule, FieldRef, Threshold } from '../rules/ir.ts'
import { createEngine } from './engine.ts'
import { THRESHOLD_LIMITS, ThresholdCounter, type ThresholdLimits } from './threshold.ts'

type Ctx = Readonly<Record<string, Value | readonly Value[] | undefined>>

const SPAN = { file: 't', line: 1, column: 1, from: 0, to: 0 }
const field = (name: string): FieldRef<Ctx> => {
  const extractor = { get: (ctx: Ctx) => ctx[name] }
  const def = { name, type: 'string', doc: name, cost: 'free', bind: () => extractor } as const
  return { kind: 'field', def, arg: undefined, extractor, span: SPAN }
}
const threshold = (more: Partial<Threshold<Ctx>> = {}): Threshold<Ctx> => ({
  distinct: undefined,
  atLeast: 3,
  windowNs: 10,
  by: [field('key')],
  ...more,
})
const counter = (more: Partial<Threshold<Ctx>> = {}, limits: ThresholdLimits = THRESHOLD_LIMITS) =>
  new ThresholdCounter(threshold(more), limits)

/** What comes out of matches of one key at these times. */
const counts = (times: readonly number[], more: Partial<Threshold<Ctx>> = {}): number[] => {
  const it = counter(more)
  return times.map((time) => it.add({}, time))
}
const gives = (
  what: string,
  times: readonly number[],
  expected: readonly number[],
  more: Partial<Threshold<Ctx>> = {},
): void => {
  test(what, () => assert.deepEqual(counts(times, more), expected))
}
/** Distinct values, all at one time apart. */
const values = (
  what: string,
  seen: readonly (readonly [number, string | undefined])[],
  expected: readonly number[],
): void => {
  test(what, () => {
    const it = counter({ distinct: field('value') })
    const found = seen.map(([time, value]) =>
      it.add({ value: value === undefined ? undefined : new Str(value) }, time),
    )
    assert.deepEqual(found, expected)
  })
}

suite('counting', () => {
  gives('below the number nothing is reported', [0, 1], [0, 0])
  gives('the number reports, with what it stands for', [0, 1, 2], [0, 0, 3])
  gives('the window slides: what is as old as the window is out', [0, 1, 10], [0, 0, 0])
  gives('one less than the window is in', [0, 1, 9], [0, 0, 3])
  gives('no fixed buckets: five in ten across any border', [8, 9, 11], [0, 0, 3])
  gives('once a window', [0, 1, 2, 3, 4, 11], [0, 0, 3, 0, 0, 0])
  gives('then again, for everything since', [0, 1, 2, 3, 4, 11, 12], [0, 0, 3, 0, 0, 0, 4])
  gives(
    'a key that was quiet for a window starts anew',
    [0, 1, 2, 3, 4, 14, 15, 16],
    [0, 0, 3, 0, 0, 0, 0, 3],
  )
  gives('one: the first of each window', [0, 1, 9, 10, 11, 20], [1, 0, 0, 3, 0, 2], { atLeast: 1 })
  gives('a slow writer never', [0, 5, 10, 15, 20, 25, 30, 35], [0, 0, 0, 0, 0, 0, 0, 0])
  gives('one that comes late counts as now', [0, 20, 1, 2], [0, 0, 0, 3])
  gives('many at one time', [7, 7, 7, 7], [0, 0, 3, 0])
})

suite('distinct values', () => {
  values(
    'the same value counts once',
    [
      [0, 'a'],
      [1, 'a'],
      [2, 'a'],
    ],
    [0, 0, 0],
  )
  values(
    'three report',
    [
      [0, 'a'],
      [1, 'b'],
      [2, 'c'],
    ],
    [0, 0, 3],
  )
  values(
    'a value that was seen again is young again',
    [
      [0, 'a'],
      [5, 'b'],
      [9, 'a'],
      [12, 'c'],
    ],
    [0, 0, 0, 3],
  )
  values(
    'a value that is old is out',
    [
      [0, 'a'],
      [5, 'b'],
      [12, 'c'],
    ],
    [0, 0, 0],
  )
  values(
    'no value is no match',
    [
      [0, 'a'],
      [1, 'b'],
      [2, undefined],
      [3, 'c'],
    ],
    [0, 0, 0, 3],
  )
  values(
    'later alerts stand for the new values since',
    [
      [0, 'a'],
      [1, 'b'],
      [2, 'c'],
      [8, 'd'],
      [9, 'd'],
      [11, 'e'],
      [12, 'f'],
    ],
    [0, 0, 3, 0, 0, 0, 3],
  )
  values(
    'values seen again are in the window, though not new',
    [
      [0, 'a'],
      [0, 'b'],
      [0, 'c'],
      [5, 'a'],
      [6, 'b'],
      [10, 'c'],
    ],
    [0, 0, 3, 0, 0, 3],
  )
})

suite('keys', () => {
  const apart = (what: string, a: Ctx, b: Ctx, by: readonly string[]): void => {
    test(what, () => {
      const it = counter({ atLeast: 2, by: by.map(field) })
      assert.deepEqual([it.add(a, 0), it.add(b, 1), it.add(a, 2), it.add(b, 3)], [0, 0, 2, 2])
    })
  }
  apart('are counted apart', { key: 1 }, { key: 2 }, ['key'])
  apart('absent is not empty', {}, { key: new Str('') }, ['key'])
  apart(
    'no text runs into the next',
    { a: new Str('x1:'), b: new Str('y') },
    { a: new Str('x'), b: new Str('1:y') },
    ['a', 'b'],
  )
  apart('lists are not their joined text', { key: [new Str('a,b')] }, { key: [new Str('a'), new Str('b')] }, [
    'key',
  ])
  apart(
    'long texts differ by their last byte',
    { key: new Str(`${'x'.repeat(4000)}a`) },
    { key: new Str(`${'x'.repeat(4000)}b`) },
    ['key'],
  )
  apart(
    'bytes that are not UTF-8 differ',
    { key: new Str(`${'x'.repeat(200)}\udc80`) },
    { key: new Str(`${'x'.repeat(200)}\udc81`) },
    ['key'],
  )
  test('without by all count together', () => {
    const it = counter({ atLeast: 2, by: [] })
    assert.deepEqual([it.add({ key: 1 }, 0), it.add({ key: 2 }, 1)], [0, 2])
  })
})

/** What the threshold of one key means, said slowly. */
function naive(times: readonly number[], atLeast: number, window: number): number[] {
  const all: number[] = []
  let alerted: number | undefined
  let since = 0
  let now = Number.NEGATIVE_INFINITY
  return times.map((given) => {
    now = Math.max(now, given)
    if (all.length > 0 && all.at(-1)! <= now - window) alerted = undefined
    all.push(now)
    since++
    const inside = all.filter((time) => time > now - window).length
    if (inside < atLeast || (alerted !== undefined && now - alerted < window)) return 0
    const standsFor = alerted === undefined ? Math.min(inside, atLeast) : since
    alerted = now
    since = 0
    return standsFor
  })
}

/** The same for distinct values: whether there is an alert. */
function naiveDistinct(
  seen: readonly (readonly [number, string])[],
  atLeast: number,
  window: number,
): boolean[] {
  let alerted: number | undefined
  let last = Number.NEGATIVE_INFINITY
  let now = Number.NEGATIVE_INFINITY
  const all: [number, string][] = []
  return seen.map(([given, value]) => {
    now = Math.max(now, given)
    if (last <= now - window) alerted = undefined
    last = now
    all.push([now, value])
    const inside = new Set(all.filter(([time]) => time > now - window).map(([, v]) => v))
    if (inside.size < atLeast || (alerted !== undefined && now - alerted < window)) return false
    alerted = now
    return true
  })
}

suite('against a naive count', () => {
  const steps = fc.array(fc.tuple(fc.integer({ min: -3, max: 12 }), fc.integer({ min: 0, max: 4 })), {
    maxLength: 150,
  })
  const shape = [fc.integer({ min: 1, max: 9 }), fc.integer({ min: 1, max: 30 })] as const
  const timed = (list: readonly (readonly [number, number])[]): (readonly [number, number])[] => {
    let time = 0
    return list.map(([step, key]) => {
      time += step
      return [time, key]
    })
  }
  test('counts of keys in any mixture are exact', () => {
    fc.assert(
      fc.property(steps, ...shape, (list, atLeast, windowNs) => {
        const events = timed(list)
        const it = counter({ atLeast, windowNs })
        const found = events.map(([time, key]) => it.add({ key }, time))
        // The clock is one for all keys, so each key is judged on the times it had.
        let now = Number.NEGATIVE_INFINITY
        const clocked = events.map(([time, key]) => {
          now = Math.max(now, time)
          return [now, key] as const
        })
        for (const key of new Set(events.map(([, k]) => k))) {
          const own = clocked.filter(([, k]) => k === key).map(([time]) => time)
          const got = found.filter((_, i) => events[i]![1] === key)
          assert.deepEqual(got, naive(own, atLeast, windowNs))
        }
        assert.equal(it.statistics.evicted, 0)
      }),
      { numRuns: 2000 },
    )
  })
  test('distinct values are exact', () => {
    fc.assert(
      fc.property(steps, ...shape, (list, atLeast, windowNs) => {
        const seen = timed(list).map(([time, value]) => [time, `v${value}`] as const)
        const it = counter({ atLeast, windowNs, distinct: field('value'), by: [] })
        const found = seen.map(([time, value]) => it.add({ value: new Str(value) }, time) > 0)
        assert.deepEqual(found, naiveDistinct(seen, atLeast, windowNs))
      }),
      { numRuns: 2000 },
    )
  })
  test('memory is what is in use, and all of it is given back', () => {
    fc.assert(
      fc.property(steps, ...shape, fc.boolean(), (list, atLeast, windowNs, distinct) => {
        const it = counter({ atLeast, windowNs, ...(distinct ? { distinct: field('key') } : {}) })
        const events = timed(list)
        for (const [time, key] of events) it.add({ key }, time)
        const end = Math.max(0, ...events.map(([time]) => time))
        // One key in use drives out the others, two for each match.
        for (let i = 0; i < 10; i++) it.add({ key: 99 }, end + windowNs + 1)
        assert.equal(it.statistics.keys, 1)
        const fresh = counter({ atLeast, windowNs, ...(distinct ? { distinct: field('key') } : {}) })
        for (let i = 0; i < 10; i++) fresh.add({ key: 99 }, end + windowNs + 1)
        assert.equal(it.statistics.words, fresh.statistics.words)
      }),
      { numRuns: 100 },
    )
  })
})

suite('bounds', () => {
  const QUOTA = 100
  const PROCESSES = 10_000
  test('ten thousand processes writing: each is told about once, with its exact count, and nothing is given up', () => {
    const it = counter({ atLeast: QUOTA + 1, windowNs: 1e12, by: [field('pid'), field('path')] })
    const path = new Str('/var/lib/application/data/segment-0001.log')
    const alerts = new Map<number, number[]>()
    let time = 0
    for (let round = 0; round < QUOTA + 5; round++)
      for (let pid = 0; pid < PROCESSES; pid++) {
        time += 1000
        const count = it.add({ pid, path }, time)
        if (count > 0) alerts.set(pid, [...(alerts.get(pid) ?? []), count])
      }
    assert.equal(alerts.size, PROCESSES)
    for (const counts of alerts.values()) assert.deepEqual(counts, [QUOTA + 1])
    const { keys, words, evicted, withheld } = it.statistics
    assert.deepEqual([keys, evicted, withheld], [PROCESSES, 0, 4 * PROCESSES])
    assert.ok(words <= THRESHOLD_LIMITS.words)
  })
  test('more keys than there is room for: the one matched longest ago goes, which is counted', () => {
    const it = counter({ atLeast: 2, windowNs: 1e6 }, { keys: 3, words: 1 << 20 })
    for (const key of [1, 2, 3]) it.add({ key }, key)
    assert.equal(it.add({ key: 1 }, 4), 2)
    it.add({ key: 4 }, 5)
    assert.deepEqual([it.statistics.keys, it.statistics.evicted], [3, 1])
    assert.equal(it.add({ key: 3 }, 6), 2)
    assert.equal(it.add({ key: 2 }, 7), 0)
    assert.equal(it.statistics.evicted, 2)
  })
  test('memory has a limit of its own, which a flood of keys and times never exceeds', () => {
    const limits = { keys: 1000, words: 4000 }
    const it = counter({ atLeast: 50, windowNs: 1e9 }, limits)
    for (let i = 0; i < 20_000; i++) {
      it.add({ key: new Str(`/tmp/${'x'.repeat(i % 200)}${i % 333}`) }, i)
      assert.ok(it.statistics.words <= limits.words && it.statistics.keys <= limits.keys)
    }
    assert.ok(it.statistics.evicted > 0)
  })
  test('a key whose time is over makes room without being counted as given up', () => {
    const it = counter({ windowNs: 10 }, { keys: 2, words: 1 << 20 })
    for (let key = 0; key < 1000; key++) it.add({ key }, key * 6)
    assert.equal(it.statistics.evicted, 0)
    assert.ok(it.statistics.keys <= 2)
  })
  test('what came after an alert is counted until a later alert stands for it', () => {
    const it = counter({ atLeast: 2, windowNs: 10 })
    for (const time of [0, 1, 2, 3]) it.add({}, time)
    assert.equal(it.statistics.withheld, 2)
    assert.equal(it.add({}, 11), 3)
    assert.equal(it.statistics.withheld, 0)
  })
})

suite('in the engine', () => {
  const rule = (name: string, more: Partial<CompiledRule<Ctx>> = {}): CompiledRule<Ctx> => ({
    name,
    source: 'test',
    desc: '',
    priority: 'Warning',
    tags: [],
    condition: { kind: 'const', value: true },
    events: '*',
    format: [],
    span: SPAN,
    ...more,
  })
  const run = (rules: readonly CompiledRule<Ctx>[], matching: 'all' | 'first', times: number): string[] => {
    let time = 0
    const engine = createEngine(rules, { matching, timeOf: () => time })
    const found: string[] = []
    for (; time < times; time++) engine.run('e', {}, ({ name }, count) => found.push(`${name}${count}`))
    return found
  }
  const series = rule('series', { threshold: threshold() })
  test('a threshold rule tells what it stands for, others 0', () =>
    assert.deepEqual(run([series, rule('plain')], 'all', 3), ['plain0', 'plain0', 'plain0', 'series3']))
  test('a rule that matched first does not keep a threshold from counting', () =>
    assert.deepEqual(run([rule('a'), rule('b'), series], 'first', 3), ['a0', 'a0', 'a0', 'series3']))
  test('a condition that does not hold is not counted', () =>
    assert.deepEqual(run([{ ...series, condition: { kind: 'const', value: false } }], 'all', 9), []))
  test('a rule of another event is not counted', () =>
    assert.deepEqual(run([{ ...series, events: new Set(['f']) }], 'all', 9), []))
  test('without time there are no thresholds', () =>
    assert.throws(() => createEngine([series], { matching: 'all' }), /rule 'series' has a threshold/))
  test('to be asked counts nothing, and tells of every rule that matches', () => {
    let time = 0
    const engine = createEngine([rule('a'), series, rule('b')], { matching: 'first', timeOf: () => time })
    const asked: string[] = []
    for (; time < 9; time++) engine.ask('e', {}, ({ name }) => asked.push(name))
    assert.deepEqual(asked.slice(0, 4), ['a', 'series', 'b', 'a'])
    const found: string[] = []
    for (; time < 12; time++) engine.run('e', {}, ({ name }, count) => found.push(`${name}${count}`))
    assert.deepEqual(found, ['a0', 'a0', 'a0', 'series3'])
  })
  test('statistics by rule', () => {
    const engine = createEngine([series, rule('plain')], { matching: 'all', timeOf: () => 0 })
    engine.run('e', { key: 1 }, () => {})
    assert.deepEqual([...engine.statistics.thresholds.keys()], ['series'])
    assert.equal(engine.statistics.thresholds.get('series')!.keys, 1)
  })
})
