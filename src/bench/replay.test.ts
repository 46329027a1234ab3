import assert from 'node:assert/strict'
import test from 'node:test'
import { replayBench } from './replay.ts'

test('a short run replays every event of a small and a larger capture, whatever the rules', async () => {
  const { results, goals } = await replayBench.run({ quick: true, root: '.', progress: () => {} })
  const runs = results['runs'] as readonly {
    readonly format: string
    readonly events: number
    readonly perSecond: number
  }[]
  const of = (name: string): readonly number[] =>
    runs.filter(({ format }) => format === name).map(({ events }) => events)
  const [small, , large] = of('tarsier')
  assert.deepEqual(of('tarsier'), [small, small, large, large])
  assert.ok(small! >= 600 && large! > 2 * small!)
  const [first, second] = of('scap')
  assert.ok(first! >= 6000 && second! > first!)
  assert.ok(runs.every(({ perSecond }) => perSecond > 0))
  assert.equal(goals.length, 2)
})
