/** A run with a falco.yaml that shapes its alerts and asks for what Falco says about itself. */
import assert from 'node:assert/strict'
import { readFileSync, renameSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { test } from 'node:test'
import { marker, NEEDS_ROOT, openFolder, opensOf, startAgent, writeRules } from './support/agent.ts'

/** Twice the second in which lost events are looked for. */
const NOTICE_MS = 10_000

const CONFIGURATION = (rules: string, alerts: string): string => `
rules_files: [${rules}]
json_output: true
json_include_message_property: true
time_format_iso_8601: true
static_fields: { site: "north \${WHERE}" }
append_output:
  - suggested_output: true
  - match: { tags: [files] }
    extra_output: "cpu=%evt.cpu"
    extra_fields: [proc.pid, { who: "%proc.name on %static.site" }]
file_output: { enabled: true, keep_alive: false, filename: ${alerts} }
metrics: { enabled: true, interval: 200ms, rules_counters_enabled: true }
syscall_event_drops: { simulate_drops: true, threshold: 0, actions: [log, alert], rate: 0, max_burst: 1 }
`

type Json = Readonly<Record<string, unknown>> & { readonly output_fields: Readonly<Record<string, unknown>> }
const parsed = (lines: readonly string[]): readonly Json[] => lines.map((line) => JSON.parse(line) as Json)

test('falco.yaml: shape of alerts, a file that is moved away, internal alerts', {
  skip: NEEDS_ROOT,
}, async () => {
  const folder = openFolder('falco-yaml')
  const word = marker()
  const rule = { ...opensOf(word, 'opened %fd.name sip=%fd.sip'), tags: ['more', 'files'], priority: 'INFO' }
  const file = join(folder, 'falco.yaml')
  const alerts = join(folder, 'alerts')
  writeFileSync(file, CONFIGURATION(writeRules(folder, rule), alerts))
  const agent = await startAgent({ args: ['-c', file], env: { FALCO_HOSTNAME: 'box', WHERE: 'of it' } })
  try {
    const target = join(folder, word)
    const [line] = await agent.alerts(word, () => writeFileSync(target, ''))
    const alert = JSON.parse(line!) as Json
    assert.deepEqual(Object.keys(alert), [
      'hostname',
      'message',
      'output',
      'output_fields',
      'priority',
      'rule',
      'source',
      'tags',
      'time',
    ])
    const message = String(alert['message'])
    const added =
      / container_id=\S+ container_name=\S+ container_image_repository=\S+ container_image_tag=\S+ k8s_pod_name=\S+ k8s_ns_name=\S+ static_site=north of it cpu=\d+$/
    assert.equal(message.replace(added, ''), `opened ${target} sip=<NA>`)
    assert.equal(alert['output'], `${String(alert['time']).replace(/Z$/, '+0000')}: Informational ${message}`)
    const { 'evt.time.iso8601': time, 'evt.cpu': cpu, ...values } = alert.output_fields
    assert.deepEqual([typeof time, typeof cpu], ['number', 'number'])
    // The machine of a test may be a container.
    const own = Object.entries(values).filter(([name]) => !/^(?:container|k8s)\./.test(name))
    assert.deepEqual(Object.fromEntries(own), {
      'fd.name': target,
      'fd.sip': null,
      'proc.pid': process.pid,
      'static.site': 'north of it',
      who: `${readFileSync('/proc/self/comm', 'utf8').trim()} on north of it`,
    })
    assert.equal(Object.keys(values).length, own.length + 6)

    renameSync(alerts, `${alerts}.1`)
    const [again] = await agent.alerts(word, () => writeFileSync(target, ''))
    assert.ok(readFileSync(`${alerts}.1`, 'utf8').includes(`${line}\n`))
    assert.ok(readFileSync(alerts, 'utf8').includes(`${again}\n`))

    const internal = (name: string): Json | undefined =>
      parsed(agent.lines).find((one) => one['rule'] === `Falco internal: ${name}`)
    const names = ['syscall event drop', 'metrics snapshot']
    await agent.until(() => names.every((name) => internal(name) !== undefined), NOTICE_MS)
    const [drop, metrics] = names.map(internal)
    assert.deepEqual(
      [drop?.['priority'], drop?.['source'], drop?.output_fields['n_drops'], 'tags' in drop!],
      ['Debug', 'internal', '1', false],
    )
    assert.equal(metrics?.['priority'], 'Informational')
    assert.equal(metrics?.output_fields['evt.hostname'], 'box')
    assert.match(agent.stderr, /^(?!.*not served)/)
  } finally {
    const { status } = await agent.stop()
    assert.equal(status, 0)
  }
})
