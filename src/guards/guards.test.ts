import assert from 'node:assert/strict'
import { test } from 'node:test'
import { createEngine } from '../detect/engine.ts'
import { namesIn } from '../state/users.ts'
import {
  createRandom,
  type Random,
  randomCondition,
  randomEvent,
  randomExec,
  randomRule,
} from '../testing/guard-cases.ts'
import { rulesOf } from '../testing/rules.ts'
import { createWorld, PASSWD } from '../testing/world.ts'
import { inputOf } from './extract.ts'
import { classBits, planGuards } from './plan.ts'
import { judge } from './tables.ts'

/** Pairs of a rule and an event; the long form: `TARSIER_GUARD_PAIRS=10000000`. */
const PAIRS = Number(process.env['TARSIER_GUARD_PAIRS'] ?? 12_000)
const RULES = 4
/** The long form has more events for the same rules: most time goes into those. */
const EVENTS_EACH = PAIRS < 1_000_000 ? 60 : 600

const ruleFile = (random: Random): string =>
  JSON.stringify(
    Array.from({ length: RULES }, (_, i) => ({
      rule: `r${i}`,
      desc: 'd',
      condition: random.chance(50) ? randomRule(random) : randomCondition(random),
      output: 'o',
      priority: 'INFO',
      warn_evttypes: false,
    })),
  )

const plain = (value: unknown): string =>
  JSON.stringify(value, (_, v) => (typeof v === 'bigint' ? String(v) : v instanceof Uint8Array ? [...v] : v))

test(`whenever a rule matches, its guard lets the event pass (${PAIRS} pairs)`, () => {
  const seed = Number(process.env['TARSIER_GUARD_SEED'] ?? 1)
  const random = createRandom(seed)
  const world = createWorld()
  // Every process is known from the first event on.
  for (let i = 0; i < 50; i++) world.feed(randomExec(random))
  const counts = { matched: 0, dropped: 0 }
  for (let pairs = 0; pairs < PAIRS; pairs += RULES * EVENTS_EACH) {
    const text = ruleFile(random)
    const rules = rulesOf('random.yaml', text)
    const plan = planGuards({ rules, streams: [], users: [namesIn(PASSWD)] })
    const engine = createEngine(rules, { matching: 'all' })
    for (let i = 0; i < EVENTS_EACH; i++) {
      if (random.chance(20)) world.feed(randomExec(random))
      const record = randomEvent(random)
      const ctx = world.feed(record)
      const input = inputOf(ctx)!
      const live = judge(plan.tables, input)
      engine.run(record.event, ctx, (rule) => {
        counts.matched++
        const own = classBits(plan, rule, record.event)
        assert.ok(
          (live & own) !== 0n,
          `seed ${seed}: '${rule.name}' of ${text} matches ${plain({ record, input })}`,
        )
      })
      for (const rule of rules) if ((live & classBits(plan, rule, record.event)) === 0n) counts.dropped++
    }
  }
  assert.ok(counts.matched > PAIRS / 100, `only ${counts.matched} pairs match: the test looks at nothing`)
  assert.ok(
    counts.dropped > PAIRS / 10,
    `only ${counts.dropped} pairs are dropped: the guard asks for nothing`,
  )
})
