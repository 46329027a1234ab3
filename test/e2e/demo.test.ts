/** Demonstrations, with the agent and its shipped rules watching: each is reported, once for each rule it names. */
import assert from 'node:assert/strict'
import { spawnSync } from 'node:child_process'
import { existsSync } from 'node:fs'
import { suite, test } from 'node:test'
import { setTimeout as sleep } from 'node:timers/promises'
import { SCENARIOS } from '../../src/demo/scenarios.ts'
import { NEEDS_ROOT, TARSIER, withAgent } from './support/agent.ts'

/** An empty /etc that only the demonstration sees. */
const PRIVATE =
  'mount -t tmpfs none /etc && mkdir -p /etc/systemd/system /etc/cron.d && : >/etc/shadow || exit 9; exec "$0" demo "$1" --yes'

const demo = (name: string): ReturnType<typeof spawnSync> =>
  spawnSync('unshare', ['-m', 'sh', '-c', PRIVATE, TARSIER, name], { encoding: 'utf8' })

suite('demonstrations', { skip: NEEDS_ROOT }, () => {
  test('each is reported by the rules it names', async () => {
    const ended = await withAgent({ set: ['json_output=true', 'rule_matching=all'] }, async () => {
      for (const { name } of SCENARIOS) {
        const { status, stderr } = demo(name)
        assert.equal(status, 0, `${name}: ${String(stderr)}`)
      }
      await sleep(300)
    })
    const rules = ended.stdout
      .split('\n')
      .filter((line) => /tarsier.demo|"cat \/etc\/shadow"|4444/.test(line))
      .map((line) => (JSON.parse(line) as { rule: string }).rule)
    for (const { name, reportedBy } of SCENARIOS)
      for (const rule of reportedBy)
        assert.ok(rules.includes(rule), `${name} is reported by '${rule}': ${rules.join(', ')}`)
  })

  test('what it made is gone', () => {
    for (const { touches } of SCENARIOS)
      for (const place of touches) if (place.includes('tarsier-demo')) assert.equal(existsSync(place), false)
  })

  test('without a terminal it does not ask, it refuses', () => {
    const { status, stderr } = spawnSync(TARSIER, ['demo', 'cron'], {
      encoding: 'utf8',
      stdio: ['ignore', 'pipe', 'pipe'],
    })
    assert.equal(status, 1)
    assert.match(stderr, /--yes/)
    assert.equal(existsSync('/etc/cron.d/tarsier-demo'), false)
  })

  test('an unknown one is wrong usage, with a hint', () => {
    const { status, stderr } = spawnSync(TARSIER, ['demo', 'cronn'], { encoding: 'utf8' })
    assert.equal(status, 2)
    assert.match(stderr, /cron/)
  })
})
