import assert from 'node:assert/strict'
import test from 'node:test'
import { replayBench } from './replay.ts'

test('a short run replays every event of a small and a larger capture, whatever the rules', async () => {
  const { results, goals } = await replayBench.run({ quick: true, root: '.', progress: () => {} })
  const runs = results['runs'] as readonly { readonly events: number; readonly perSecond: number }[]
  const [small, , large] = runs.map(({ events }) => events)
  assert.deepEqual(
    runs.map(({ events }) => events),
    [small, small, large, large],
  )
  assert.ok(small! >= 600 && large! > 2 * small!)
  assert.ok(runs.every(({ perSecond }) => perSecond > 0))
  assert.equal(goals.length, 1)
})
