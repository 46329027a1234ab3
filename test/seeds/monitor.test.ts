/**
 * What bpf-file-monitor-challenge shows in its README, with `tarsier monitor`: its two command lines, its lines of output,
 * and what it says about itself.
 */
import assert from 'node:assert/strict'
import { spawn, spawnSync } from 'node:child_process'
import { closeSync, existsSync, openSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { suite, test } from 'node:test'
import { setTimeout as sleep } from 'node:timers/promises'
import { warningLine } from '../../src/monitor/observer.ts'
import { openLines } from '../../src/monitor/open-line.ts'
import { openat, snapshot } from '../../src/testing/events.ts'
import { createWorld } from '../../src/testing/world.ts'
import { marker, NEEDS_ROOT, openFolder, TARSIER } from '../e2e/support/agent.ts'
import { type Json, recordsOf, settle, startMonitor } from '../e2e/support/monitor.ts'
import { program } from '../kernel/support/programs.ts'
import { AT_FDCWD, ref, script } from '../kernel/support/raw.ts'

/** The lines of its README, with quotes around the keys, which JSON wants. */
const SAMPLE = [
  '{ "timestamp": 1757870000.681105, "path": "anon_inode:[pidfd]", "comm": "systemd", "pid": 1, "tgid": 1, "mode": 67207171 }',
  '{ "timestamp": 1757870000.681161, "path": "/proc/1/fdinfo/47", "comm": "systemd", "pid": 1, "tgid": 1, "mode": 67141633 }',
  '{ "timestamp": 1757870000.681223, "path": "/proc/617/cgroup", "comm": "systemd", "pid": 1, "tgid": 1, "mode": 67141633 }',
  '{ "timestamp": 1757870000.681264, "path": "/proc/1/fdinfo/47", "comm": "systemd", "pid": 1, "tgid": 1, "mode": 67141633 }',
].map(
  (line) => JSON.parse(line) as { timestamp: number; path: string; comm: string; pid: number; mode: number },
)

/** Wall clock of the test host at CLOCK_MONOTONIC 0 (src/testing/world.ts), µs. */
const EPOCH_US = 1_767_225_600_000_000

suite('its lines of JSON', () => {
  for (const sample of SAMPLE)
    test(`${sample.timestamp} ${sample.path}`, () => {
      const world = createWorld()
      const by = { pid: 1, start: 1 }
      world.feed(snapshot({ by, path: '/usr/lib/systemd/systemd', comm: 'systemd' }))
      // The world begins later than the README: the same moment of a second, a day of its own.
      const us = Math.round(sample.timestamp * 1e6) % 86_400_000_000
      const ctx = world.feed(
        openat({
          by,
          path: '/given',
          resolved: sample.path,
          time: us * 1000,
          fields: { f_mode: sample.mode },
        }),
      )
      const line = openLines({ paths: [], ignore: [], time: 'wall' })(ctx)!
      const { timestamp, path, comm, pid, tgid, mode } = JSON.parse(line) as Json
      const expected = { ...sample, timestamp: (EPOCH_US + us) / 1e6 }
      assert.deepEqual({ timestamp, path, comm, pid, tgid, mode }, expected)
      assert.match(line, /^\{"timestamp":\d+\.\d{6},/)
    })
})

test('its warning', () =>
  assert.equal(warningLine('/home/USER/somefile'), 'WARN "/home/USER/somefile" is suspiciously active'))

const textOf = (file: string): string => (existsSync(file) ? readFileSync(file, 'utf8') : '')

const writeOften = (file: string): number =>
  spawnSync(
    program('raw'),
    script([
      ['creat', file, 0o600],
      ['150*write', ref(0), 'x', 1],
    ]),
  ).pid

suite('its command lines', { skip: NEEDS_ROOT }, () => {
  /** Run a shell command line with the monitor in it, around some act; `T` is the program. */
  const shell = async (
    line: string,
    act: () => void,
    log?: string,
  ): Promise<{ stdout: string; stderr: string; status: number | null }> => {
    const folder = openFolder('shell')
    const [out, err] = [join(folder, 'out'), join(folder, 'err')]
    const lock = `-o agent.lock_file=${join(folder, 'lock')}`
    const child = spawn('sh', ['-c', `exec ${line}`], {
      env: { PATH: process.env['PATH'], T: `${TARSIER} monitor ${lock}` },
      stdio: ['ignore', openSync(out, 'w'), openSync(err, 'w')],
    })
    const end = new Promise<number | null>((done) => child.once('close', done))
    // Nothing on stderr says that it is ready when stderr is thrown away: then the first line of an open does.
    const ready = (): boolean => {
      closeSync(openSync(folder, 'r'))
      return textOf(log ?? err).includes('ready') || textOf(out).includes('\n')
    }
    for (let i = 0; i < 1500 && !ready(); i++) await sleep(20)
    act()
    await sleep(500)
    child.kill('SIGINT')
    return { status: await end, stdout: textOf(out), stderr: textOf(err) }
  }

  test('>/dev/null leaves the log: text on stderr', async () => {
    const file = join(openFolder('seeds'), marker())
    const { status, stdout, stderr } = await shell('$T >/dev/null', () => void writeOften(file))
    assert.equal(status, 0)
    assert.equal(stdout, '')
    assert.ok(stderr.split('\n').includes(`WARN "${file}" is suspiciously active`))
    assert.doesNotMatch(stderr, /^\{/m)
  })
  test('2>/dev/null leaves the events: each line of stdout is a JSON object', async () => {
    const file = join(openFolder('seeds'), marker())
    let pid = 0
    const { status, stdout, stderr } = await shell('$T 2>/dev/null', () => {
      pid = writeOften(file)
    })
    assert.equal(status, 0)
    assert.equal(stderr, '')
    const lines = stdout.split('\n').slice(0, -1)
    const open = recordsOf(lines, 'open').find(({ path }) => path === file)
    assert.deepEqual([open?.['comm'], open?.['pid'], open?.['tgid']], ['raw', pid, pid])
    assert.ok(recordsOf(lines, 'alert').some(({ fields }) => (fields as Json)['fd.name'] === file))
  })
  test('each channel to a file of its own', async () => {
    const folder = openFolder('seeds')
    const [out, err] = [join(folder, 'events'), join(folder, 'log')]
    const { status } = await shell(`$T -v >${out} 2>${err}`, () => {}, err)
    assert.equal(status, 0)
    assert.match(readFileSync(err, 'utf8'), /^info: ready/m)
    for (const line of readFileSync(out, 'utf8').split('\n').slice(0, -1)) JSON.parse(line)
  })
})

suite('what it says about itself', { skip: NEEDS_ROOT }, () => {
  const folder = NEEDS_ROOT ? '' : openFolder('seeds')
  const opened = async (monitor: Awaited<ReturnType<typeof startMonitor>>): Promise<unknown[]> => {
    await settle(monitor, join(folder, marker()))
    return recordsOf(monitor.lines, 'open').map(({ path }) => path)
  }

  test('files of /proc are told of like others: fdinfo, cgroup', async () => {
    const monitor = await startMonitor(['--no-writes'])
    const names = [`/proc/${process.pid}/fdinfo/0`, `/proc/${process.pid}/cgroup`]
    for (const name of names) spawnSync(program('raw'), script([['openat', AT_FDCWD, name, 0]]))
    const paths = await opened(monitor)
    await monitor.stop()
    for (const name of names) assert.ok(paths.includes(name), name)
  })
  test('its paths are canonical: /proc/self, links and dots are gone', async () => {
    const monitor = await startMonitor(['--no-writes'])
    const { pid } = spawnSync(program('raw'), script([['openat', AT_FDCWD, '/proc/../proc/self/./stat', 0]]))
    const paths = await opened(monitor)
    await monitor.stop()
    assert.ok(paths.includes(`/proc/${pid}/stat`))
  })
  test('its options, which stand in its source: period, hits, ignored files, time base', async () => {
    const file = join(folder, marker())
    const ignored = join(folder, marker())
    const monitor = await startMonitor([
      '--window',
      '1m',
      '--quota',
      '10',
      '--ignore',
      ignored,
      '--time',
      'boot',
      folder,
    ])
    for (const name of [file, ignored]) writeOften(name)
    await opened(monitor)
    const { stdout, stderr } = await monitor.stop('SIGINT')
    assert.deepEqual(stderr.match(/^WARN .*/gm), [`WARN "${file}" is suspiciously active`])
    const first = JSON.parse(stdout.split('\n')[0]!) as { timestamp: number }
    assert.ok(first.timestamp < Number(readFileSync('/proc/uptime', 'utf8').split(' ')[0]) + 1)
    assert.equal(stdout.includes(ignored), false)
  })
  test('consecutive writes by the same process are what is suspicious', async () => {
    const file = join(folder, marker())
    const monitor = await startMonitor(['--quota', '20', folder])
    const pid = writeOften(file)
    await opened(monitor)
    const alerts = recordsOf(monitor.lines, 'alert')
    await monitor.stop()
    assert.deepEqual(
      alerts.map(({ fields }) => (fields as Json)['proc.pid']),
      [pid],
    )
  })
  test('ptrace of it is detected and ends it, when asked for', async () => {
    const monitor = await startMonitor(['--no-writes', folder], { set: ['integrity.action=exit'] })
    spawnSync(program('tamper'), ['seize', String(monitor.pid)])
    const { status, stdout } = await monitor.end()
    assert.equal(status, 1)
    const alert = recordsOf(stdout.split('\n').slice(0, -1), 'alert')[0]!
    assert.match(String(alert['rule']), /traced/)
    assert.equal((alert['fields'] as Json)['proc.name'], 'tamper')
  })
})
