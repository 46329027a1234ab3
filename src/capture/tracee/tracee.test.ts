import assert from 'node:assert/strict'
import { readFileSync, truncateSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { suite, test } from 'node:test'
import { isVariable, layoutOf, PUBLIC_EVENT_TYPES, type Slot } from '../../../schema/index.ts'
import { configFrom } from '../../config/options.ts'
import type { FieldValue, RecordInit } from '../../decode/encode.ts'
import { Interner } from '../../decode/interner.ts'
import { replay } from '../../replay.ts'
import { inFolder, listener, recordTo } from '../../testing/captures.ts'
import { execve, exit, fork, snapshot } from '../../testing/events.ts'
import { rulesOf } from '../../testing/rules.ts'
import { EPOCH } from '../../testing/world.ts'
import { compileFilter } from '../../trace/compile.ts'
import { parseExpression } from '../../trace/expression.ts'
import { parseOutput } from '../../trace/output-expression.ts'
import { createTracer } from '../../trace/tracer.ts'
import { openCapture } from '../open.ts'
import { type Capture, CaptureError } from '../source.ts'

type Line = Readonly<Record<string, unknown>>

const line = (eventName: string, args: Readonly<Record<string, unknown>> = {}, more: Line = {}): Line => ({
  ...{ timestamp: 1657321098811285, processorId: 1, processId: 22, threadId: 22, parentProcessId: 1 },
  ...{ hostProcessId: 4022, hostThreadId: 4022, hostParentProcessId: 4001, userId: 1000 },
  ...{ mountNamespace: 4026532000, pidNamespace: 4026532001, processName: 'sh', hostName: 'box' },
  ...{ containerId: '', eventId: '0', eventName, returnValue: 0, stackAddresses: null },
  args: Object.entries(args).map(([name, value]) => ({ name, type: 'x', value })),
  ...more,
})

const textOf = (lines: readonly (Line | string)[]): string =>
  lines.map((one) => `${typeof one === 'string' ? one : JSON.stringify(one)}\n`).join('')

/** What rules print of the events of a file, and what is said about it. */
async function printed(
  folder: string,
  content: string | Uint8Array,
  output = '%evt.type %fd.name',
  condition = 'evt.type exists',
): Promise<{ readonly lines: readonly string[]; readonly notes: readonly string[] }> {
  const [file, out] = ['in.json', `out-${Math.random()}`].map((name) => join(folder, name))
  writeFileSync(file!, content)
  const rules = rulesOf(
    'r.yaml',
    JSON.stringify([{ rule: 'r', desc: 'd', condition, output, priority: 'INFO', warn_evttypes: false }]),
  )
  const interner = new Interner(1024)
  const capture = await openCapture(file!, interner)
  try {
    const set = ['stdout_output.enabled=false', 'file_output.enabled=true', `file_output.filename=${out}`]
    await replay({
      ...{ capture, interner, rules, config: configFrom(set), onClosed: () => {} },
      log: (_level, message) => assert.fail(message),
    })
  } finally {
    capture.close()
  }
  const lines = readFileSync(out!, 'utf8').split('\n').slice(0, -1)
  return { lines: lines.map((text) => text.replace(/^[\d:.]+: \w+ /, '')), notes: capture.notes }
}

const INET = { sa_family: 'AF_INET', sin_port: '443', sin_addr: '192.0.2.7' }
const ID = 'c'.repeat(64)

suite("Tracee's lines", () => {
  for (const [what, lines, output, expected] of [
    [
      'a path',
      [line('openat', { dirfd: -100, pathname: '/etc/shadow', flags: 'O_RDWR|O_CREAT' })],
      '%evt.type %fd.name %evt.is_open_write',
      ['openat /etc/shadow true'],
    ],
    [
      'flags as a number',
      [line('open', { pathname: '/x', flags: 1, mode: '0644' }, { returnValue: 5 })],
      '%fd.num %evt.is_open_write %evt.arg.mode',
      ['5 true 0644'],
    ],
    ['a failure', [line('openat', { pathname: '/x' }, { returnValue: -2 })], '%evt.res', ['ENOENT']],
    [
      'a connection',
      [line('connect', { sockfd: 3, addr: INET })],
      '%fd.sip %fd.sport %fd.name',
      ['192.0.2.7 443 192.0.2.7:443'],
    ],
    [
      'a name of a socket',
      [line('bind', { addr: { sa_family: 'AF_UNIX', sun_path: '/run/x' } })],
      '%evt.type %fd.name',
      ['bind /run/x'],
    ],
    [
      'a hook with a structure',
      [line('security_socket_connect', { sockfd: 3, remote_addr: INET })],
      '%evt.arg.remote_addr',
      ['192.0.2.7:443'],
    ],
    [
      'who it was',
      [line('unlinkat', { pathname: '/x' }, { containerId: ID })],
      '%proc.pid %thread.tid %proc.vpid %proc.ppid %proc.name %user.uid %container.id',
      [`4022 4022 22 4001 sh 1000 ${ID.slice(0, 12)}`],
    ],
    [
      'what is executed',
      [
        line(
          'sched_process_exec',
          { cmdpath: 'ls', pathname: '/bin/ls', argv: ['ls', '-l'] },
          { processName: 'ls' },
        ),
      ],
      '%evt.type %proc.exepath %proc.cmdline',
      ['execve /bin/ls ls -l'],
    ],
    [
      'an exec told twice',
      [
        line('execve', { pathname: '/bin/ls' }),
        line('sched_process_exec', { pathname: '/usr/bin/ls', argv: ['ls'] }),
      ],
      '%evt.type %proc.exepath %evt.arg.filename',
      ['execve /usr/bin/ls /bin/ls'],
    ],
    [
      'an exec told twice, not in a row',
      [
        line('sched_process_exec', { pathname: '/usr/bin/ls' }),
        line('chdir', { path: '/' }),
        line('execve', { pathname: '/bin/ls' }),
      ],
      '%evt.type %proc.exepath',
      ['execve /usr/bin/ls', 'chdir /usr/bin/ls'],
    ],
    [
      'an exec that failed',
      [line('execve', { pathname: '/bin/no' }, { returnValue: -2 })],
      '%evt.type %evt.res %evt.arg.filename',
      ['execve ENOENT /bin/no'],
    ],
    [
      'a child',
      [
        line('sched_process_fork', { child_pid: 4100, child_ns_pid: 30, start_time: 77 }),
        line(
          'rmdir',
          { pathname: '/x' },
          {
            hostProcessId: 4100,
            hostThreadId: 4100,
            processId: 30,
            hostParentProcessId: 4022,
            parentProcessId: 22,
          },
        ),
      ],
      '%evt.type %proc.pid %proc.vpid %proc.ppid %proc.pname',
      ['clone 4022 22 4001 ', 'rmdir 4100 30 4022 sh'],
    ],
    [
      'a thread',
      [line('clone', { flags: 'CLONE_VM|CLONE_THREAD' }, { returnValue: 23 }), line('chdir', { path: '/' })],
      '%evt.type %evt.rawres',
      ['clone 23', 'chdir 0'],
    ],
    [
      'calls that made nothing',
      [
        line('clone', { flags: 'CLONE_VM|CLONE_INTO_CGROUP|SIGCHLD' }, { returnValue: -22 }),
        line(
          'clone3',
          { cl_args: { flags: 0x10100, exit_signal: 'SIGCHLD', tls: '0x7' } },
          { returnValue: -11 },
        ),
      ],
      '%evt.type %evt.res %evt.arg.flags %evt.arg.exit_signal %evt.arg.tls',
      [
        'clone EINVAL CLONE_VM|CLONE_INTO_CGROUP SIGCHLD 0x0',
        'clone3 EAGAIN CLONE_VM|CLONE_THREAD SIGCHLD 0x7',
      ],
    ],
    [
      'an end',
      [line('sched_process_exit', { exit_code: 256, process_group_exit: true })],
      '%evt.type %evt.arg.status',
      ['procexit 256'],
    ],
    [
      'bytes that are not UTF-8',
      [
        line(
          'open',
          {},
          {
            args: [
              {
                name: 'pathname',
                value: '/a\\xff',
                value_b64: Buffer.from('/a\xff', 'latin1').toString('base64'),
              },
            ],
          },
        ),
      ],
      '%fd.name',
      ['/a\ufffd'],
    ],
  ] as const)
    test(`${what} is what rules see of it`, () =>
      inFolder(async (folder) => {
        const { lines: found, notes } = await printed(folder, textOf(lines), output)
        assert.deepEqual(found, expected)
        assert.deepEqual(notes, [])
      }))

  for (const [what, bad, note] of [
    ['no JSON', 'nonsense', /line 2: it is no JSON/],
    ['no object', '[1]', /line 2: it is no JSON object/],
    ['another object', '{"a":1}', /line 2: it has no eventName/],
    ['no process', '{"eventName":"open","timestamp":1}', /line 2: it does not say which process/],
    ['no time', '{"eventName":"open","timestamp":"x","hostProcessId":1}', /line 2: its timestamp/],
    [
      'a time that no clock has',
      JSON.stringify(line('open', {}, { timestamp: -5 })),
      /line 2: its timestamp/,
    ],
    ['an unknown event', line('do_something'), /1 events that are not known here: do_something 1/],
    ['an unknown argument', line('open', { colour: 1 }), /open\.colour 1/],
    [
      'arguments of another kind',
      line('open', { pathname: 7, flags: 'O_MAYBE' }),
      /2 arguments .*open\.flags 1, open\.pathname 1/,
    ],
    ['args that are none', line('open', {}, { args: 'x' }), /line 2: its args are no list/],
    ['deep nesting', `{"eventName":${'['.repeat(200_000)}`, /line 2: it is/],
    ['NUL bytes', '\0'.repeat(100), /line 2: it is no JSON/],
  ] as const)
    test(`${what} is told, and what follows is played`, () =>
      inFolder(async (folder) => {
        const { lines, notes } = await printed(
          folder,
          textOf([line('chdir', { path: '/' }), bad, '', line('rmdir')]),
          '%evt.type',
        )
        assert.deepEqual([lines[0], lines.at(-1)], ['chdir', 'rmdir'])
        assert.match(notes.join('\n'), note)
      }))

  test('bytes that are not UTF-8, and a line without an end', () =>
    inFolder(async (folder) => {
      const good = textOf([line('chdir', { path: '/' })])
      const bytes = Buffer.concat([
        Buffer.from(good),
        Buffer.from([0x22, 0xff, 0xfe, 10]),
        Buffer.from(`${good}{"eventN`),
      ])
      const { lines, notes } = await printed(folder, bytes, '%evt.type')
      assert.deepEqual(lines, ['chdir', 'chdir'])
      assert.match(notes.join('\n'), /ends within a line\n.*line 2: it is not UTF-8; line 4: it is no JSON/)
    }))

  test('a line of any length takes little memory', () =>
    inFolder(async (folder) => {
      const file = join(folder, 'in.json')
      writeFileSync(file, textOf([line('chdir', { path: '/' })]))
      truncateSync(file, 300 << 20)
      const before = process.memoryUsage.rss()
      const capture = await openCapture(file, new Interner(64))
      const heard = listener()
      while (capture.play(heard.sink));
      capture.close()
      assert.ok(process.memoryUsage.rss() - before < 100 << 20)
      assert.match(capture.notes.join('\n'), /line 2: it is longer than/)
    }))

  test('a file without an event is none', () =>
    inFolder(async (folder) => {
      const file = join(folder, 'in.json')
      for (const content of ['', '\n\n', '{"a":1}\n'.repeat(200)]) {
        writeFileSync(file, content)
        await assert.rejects(openCapture(file, new Interner(64), 'tracee'), CaptureError)
      }
    }))

  test('losses, and what was held back, are told as they were', () =>
    inFolder(async (folder) => {
      const file = join(folder, 'in.json')
      const lost = { count: 7, ring: 'critical', cpu: 1, from: 10, to: 30, by: ['open/ring_full: 7', 'x'] }
      const held = { state: 'start', cgroup_id: 5, cgroup_v1_id: 6, count: 9 }
      writeFileSync(
        file,
        textOf([
          line('chdir'),
          line('lost_events', lost),
          line('events_held_back', held),
          line('end_of_stream'),
        ]),
      )
      const capture = await openCapture(file, new Interner(64))
      const heard = listener()
      while (capture.play(heard.sink));
      capture.close()
      const told = heard.lines.filter((text) => /^(?:gap|throttle)/.test(text))
      assert.deepEqual(told, [
        'gap [{"ring":"critical","cpu":1,"lost":7,"from":999999999980,"to":1000000000000},[{"program":"open","reason":"ring_full","count":7}]]',
        'throttle [{"state":"start","cgroup":5,"cgroupV1":6,"count":9,"from":1000000000000,"to":1000000000000}]',
      ])
      assert.deepEqual(capture.notes, [])
    }))

  test('any damage is told or survived', () =>
    inFolder(async (folder) => {
      const file = join(folder, 'in.json')
      const whole = Buffer.from(
        textOf([
          line('sched_process_exec', { argv: ['a', 'b'], dev: 1 }),
          line('connect', { addr: INET }),
          line('sched_process_fork', { child_pid: 5 }),
        ]),
      )
      let state = 12345
      const random = (most: number): number => {
        state = (state * 1103515245 + 12345) & 0x7fffffff
        return state % most
      }
      for (let round = 0; round < 1000; round++) {
        const bytes = Buffer.from(whole)
        for (let i = 0; i <= round % 8; i++)
          bytes[random(bytes.length)] = '0123456789-."{}[],:\0\xffnulltrue'.charCodeAt(random(30))
        writeFileSync(file, bytes.subarray(0, random(4) === 0 ? random(bytes.length) : bytes.length))
        let capture: Capture
        try {
          capture = await openCapture(file, new Interner(64), 'tracee')
        } catch (error) {
          assert.ok(error instanceof CaptureError, String(error))
          continue
        }
        const heard = listener()
        while (capture.play(heard.sink));
        capture.close()
        assert.ok(!heard.lines.some((text) => text.startsWith('error')))
      }
    }))
})

/** Some value that a field can have. */
function someValue({ name, decl, size }: Slot, i: number): FieldValue | undefined {
  if (isVariable(decl.storage)) {
    if (decl.storage === 'strv') return [`${name}${i}`, '-x', 'ä']
    if (decl.storage === 'str') return decl.format === 'path' ? `/${name}/${i}` : `${name}${i}`.slice(0, 15)
    if (decl.format === 'pair') return new Uint8Array([i, 0, 0, 0, 9, 0, 0, 0])
    if (decl.format === 'sockaddr') return new Uint8Array([2, 0, 1, 187, 192, 0, 2, 7])
    return new Uint8Array(size > 16 ? 16 : 16).fill(i)
  }
  if (decl.storage === 'ip')
    return new Uint8Array([0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 255, 255, 192, 0, 2, i & 255])
  // Of a word with a choice in it, values without a name cannot be read again.
  return decl.format === 'flags' ? i % 3 : (i * 8 + name.length) % 1000
}

/** Fields whose values depend on each other. */
const FIXED: Readonly<Record<string, FieldValue>> = { res: 0, addr_family: 2, type: 1, flags: 0, domain: 2 }

const CHILD = { pid: 20, start: 9_000_000_001, uid: 1000 }

const one = (name: string, i: number): RecordInit => {
  const { slots } = layoutOf(PUBLIC_EVENT_TYPES.find((type) => type.name === name)!.family)
  const fields = Object.fromEntries(
    slots.flatMap((slot) => {
      const fixed = isVariable(slot.decl.storage) ? undefined : FIXED[slot.name]
      const value = fixed ?? someValue(slot, i)
      return value === undefined ? [] : [[slot.name, value]]
    }),
  )
  return {
    event: name,
    pid: 20,
    tid: 20,
    start: CHILD.start,
    uid: 1000,
    cpu: 1,
    time: 3_000_000_000 + i,
    cgroup: 1,
    fields,
  }
}

/** Names in the default lists of lines, and their text. */
async function traced(
  file: string,
  folder: string,
  expressions: readonly string[],
  shape: string,
): Promise<readonly string[]> {
  const interner = new Interner(4096)
  const capture = await openCapture(file, interner)
  const out = join(folder, `traced-${Math.random()}`)
  const filter = compileFilter(expressions.map(parseExpression))
  const observer = createTracer({
    filter,
    output: parseOutput(['json', ...(shape === '' ? [] : [shape])], 'json'),
    mask: false,
    warn: (message) => assert.fail(message),
  })
  const set = ['stdout_output.enabled=false', 'file_output.enabled=true', `file_output.filename=${out}`]
  try {
    await replay({
      ...{ capture, interner, rules: [], observer, config: configFrom(set), onClosed: () => {} },
      log: (_level, message) => assert.fail(message),
    })
  } finally {
    capture.close()
  }
  assert.deepEqual(capture.notes, [])
  return readFileSync(out, 'utf8').trimEnd().split('\n')
}

suite('what trace writes', () => {
  const LIFE: ReadonlySet<string> = new Set([
    'execve',
    'execveat',
    'clone',
    'fork',
    'vfork',
    'clone3',
    'procexit',
  ])
  const names = PUBLIC_EVENT_TYPES.map(({ name }) => name).filter((name) => !LIFE.has(name))
  for (const shape of ['', 'option:parse-arguments'])
    test(`is read as the same events again, each of ${names.length} ${shape}`, () =>
      inFolder(async (folder) => {
        const file = join(folder, 'a.cap')
        recordTo(file, (sink, feed) => {
          sink.clock({ wall: EPOCH, boot: 0n })
          feed(snapshot({ path: '/bin/bash', time: 1000 }), fork({ child: CHILD, time: 2_000_000_000 }))
          feed(execve({ by: CHILD, path: '/usr/bin/x', argv: ['x', '-a'], time: 2_500_000_000 }))
          for (const [i, name] of names.entries()) feed(one(name, i + 1))
          feed(exit({ by: CHILD, time: 4_000_000_000 }))
        })
        const wanted = [...names, 'sched_process_fork', 'execve', 'sched_process_exec', 'sched_process_exit']
        const expressions = [`event=${wanted.join(',')}`]
        const lines = await traced(file, folder, expressions, shape)
        const there = new Set(lines.map((text) => (JSON.parse(text) as Line)['eventName']))
        assert.deepEqual(
          wanted.filter((name) => !there.has(name)),
          [],
        )
        const again = join(folder, 'again.json')
        writeFileSync(again, textOf(lines))
        assert.deepEqual(await traced(again, folder, expressions, shape), lines)
      }))
})
