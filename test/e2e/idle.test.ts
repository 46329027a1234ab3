/** What the agent costs when nothing happens, and how long its start takes. Figures are printed beside the bounds. */
import assert from 'node:assert/strict'
import { spawnSync } from 'node:child_process'
import { chmodSync, copyFileSync, readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { suite, test } from 'node:test'
import { setTimeout as sleep } from 'node:timers/promises'
import {
  marker,
  NEEDS_ROOT,
  openFolder,
  opensOf,
  Running,
  type Start,
  startAgent,
  writeRules,
} from './support/agent.ts'
import { objectsOf } from './support/kernel-ids.ts'

const RSS_MAX_KB = 80 * 1024
/** Nor an alert. */
const ALERT_MS = 10_000
/** No start is waited for longer. */
const READY_MS = 30_000

suite('at rest', { skip: NEEDS_ROOT }, () => {
  test('with the shipped rules: memory after 5 s, and an alert', async (t) => {
    const folder = openFolder('idle')
    const cat = join(folder, marker())
    copyFileSync('/bin/cat', cat)
    chmodSync(cat, 0o755)
    let agent = await startAgent({})
    try {
      // Other software may be at work just then, which wakes compilers and fills rings: the least of three starts counts.
      for (let start = 1; ; start++) {
        await sleep(5000)
        const { Rss, Pss, Anonymous } = rollup(agent.pid)
        t.diagnostic(`RSS ${megabytes(Rss)}, PSS ${megabytes(Pss)}, anonymous ${megabytes(Anonymous)}`)
        const status = readFileSync(`/proc/${agent.pid}/status`, 'utf8')
        const resident = Number(/^VmRSS:\s+(\d+) kB$/m.exec(status)?.[1])
        if (resident <= RSS_MAX_KB) break
        assert.ok(start < 3, `${resident} kB are resident`)
        await agent.stop()
        agent = await startAgent({})
      }
      spawnSync(cat, ['/etc/shadow'])
      assert.ok(
        await agent.until(
          () => agent.lines.some((line) => line.includes('/etc/shadow') && line.includes(cat)),
          ALERT_MS,
        ),
        `no alert of ${cat} /etc/shadow among: ${agent.lines.join('\n')}`,
      )
    } finally {
      agent.child.kill('SIGTERM')
    }
    const { status, stderr } = await agent.end()
    assert.equal(status, 0)
    assert.match(stderr, /errors 0$/m)
  })

  test('every thread has the priority of the agent', async () => {
    const rules = [writeRules(openFolder('nice'), opensOf(marker(), 'x'))]
    const agent = await startAgent({ rules, set: ['agent.nice=-5'] })
    const nice = readdirSync(`/proc/${agent.pid}/task`).map((thread) =>
      Number(statOf(`${agent.pid}/task/${thread}`)[16]),
    )
    await agent.stop()
    assert.ok(nice.length > 1, 'the collector of garbage has threads of its own')
    assert.deepEqual([...new Set(nice)], [-5])
  })

  test('the start', async (t) => {
    const rules = [writeRules(openFolder('start'), opensOf(marker(), 'x'))]
    for (const options of [{ rules }, {}]) {
      const which = options.rules === undefined ? 'shipped rules' : 'one rule'
      const { first, ready, cpu } = await timesOf(options)
      t.diagnostic(
        `${which}: first program after ${first.toFixed(0)} ms, ready after ${ready.toFixed(0)} ms, ${cpu} ms of them at work`,
      )
      assert.ok(cpu > 0)
    }
  })
})

/** Start and stop an agent: ms until its first program is attached and until it is ready, and processor time until then. */
async function timesOf(options: Start): Promise<{ first: number; ready: number; cpu: number }> {
  const started = performance.now()
  const agent = new Running(options)
  const hasProgram = (): boolean => objectsOf(agent.pid).some(({ kind }) => kind === 'link')
  assert.ok(await agent.until(hasProgram, READY_MS), agent.stderr)
  const first = performance.now() - started
  assert.ok(await agent.until(() => agent.stderr.includes('ready'), READY_MS), agent.stderr)
  const ready = performance.now() - started
  const cpu = cpuMs(agent.pid)
  await agent.stop()
  return { first, ready, cpu }
}

/** The fields of /proc/PID/stat from the third (proc_pid_stat(5)): the second may have spaces. */
function statOf(process: number | string): string[] {
  const text = readFileSync(`/proc/${process}/stat`, 'utf8')
  return text.slice(text.lastIndexOf(')') + 2).split(' ')
}

/** utime and stime, counted in hundredths of a second. */
function cpuMs(pid: number): number {
  const fields = statOf(pid)
  return 10 * (Number(fields[11]) + Number(fields[12]))
}

/** Sums of /proc/PID/smaps_rollup in kB. */
function rollup(pid: number): Record<'Rss' | 'Pss' | 'Anonymous', number> {
  const text = readFileSync(`/proc/${pid}/smaps_rollup`, 'utf8')
  const of = (key: string): number => Number(new RegExp(`^${key}:\\s+(\\d+) kB`, 'm').exec(text)?.[1])
  return { Rss: of('Rss'), Pss: of('Pss'), Anonymous: of('Anonymous') }
}

const megabytes = (kb: number): string => `${(kb / 1024).toFixed(1)} MB`
