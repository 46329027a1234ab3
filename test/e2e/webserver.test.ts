/** The agent's pages for machines: what they count is what happened, and they go away with it. */
import assert from 'node:assert/strict'
import { readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { suite, test } from 'node:test'
import { marker, NEEDS_ROOT, openFolder, opensOf, startAgent, writeRules } from './support/agent.ts'

suite('web server', { skip: NEEDS_ROOT }, () => {
  test('pages while it runs, nothing before and after', async () => {
    const folder = openFolder('web')
    const word = marker()
    const rule = { ...opensOf(word, 'file=%fd.name'), tags: ['own'] }
    const agent = await startAgent({
      rules: [writeRules(folder, rule)],
      set: ['webserver.enabled=true', 'webserver.listen_port=0'],
    })
    await agent.until(() => agent.stderr.includes('listens on'), 2000)
    const url = /listens on (http:\/\/127\.0\.0\.1:\d+)/.exec(agent.stderr)?.[1] ?? assert.fail(agent.stderr)
    const page = async (path: string): Promise<string> => (await fetch(`${url}${path}`)).text()
    assert.equal(await page('/healthz'), '{"status": "ok"}')
    assert.equal(JSON.parse(await page('/versions')).node, process.versions.node)

    const file = join(folder, word)
    const lines = await agent.alerts(word, () => {
      for (let i = 0; i < 3; i++) writeFileSync(file, '')
      readFileSync(file)
    })
    assert.equal(lines.length, 4)
    const metrics = await page('/metrics')
    const value = (start: string): number =>
      Number(
        metrics
          .split('\n')
          .find((line) => line.startsWith(start))
          ?.slice(start.length),
      )
    // The last act of the test is one more.
    assert.equal(value(`tarsier_alerts_total{rule="${rule.rule}",priority="Warning",source="syscall"} `), 5)
    assert.equal(
      value(
        `falcosecurity_falco_rules_matches_total{rule_name="${rule.rule}",priority="4",source="syscall",tag_own="true"} `,
      ),
      5,
    )
    const [seen, guarded, submitted] = ['seen', 'guarded', 'submitted'].map((name) =>
      value(`tarsier_kernel_${name}_total{program="exit_openat"} `),
    )
    assert.ok(seen! > 0 && submitted! >= 5 && guarded! + submitted! <= seen!)
    assert.ok(value('process_cpu_seconds_total ') > 0)

    assert.equal((await agent.stop()).status, 0)
    await assert.rejects(fetch(`${url}/healthz`))
  })
  test('nothing listens unless it is asked to', async () => {
    const agent = await startAgent({ rules: [writeRules(openFolder('web'), opensOf(marker(), 'x'))] })
    assert.doesNotMatch(agent.stderr, /webserver/)
    assert.equal((await agent.stop()).status, 0)
  })
})
