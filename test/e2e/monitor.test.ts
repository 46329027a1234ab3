/** The file monitor, live: what is opened, what is written too often, and how it ends. */
import assert from 'node:assert/strict'
import { spawnSync } from 'node:child_process'
import { closeSync, openSync, readFileSync, writeFileSync, writeSync } from 'node:fs'
import { join } from 'node:path'
import { after, before, suite, test } from 'node:test'
import { setTimeout as sleep } from 'node:timers/promises'
import { Worker } from 'node:worker_threads'
import { OPEN_FLAGS } from '../../schema/enums/index.ts'
import { program } from '../kernel/support/programs.ts'
import { AT_FDCWD, type Call, ref, script, zeros } from '../kernel/support/raw.ts'
import { marker, NEEDS_ROOT, openFolder, type Running, refused, tarsier } from './support/agent.ts'
import { type Json, recordsOf, settle, startMonitor } from './support/monitor.ts'

const { O_CREAT = 0, O_TRUNC = 0, O_APPEND = 0, O_CLOEXEC = 0, O_DIRECTORY = 0 } = OPEN_FLAGS.names
const O_WRONLY = 1
const O_RDWR = 2
/** include/linux/fs.h */
const FMODE_READ = 1
const FMODE_WRITE = 2

const raw = (...calls: Call[]): number => {
  const { pid, status, stderr } = spawnSync(program('raw'), script(calls), { encoding: 'utf8' })
  assert.equal(status, 0, stderr)
  return pid
}
/** Open a file, and write to it one byte at a time. */
const writes = (file: string, count: number): number =>
  raw(['openat', AT_FDCWD, file, O_WRONLY | O_CREAT, 0o600], [`${count}*write`, ref(0), 'x', 1])

suite('opened files', { skip: NEEDS_ROOT }, () => {
  const folder = NEEDS_ROOT ? '' : openFolder('opens')
  let monitor: Running
  let settled = 0
  before(async () => {
    monitor = await startMonitor(['--no-writes'])
  })
  after(async () => {
    await monitor.stop()
  })
  /** Records of the opens of one process. */
  const opensOf = async (pid: number): Promise<Json[]> => {
    await settle(monitor, join(folder, `settled-${settled++}`))
    return recordsOf(monitor.lines, 'open').filter(({ tgid }) => tgid === pid)
  }

  test('every opened file of a process, with its flags, and nothing else', async () => {
    const a = join(folder, 'a')
    const missing = join(folder, 'missing')
    const pid = raw(
      ['openat', AT_FDCWD, a, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0o600],
      ['open', a, 0],
      ['openat', AT_FDCWD, a, O_RDWR | O_APPEND],
      ['creat', a, 0o600],
      ['openat', AT_FDCWD, missing, 0],
      ['openat', AT_FDCWD, folder, O_DIRECTORY],
    )
    const records = await opensOf(pid)
    const shown = records.map(({ path, call, flags, mode }) => [
      call,
      path,
      (flags as string[]).join('|'),
      (mode as number) & (FMODE_READ | FMODE_WRITE),
    ])
    assert.deepEqual(shown, [
      ['openat', a, 'O_WRONLY|O_CREAT|O_TRUNC|O_CLOEXEC', FMODE_WRITE],
      ['open', a, 'O_RDONLY', FMODE_READ],
      ['openat', a, 'O_RDWR|O_APPEND', FMODE_READ | FMODE_WRITE],
      ['creat', a, 'O_WRONLY|O_CREAT|O_TRUNC', FMODE_WRITE],
      ['openat', folder, 'O_RDONLY|O_DIRECTORY', FMODE_READ],
    ])
    for (const record of records) {
      assert.equal(record['comm'], 'raw')
      assert.equal(record['pid'], pid)
      assert.equal(record['f_mode'], record['mode'])
      const age = Date.now() / 1000 - (record['timestamp'] as number)
      assert.ok(age > -1 && age < 30, `${age} s old`)
    }
    assert.equal(records[0]!['open_flags'], O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC)
  })
  test('the kernel name of what has no path', async () => {
    const [record] = await opensOf(raw(['pipe2', zeros(8), 0], ['openat', AT_FDCWD, '/proc/self/fd/3', 0]))
    assert.match(String(record?.['path']), /^pipe:\[\d+\]$/)
  })
  test('a thread is pid, its process tgid', async () => {
    const file = join(folder, 'thread')
    const worker = new Worker(`require('node:fs').writeFileSync(${JSON.stringify(file)}, '')`, { eval: true })
    await new Promise((done) => worker.once('exit', done))
    const record = (await opensOf(process.pid)).find(({ path }) => path === file)
    assert.equal(record?.['tgid'], process.pid)
    assert.notEqual(record['pid'], process.pid)
  })
  test('hostile names reach neither terminal nor parser raw', async () => {
    const hostile = join(folder, 'a\u001b[2J\n{"kind":"open"}\u202e"\\')
    const bytes = join(folder, '\\xff\\xfe')
    const records = await opensOf(
      raw(['creat', hostile.replaceAll('\\', '\\x5c'), 0o600], ['creat', bytes, 0o600]),
    )
    assert.equal(records[0]?.['path'], hostile)
    assert.equal(records[1]?.['path'], bytes)
    assert.deepEqual(
      Buffer.from(records[1]['path_b64'] as string, 'base64').subarray(-2),
      Buffer.of(0xff, 0xfe),
    )
    assert.equal(monitor.bytes.includes(0x1b), false)
    assert.equal(monitor.bytes.includes(Buffer.from('\u202e')), false)
  })
  test('nothing the monitor opens itself', async () => {
    assert.deepEqual(await opensOf(monitor.pid), [])
  })
})

suite('writes', { skip: NEEDS_ROOT }, () => {
  const folder = NEEDS_ROOT ? '' : openFolder('writes')
  /** Run the monitor around some act. */
  const watch = async (args: readonly string[], act: () => unknown, set: readonly string[] = []) => {
    const monitor = await startMonitor(args, { set })
    await act()
    await settle(monitor, join(folder, marker()))
    const end = await monitor.stop('SIGINT')
    assert.equal(end.status, 0, end.stderr)
    const lines = end.stdout.split('\n').slice(0, -1)
    return {
      ...end,
      monitor,
      opens: recordsOf(lines, 'open'),
      alerts: recordsOf(lines, 'alert'),
      warnings: end.stderr.match(/^WARN .*/gm) ?? [],
    }
  }
  const counts = (alerts: readonly Json[]): unknown[] =>
    alerts.map(({ fields }) => [(fields as Json)['fd.name'], (fields as Json)['threshold.count']])

  test('two hundred writes of one byte: one warning, one alert, and what it stands for', async () => {
    const file = join(folder, marker())
    let pid = 0
    const { alerts, warnings, stderr } = await watch([folder], () => {
      pid = writes(file, 200)
    })
    assert.deepEqual(warnings, [`WARN "${file}" is suspiciously active`])
    assert.deepEqual(counts(alerts), [[file, 101]])
    const { rule, priority, message, fields, id } = alerts[0]!
    assert.equal(rule, 'Suspiciously active file')
    assert.equal(priority, 'Warning')
    assert.match(
      String(message),
      new RegExp(
        `^"${file}" is suspiciously active \\(writes=101 within=10s quota=100 process=raw pid=${pid} `,
      ),
    )
    assert.equal((fields as Json)['proc.pid'], pid)
    assert.match(String(id), /^[0-9a-f]{32}$/)
    // The other 99 are told of in the summary.
    assert.match(stderr, /^ +99 {2}Suspiciously active file$/m)
    assert.match(stderr, /^ +1 {2}Suspiciously active file$/m)
  })
  test('a slow writer is ordinary, however long it goes on', async () => {
    const file = join(folder, marker())
    const { alerts, warnings } = await watch([folder, '--quota', '5', '--window', '200ms'], async () => {
      const fd = openSync(file, 'w')
      for (let i = 0; i < 15; i++) {
        writeSync(fd, 'x')
        await sleep(60)
      }
      closeSync(fd)
    })
    assert.deepEqual([alerts, warnings], [[], []])
  })
  test('each process and each file by itself', async () => {
    const [a, b] = [join(folder, marker()), join(folder, marker())]
    const { alerts } = await watch([folder, '--quota', '30'], () => {
      for (const file of [a, b]) for (let i = 0; i < 3; i++) writes(file, 20)
    })
    assert.deepEqual(alerts, [])
  })
  test('paths, ignored paths, a rate, and quotas of their own', async () => {
    const [plain, ignored, calm, outside] = ['plain', 'ignored', 'calm', 'outside'].map((name) =>
      join(folder, `${name}-${marker()}`),
    )
    const other = openFolder('outside')
    const args = ['--ignore', ignored!, '--rate', '20/m', '--quota-for', `${calm}=40`, folder]
    const { alerts, opens, warnings } = await watch(args, () => {
      for (const file of [plain, ignored, calm]) writes(file!, 30)
      writes(`${ignored}x`, 30)
      writes(join(other, 'file'), 30)
    })
    assert.deepEqual(counts(alerts), [
      [plain, 21],
      [`${ignored}x`, 21],
    ])
    assert.equal(warnings.length, 2)
    const paths = new Set(opens.map(({ path }) => path))
    assert.deepEqual(
      [plain, ignored, calm, `${ignored}x`, join(other, 'file'), outside].map((path) => paths.has(path)),
      [true, false, true, true, false, false],
    )
  })
  test('pipes and /dev/null do not count', async () => {
    const { alerts } = await watch(['--quota', '5'], () => {
      raw(['openat', AT_FDCWD, '/dev/null', O_WRONLY], ['50*write', ref(0), 'x', 1])
      raw(['pipe2', zeros(8), 0], ['50*write', 4, 'x', 1])
    })
    assert.deepEqual(
      alerts.filter(({ fields }) => (fields as Json)['proc.name'] === 'raw'),
      [],
    )
  })
  test('a hostile name in a warning', async () => {
    const file = join(folder, 'w\u001b[31m\n"')
    const { warnings, stderr } = await watch([folder, '--quota', '5'], () => writes(file, 10))
    assert.deepEqual(warnings, [`WARN "${join(folder, 'w\\u001b[31m\\n\\"')}" is suspiciously active`])
    assert.equal(stderr.includes('\u001b'), false)
  })
  test('what the monitor writes itself is passed over, even into what it watches', async () => {
    const log = join(folder, `log-${marker()}`)
    const { alerts, opens, monitor } = await watch(
      [folder, '--quota', '2'],
      () => writes(join(folder, marker()), 5),
      ['file_output.enabled=true', `file_output.filename=${log}`],
    )
    assert.ok(readFileSync(log, 'utf8').split('\n').length > 3)
    assert.equal(alerts.length, 1)
    assert.deepEqual(
      opens.filter(({ tgid }) => tgid === monitor.pid),
      [],
    )
  })
  test('--no-writes attaches nothing to writes', async () => {
    const programs = async (...args: string[]): Promise<string> =>
      /^debug: programs: (.*)$/m.exec((await watch(['-v', ...args], () => {})).stderr)![1]!
    assert.match(await programs(), /\bexit_write\b/)
    assert.doesNotMatch(await programs('--no-writes'), /exit_(?:p?write|copy)/)
  })
  test('boot time', async () => {
    const { opens } = await watch(['--time', 'boot', folder], () => {})
    const uptime = Number(readFileSync('/proc/uptime', 'utf8').split(' ')[0])
    const at = opens.at(-1)!['timestamp'] as number
    assert.ok(at <= uptime + 1 && at > uptime - 30, `${at} with an uptime of ${uptime}`)
  })
  test('the alert in the shape of Falco, when asked for', async () => {
    const file = join(folder, marker())
    const monitor = await startMonitor([folder, '--quota', '5'], { set: ['output.format=falco'] })
    writes(file, 10)
    assert.ok(await monitor.until(() => monitor.bytes.includes('"output_fields"'), 5000))
    const { status } = await monitor.stop()
    assert.equal(status, 0)
  })
})

suite('start and end', { skip: NEEDS_ROOT }, () => {
  for (const signal of ['SIGINT', 'SIGTERM'] as const)
    test(`${signal} ends with a summary and 0`, async () => {
      const { status, stderr } = await (await startMonitor()).stop(signal)
      assert.equal(status, 0)
      assert.match(stderr, /^events\n[\s\S]*^alerts\n[\s\S]*^lost \d+, .*errors 0$/m)
    })
  test('a reader that goes away ends it quietly', async () => {
    const monitor = await startMonitor()
    monitor.child.stdout.destroy()
    writeFileSync(join(openFolder('gone'), 'x'), '')
    const { status, stderr } = await monitor.end()
    assert.equal(status, 0)
    assert.doesNotMatch(stderr, /error:/)
  })
  test('there is one agent a host, of either kind', async () => {
    const lock = join(openFolder('lock'), 'agent.lock')
    const monitor = await startMonitor([], { lock })
    const { status, stderr } = refused({ lock })
    await monitor.stop()
    assert.equal(status, 1)
    assert.match(stderr, new RegExp(`another agent runs on this host \\(pid ${monitor.pid}, `))
  })
  test('it is as hard as the agent: it runs from its launcher only', () => {
    const { status, stderr } = spawnSync(process.execPath, ['dist/src/cli/main.js', 'monitor'], {
      cwd: join(import.meta.dirname, '../..'),
      encoding: 'utf8',
    })
    assert.equal(status, 1)
    assert.match(stderr, /was not started by its launcher/)
  })
})

suite('wrong usage', () => {
  const wrong = (what: string, args: readonly string[], message: RegExp): void => {
    test(what, () => {
      const { status, stdout, stderr } = tarsier(['monitor', ...args])
      assert.equal(status, 2)
      assert.equal(stdout, '')
      assert.match(stderr, message)
    })
  }
  wrong(
    'a quota',
    ['--quota', 'many'],
    /error: --quota takes a whole number from 1 to 999999, not 'many'\n {2}hint: /,
  )
  wrong('a window', ['--window', '10'], /error: --window takes a duration, not '10'\n {2}hint: .*500ms/)
  wrong('a rate', ['--rate', '10'], /error: --rate is no rate: '10'/)
  wrong('a rate beside a quota', ['--rate', '1/s', '--quota', '1'], /cannot go with --quota/)
  wrong('a clock', ['--time', 'sun'], /sun.*wall, boot/)
  wrong('a key', ['-o', 'no.such=1'], /no\.such/)
  wrong('an option', ['--ignor', 'x'], /unknown option '--ignor'/)
  test('help tells everything', () => {
    const { status, stdout } = tarsier(['monitor', '--help'])
    assert.equal(status, 0)
    for (const word of [
      '--ignore',
      '--quota',
      '--window',
      '--rate',
      '--quota-for',
      '--no-writes',
      '--time',
      '--option',
      'WARN "PATH" is suspiciously active',
    ])
      assert.ok(stdout.includes(word), word)
  })
})
