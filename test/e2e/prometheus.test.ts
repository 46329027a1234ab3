/**
 * Debian's Prometheus scrapes a running agent, judges by the shipped alert rules and tells Debian's Alertmanager: all on
 * loopback, with directories of their own.
 */
import assert from 'node:assert/strict'
import { type ChildProcess, spawn, spawnSync } from 'node:child_process'
import { copyFileSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { after, before, suite, test } from 'node:test'
import { setTimeout as sleep } from 'node:timers/promises'
import { freePort } from '../../src/testing/waiting.ts'
import {
  marker,
  NEEDS_ROOT,
  openFolder,
  opensOf,
  ROOT,
  type Running,
  startAgent,
  writeRules,
} from './support/agent.ts'

const missing = ['prometheus', 'promtool', 'prometheus-alertmanager'].find(
  (name) => spawnSync(name, ['--version']).error !== undefined,
)
const SKIP = NEEDS_ROOT || (missing === undefined ? false : `needs ${missing}`)
const TIME_MS = 60_000

/** What a page of JSON says once it is as it should be. */
async function until<T>(url: string, what: (page: T) => boolean): Promise<T> {
  const end = performance.now() + TIME_MS
  let last: unknown
  while (performance.now() < end) {
    try {
      last = await (await fetch(url)).json()
      if (what(last as T)) return last as T
    } catch (error) {
      last = error
    }
    await sleep(200)
  }
  assert.fail(`${url}: ${JSON.stringify(last)} ${String(last)}`)
}

interface PromAlerts {
  readonly data: {
    readonly alerts: readonly { readonly state: string; readonly labels: Readonly<Record<string, string>> }[]
  }
}
interface PromValues {
  readonly data: { readonly result: readonly { readonly value: readonly [number, string] }[] }
}

suite('Prometheus and Alertmanager', { skip: SKIP }, () => {
  const folder = SKIP ? '' : openFolder('prometheus')
  const word = marker()
  const rules = SKIP ? '' : writeRules(folder, opensOf(word, 'file=%fd.name'))
  const children: ChildProcess[] = []
  let agent: Running
  let page = ''
  let prometheus = ''
  let alertmanager = ''

  const run = (name: string, ...args: readonly string[]): void => {
    const child = spawn(name, args, { stdio: 'ignore', cwd: folder })
    child.unref()
    children.push(child)
  }
  before(async () => {
    agent = await startAgent({ rules: [rules], set: ['webserver.enabled=true', 'webserver.listen_port=0'] })
    await agent.until(() => agent.stderr.includes('listens on'), TIME_MS)
    page = /listens on http:\/\/(127\.0\.0\.1:\d+)/.exec(agent.stderr)?.[1] ?? assert.fail(agent.stderr)
    const [one, two] = [`127.0.0.1:${await freePort()}`, `127.0.0.1:${await freePort()}`]
    prometheus = `http://${one}`
    alertmanager = `http://${two}`
    copyFileSync(join(ROOT, 'packaging/prometheus/tarsier.rules.yml'), join(folder, 'tarsier.rules.yml'))
    const quick = { scrape_interval: '1s', scrape_timeout: '1s', evaluation_interval: '1s' }
    const config = {
      global: quick,
      rule_files: ['tarsier.rules.yml'],
      alerting: { alertmanagers: [{ static_configs: [{ targets: [two] }] }] },
      scrape_configs: [{ job_name: 'tarsier', static_configs: [{ targets: [page] }] }],
    }
    writeFileSync(join(folder, 'prometheus.yml'), JSON.stringify(config))
    const receivers = { route: { receiver: 'nobody', group_wait: '0s' }, receivers: [{ name: 'nobody' }] }
    writeFileSync(join(folder, 'alertmanager.yml'), JSON.stringify(receivers))
    for (const name of ['data', 'alerts']) mkdirSync(join(folder, name))
    run(
      'prometheus-alertmanager',
      '--config.file=alertmanager.yml',
      '--storage.path=alerts',
      `--web.listen-address=${two}`,
      '--cluster.listen-address=',
    )
    run(
      'prometheus',
      '--config.file=prometheus.yml',
      '--storage.tsdb.path=data',
      `--web.listen-address=${one}`,
    )
  })
  after(async () => {
    for (const child of children) child.kill('SIGKILL')
    if (agent !== undefined && !agent.over) await agent.stop()
  })

  const stateOf = ({ data }: PromAlerts, name: string): string | undefined =>
    data.alerts.find(({ labels }) => labels['alertname'] === name)?.state
  const query = (text: string): string => `${prometheus}/api/v1/query?query=${encodeURIComponent(text)}`

  test('the page is taken, and its own names are as promtool wants them', async () => {
    const text = await (await fetch(`http://${page}/metrics`)).text()
    const own = text.replace(/^(?:# (?:HELP|TYPE) )?(?:falcosecurity|tracee)_.*\n/gm, '')
    const { status, stdout, stderr } = spawnSync('promtool', ['check', 'metrics'], {
      input: own,
      encoding: 'utf8',
    })
    assert.equal(status, 0, stdout + stderr)
    await until<PromValues>(query('up{job="tarsier"}'), ({ data }) => data.result[0]?.value[1] === '1')
  })
  test('what is counted comes through, under our name, Falco’s and Tracee’s', async () => {
    await agent.alerts(word, () => writeFileSync(join(folder, word), ''))
    // The last act of the helper is one more.
    for (const name of [
      `tarsier_alerts_total{rule="Opens of ${word}"}`,
      `falcosecurity_falco_rules_matches_total{rule_name="Opens of ${word}"}`,
      'tracee_rules_detections_total',
    ])
      await until<PromValues>(query(name), ({ data }) => Number(data.result[0]?.value[1]) >= 2)
  })
  test('an alert is raised, and arrives in Alertmanager', async () => {
    // The agent's eye on its files tells of this, whatever the rules say.
    writeFileSync(rules, `${readFileSync(rules, 'utf8')}\n`)
    const raised = (alerts: PromAlerts): boolean => stateOf(alerts, 'TarsierTampering') === 'firing'
    await until<PromAlerts>(`${prometheus}/api/v1/alerts`, raised)
    type Known = readonly { readonly labels: Readonly<Record<string, string>> }[]
    const known = await until<Known>(`${alertmanager}/api/v2/alerts`, (alerts) => alerts.length > 0)
    assert.deepEqual(
      known.map(({ labels }) => [
        labels['alertname'],
        labels['rule'],
        labels['severity'],
        labels['instance'],
      ]),
      [['TarsierTampering', 'Tarsier integrity: file changed', 'critical', page]],
    )
  })
  test('an agent that has gone is about to be told of', async () => {
    await agent.stop()
    const pending = (alerts: PromAlerts): boolean => stateOf(alerts, 'TarsierDown') === 'pending'
    await until<PromAlerts>(`${prometheus}/api/v1/alerts`, pending)
  })
})
