import assert from 'node:assert/strict'
import { readdirSync } from 'node:fs'
import { join } from 'node:path'
import test from 'node:test'
import { createEngine } from '../detect/engine.ts'
import { holds } from '../detect/reference.ts'
import { generateRuleSet, loadRuleSet } from './rule-sets.ts'
import { Host, rulesBench } from './rules.ts'
import { createMix } from './rules-mix.ts'

const folder = join(import.meta.dirname, '../../rules/default')
const shipped = loadRuleSet(
  'shipped',
  readdirSync(folder)
    .filter((name) => name.endsWith('.yaml') && !name.endsWith('.test.yaml'))
    .map((name) => join(folder, name)),
)

test('the engine finds in the mix what walking every condition finds', () => {
  const rules = [...shipped.rules, ...generateRuleSet(120).rules].filter(
    ({ threshold }) => threshold === undefined,
  )
  const engine = createEngine(rules, { matching: 'all' })
  const mix = createMix(600, 0.5)
  const host = new Host(mix)
  for (let pass = 0; pass < 2; pass++) {
    mix.freshen()
    host.pass((ctx) => {
      const { name } = ctx.event
      const found: string[] = []
      engine.run(name, ctx, (rule) => found.push(rule.name))
      const expected = rules.filter(
        ({ events, condition }) => (events === '*' || events.has(name)) && holds(condition, ctx),
      )
      assert.deepEqual(
        found,
        expected.map((rule) => rule.name),
      )
    })
  }
  assert.equal(engine.statistics.errors, 0)
})

test('the mix is the same every time, but for what is fresh', () => {
  const text = (fresh: number): string => {
    const mix = createMix(200, fresh)
    mix.freshen()
    return Buffer.from(mix.memory).toString('latin1')
  }
  assert.equal(text(0.5), text(0.5))
  const mix = createMix(200, 0.5)
  mix.freshen()
  const before = Buffer.from(mix.memory).toString('latin1')
  mix.freshen()
  assert.notEqual(Buffer.from(mix.memory).toString('latin1'), before)
})

test('a short run measures every number of rules at every share, with its goals', async () => {
  const { tables, goals } = await rulesBench.run({ quick: true, root: '.', progress: () => {} })
  assert.equal(tables[0]!.rows.length, 6)
  assert.equal(goals!.length, 1)
})
