/** `tarsier trace`, live: the exact events of a small program in each form, what is attached for them, and how it ends. */
import assert from 'node:assert/strict'
import { spawnSync } from 'node:child_process'
import { createHash } from 'node:crypto'
import { readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { suite, test } from 'node:test'
import { FAMILIES } from '../../schema/index.ts'
import { program } from '../kernel/support/programs.ts'
import { AT_FDCWD, type Call, script } from '../kernel/support/raw.ts'
import {
  type Ended,
  marker,
  NEEDS_ROOT,
  openFolder,
  type Running,
  refused,
  startAgent,
  tarsier,
} from './support/agent.ts'
import { objectsOf } from './support/kernel-ids.ts'

const O_WRONLY_CREAT = 0o101
/** Events are told within this time, on a busy machine too. */
const TOLD_MS = 10_000

interface Traced extends Ended {
  readonly pid: number
  readonly folder: string
  /** Without the heading of a table and the end of the stream. */
  readonly lines: readonly string[]
}

const startTrace = (...args: readonly string[]): Promise<Running> => startAgent({ command: 'trace', args })

/** Calls of the traced program; the last one is known to be the last. */
const calls = (folder: string): readonly Call[] => [
  ['openat', AT_FDCWD, join(folder, 'a\\x1bb'), O_WRONLY_CREAT, 0o600],
  ['openat', AT_FDCWD, join(folder, 'missing'), 0, 0],
  ['rmdir', join(folder, 'missing')],
  ['unlink', join(folder, 'a\\x1bb')],
]
const FILTER = [
  'event=sched_process_exec,openat,unlink,rmdir,sched_process_exit',
  `tree=${process.pid}`,
  'comm=raw',
]

/** Trace the program in one form. */
async function traceProgram(...output: readonly string[]): Promise<Traced> {
  const folder = openFolder('trace')
  const trace = await startTrace(...FILTER, ...output.flatMap((expr) => ['-o', expr]))
  const { pid, status, stderr } = spawnSync(program('raw'), script(calls(folder)), { encoding: 'utf8' })
  assert.equal(status, 0, stderr)
  const all = (): boolean => trace.lines.filter((line) => /sched_process_exit|procexit/.test(line)).length > 0
  assert.ok(await trace.until(all, TOLD_MS), trace.stderr)
  const ended = await trace.stop('SIGINT')
  assert.equal(ended.status, 0)
  assert.ok(!ended.stdout.includes('\u001b'), 'a control character reached the output')
  return { ...ended, pid, folder, lines: trace.lines }
}

suite('one program, in each form', { skip: NEEDS_ROOT }, () => {
  test('table', async () => {
    const { stdout, pid, folder } = await traceProgram()
    const [heading, ...rows] = stdout.split('\n')
    assert.match(heading!, /^TIME {13}UID {4}COMM {13}PID {5}TID {5}RET {14}EVENT {16}ARGS$/)
    const cells = rows
      .slice(0, 6)
      .map((row) => /^\d\d:\d\d:\d\d:\d{6} {2}0 {6}raw +(\d+) +(\d+) +(-?\d+) +(\w+) +(.*)$/.exec(row))
    assert.deepEqual(
      cells.map((cell) => cell?.slice(1, 5).join(' ')),
      [
        [0, 'sched_process_exec'],
        [3, 'openat'],
        [-2, 'openat'],
        [-2, 'rmdir'],
        [0, 'unlink'],
        [0, 'sched_process_exit'],
      ].map(([result, name]) => `${pid} ${pid} ${result} ${name}`),
    )
    assert.deepEqual(
      cells.slice(1).map((cell) => cell?.[5]),
      [
        `dirfd: -100, pathname: ${folder}/a\\x1bb, flags: O_WRONLY|O_CREAT, mode: 0600`,
        `dirfd: -100, pathname: ${folder}/missing, flags: O_RDONLY, mode: 0`,
        `pathname: ${folder}/missing`,
        `pathname: ${folder}/a\\x1bb`,
        'exit_code: 0, process_group_exit: true',
      ],
    )
    assert.match(
      rows.slice(6).join('\n'),
      /^\nEnd of events stream\nStats: \{EventCount:6 ErrorCount:0 LostEvCount:0 /,
    )
  })
  test('verbose table', async () => {
    const { stdout } = await traceProgram('table-verbose', 'option:relative-time')
    const [heading, first] = stdout.split('\n')
    assert.match(
      heading!,
      /^TIME .*UTS_NAME .*CONTAINER_ID .*MNT_NS .*PID_NS .*UID .*COMM .*PID .*TID .*PPID .*RET .*EVENT .*ARGS$/,
    )
    assert.match(
      first!,
      new RegExp(`^00:0\\d:\\d\\d:\\d{6} .* \\d{10} .* raw .* ${process.pid} .*sched_process_exec`),
    )
    // Numbers, not names: Tracee has it so.
    assert.match(stdout, /flags: 65, mode: 384/)
  })
  test("Tracee's JSON", async () => {
    const { lines, pid, folder, stdout } = await traceProgram('json', 'option:exec-hash,exec-env')
    const records = stdout
      .trimEnd()
      .split('\n')
      .map((line) => JSON.parse(line))
    assert.deepEqual(
      records.map(({ eventName, returnValue, argsNum }) => [eventName, returnValue, argsNum]),
      [
        ['sched_process_exec', 0, 10],
        ['openat', 3, 4],
        ['openat', -2, 4],
        ['rmdir', -2, 1],
        ['unlink', 0, 1],
        ['sched_process_exit', 0, 2],
        ['end_of_stream', 0, 4],
      ],
    )
    const [exec, open] = records
    assert.deepEqual(
      [exec.hostProcessId, exec.hostParentProcessId, exec.processName],
      [pid, process.pid, 'raw'],
    )
    const argument = (name: string) => exec.args.find((one: { name: string }) => one.name === name)?.value
    assert.equal(
      argument('sha256'),
      createHash('sha256')
        .update(readFileSync(program('raw')))
        .digest('hex'),
    )
    assert.ok(argument('env').some((word: string) => word.startsWith('PATH=')))
    assert.deepEqual(open.args, [
      { name: 'dirfd', type: 'int', value: -100 },
      { name: 'pathname', type: 'const char*', value: `${folder}/a\u001bb` },
      { name: 'flags', type: 'int', value: 65 },
      { name: 'mode', type: 'mode_t', value: 384 },
    ])
    assert.deepEqual(records.at(-1).args[0], { name: 'events', type: 'u64', value: 6 })
    assert.ok(lines.length >= 6)
  })
  test('our own JSON', async () => {
    const { stdout, pid } = await traceProgram('tarsier')
    const records = stdout
      .trimEnd()
      .split('\n')
      .map((line) => JSON.parse(line))
    assert.deepEqual(
      records.slice(0, -1).map(({ event, process: { pid: of }, result }) => [event, of, result?.ret ?? null]),
      [
        ['execve', pid, 0],
        ['openat', pid, 3],
        ['openat', pid, -2],
        ['rmdir', pid, -2],
        ['unlink', pid, 0],
        ['procexit', pid, null],
      ],
    )
    assert.deepEqual([records.at(-1).event_type, records.at(-1).events], ['end', 6])
  })
  test('a template', async () => {
    const file = join(openFolder('template'), 'lines.tmpl')
    writeFileSync(
      file,
      '{{.EventName}} {{.HostProcessID}} {{.ReturnValue}}{{range .Args}}{{if eq .Name "pathname"}} {{.Value}}{{end}}{{end}}\n',
    )
    const { stdout, pid, folder } = await traceProgram(`gotemplate=${file}`)
    assert.deepEqual(stdout.trimEnd().split('\n'), [
      `sched_process_exec ${pid} 0 ${program('raw')}`,
      `openat ${pid} 3 ${folder}/a\\x1bb`,
      `openat ${pid} -2 ${folder}/missing`,
      `rmdir ${pid} -2 ${folder}/missing`,
      `unlink ${pid} 0 ${folder}/a\\x1bb`,
      `sched_process_exit ${pid} 0`,
    ])
  })
})

suite('namespaces', { skip: NEEDS_ROOT }, () => {
  test('the host name is that of the uts namespace, ids are those inside and outside', async () => {
    const name = marker()
    const trace = await startTrace('event=rmdir', `uts=${name}`, `tree=${process.pid}`, '-o', 'json')
    const [file, ...args] = [program('raw'), ...script([['rmdir', '/nowhere/at/all']])]
    const inside = `hostname ${name} && exec "$0" "$@"`
    const { status, stderr } = spawnSync('unshare', ['-upf', 'sh', '-c', inside, file!, ...args], {
      encoding: 'utf8',
    })
    assert.equal(status, 0, stderr)
    assert.ok(await trace.until(() => trace.lines.length > 0, TOLD_MS))
    const { stdout } = await trace.stop()
    const [record] = stdout.split('\n').map((line) => (line === '' ? undefined : JSON.parse(line)))
    assert.deepEqual(
      [record.hostName, record.processName, record.processId, record.threadId],
      [name, 'raw', 1, 1],
    )
    assert.ok(record.hostProcessId > 1 && record.hostThreadId === record.hostProcessId)
  })
})

suite('what is attached', { skip: NEEDS_ROOT }, () => {
  const STATE = FAMILIES.filter(({ state }) => state)
    .flatMap(({ events }) => events.flatMap(({ programs }) => programs.map(({ name }) => name)))
    .filter((name) => name !== 'dump_task')
  /** Told after the agent is ready. */
  const LIST = /programs: (.*)\n/
  test('one rare call costs its own hook, beside those of the process table', async () => {
    const trace = await startAgent({ command: 'trace', args: ['-v', 'event=swapoff'] })
    assert.ok(await trace.until(() => LIST.test(trace.stderr), TOLD_MS))
    const names = LIST.exec(trace.stderr)![1]!.split(' ')
    const programs = objectsOf(trace.pid).filter(({ kind }) => kind === 'prog').length
    await trace.stop()
    const own = names.filter((name) => !STATE.includes(name))
    assert.deepEqual(
      own.filter((name) => name !== 'compat_exec' && name !== 'on_compat_exec'),
      ['exit_syscall:syscalls/sys_exit_swapoff'],
      names.join(' '),
    )
    assert.ok(
      programs <= new Set([...STATE, 'dump_task', ...own]).size,
      `${programs} programs, known: ${names.join(' ')}`,
    )
  })
  test('a path is asked for in the kernel', async () => {
    const folder = openFolder('guarded')
    const trace = await startTrace('event=openat', `openat.pathname=${folder}/*`, 'openat.retval>-1')
    for (let i = 0; i < 50; i++) readFileSync('/etc/hostname')
    writeFileSync(join(folder, 'x'), '')
    assert.ok(await trace.until(() => trace.lines.some((line) => line.includes(join(folder, 'x'))), TOLD_MS))
    const { stderr, stdout } = await trace.stop()
    assert.ok(Number(/passed over in the kernel (\d+)/.exec(stderr)?.[1]) >= 50, stderr)
    assert.ok(!stdout.includes('/etc/hostname'))
  })
})

suite('beginning and end', { skip: NEEDS_ROOT }, () => {
  test('an environment that is asked for is sent, and not shown', async () => {
    const word = marker()
    const trace = await startTrace(`execve.envp=${word}*`, 'event=execve', '-o', 'json')
    for (const value of [`x${word}`, word]) spawnSync('/bin/true', { env: { [value]: 'x' } })
    assert.ok(await trace.until(() => trace.lines.length > 0, TOLD_MS), trace.stderr)
    const { stdout } = await trace.stop()
    assert.match(
      stdout,
      /^\{.*"pathname","type":"const char\*","value":"\/bin\/true".*\}\n\{.*end_of_stream.*\n$/,
    )
    assert.ok(!stdout.includes(word))
  })
  test('one agent per host: a trace is one', async () => {
    const lock = join(openFolder('lock'), 'lock')
    const trace = await startAgent({ command: 'trace', args: ['event=swapoff'], lock })
    const second = refused({ command: 'trace', args: ['event=swapoff'], lock })
    assert.equal(second.status, 1)
    assert.match(second.stderr, /another agent runs on this host/)
    assert.equal((await trace.stop()).status, 0)
  })
  test('a reader that goes away ends it quietly', async () => {
    const trace = await startTrace('event=openat', `tree=${process.pid}`)
    trace.child.stdout.destroy()
    for (let i = 0; i < 3; i++)
      spawnSync(program('raw'), script([['openat', AT_FDCWD, '/etc/hostname', 0, 0]]))
    assert.equal((await trace.end()).status, 0)
  })
  test('to a file', async () => {
    const folder = openFolder('file')
    const file = join(folder, 'events.json')
    const trace = await startTrace(
      '--trace',
      'e=rmdir',
      '--trace',
      `tree=${process.pid}`,
      '--output',
      'json',
      '--output',
      `out-file:${file}`,
    )
    spawnSync(program('raw'), script([['rmdir', '/nowhere/at/all']]))
    const { status, stdout } = await trace.stop()
    assert.deepEqual([status, stdout], [0, ''])
    const names = readFileSync(file, 'utf8')
      .trimEnd()
      .split('\n')
      .map((line) => JSON.parse(line).eventName)
    assert.deepEqual(names, ['rmdir', 'end_of_stream'])
  })
})

suite('the command line', () => {
  test('a mistake is shown in the expression, and is wrong usage', () => {
    const { status, stderr, stdout } = tarsier(['trace', 'event=openat', 'pdi=1'])
    assert.deepEqual([status, stdout], [2, ''])
    assert.match(
      stderr,
      /invalid filter option specified.*\n {2}pdi=1\n {2}\^\^\^\n {2}hint: did you mean 'pid'/,
    )
  })
  test('a template with a mistake is named with its place', () => {
    const file = join(openFolder('bad'), 'bad.tmpl')
    writeFileSync(file, 'x\n{{nope}}')
    const { status, stderr } = tarsier(['trace', '-o', `gotemplate=${file}`])
    assert.equal(status, 1)
    assert.match(stderr, /bad\.tmpl:2:3: function "nope" is not defined/)
  })
  test('--list has two sections', () => {
    const { stdout, status } = tarsier(['trace', '--list'])
    assert.equal(status, 0)
    assert.match(stdout, /^System Calls: +Sets: +Arguments:\n[\s\S]*\n\nOther Events: /)
    assert.match(
      stdout,
      /^openat +\[default, syscalls, fs, fs_file_ops\] +\(int dirfd, const char\* pathname, int flags, mode_t mode\)$/m,
    )
  })
  test('help for expressions', () => {
    assert.match(tarsier(['trace', '--trace', 'help']).stdout, /^Filter expressions/)
    assert.match(tarsier(['trace', '--output', 'help']).stdout, /^Output/)
  })
})
