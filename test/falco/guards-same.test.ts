/**
 * Guards change nothing but the work: the acts of all rules of the stable pack, and a watch list, say the same with guards
 * and without. With guards one of two events passed over is judged all the same; none may be wanted.
 */
import assert from 'node:assert/strict'
import { existsSync } from 'node:fs'
import { join } from 'node:path'
import { after, before, suite, test } from 'node:test'
import { GUARD_RULE } from '../../src/detect/alert.ts'
import { marker, NEEDS_ROOT, openFolder, ROOT, startAgent, writeRules } from '../e2e/support/agent.ts'
import { lastAct, onlyDocker } from './answers.ts'
import { casesOf } from './cases.ts'
import { openSandbox, type Sandbox } from './sandbox.ts'

const PACK = join(ROOT, '../shared/data/falco/rules/falco_rules.yaml')
const WATCH_LIST = join(ROOT, 'test/seeds/rand-guard/config.toml')

const box: Sandbox | undefined = NEEDS_ROOT || !existsSync(PACK) ? undefined : await openSandbox(marker())
const word = box && /mark[0-9a-f]+/.exec(box.folder)![0]

/** Values that are another at each run. */
const CHANGING = /time|pid|_ns$|tid|fd\.num|seq|id$|cgroup|suppressed|version|ancestors|start|bytes|^fd$/

/** Ports that the kernel chose. */
const EPHEMERAL = /\b(3[2-9]|4\d|5\d|6[0-5])\d{3}\b/g

const settled = (line: string): string => {
  const record = JSON.parse(line) as Record<string, unknown>
  const fields = (record['output_fields'] ?? record) as Record<string, unknown>
  const kept = Object.entries(fields).filter(([name]) => !CHANGING.test(name) && name !== 'output')
  const text = JSON.stringify([record['rule'], Object.fromEntries(kept.sort(([a], [b]) => (a < b ? -1 : 1)))])
  return text.replace(EPHEMERAL, 'PORT')
}

/** What is said about all acts, in the order of their text. */
async function said(guards: boolean, args: readonly string[], set: readonly string[]): Promise<string[]> {
  const agent = await startAgent({
    args,
    set: [`kernel.guards=${guards}`, 'kernel.guard_audit=2', ...set],
    rules: [writeRules(openFolder('own'), lastAct)],
  })
  const lines: string[] = []
  try {
    for (const { act, near, place, nearPlace = place } of casesOf(box!)) {
      const acts = async (): Promise<void> => {
        await box!.run(act, place)
        await box!.run(near, nearPlace)
      }
      lines.push(...(await agent.alerts(word!, acts)))
    }
    assert.deepEqual(
      agent.lines.filter((line) => line.includes(GUARD_RULE)),
      [],
    )
  } finally {
    await agent.stop()
  }
  return lines.map(settled).sort()
}

suite('with and without guards', {
  skip: NEEDS_ROOT || (box === undefined && `${PACK} is missing`),
  timeout: 120_000,
}, () => {
  // What exists after the first time exists ever after.
  before(async () => {
    for (const { act, near, place, nearPlace = place } of casesOf(box!)) {
      await box!.run(act, place)
      await box!.run(near, nearPlace)
    }
  })
  after(() => box?.close())

  test('the stable pack says the same', async () => {
    const set = [
      'json_output=true',
      'rule_matching=all',
      ...onlyDocker(join(openFolder('none'), 'none.sock')),
    ]
    const args = ['-r', PACK]
    const without = await said(false, args, set)
    assert.ok(without.length > 20, `${without.length} alerts`)
    assert.deepEqual(await said(true, args, set), without)
  })

  test('a watch list reports the same', async () => {
    const args = ['-c', WATCH_LIST]
    // Alerts say when an act is over.
    const set = ['agent.mode=detect']
    const without = await said(false, args, set)
    assert.ok(without.length > 20, `${without.length} records`)
    assert.deepEqual(await said(true, args, set), without)
  })
})
