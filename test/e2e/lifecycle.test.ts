/** How the agent ends, what it leaves behind, and that nobody gets into it. */
import assert from 'node:assert/strict'
import { spawn, spawnSync } from 'node:child_process'
import { existsSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { suite, test } from 'node:test'
import { setTimeout as sleep } from 'node:timers/promises'
import { LAUNCH_FLAGS } from '../../src/cli/hardening.ts'
import {
  type Ended,
  marker,
  NEEDS_ROOT,
  openFolder,
  opensOf,
  ROOT,
  Running,
  startAgent,
  withAgent,
  writeRules,
} from './support/agent.ts'
import { alive, objectsOf } from './support/kernel-ids.ts'

suite('life of the agent', { skip: NEEDS_ROOT }, () => {
  const folder = NEEDS_ROOT ? '' : openFolder('life')
  const word = marker()
  const file = join(folder, word)
  const rules = NEEDS_ROOT ? [] : [writeRules(folder, opensOf(word, 'file=%fd.name'))]
  const open = (): void => writeFileSync(file, '')

  /** Programs, maps and links are there while the agent runs, and gone when it has ended. */
  const endsClean = async (end: (agent: Running) => Promise<Ended>): Promise<Ended> => {
    const agent = await startAgent({ rules })
    const held = objectsOf(agent.pid)
    for (const kind of ['prog', 'map', 'link'] as const)
      assert.ok(
        alive(held).some((object) => object.kind === kind),
        `the agent holds no ${kind}`,
      )
    const ended = await end(agent)
    // The kernel frees them after a grace period.
    for (let tries = 0; tries < 1000 && alive(held).length > 0; tries++) await sleep(20)
    assert.deepEqual(alive(held), [])
    return ended
  }

  for (const signal of ['SIGINT', 'SIGTERM'] as const)
    test(`${signal} unloads everything and ends with a summary`, async () => {
      const { status, stdout, stderr } = await endsClean(async (agent) => {
        await agent.alerts(word, open)
        return agent.stop(signal)
      })
      assert.equal(status, 0)
      assert.equal(stdout.split('\n').length, 3)
      const summary = sections(stderr)
      assert.ok((summary.events?.get('openat') ?? 0) >= 2)
      assert.deepEqual(summary.drops, new Map())
      assert.deepEqual(summary.alerts, new Map([[`Opens of ${word}`, 2]]))
      assert.match(stderr, /^lost \d+, .*errors 0$/m)
    })

  test('a second signal does not disturb the first', async () => {
    const { status, stderr } = await endsClean(async (agent) => {
      agent.child.kill('SIGINT')
      agent.child.kill('SIGTERM')
      agent.child.kill('SIGINT')
      return agent.end()
    })
    assert.equal(status, 0)
    assert.match(stderr, /^alerts$/m)
  })
  test('SIGKILL leaves nothing in the kernel either, and the next agent starts', async () => {
    const lock = join(openFolder('lock'), 'agent.lock')
    const first = await startAgent({ rules, lock })
    const held = objectsOf(first.pid)
    const { signal } = await first.stop('SIGKILL')
    assert.equal(signal, 'SIGKILL')
    for (let tries = 0; tries < 1000 && alive(held).length > 0; tries++) await sleep(20)
    assert.deepEqual(alive(held), [])
    const end = await withAgent({ rules, lock }, async (agent) => void (await agent.alerts(word, open)))
    assert.equal(end.status, 0)
  })
  test('a signal during the start ends it', async () => {
    // The launcher may be at work, Node may be starting, programs may be attached: any time must do.
    for (const ms of [50, 200, 350, 500, 650]) {
      const agent = new Running({ rules })
      await sleep(ms)
      const { status, signal, stderr } = await agent.stop()
      assert.ok(status === 0 || signal === 'SIGTERM', `after ${ms} ms: ${status} ${signal} ${stderr}`)
    }
  })

  test('a reader that goes away ends it quietly', async () => {
    const { status, stderr } = await endsClean(async (agent) => {
      agent.child.stdout.destroy()
      await sleep(20)
      open()
      return agent.end()
    })
    assert.equal(status, 0)
    assert.doesNotMatch(stderr, /error:|EPIPE/)
  })
  test('-q leaves only errors on standard error', async () => {
    // Nothing says that it is ready then; the alert does.
    const agent = startQuiet()
    const alerted = await agent.until(() => {
      open()
      return agent.lines.length > 0
    }, 20_000)
    assert.ok(alerted)
    const { status, stderr } = await agent.stop()
    assert.equal(status, 0)
    assert.equal(stderr, '')
  })
  const startQuiet = (): Running => new Running({ rules, args: ['-q'] })

  test('SIGUSR1 opens no debugger', async () => {
    const { status, stderr } = await withAgent({ rules }, async (agent) => {
      agent.child.kill('SIGUSR1')
      await sleep(300)
      assert.deepEqual(listening(agent.pid), [])
      assert.equal((await agent.alerts(word, open)).length, 1)
    })
    assert.equal(status, 0)
    assert.doesNotMatch(stderr, /Debugger/)
  })
  test('what the environment would bring in does not arrive', async () => {
    const library = '/usr/lib/x86_64-linux-gnu/libcrypt.so.1'
    const env = {
      NODE_OPTIONS: '--inspect=127.0.0.1:0',
      NODE_PATH: folder,
      ...(existsSync(library) ? { LD_PRELOAD: library } : {}),
    }
    const { status, stderr } = await withAgent({ rules, env }, async (agent) => {
      const environment = readFileSync(`/proc/${agent.pid}/environ`, 'latin1').split('\0')
      assert.deepEqual(
        environment.filter((entry) => /^(NODE|LD)_/.test(entry)),
        [],
      )
      assert.deepEqual(listening(agent.pid), [])
      assert.doesNotMatch(readFileSync(`/proc/${agent.pid}/maps`, 'utf8'), /libcrypt\.so/)
      assert.equal((await agent.alerts(word, open)).length, 1)
    })
    assert.equal(status, 0)
    assert.doesNotMatch(stderr, /Debugger/)
  })
  test('it is not dumpable: a process of the same user and power cannot look into it', async (t) => {
    const alike = ['setpriv', '--bounding-set=-sys_ptrace', '--inh-caps=-sys_ptrace']
    // Opening mem asks for the right to trace; maps would do with CAP_PERFMON, which the agent needs itself.
    const canLook = (pid: number): boolean =>
      spawnSync(alike[0]!, [...alike.slice(1), 'sh', '-c', `: < /proc/${pid}/mem`]).status === 0
    const ordinary = spawn(alike[0]!, [...alike.slice(1), 'sleep', '30'])
    // Until setpriv has become sleep, it is more powerful than we are.
    const name = (): string => readFileSync(`/proc/${ordinary.pid}/comm`, 'utf8')
    for (let tries = 0; tries < 500 && name() !== 'sleep\n'; tries++) await sleep(20)
    const usual = canLook(ordinary.pid!)
    ordinary.kill()
    if (!usual) return t.skip('this kernel lets no process look into another')
    await withAgent({ rules, via: alike }, async (agent) => assert.equal(canLook(agent.pid), false))
  })
  test('without its launcher it refuses to run', () => {
    const main = join(ROOT, 'dist/src/cli/main.js')
    const run = (flags: readonly string[]) =>
      spawnSync(process.execPath, [...flags, main, 'run', '-r', rules[0]!], {
        encoding: 'utf8',
        env: { PATH: process.env['PATH'] },
        timeout: 10_000,
      })
    const plain = run([])
    assert.equal(plain.status, 1)
    assert.match(plain.stderr, /^error: the agent was not started by its launcher: /)
    assert.match(plain.stderr, /hint: start it with bin\/tarsier/)
    const opened = run([...LAUNCH_FLAGS, '--inspect=127.0.0.1:0'])
    assert.equal(opened.status, 1)
    assert.match(opened.stderr, /Node runs with --inspect/)
  })
})

/** The summary's tables: a title, then lines of a count and a name. */
function sections(stderr: string): { readonly [title: string]: ReadonlyMap<string, number> } {
  const found: Record<string, Map<string, number>> = {}
  let title = ''
  for (const line of stderr.split('\n')) {
    const row = /^ +(\d+) {2}(.+)$/.exec(line)
    if (row) found[title]?.set(row[2]!, Number(row[1]))
    else if (/^[a-z]+$/.test(line)) {
      title = line
      found[title] = new Map()
    }
  }
  return found
}

const LISTEN = '0A'

/** Local addresses on which a process listens for TCP connections. */
function listening(pid: number): string[] {
  const sockets = spawnSync('ls', ['-l', `/proc/${pid}/fd`], { encoding: 'utf8' }).stdout
  return ['tcp', 'tcp6'].flatMap((kind) =>
    readFileSync(`/proc/${pid}/net/${kind}`, 'utf8')
      .split('\n')
      .map((line) => line.trim().split(/\s+/))
      .filter((row) => row[3] === LISTEN && sockets.includes(`socket:[${row[9]}]`))
      .map((row) => row[1]!),
  )
}
