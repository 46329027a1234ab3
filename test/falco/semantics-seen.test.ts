/**
 * Semantics seen: what a running Falco does that is easy to get wrong, a test for each statement, in the order in which
 * they were noted. Where Falco is wrong, both values.
 */
import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import { EXE_FLAGS, OPEN_FLAGS } from '../../schema/enums/index.ts'
import type { RecordInit } from '../../src/decode/encode.ts'
import { createAlert } from '../../src/detect/alert.ts'
import { createEngine } from '../../src/detect/engine.ts'
import type { SyscallContext } from '../../src/fields/context.ts'
import { SOURCES } from '../../src/fields/index.ts'
import { falcoJson, falcoText } from '../../src/outputs/formats/falco.ts'
import type { CompiledRule } from '../../src/rules/ir.ts'
import { loadRules } from '../../src/rules/load.ts'
import {
  accept,
  address,
  connect,
  event,
  execve,
  fork,
  INIT,
  openat,
  SHELL,
  snapshot,
} from '../../src/testing/events.ts'
import { createWorld, EPOCH, type World } from '../../src/testing/world.ts'

const OPTIONS = {
  iso8601: true,
  includeOutput: true,
  includeMessage: false,
  includeFields: true,
  includeTags: true,
}
const IDENTITY = { hostname: 'box', hostId: 'h', bootId: 'b' }
const SYSTEMD = snapshot({ by: INIT, path: '/usr/lib/systemd/systemd', parent: { pid: 0, start: 0 } })
const BASH = snapshot({ by: SHELL, path: '/usr/bin/bash', argv: ['-bash'], parent: INIT })

/** A host where this has happened; with `asFalco` its values are Falco's. */
function host(events: readonly RecordInit[], asFalco = false): World {
  const world = createWorld({ asFalco })
  world.feed(SYSTEMD, BASH, ...events)
  return world
}
function seen(name: string, is: RecordInit, expected: unknown, asFalco = false): void {
  assert.deepEqual(host([is], asFalco).plain(name), expected)
}

/** The alert of a rule with this output about an event, in both shapes. */
function alertOf(output: string, about: RecordInit): { readonly json: string; readonly text: string } {
  const text = JSON.stringify([
    {
      rule: 'R',
      desc: 'd',
      condition: `evt.type = ${about.event}`,
      output,
      priority: 'INFO',
      tags: ['z', 'b', 'a'],
    },
  ])
  const { rules, files } = loadRules([{ path: 'r.yaml', text }], { sources: SOURCES })
  assert.deepEqual(files[0]?.errors, [])
  const world = createWorld()
  const ctx = world.feed(SYSTEMD, BASH, about)
  const alert = createAlert(rules[0] as unknown as CompiledRule<SyscallContext>, ctx, IDENTITY)
  return { json: falcoJson(alert, OPTIONS), text: falcoText(alert, OPTIONS) }
}
const fieldsOf = (output: string, about: RecordInit): Record<string, unknown> =>
  JSON.parse(alertOf(output, about).json).output_fields

const OPEN = openat({ path: '/x', time: 3_723_000_000_042n })
const { O_DIRECTORY = 0, O_CREAT = 0, O_TRUNC = 0, O_CLOEXEC = 0, O_PATH = 0 } = OPEN_FLAGS.names
const FMODE_CREATED = 0x100000
const REFUSED = -111
const IN_PROGRESS = -115

describe('JSON', () => {
  const { json } = alertOf('file=%fd.name', OPEN)
  test('keys sorted', () =>
    assert.deepEqual(Object.keys(JSON.parse(json)), [
      'hostname',
      'output',
      'output_fields',
      'priority',
      'rule',
      'source',
      'tags',
      'time',
    ]))
  test('time is ISO with Z and ns', () =>
    assert.equal(JSON.parse(json).time, '2026-01-01T01:02:03.000000042Z'))
  test('output starts with time, zone and priority', () =>
    assert.equal(JSON.parse(json).output, '2026-01-01T01:02:03.000000042+0000: Informational file=/x'))
  test('the text is the same line', () =>
    assert.equal(alertOf('file=%fd.name', OPEN).text, JSON.parse(json).output))
  test('INFO is Informational', () => assert.equal(JSON.parse(json).priority, 'Informational'))
  test('evt.time.iso8601 is an integer of ns', () =>
    assert.match(json, new RegExp(`"evt\\.time\\.iso8601":${EPOCH + 3_723_000_000_042n}[,}]`)))
  test('tags sorted', () => assert.deepEqual(JSON.parse(json).tags, ['a', 'b', 'z']))
})

describe('values', () => {
  test('a missing field is <NA> in the text', () =>
    assert.match(alertOf('[%fd.sip]', OPEN).text, /\[<NA>\]$/))
  test('a missing field is null', () => assert.equal(fieldsOf('%fd.sip', OPEN)['fd.sip'], null))
  const EMPTY = execve({ argv: ['true'] })
  test('an empty string prints nothing', () => assert.match(alertOf('[%proc.args]', EMPTY).text, /\[\]$/))
  test('an empty string is a value', () =>
    assert.equal(fieldsOf('[%evt.arg.args]', EMPTY)['evt.arg.args'], ''))
  test('numbers stay numbers', () => assert.equal(fieldsOf('%evt.rawres', OPEN)['evt.rawres'], 3))
  test('truths stay truths', () =>
    assert.equal(fieldsOf('%evt.is_open_read', OPEN)['evt.is_open_read'], true))
  test('fd.name is a string', () => assert.equal(fieldsOf('%fd.name', OPEN)['fd.name'], '/x'))
  test('lists are strings', () => {
    assert.equal(fieldsOf('%proc.args', execve({ argv: ['x', 'a', 'b'] }))['proc.args'], 'a b')
    assert.deepEqual(
      [...SOURCES.get('syscall')!.fields.values()].filter(({ list }) => list).map(({ name }) => name),
      // A field that only we have.
      ['dns.answers'],
    )
  })
  test('flags are a string joined by |', () =>
    assert.equal(
      fieldsOf('%evt.arg.flags', openat({ path: '/x', flags: O_CREAT | O_CLOEXEC | 1 }))['evt.arg.flags'],
      'O_CREAT|O_WRONLY|O_CLOEXEC',
    ))
})

describe('evt.args', () => {
  test('a resolved path follows in parentheses', () =>
    assert.match(
      String(host([event('unlink', {}, { res: 0, name: 'a', dir: '/tmp/x' })]).plain('evt.args')),
      /path=a\(\/tmp\/x\/a\)/,
    ))
  test('only when it differs', () =>
    seen('evt.args', event('unlink', {}, { res: 0, name: '/tmp/a' }), 'res=0 path=/tmp/a'))
  test('a file: <f>', () => seen('evt.arg.fd', OPEN, '<f>/x'))
  test('a directory: <d>', () =>
    seen('evt.arg.fd', openat({ path: '/tmp', fields: { i_mode: 0o40755 } }), '<d>/tmp'))
  test('tcp4: <4t>', () =>
    seen(
      'evt.arg.fd',
      connect({ local: '10.0.0.2 40', remote: '1.2.3.4 443' }),
      '<4t>10.0.0.2:40->1.2.3.4:443',
    ))
  test('udp4: <4u>', () =>
    seen(
      'evt.arg.fd',
      connect({ local: '10.0.0.2 40', remote: '1.2.3.4 53', protocol: 17 }),
      '<4u>10.0.0.2:40->1.2.3.4:53',
    ))
  test('unix: <u>', () => seen('evt.arg.fd', connect({ unix: '/run/s' }), '<u>/run/s'))
  const written = (path: string): RecordInit => event('write', {}, { res: 1, fd: 5, size: 1, path })
  test('a pipe: <p>', () => seen('evt.arg.fd', written('pipe:[9]'), '<p>pipe:[9]'))
  test('a memfd: <m>', () => seen('evt.arg.fd', written('memfd:x'), '<m>memfd:x'))
  test('anything else: <o>', () => seen('evt.arg.fd', written('anon_inode:[pidns]'), '<o>anon_inode:[pidns]'))
  test('a result with the name of its error', () =>
    assert.match(
      String(host([event('unlink', {}, { res: -2, name: '/a' })]).plain('evt.args')),
      /^res=-2\(ENOENT\) /,
    ))
  test('a descriptor that is an error', () =>
    assert.match(String(host([openat({ path: '/a', fd: -7 })]).plain('evt.args')), /^fd=-7\(E2BIG\) /))
  test('a dot for each NUL of an argument vector', () =>
    seen('evt.arg.args', execve({ argv: ['sh', '-c', 'id'] }), '-c.id.'))
  test('and of an environment', () => seen('evt.arg.env', execve({ env: ['A=1', 'B=2'] }), 'A=1.B=2.'))
  test('mkdir mode is bare hexadecimal', () =>
    seen('evt.args', event('mkdir', {}, { res: 0, pathname: '/x', mode: 0o777 }), 'res=0 path=/x mode=1FF'))
  test('a clone shows the caller', () =>
    assert.match(
      String(host([fork({ child: { pid: 200, start: 6_000_000_003 } })]).plain('evt.args')),
      /^res=200 exe=-bash args= tid=100 pid=100 ptid=1 cwd=\/ .*uid=1000 gid=1000 vtid=100 vpid=100$/,
    ))
  test('positions are those of Falco', () => seen('evt.arg[4]', execve(), '100'))
  test('open mode is octal', () => seen('evt.arg.mode', openat({ path: '/x', mode: 0o666 }), '0666'))
  test('chmod mode is octal with names', () =>
    assert.match(
      String(host([event('chmod', {}, { res: 0, filename: '/x', mode: 0o755 })]).plain('evt.args')),
      /mode=0755\(S_IXOTH\|S_IROTH\|S_IXGRP\|S_IRGRP\|S_IXUSR\|S_IWUSR\|S_IRUSR\)/,
    ))
})

describe('processes', () => {
  const CHILD = { pid: 200, start: 6_000_000_003, uid: 1000 }
  test("the parent's event has the child's pid as the caller sees it", () =>
    seen(
      'evt.rawres',
      event('clone', {}, { res: 7, child_pid: 200, child_start: CHILD.start, child_vpid: 1 }),
      7,
    ))
  test('a child in another pid namespace is linked all the same', () => {
    const world = host([fork({ child: CHILD, vpid: 1, pidns: 5 }), openat({ path: '/x', by: CHILD })])
    assert.deepEqual(
      [world.plain('proc.vpid'), world.plain('proc.ppid'), world.plain('proc.pname')],
      [1, 100, 'bash'],
    )
  })
  const MEMORY = execve({
    path: 'memfd:evil',
    comm: 'memfd:evil',
    fields: { exe_flags: EXE_FLAGS.names['EXE_WRITABLE']! | EXE_FLAGS.names['EXE_FROM_MEMFD']! },
  })
  test('a program in memory: its name', () => seen('proc.name', MEMORY, 'memfd:evil'))
  test('a program in memory: its path', () => seen('proc.exepath', MEMORY, 'memfd:evil'))
  test('a program in memory: its flags', () => seen('evt.arg.flags', MEMORY, 'EXE_WRITABLE|EXE_FROM_MEMFD'))
  const REMOVED = execve({ fields: { exe_flags: EXE_FLAGS.names['EXE_DELETED']! | 1 } })
  test('a removed program has a flag that is not of Falco', () =>
    seen('evt.arg.flags', REMOVED, 'EXE_WRITABLE|EXE_DELETED'))
  test('but not as Falco', () => seen('evt.arg.flags', REMOVED, 'EXE_WRITABLE', true))
  test('proc.loginshellid is the topmost shell by name', () => {
    const inner = { pid: 300, start: 7_000_000_000 }
    const world = host([
      fork({ child: inner }),
      execve({ by: inner, path: '/usr/bin/zsh', parent: SHELL }),
      openat({ path: '/x', by: inner }),
    ])
    assert.equal(world.plain('proc.loginshellid'), 100)
  })
  test('without a known shell it is <NA>', () => {
    const world = createWorld()
    world.feed(openat({ path: '/x', by: { pid: 9, start: 9 } }))
    assert.equal(world.plain('proc.loginshellid'), undefined)
  })
  test('an ancestor that is not known is <NA>', () => {
    const orphan = { pid: 9, start: 9 }
    const world = createWorld()
    world.feed(execve({ by: orphan, parent: { pid: 8, start: 8 } }))
    assert.deepEqual([world.plain('proc.loginshellid'), world.plain('proc.aname[1]')], [undefined, undefined])
  })
  test('a user of the host has a name', () => seen('user.name', openat({ path: '/x' }), 'alice'))
  const INSIDE = (uid: number): RecordInit =>
    execve({ by: { ...SHELL, uid }, cgroup: `/docker/${'3ad7b26ded6d'.padEnd(64, '0')}` })
  test('inside a container an unresolved uid has none', () => seen('user.name', INSIDE(1000), undefined))
  test('what takes no notice of it: root', () => seen('user.name', INSIDE(0), 'root'))
})

describe('containers', () => {
  const IN = (cgroup: string): RecordInit => execve({ cgroup })
  const NAME = 'a-name-that-is-no-hexadecimal-id'
  test('a host without any match', () => seen('container.id', IN('/user.slice'), 'host'))
  test('two components and 32 characters are no container', () =>
    seen('container.id', IN(`/ns/${NAME}`), 'host'))
  test('for Falco they are', () => seen('container.id', IN(`/ns/${NAME}`), 'a-name-that-', true))
  test('not 31, and not three', () => {
    seen('container.id', IN(`/ns/${NAME.slice(1)}`), 'host', true)
    seen('container.id', IN(`/a/ns/${NAME}`), 'host', true)
  })
})

/** A datagram socket that was neither bound nor connected, and where it sends. */
const UNBOUND = { family: 2, type: 2, protocol: 17, laddr: address('0.0.0.0'), lport: 4000 }
const TO_LOOPBACK = { addr_family: 2, addr_ip: address('127.0.0.1'), addr_port: 53 }

describe('sockets', () => {
  const UNDER_WAY = connect({ local: '10.0.0.2 40', remote: '1.2.3.4 443', res: IN_PROGRESS })
  test('a connect under way has its tuple', () =>
    seen('evt.arg.tuple', UNDER_WAY, '10.0.0.2:40->1.2.3.4:443'))
  test('and counts as connected', () => seen('fd.connected', UNDER_WAY, true))
  const FAILED = connect({ remote: '1.2.3.4 443', res: REFUSED })
  test('a refused connect: tuple=NULL', () => seen('evt.arg.tuple', FAILED, 'NULL'))
  test('a refused connect: fd.name empty', () => seen('fd.name', FAILED, ''))
  test('a refused connect: not connected', () => seen('fd.connected', FAILED, false))
  test('a refused connect: the target in evt.arg.addr', () => seen('evt.arg.addr', FAILED, '1.2.3.4:443'))
  const NO_SOCKET = connect({ unix: '/run/none', res: -2 })
  test('a missing unix path: tuple=NULL', () => seen('evt.arg.tuple', NO_SOCKET, 'NULL'))
  test('a missing unix path: fd.name empty', () => seen('fd.name', NO_SOCKET, ''))
  test('a missing unix path: the target in evt.arg.addr', () => seen('evt.arg.addr', NO_SOCKET, '/run/none'))

  const OUT = connect({ local: '10.0.0.2 40312', remote: '1.2.3.4 443' })
  test('lport is our port', () => seen('fd.lport', OUT, 40312))
  test('rport is the port of the server', () => seen('fd.rport', OUT, 443))
  test("Falco's lport is the port of the server", () => seen('fd.lport', OUT, 443, true))
  test("Falco's rport is our port", () => seen('fd.rport', OUT, 40312, true))
  test('client and server are right for both', () => seen('fd.sport', OUT, 443, true))
  test('loopback is right for both', () =>
    seen('fd.lport', connect({ local: '127.0.0.1 40312', remote: '127.0.0.1 443' }), 40312, true))
  test('what was accepted is right for both', () =>
    seen('fd.lport', accept({ local: '10.0.0.2 22', remote: '1.2.3.4 999' }), 22, true))
  test('without an answer a name never matches', () => seen('fd.sip.name', OUT, undefined))
  const SENT = event('sendto', {}, { res: 4, fd: 5, size: 4, ...UNBOUND, ...TO_LOOPBACK })
  test('what an unbound socket sends has 0.0.0.0 and its port in the tuple', () =>
    seen('evt.arg.tuple', SENT, '0.0.0.0:4000->127.0.0.1:53'))
  test('and its source on loopback in fd.name', () => seen('fd.name', SENT, '127.0.0.1:4000->127.0.0.1:53'))
})

describe('open flags', () => {
  const flagsOf = (flags: number, more: object = {}): RecordInit =>
    openat({ path: '/x', flags, fields: { ...more } })
  test("bits are Falco's: O_RDONLY is 1", () => seen('evt.rawarg.flags', flagsOf(0), '1'))
  test('O_RDWR is 3', () => seen('evt.rawarg.flags', flagsOf(2), '3'))
  test('the raw number and the names', () =>
    assert.match(String(host([flagsOf(O_CLOEXEC)]).plain('evt.args')), / flags=4097\(O_RDONLY\|O_CLOEXEC\) /))
  test('O_DIRECTORY', () => seen('evt.arg.flags', flagsOf(O_DIRECTORY), 'O_DIRECTORY|O_RDONLY'))
  test('Falco adds O_TMPFILE', () =>
    seen('evt.arg.flags', flagsOf(O_DIRECTORY), 'O_DIRECTORY|O_RDONLY|O_TMPFILE', true))
  test('creation adds O_F_CREATED', () =>
    seen(
      'evt.arg.flags',
      flagsOf(O_CREAT | O_TRUNC | 1, { f_mode: FMODE_CREATED }),
      'O_TRUNC|O_CREAT|O_WRONLY|O_F_CREATED',
    ))
  test('flags Falco has no bit for are named behind', () =>
    seen('evt.arg.flags', flagsOf(O_PATH), 'O_RDONLY|O_PATH'))
  test('but not as Falco', () => seen('evt.arg.flags', flagsOf(O_PATH), 'O_RDONLY', true))
})

describe('names of events', () => {
  const eventsOf = (name: string): unknown => {
    const text = `- {rule: R, desc: d, condition: evt.type = ${name}, output: o, priority: INFO}`
    const { rules, files } = loadRules([{ path: 'r.yaml', text }], { sources: SOURCES })
    assert.deepEqual([files[0]?.errors, files[0]?.warnings], [[], []])
    return [...(rules[0]!.events as ReadonlySet<string>)]
  }
  for (const [falco, ours] of [
    ['pwrite', 'pwrite64'],
    ['pread', 'pread64'],
    ['prlimit', 'prlimit64'],
    ['sendfile64', 'sendfile'],
    ['openat', 'openat'],
  ] as const)
    test(`${falco} is ${ours}`, () => assert.deepEqual(eventsOf(falco), [ours]))
})

test('a rule about pwrite sees a pwrite64', () => {
  const text =
    '- {rule: R, desc: d, condition: evt.type = pwrite and fd.name = /x, output: o, priority: INFO}'
  const { rules } = loadRules([{ path: 'r.yaml', text }], { sources: SOURCES })
  const engine = createEngine(rules as unknown as readonly CompiledRule<SyscallContext>[], {
    matching: 'all',
    timeOf: ({ event: { time } }) => time,
  })
  const ctx = createWorld().feed(event('pwrite64', {}, { res: 1, fd: 5, size: 1, path: '/x' }))
  const found: string[] = []
  engine.run(ctx.event.name, ctx, ({ name }) => found.push(name))
  assert.deepEqual(found, ['R'])
})

describe('paths', () => {
  const LINKED = openat({ path: '/home/me/link', resolved: '/etc/shadow' })
  const judged = (asFalco: boolean): readonly unknown[] => host([LINKED], asFalco).candidates('fd.name')
  test('are judged in both spellings', () =>
    assert.deepEqual(judged(false), ['/home/me/link', '/etc/shadow']))
  test('as Falco only as accessed', () => assert.deepEqual(judged(true), ['/home/me/link']))
  test('directories, too', () =>
    assert.deepEqual(host([LINKED], true).candidates('fd.directory'), ['/home/me']))
})

describe('inode times', () => {
  const CHANGED = 1_700_000_000_000_000_005n
  const MODIFIED = 1_600_000_000_000_000_007n
  const RUN = execve({ fields: { exe_ctime: CHANGED, exe_mtime: MODIFIED } })
  test('mtime is right', () => seen('proc.exe_ino.mtime', RUN, MODIFIED))
  test('ctime is right', () => seen('proc.exe_ino.ctime', RUN, CHANGED))
  test("Falco's mtime has the nanoseconds of ctime in front", () =>
    seen('proc.exe_ino.mtime', RUN, MODIFIED + ((5n | (1n << 31n)) << 32n), true))
  test("Falco's ctime is 2.147 s late", () => seen('proc.exe_ino.ctime', RUN, CHANGED + 2n ** 31n, true))
  test('and so is what follows from it', () => {
    const name = 'proc.exe_ino.ctime_duration_proc_start'
    const [truth, wrong] = [false, true].map((asFalco) => host([RUN], asFalco).plain(name) as bigint)
    assert.equal(truth! - wrong!, 2n ** 31n)
  })
})
