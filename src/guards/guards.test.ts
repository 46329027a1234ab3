import assert from 'node:assert/strict'
import { test } from 'node:test'
import { createEngine } from '../detect/engine.ts'
import { createRandom, randomCase, randomCondition } from '../testing/guard-cases.ts'
import { rulesOf } from '../testing/rules.ts'
import { createWorld } from '../testing/world.ts'
import { planGuards } from './plan.ts'
import { judge } from './tables.ts'

/** Pairs of a rule and an event; the long form: `TARSIER_GUARD_PAIRS=10000000`. */
const PAIRS = Number(process.env['TARSIER_GUARD_PAIRS'] ?? 10_000)
const EVENTS_EACH = 50

test(`whenever a rule matches, its guard lets the event pass (${PAIRS} pairs)`, () => {
  const seed = Number(process.env['TARSIER_GUARD_SEED'] ?? 1)
  const random = createRandom(seed)
  const world = createWorld()
  let matched = 0
  let dropped = 0
  for (let pairs = 0; pairs < PAIRS; pairs += EVENTS_EACH) {
    const condition = randomCondition(random)
    const text = JSON.stringify([
      { rule: 'r', desc: 'd', condition, output: 'o', priority: 'INFO', warn_evttypes: false },
    ])
    const rules = rulesOf('random.yaml', text)
    const tables = planGuards({ rules, streams: [] }).tables
    const engine = createEngine(rules, { matching: 'all' })
    for (let i = 0; i < EVENTS_EACH; i++) {
      const { record, input } = randomCase(random)
      const ctx = world.feed(record)
      let found = false
      engine.run(record.event, ctx, () => {
        found = true
      })
      const live = judge(tables, input)
      if (found) matched++
      if (live === 0n) dropped++
      if (found && live === 0n)
        assert.fail(
          `seed ${seed}: '${condition}' matches ${JSON.stringify({ record, input }, (_, v) => (typeof v === 'bigint' ? String(v) : v))}, which its guard drops`,
        )
    }
  }
  assert.ok(matched > PAIRS / 100, `only ${matched} pairs match: the test looks at nothing`)
  assert.ok(dropped > PAIRS / 10, `only ${dropped} events are dropped: the guard asks for nothing`)
})
