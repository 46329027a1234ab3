/** The stable rule pack, loaded as it is: each rule fires when its small action really happens, and a near miss is silent. */
import assert from 'node:assert/strict'
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { existsSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { after, before, suite, test } from 'node:test'
import { setTimeout as sleep } from 'node:timers/promises'
import { type TestResolver, testResolver } from '../../src/testing/resolver.ts'
import { type FakeRuntime, fakeDocker } from '../../src/testing/runtimes.ts'
import {
  marker,
  NEEDS_ROOT,
  openFolder,
  ROOT,
  type Running,
  startAgent,
  writeRules,
} from '../e2e/support/agent.ts'
import { dockerAnswer, firstAct, lastAct, meet, onlyDocker } from './answers.ts'
import { type Case, casesOf, type Expected } from './cases.ts'
import { type Action, openSandbox, type Place, type Sandbox, SERVICE_IP } from './sandbox.ts'

const PACK = join(ROOT, '../shared/data/falco/rules/falco_rules.yaml')

const box: Sandbox | undefined = NEEDS_ROOT || !existsSync(PACK) ? undefined : await openSandbox(marker())

suite('the stable pack, live', {
  skip: NEEDS_ROOT || (box === undefined && `${PACK} is missing`),
  timeout: 90_000,
}, () => {
  let agent: Running
  let old: Server
  let runtime: FakeRuntime
  let resolver: TestResolver
  const cases: readonly Case[] = box === undefined ? [] : casesOf(box)

  before(async () => {
    const own = writeRules(openFolder('own'), lastAct, firstAct)
    old = startServer(box!, 'nginx')
    const socket = join(openFolder('runtime'), 'docker.sock')
    const { container, privileged } = box!.containers
    runtime = await fakeDocker(socket, {
      [`/containers/${container}/json`]: dockerAnswer(container),
      [`/containers/${privileged}/json`]: dockerAnswer(privileged, true),
    })
    resolver = await testResolver({ 'kubernetes.default.svc.cluster.local': [SERVICE_IP] })
    agent = await startAgent({
      rules: [PACK, own],
      // The rule about modules shall fire on kernels without modules, too.
      set: [
        'json_output=true',
        'syscalls.missing=watch',
        `names.servers=[${resolver.server}]`,
        ...onlyDocker(socket),
      ],
    })
    // What an alert reads of a container is known before anything happens in it.
    for (const place of ['container', 'privileged'] as const) await meet(agent, box!, place)
    assert.ok(await agent.until(() => resolver.asked.length > 0, NAMES_MS), 'no name was asked for')
  })
  after(async () => {
    // A start that failed leaves less to end.
    old?.close()
    resolver?.close()
    await runtime?.close()
    box?.close()
    const ended = await agent?.stop()
    assert.equal(ended?.status, 0, ended?.stderr)
  })

  /** What the agent says about programs of the test, with the fields that are asked for. */
  const alerts = (action: Action, place: Place, fields: readonly string[][]): Promise<Expected[]> =>
    alertsOf(() => box!.run(action, place), fields)
  const alertsOf = async (act: () => unknown, fields: readonly string[][]): Promise<Expected[]> => {
    const word = /mark[0-9a-f]+/.exec(box!.folder)![0]
    const lines = await agent.alerts(word, act)
    return lines.map((line, i) => {
      const {
        rule,
        priority,
        output_fields: all,
      } = JSON.parse(line) as Expected & {
        output_fields: Expected['fields']
      }
      const names = fields[i] ?? fields[0] ?? []
      return { rule, priority, fields: Object.fromEntries(names.map((name) => [name, all[name] ?? null])) }
    })
  }

  for (const {
    rule,
    priority,
    place,
    act,
    alerts: wanted,
    near,
    nearPlace = place,
    nearAlerts = [],
  } of cases) {
    test(`${rule}: fires`, async () =>
      assert.deepEqual(
        await alerts(act, place, wanted.map(Object.keys)),
        wanted.map((fields) => ({ rule, priority, fields })),
      ))
    test(`${rule}: near miss`, async () => {
      const names = nearAlerts.map(({ fields }) => Object.keys(fields))
      assert.deepEqual(await alerts(near, nearPlace, names), nearAlerts)
    })
    if (place !== 'host')
      test(`${rule}: outside of a container`, async () => {
        const said = await alerts(act, 'host', [])
        assert.deepEqual(
          said.filter((alert) => alert.rule === rule),
          [],
        )
      })
  }

  const read = (rule: string, by: string): Expected => ({
    rule,
    priority: 'Warning',
    fields: { 'fd.name': '/etc/shadow', 'proc.name': by },
  })
  test('Read sensitive file trusted after startup: near miss, a server that just started', async () =>
    assert.deepEqual(await alertsOf(() => startServer(box!, 'httpd').read(), [['fd.name', 'proc.name']]), [
      read('Read sensitive file untrusted', 'httpd'),
    ]))
  test('Read sensitive file trusted after startup: fires', async () => {
    await sleep(Math.max(0, START_UP_MS - (performance.now() - old.since)))
    assert.deepEqual(await alertsOf(() => old.read(), [['fd.name', 'proc.name']]), [
      read('Read sensitive file trusted after startup', 'nginx'),
    ])
  })

  test('no rule of the pack was left out', () => {
    const names = [...readFileSync(PACK, 'utf8').matchAll(/^- rule: (.+)$/gm)].map((match) => match[1]!)
    const fired = new Set([...cases.map(({ rule }) => rule), ...ALONE])
    assert.equal(names.length, 25)
    assert.deepEqual(
      names.filter((name) => !fired.has(name)),
      [],
    )
  })
})

/** Rules with a test of their own. */
const ALONE = ['Read sensitive file trusted after startup']

/** Longest time for a question about a name. */
const NAMES_MS = 5000

/** A server counts as started after five seconds (proc_is_new). */
const START_UP_MS = 5100

interface Server {
  readonly since: number
  /** Let it read a secret and end. */
  read(): Promise<unknown>
  close(): void
}

function startServer(box: Sandbox, name: string): Server {
  const shell = { file: box.named(name, '/bin/sh'), args: ['-c', 'read go; read secret < /etc/shadow'] }
  const [file, ...args] = box.commandLine(shell, 'host')
  const child = spawn(file!, args, { stdio: ['pipe', 'ignore', 'ignore'] })
  return {
    since: performance.now(),
    read() {
      child.stdin.end('go\n')
      return once(child, 'exit')
    },
    close: () => void child.kill('SIGKILL'),
  }
}
