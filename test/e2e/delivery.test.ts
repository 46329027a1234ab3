/**
 * Alerts of a running agent whose receivers are away, slow or hostile, whose disk is full, or that is killed. With
 * TARSIER_OUTAGE_S and TARSIER_FLOOD_S these last as long as they do in life: `TARSIER_OUTAGE_S=3600` for an hour of answers 500.
 */
import assert from 'node:assert/strict'
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { closeSync, openSync, readFileSync, rmSync, writeFileSync, writeSync } from 'node:fs'
import type { ServerOptions } from 'node:https'
import { join } from 'node:path'
import { suite, type TestContext, test } from 'node:test'
import { setTimeout as sleep } from 'node:timers/promises'
import { selfSigned } from '../../src/testing/certificates.ts'
import { type HttpReceiver, receiveHttp } from '../../src/testing/http-receiver.ts'
import {
  marker,
  NEEDS_ROOT,
  openFolder,
  opensOf,
  type Running,
  startAgent,
  writeRules,
} from './support/agent.ts'

const OUTAGE_S = Number(process.env['TARSIER_OUTAGE_S'] ?? 2)
const FLOOD_S = Number(process.env['TARSIER_FLOOD_S'] ?? 5)
/** So that all of an outage has room in a queue in memory, however long it is. */
const OUTAGE_PAUSE_MS = Math.max(50, OUTAGE_S / 2)
/** 100,000 a minute. */
const PER_SECOND = 1667
const WAIT_MS = 30_000
const MOST_RESIDENT_KIB = 400_000

suite('delivery', { skip: NEEDS_ROOT }, () => {
  const folder = NEEDS_ROOT ? '' : openFolder('delivery')
  const word = marker()
  const rules = NEEDS_ROOT ? [] : [writeRules(folder, opensOf(word, 'file=%fd.name exe=%proc.exepath'))]
  let made = 0
  /** Open so many files, each with a name of its own. */
  const open = (count: number): void => {
    for (let i = 0; i < count; i++) writeFileSync(join(folder, `${word}-${made++}`), '')
  }
  const idsAt = ({ received }: HttpReceiver): readonly string[] =>
    received.flatMap(({ headers }) => String(headers['x-tarsier-alert-id'] ?? '').split(','))
  const outputs = (...entries: readonly object[]): string => `outputs=${JSON.stringify(entries)}`
  const QUICK = { retry_min_ms: 50, retry_max_ms: 500 }
  const told = (agent: Running): readonly Readonly<Record<string, unknown>>[] =>
    agent.lines.map((line) => JSON.parse(line))

  test('an agent is killed while its receiver is down: the next one delivers all, and says how long there was none', async (t) => {
    const server = await receiver(t)
    server.answer = 500
    const start = {
      rules,
      lock: join(openFolder('lock'), 'agent.lock'),
      set: [
        'output.format=tarsier',
        'rule_matching=all',
        outputs({
          type: 'http',
          name: 'siem',
          url: server.url,
          spool: join(folder, 'spool'),
          batch: 7,
          ...QUICK,
        }),
      ],
    }
    const first = await startAgent(start)
    open(200)
    await first.until(() => first.lines.length >= 200, WAIT_MS)
    const given = told(first).map(({ id }) => String(id))
    await first.stop('SIGKILL')
    assert.deepEqual([given.length, new Set(given).size, server.received.length], [200, 200, 0])

    server.answer = 200
    const second = await startAgent(start)
    await second.until(() => new Set(idsAt(server)).size >= 201, WAIT_MS)
    const came = new Set(idsAt(server))
    assert.deepEqual(
      given.filter((id) => !came.has(id)),
      [],
    )
    const absence = told(second).find(({ rule }) => rule === 'Tarsier internal: agent was not running')
    const seconds = Number(JSON.stringify(absence).match(/"seconds":([\d.]+)/)?.[1])
    assert.ok(seconds > 0 && seconds < 120, String(seconds))
    assert.match(second.stderr, /No agent ran for \d+\.\d{3} s/)
    // What ran before it is known to the second one as well.
    open(1)
    await second.until(() => told(second).length >= 2, WAIT_MS)
    assert.ok(String(told(second).at(-1)!['message']).includes(`exe=${process.execPath}`))
    assert.equal((await second.stop()).status, 0)
  })

  test('a full disk: what does not fit is counted or waits in memory, and goes on when there is room', async (t) => {
    const server = await receiver(t)
    server.answer = 500
    const disk = openFolder('disk')
    const mounted = `mount -t tmpfs -o size=512k,mode=0755 none ${disk} && exec "$@"`
    const agent = await startAgent({
      rules,
      via: ['unshare', '--mount', '--propagation', 'private', 'sh', '-c', mounted, 'sh'],
      set: [
        'output.format=tarsier',
        outputs(
          { type: 'http', name: 'siem', url: server.url, spool: join(disk, 'spool'), ...QUICK },
          { type: 'file', path: join(disk, 'alerts') },
        ),
      ],
    })
    // The disk is the agent's alone.
    const inside = join(`/proc/${agent.pid}/root`, disk)
    open(3)
    await agent.until(() => agent.lines.length >= 3, WAIT_MS)
    fill(join(inside, 'ballast'))
    open(60)
    await agent.until(() => agent.lines.length >= 63, WAIT_MS)
    assert.match(
      agent.stderr,
      /Output siem: spool .*no space left on the disk; what does not fit waits in memory/,
    )
    rmSync(join(inside, 'ballast'))
    server.answer = 200
    open(3)
    await agent.until(() => new Set(idsAt(server)).size >= 66, WAIT_MS)
    assert.deepEqual(new Set(idsAt(server)), new Set(told(agent).map(({ id }) => String(id))))
    const lines = readFileSync(join(inside, 'alerts'), 'utf8')
      .split('\n')
      .filter((line) => line.endsWith('}'))
    const { stderr, status } = await agent.stop()
    assert.equal(status, 0)
    assert.match(stderr, /^ +66 {2}siem\b/m)
    const lost = Number(/file, (\d+) lost: error/.exec(stderr)?.[1])
    assert.ok(lost > 0 && lost + lines.length >= 66, stderr)
  })

  test(`receivers that hang, answer 500 or cannot be trusted, for ${OUTAGE_S} s: whoever works gets everything`, async (t) => {
    const certificate = selfSigned(folder)
    const [broken, hanging, foreign, works] = [
      await receiver(t),
      await receiver(t),
      await receiver(t, certificate),
      await receiver(t),
    ]
    broken.answer = 500
    hanging.answer = 'hang'
    const http = { type: 'http', timeout_ms: 300, ...QUICK }
    const agent = await startAgent({
      rules,
      set: [
        'stdout_output.enabled=false',
        outputs(
          { ...http, name: 'broken', url: broken.url },
          { ...http, name: 'hanging', url: hanging.url },
          { ...http, name: 'foreign', url: foreign.url },
          { ...http, name: 'works', url: works.url },
        ),
      ],
    })
    const before = made
    for (
      const end = performance.now() + OUTAGE_S * 1000;
      performance.now() < end;
      await sleep(OUTAGE_PAUSE_MS)
    )
      open(5)
    // In an hour a machine has other things to tell of as well.
    const opened = ({ received }: HttpReceiver): number =>
      new Set(received.flatMap(({ body }) => body.match(new RegExp(`${word}-\\d+`, 'g')) ?? [])).size
    await agent.until(() => opened(works) >= made - before, WAIT_MS)
    assert.equal(opened(works), made - before)
    // One of them is well again before the end.
    broken.answer = 200
    await agent.until(() => idsAt(broken).length >= idsAt(works).length, WAIT_MS * 4)
    const { stderr, status } = await agent.stop()
    assert.equal(status, 0)
    assert.deepEqual(new Set(idsAt(broken)), new Set(idsAt(works)))
    const all = new Set(idsAt(works)).size
    for (const name of ['hanging', 'foreign'])
      assert.match(stderr, new RegExp(`^ +0 {2}${name}, \\d+ deliveries failed, ${all} lost: unsent$`, 'm'))
    assert.match(stderr, new RegExp(`^ +${all} {2}works$`, 'm'))
    for (const said of [
      /Output broken: .*500/,
      /Output hanging: no answer within/,
      /Output foreign: .*certificate/,
    ])
      assert.match(stderr, said)
  })

  test(`100,000 alerts a minute for ${FLOOD_S} s and one dead output: the others lose none, memory is bounded`, async (t) => {
    const server = await receiver(t)
    const file = join(folder, 'flood.json')
    const agent = await startAgent({
      rules,
      set: [
        'stdout_output.enabled=false',
        outputs(
          { type: 'http', name: 'dead', url: 'http://127.0.0.1:1/', queue_bytes: 1 << 20 },
          { type: 'http', name: 'living', url: server.url, batch: 1000, format: 'tarsier' },
          { type: 'file', name: 'kept', path: file, format: 'tarsier' },
        ),
      ],
    })
    const count = FLOOD_S * PER_SECOND
    await flood(join(folder, `${word}-flood`), count)
    await agent.until(() => idsAt(server).length >= count, WAIT_MS)
    const ids = readFileSync(file, 'utf8')
      .trimEnd()
      .split('\n')
      .map((line) => String(JSON.parse(line).id))
    const resident = Number(/^VmHWM:\s+(\d+)/m.exec(readFileSync(`/proc/${agent.pid}/status`, 'utf8'))?.[1])
    const { stderr } = await agent.stop()
    assert.equal(new Set(idsAt(server)).size, count)
    assert.deepEqual([ids.length, new Set(ids).size], [count, count])
    const dead =
      /^ +0 {2}dead, \d+ deliveries failed(?:, (\d+) lost: queue full)?, (\d+) lost: unsent$/m.exec(stderr)
    assert.equal(Number(dead?.[1] ?? 0) + Number(dead?.[2]), count, stderr)
    assert.match(stderr, /^lost 0, /m)
    assert.ok(resident < MOST_RESIDENT_KIB, `${resident} KiB`)
    t.diagnostic(`${count} alerts, at most ${Math.round(resident / 1024)} MiB resident`)
  })
})

/** A receiver that goes with the test. */
async function receiver(t: TestContext, tls?: ServerOptions): Promise<HttpReceiver> {
  const server = await receiveHttp(tls)
  t.after(() => server.close())
  return server
}

/** Write until there is no room. */
function fill(file: string): void {
  const fd = openSync(file, 'w')
  const block = Buffer.alloc(4096)
  try {
    for (;;) writeSync(fd, block)
  } catch (error) {
    assert.equal((error as NodeJS.ErrnoException).code, 'ENOSPC')
  }
  closeSync(fd)
}

/** Somebody opens a file so often, as evenly as a timer is. */
async function flood(file: string, count: number): Promise<void> {
  const script = `
    const { closeSync, openSync } = require('node:fs')
    const begin = performance.now()
    let done = 0
    const timer = setInterval(() => {
      const due = Math.min(${count}, Math.ceil((performance.now() - begin) / 1000 * ${PER_SECOND}))
      for (; done < due; done++) closeSync(openSync(process.argv[1], 'a'))
      if (done === ${count}) clearInterval(timer)
    }, 10)`
  const [code] = await once(spawn(process.execPath, ['-e', script, file], { stdio: 'inherit' }), 'exit')
  assert.equal(code, 0)
}
