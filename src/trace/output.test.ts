/** What a trace writes, in each form. */
import assert from 'node:assert/strict'
import { suite, test } from 'node:test'
import { RECORD_FLAGS } from '../../schema/index.ts'
import type { RecordInit } from '../decode/encode.ts'
import { encodeText } from '../decode/str.ts'
import { connect, event, execve, openat, SHELL, snapshot } from '../testing/events.ts'
import { MISSED, OPEN, START_CHILD, seen, traced } from '../testing/tracing.ts'
import { compileFilter } from './compile.ts'
import type { ExecHashes } from './exec-hash.ts'
import { FilterError, parseExpression } from './expression.ts'
import { eventTemplate } from './formats/go-template.ts'
import { parseOutput } from './output-expression.ts'
import { createTracer } from './tracer.ts'

const KEYS =
  'timestamp processorId processId threadId parentProcessId hostProcessId hostThreadId hostParentProcessId userId mountNamespace pidNamespace processName hostName containerId eventId eventName argsNum returnValue stackAddresses args'

suite('output', () => {
  const wrong = (expression: string, hint: RegExp): void => {
    test(expression, () =>
      assert.throws(
        () => parseOutput([expression]),
        (error) => error instanceof FilterError && hint.test(error.hint ?? ''),
      ),
    )
  }
  wrong('jsn', /did you mean 'json'/)
  wrong('gob', /Go programs/)
  for (const option of ['relative-time', 'exec-hash'])
    test(`${option} is not for our own JSON`, () =>
      assert.throws(
        () =>
          parseOutput([`option:${option}`, 'none'], 'table') &&
          parseOutput([`option:exec-env,${option}`], 'tarsier'),
        (error) => error instanceof FilterError && /own JSON/.test(error.hint ?? ''),
      ))
  wrong('option:exec-hsh', /did you mean 'exec-hash'/)
  wrong('option:stack-addresses', /not recorded/)
  wrong('format:', /formats:/)
  wrong('constructor', /formats:/)
  wrong('json:x', /out-file:FILE/)
  wrong('relative-time', /option:relative-time/)
  wrong('gotemplate=', /out-file/)
  wrong('out-file:', /out-file/)
  test('formats, options, files', () =>
    assert.deepEqual(parseOutput(['format:table-verbose', 'option:exec-env,exec-hash', 'out-file:a:b']), {
      format: 'table-verbose',
      options: new Set(['exec-env', 'exec-hash']),
      outFile: 'a:b',
      errFile: undefined,
    }))
  test('sort is short for sort-events', () =>
    assert.deepEqual(
      parseOutput(['none', 'option:sort,detect-syscall']).options,
      new Set(['sort-events', 'detect-syscall']),
    ))
  test('a table has arguments in words', () => assert.ok(parseOutput([]).options.has('parse-arguments')))

  test('the keys of the flat shape', async () => {
    const [line] = await traced(['event=openat'], [OPEN])
    const record = JSON.parse(line!)
    assert.deepEqual(Object.keys(record).join(' '), KEYS)
    assert.deepEqual(record.args, [
      { name: 'dirfd', type: 'int', value: -100 },
      { name: 'pathname', type: 'const char*', value: '/tmp/a' },
      { name: 'flags', type: 'int', value: 65 },
      { name: 'mode', type: 'mode_t', value: 0 },
    ])
    assert.deepEqual(
      [record.eventId, record.eventName, record.returnValue, record.argsNum],
      ['257', 'openat', 3, 4],
    )
  })
  test('arguments in words become strings', async () => {
    const [line] = await traced(['event=openat'], [OPEN], ['json', 'option:parse-arguments'])
    assert.deepEqual(JSON.parse(line!).args[2], { name: 'flags', type: 'string', value: 'O_WRONLY|O_CREAT' })
  })
  test('an address as its members', async () => {
    const [line] = await traced(['event=connect'], [connect({ passed: '1.2.3.4 80' })])
    assert.deepEqual(JSON.parse(line!).args[1], {
      name: 'addr',
      type: 'struct sockaddr*',
      value: { sa_family: 'AF_INET', sin_port: '80', sin_addr: '1.2.3.4' },
    })
  })
  const argsOf = async (event: string, init: RecordInit, ...options: string[]): Promise<unknown[]> => {
    const lines = await traced([`event=${event}`], [init], ['json', ...options])
    return JSON.parse(lines[0]!).args.map(({ name, type, value }: Record<string, unknown>) => [
      name,
      type,
      value,
    ])
  }
  const WORDS = 'option:parse-arguments'
  test('words without a bit, and what is said of memory', async () => {
    const wordOf = async (name: string, argument: string, value: number): Promise<unknown> =>
      ((await argsOf(name, event(name, {}, { [argument]: value }), WORDS)) as unknown[][]).find(
        ([given]) => given === argument,
      )?.[2]
    assert.equal(await wordOf('mprotect', 'prot', 0), 'PROT_NONE')
    assert.equal(await wordOf('access', 'mode', 0), 'F_OK')
    assert.equal(await wordOf('mem_prot_alert', 'alert', 3), 'Protection changed from E to W+E!')
  })
  test('modes: octal in a table, and as Tracee has them elsewhere', async () => {
    const chmod = event('fchmod', {}, { fd: 3, mode: 0o4754 })
    assert.deepEqual((await argsOf('fchmod', chmod))[1], ['mode', 'mode_t', 0o4754])
    const names = 'S_ISUID|S_IRWXU|S_IRGRP|S_IXGRP|S_IROTH'
    assert.deepEqual((await argsOf('fchmod', chmod, WORDS))[1], ['mode', 'string', names])
    const mknod = event('mknod', {}, { pathname: '/x', mode: 0o10600 })
    assert.deepEqual((await argsOf('mknod', mknod, WORDS))[1], ['mode', 'string', 'S_IFIFO|S_IRUSR|S_IWUSR'])
    const mkdir = event('mkdir', {}, { pathname: '/x', mode: 0o750 })
    assert.deepEqual((await argsOf('mkdir', mkdir, WORDS))[1], ['mode', 'mode_t', 0o750])
    assert.match((await traced(['event=mkdir'], [mkdir], ['table'])).join(), /mode: 0750/)
    assert.match((await traced(['event=fchmod'], [chmod], ['table'])).join(), /mode: 04754/)
  })
  test('what standard input is', async () => {
    const exec = event('execve', {}, { res: 0, stdin_mode: 0o20620 })
    const args = (await argsOf('sched_process_exec', exec, WORDS)) as unknown[][]
    assert.deepEqual(args.at(-1), ['stdin_type', 'string', 'S_IFCHR'])
  })
  test('addresses: a number, hexadecimal in words', async () => {
    const sent = event('sendmsg', {}, { fd: 3, buf: 0x7ffc1000, flags: 0 })
    assert.deepEqual((await argsOf('sendmsg', sent))[1], ['msg', 'struct msghdr*', 0x7ffc1000])
    assert.deepEqual((await argsOf('sendmsg', sent, WORDS))[1], ['msg', 'struct msghdr*', '0x7ffc1000'])
    const taken = event('accept', {}, { res: 7, fd: 7, listen_fd: 3, addrlen_at: 0x10 })
    assert.deepEqual((await argsOf('accept', taken)).at(-1), ['addrlen', 'int*', 16])
    const traced = event('ptrace', {}, { request: 16, pid: 7, addr: 0x7ffc1000, data: 9 })
    assert.deepEqual((await argsOf('ptrace', traced, WORDS)).slice(2), [
      ['addr', 'void*', '0x7ffc1000'],
      ['data', 'void*', '0x9'],
    ])
  })
  test('the address that accept gives back is that of the peer, where one was asked for', async () => {
    const raddr = Uint8Array.of(0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0xff, 0xff, 192, 0, 2, 7)
    const peer = { family: 2, raddr, rport: 4711 }
    const addressOf = async (fields: object): Promise<unknown> => {
      const call = event('accept', {}, { res: 7, fd: 7, listen_fd: 3, ...peer, ...fields })
      const args = (await argsOf('accept', call)) as unknown[][]
      return args.find(([name]) => name === 'addr')?.[2]
    }
    assert.deepEqual(await addressOf({ addrlen_at: 0x10 }), {
      sa_family: 'AF_INET',
      sin_port: '4711',
      sin_addr: '192.0.2.7',
    })
    assert.equal(await addressOf({ addrlen_at: 0 }), undefined)
    assert.equal(await addressOf({ addrlen_at: 0x10, res: -11 }), undefined)
  })
  test('what execveat was given, where the kernel keeps a name that it made of it', async () => {
    const given = async (filename: string, fields: object): Promise<unknown[]> => {
      const args = (await argsOf(
        'execveat',
        event('execveat', {}, { filename, res: 0, ...fields }),
        WORDS,
      )) as unknown[][]
      return args.filter(([name]) => name !== 'argv').map(([, , value]) => value)
    }
    assert.deepEqual(await given('/dev/fd/3/bin/x', { dirfd: 3 }), [3, 'bin/x', 0])
    assert.deepEqual(await given('/dev/fd/3', { dirfd: 3, at_flags: 0x1000 }), [3, '', 'AT_EMPTY_PATH'])
    assert.deepEqual(await given('/dev/fd/3/x', { dirfd: -100 }), [-100, '/dev/fd/3/x', 0])
    assert.deepEqual(await given('/dev/fd/3/x', { dirfd: 3, res: -2 }), [3, '/dev/fd/3/x', 0])
  })
  test('an IPv6 address has its flow and scope, a message its flags', async () => {
    const address = {
      addr_family: 10,
      addr_ip: new Uint8Array(16),
      addr_port: 53,
      addr_flow: 7,
      addr_scope: 2,
    }
    const sent = event('sendto', {}, { fd: 3, size: 5, flags: 0x4000, addrlen: 28, ...address })
    const expected = [
      ['sockfd', 'int', 3],
      ['buf', 'void*', '0x0'],
      ['len', 'size_t', 5],
      ['flags', 'string', 'MSG_NOSIGNAL'],
      [
        'dest_addr',
        'struct sockaddr*',
        { sa_family: 'AF_INET6', sin6_port: '53', sin6_flowinfo: '7', sin6_addr: '::', sin6_scopeid: '2' },
      ],
      ['addrlen', 'int', 28],
    ]
    assert.deepEqual(await argsOf('sendto', sent, WORDS), expected)
    assert.deepEqual(
      await argsOf('sendto', { ...sent, flags: RECORD_FLAGS.IO_URING }, WORDS),
      expected.filter(([name]) => name !== 'flags' && name !== 'addrlen'),
      'what io_uring does not tell is left out',
    )
  })
  test('the socket that a connection came by', async () => {
    const init = event('accept4', {}, { res: 7, fd: 7, listen_fd: 3, flags: 0 })
    assert.deepEqual((await argsOf('accept4', init))[0], ['sockfd', 'int', 3])
  })
  test('what clone is given: flags and the signal are one word', async () => {
    const init = event(
      'clone',
      {},
      {
        res: -11,
        flags: 2 ** 31 + 0x1100,
        exit_signal: 17,
        stack: 0x1000,
        tls: 9,
      },
    )
    const others = (words: (value: number) => unknown): unknown[] => [
      ['stack', 'void*', words(0x1000)],
      ['parent_tid', 'int*', words(0)],
      ['child_tid', 'int*', words(0)],
      ['tls', 'unsigned long', words(9)],
    ]
    assert.deepEqual(await argsOf('clone', init), [
      ['flags', 'unsigned long', 2 ** 31 + 0x1111],
      ...others((value) => value),
    ])
    const [flags, stack] = await argsOf('clone', init, WORDS)
    assert.deepEqual(flags, ['flags', 'string', 'CLONE_VM|CLONE_PIDFD|CLONE_IO|SIGCHLD'])
    assert.deepEqual(stack, ['stack', 'void*', '0x1000'])
    assert.equal((await traced(['clone.flags=CLONE_VM*', 'clone.retval=-11'], [init])).length, 2)
  })
  test('what clone3 is given: the members that its size covers', async () => {
    const asked = { flags: 2 ** 33 + 0x100, exit_signal: 17, cgroup: 5, set_tid: 7, cl_args: 0x7f00 }
    const of = (size: number, flags = 0): RecordInit => ({
      ...event('clone3', {}, { res: -22, ...asked, size }),
      flags,
    })
    const names = async (init: RecordInit): Promise<string[]> => {
      const [args, size] = (await argsOf('clone3', init)) as [string, string, object][]
      assert.equal(size![0], 'size')
      return Object.keys(args![2])
    }
    assert.equal((await names(of(64))).at(-1), 'tls')
    assert.equal((await names(of(80))).at(-1), 'set_tid_size')
    assert.equal((await names(of(4096))).at(-1), 'cgroup')
    assert.deepEqual(await argsOf('clone3', of(63), WORDS), [
      ['cl_args', 'struct clone_args*', '0x7f00'],
      ['size', 'size_t', 63],
    ])
    assert.equal(
      JSON.stringify(await argsOf('clone3', of(88, RECORD_FLAGS.PARTIAL))).includes('flags'),
      false,
    )
    const [words] = (await argsOf('clone3', of(88), WORDS)) as [unknown[]]
    assert.deepEqual(words[2], {
      ...{ flags: 'CLONE_VM|CLONE_INTO_CGROUP', pidfd: '0x0', child_tid: '0x0', parent_tid: '0x0' },
      ...{ exit_signal: 'SIGCHLD', stack: '0x0', stack_size: '0', tls: '0x0' },
      ...{ set_tid: '0x7', set_tid_size: '0', cgroup: '5' },
    })
    assert.equal((await traced(['clone3.cl_args=CLONE_VM*', 'clone3.retval<0'], [of(88)])).length, 2)
  })
  test('what openat2 is given', async () => {
    const of = (fields: RecordInit['fields']): RecordInit =>
      event('openat2', {}, { name: 'a', dirfd: -100, ...fields })
    const init = of({ fd: 3, flags: 0o101, mode: 0o644, resolve: 12, how_size: 24 })
    assert.deepEqual((await argsOf('openat2', init)).slice(2), [
      ['how', 'struct open_how*', { flags: 0o101, mode: 0o644, resolve: 12 }],
      ['size', 'size_t', 24],
    ])
    const [how] = (await argsOf('openat2', init, WORDS)).slice(2) as [unknown[]]
    assert.deepEqual(how[2], {
      flags: 'O_WRONLY|O_CREAT',
      mode: '0644',
      resolve: 'RESOLVE_NO_SYMLINKS|RESOLVE_BENEATH',
    })
    for (const fields of [
      { fd: -14, how_size: 24 },
      { fd: -22, how_size: 7 },
    ])
      assert.deepEqual(
        (await argsOf('openat2', of(fields))).slice(2).map((one) => (one as string[])[0]),
        ['size'],
        'what was not looked at is not made up',
      )
  })
  test('a thread is no new process', async () => {
    const thread = event('clone3', {}, { res: 7, flags: 0x10000, size: 88 })
    assert.deepEqual(await seen(['event=sched_process_fork,clone3'], thread, START_CHILD), [
      'clone3',
      'sched_process_fork',
    ])
  })
  test('what only what was done is wanted of is apart: it needs no program at a call', () => {
    const { events, done } = createTracer({
      filter: compileFilter([parseExpression('event=sched_process_fork,execve')]),
      output: parseOutput(['json']),
      mask: true,
      warn: () => {},
    })
    assert.deepEqual([[...events], [...done]], [['execve'], ['clone', 'fork', 'vfork', 'clone3']])
  })
  test('credentials as their members', async () => {
    const cred = new Uint8Array(80)
    cred[16] = 7
    cred.set([1, 0, 0, 0, 0x80, 1], 56)
    const change = { event: 'commit_creds', pid: SHELL.pid, start: SHELL.start, fields: { old_cred: cred } }
    const [line] = await traced(['event=commit_creds'], [change])
    const { name, type, value } = JSON.parse(line!).args[0]
    assert.deepEqual(
      [name, type, value.Euid, value.CapEffective],
      ['old_cred', 'slim_cred_t', 7, 0x18000000001],
    )
    assert.deepEqual(
      Object.keys(value).join(' '),
      'Uid Gid Suid Sgid Euid Egid Fsuid Fsgid UserNamespace SecureBits ' +
        'CapInheritable CapPermitted CapEffective CapBounding CapAmbient',
    )
  })
  test('a program that the kernel started is one', async () => {
    const worker = { pid: 40, start: 7 }
    const below = (ppid: number) => ({ by: worker, parent: { pid: ppid, start: 1 }, time: 1_000_000_000 })
    const invoked = async (ppid: number): Promise<unknown> => {
      const run = execve({ by: { pid: 50, start: 9 }, parent: worker, time: 2_000_000_000 })
      const [line] = await traced(['event=sched_process_exec'], [snapshot(below(ppid)), run])
      const { args } = JSON.parse(line!) as { readonly args: readonly Record<string, unknown>[] }
      return args.find(({ name }) => name === 'invoked_from_kernel')?.['value']
    }
    assert.deepEqual([await invoked(2), await invoked(30), await invoked(0)], [1, 0, undefined])
  })
  test('environments on request, secrets hidden', async () => {
    const run = execve({ argv: ['x', '--password', 'hunter2'], env: ['A=b', 'DB_PASSWORD=hunter2'] })
    const [without] = await traced(['event=sched_process_exec'], [run])
    const [withEnv] = await traced(['event=sched_process_exec'], [run], ['json', 'option:exec-env'])
    assert.ok(!without!.includes('"env"') && !without!.includes('hunter2'))
    assert.ok(withEnv!.includes('"A=b"') && !withEnv!.includes('hunter2'))
  })
  test('a filter of an environment asks for it, and does not show it', async () => {
    const run = execve({ env: ['A=b', 'C=d'] })
    const expressions = ['event=sched_process_exec', 'sched_process_exec.env=A=*']
    const [line] = await traced(expressions, [execve({ env: ['C=d'] }), run])
    assert.ok(line!.includes('sched_process_exec') && !line!.includes('"env"'))
    const asks = (...given: readonly string[]): boolean => {
      const filter = compileFilter(given.map(parseExpression))
      return createTracer({ filter, output: parseOutput([]), mask: true, warn: () => {} }).env
    }
    assert.deepEqual(
      [asks(...expressions), asks('execve.envp!=A*'), asks('execve.argv=A')],
      [true, true, false],
    )
  })
  test('what is told of calls that worked has no result of its own', async () => {
    const made = async (retval: string): Promise<unknown[]> =>
      (await traced(['event=sched_process_fork', `sched_process_fork.retval${retval}`], [START_CHILD])).map(
        (line) => JSON.parse(line).returnValue,
      )
    assert.deepEqual([await made('=0'), await made('>0')], [[0, 0], [0]])
  })
  test('the name of a host that is not UTF-8', async () => {
    const [line] = await traced(['event=execve'], [execve({ fields: { uts: 'web\udcff' } })])
    const { hostName, hostName_b64 } = JSON.parse(line!)
    assert.deepEqual(
      [hostName, hostName_b64],
      ['web\\xff', Buffer.from('web\xff', 'latin1').toString('base64')],
    )
  })
  test('ids inside and outside, where containers are asked for', async () => {
    const rowOf = async (format: string): Promise<readonly string[]> => {
      const [heading, row] = await traced(['event=openat', '!container'], [OPEN], [format])
      const from = heading!.indexOf('PID/host')
      return [heading!.slice(from, heading!.indexOf('RET')), row!.slice(from, heading!.indexOf('RET'))]
    }
    assert.deepEqual(await rowOf('table'), [
      'PID/host        TID/host        ',
      '100    /100     100    /100     ',
    ])
    assert.deepEqual(await rowOf('table-verbose'), [
      'PID/host        TID/host        PPID/host       ',
      '100    /100     100    /100     0      /1       ',
    ])
  })
  test('hostile names: visible in tables, lossless in JSON', async () => {
    const name = 'a\n\u001b[2J\u202e%s\udcff'
    const open = openat({ path: `/tmp/${name}` })
    const lines = await traced(['event=openat'], [open], ['table'])
    assert.ok(lines[1]!.includes('/tmp/a\\n\\x1b[2J\\u202e%s\\xff'), lines[1])
    const [line] = await traced(['event=openat'], [open])
    assert.doesNotMatch(line!, /[\n\u001b\u202e]/)
    const { value_b64 } = JSON.parse(line!).args[1]
    assert.deepEqual(
      Buffer.from(value_b64, 'base64'),
      Buffer.concat([Buffer.from('/tmp/a\n\u001b[2J\u202e%s'), Buffer.of(0xff)]),
    )
  })
  const HOSTILE = 'a\n\r\t\u001b[2J\u009b\u202e\u2066\u2028%s%n{{.X}}\udcff\udc80\\'
  const RAW = /[\x00-\x1f\x7f-\x9f\u061c\u200e\u200f\u2028-\u202e\u2066-\u2069]/
  const hostileEvents = [
    execve({
      path: `/tmp/${HOSTILE}`,
      comm: HOSTILE,
      argv: [HOSTILE, '', `--x=${HOSTILE}`],
      env: [`E=${HOSTILE}`],
      cwd: `/${HOSTILE}`,
      cgroup: `/docker/${HOSTILE}`,
      fields: { uts: HOSTILE, filename: HOSTILE },
    }),
    openat({ path: HOSTILE, dir: `/${HOSTILE}`, resolved: `/${HOSTILE}/${HOSTILE}` }),
  ]
  const templates = [
    '{{.}}',
    '{{range .Args}}{{.Name}}={{.Value}} {{printf "%v %s" .Type .Value}}{{end}}',
    '{{.ProcessName}}{{.HostName}}',
  ]
  for (const output of ['table', 'table-verbose', 'json', 'tarsier', ...templates])
    test(`nothing of a hostile name comes out raw: ${output}`, async () => {
      const template = output.startsWith('{{') ? eventTemplate(output) : undefined
      const lines = await traced(
        ['event=execve,sched_process_exec,openat'],
        hostileEvents,
        [template === undefined ? output : 'gotemplate=x', 'option:exec-env', 'option:parse-arguments'],
        template === undefined ? {} : { template },
      )
      // The end of a table is two lines of ours.
      const of = lines.filter((line) => !line.includes('End of events stream'))
      assert.ok(of.length >= 3)
      for (const line of of) {
        assert.doesNotMatch(line, RAW)
        assert.ok(line.isWellFormed(), line)
      }
      if (output !== 'json' && output !== 'tarsier') return
      const exact = Buffer.from(encodeText(HOSTILE)).toString('base64')
      assert.ok(
        of.some((line) => line.includes(exact)),
        `the bytes of ${JSON.stringify(HOSTILE)}`,
      )
    })
  test('the end is told, in each form', async () => {
    assert.match(
      (await traced(['event=openat'], [OPEN], ['table'])).at(-1)!,
      /End of events stream\nStats: \{EventCount:1 /,
    )
    assert.match(
      (await traced(['event=openat'], [OPEN])).at(-1)!,
      /"eventName":"end_of_stream".*"name":"events","type":"u64","value":1/,
    )
    assert.match(
      (await traced(['event=openat'], [OPEN], ['tarsier'])).at(-1)!,
      /^\{"event_type":"end","v":1,.*"events":1/,
    )
  })
  test('our own JSON has one line for an event, whatever it is called', async () => {
    const lines = await traced(['event=execve,sched_process_exec'], [execve()], ['tarsier'])
    assert.equal(lines.length, 2)
    assert.equal(JSON.parse(lines[0]!).event, 'execve')
  })
  test('through a template, with the names of Go', async () => {
    const template = eventTemplate(
      '{{.EventName}} {{.ReturnValue}}{{range .Args}} {{.Name}}={{.Value}}{{end}}\n',
    )
    const hostile = openat({ path: '/tmp/a\nb' })
    assert.deepEqual(await traced(['event=openat'], [OPEN, hostile], ['gotemplate=x'], { template }), [
      'openat 3 dirfd=-100 pathname=/tmp/a flags=65 mode=0',
      'openat 3 dirfd=-100 pathname=/tmp/a\\nb flags=0 mode=0',
    ])
  })
  test('a template may compare the number of an event, and look for stacks', async () => {
    const template = eventTemplate('{{if eq .EventID 257}}{{printf "%d" .EventID}}{{end}}{{.StackAddresses}}')
    assert.deepEqual(await traced(['event=openat'], [OPEN], ['gotemplate=x'], { template }), ['257[]'])
  })
  test('a template that makes nothing writes no line', async () => {
    const template = eventTemplate('{{if lt .ReturnValue 0}}{{.EventName}}{{end}}')
    assert.deepEqual(await traced(['event=openat'], [OPEN, MISSED], ['gotemplate=x'], { template }), [
      'openat',
    ])
  })
  test('a template that does not fit is told once, and counted', async () => {
    const template = eventTemplate('{{.Nmae}}')
    const lines = await traced(['event=openat'], [OPEN, OPEN], ['gotemplate=x'], { template })
    assert.match(lines[0]!, /^template: 1:3: there is no field Nmae/)
    assert.deepEqual(lines.slice(1), ['the template did not fit 2 events'])
  })
  test('what the output refuses is told at once, then once a second, and counted', async () => {
    const at = (ms: number): RecordInit =>
      openat({ path: `/tmp/${ms}`, time: 1_000_000_000 + ms * 1_000_000 })
    const slow = { takes: (line: string) => !/\/tmp\/\d*[1-9]"/.test(line) }
    const events = [1, 2, 10, 13, 600, 1001, 1002, 1100, 1200].map(at)
    const lines = await traced(['event=openat'], events, ['json'], slow)
    const told = lines.map((line) => (line.startsWith('{') ? JSON.parse(line) : line))
    assert.deepEqual(
      told.slice(0, -1).map((line) => line.args?.[1].value ?? line),
      [
        'lost 1 event: the output had no room',
        ...['/tmp/10', '/tmp/600'],
        'lost 3 events: the output had no room',
        ...['/tmp/1100', '/tmp/1200'],
        'lost 1 event: the output had no room',
      ],
    )
    assert.deepEqual(
      told.at(-1).args.map(({ value }: { readonly value: number }) => value),
      [9, 0, 0, 5],
    )
  })
  test('hashes of executed files, in the order of events', async () => {
    const waiting: ((hash: string) => void)[] = []
    const hashes = {
      of: () => new Promise<string>((done) => waiting.push(done)),
      close: () => {},
    } as unknown as ExecHashes
    const events = [execve(), OPEN]
    setTimeout(() => {
      for (const done of waiting) done('abc')
    }, 20)
    const lines = await traced(['event=sched_process_exec,openat'], events, ['json', 'option:exec-hash'], {
      hashes,
    })
    assert.deepEqual(
      lines.slice(0, -1).map((line) => JSON.parse(line).eventName),
      ['sched_process_exec', 'openat'],
    )
    assert.deepEqual(JSON.parse(lines[0]!).args.at(-1), { name: 'sha256', type: 'const char*', value: 'abc' })
  })
  test('sorted by time', async () => {
    const at = (time: number): RecordInit => openat({ path: `/tmp/${time}`, time })
    const lines = await traced(['event=openat'], [at(5), at(3), at(9), at(4)], ['json', 'option:sort-events'])
    assert.deepEqual(
      lines.slice(0, -1).map((line) => JSON.parse(line).args[1].value),
      ['/tmp/3', '/tmp/4', '/tmp/5', '/tmp/9'],
    )
  })
})
