import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { PUBLIC_EVENT_TYPES } from '../../schema/index.ts'
import type { RecordInit } from '../decode/encode.ts'
import { validate } from '../outputs/json-schema.ts'
import {
  connect,
  event,
  execve,
  exit,
  fork,
  INIT,
  openat,
  SHELL,
  snapshot,
  socketEvent,
} from '../testing/events.ts'
import { rulesOf } from '../testing/rules.ts'
import { createStream, type JsonRecord, type StreamOptions } from '../testing/telemetry.ts'
import { nativeSchema } from './native.ts'
import { eventsOfHooks } from './open.ts'
import { publishedSchemas } from './published.ts'
import { RECORD_TYPES } from './records.ts'

const SCHEMAS = publishedSchemas()
const KIND: Readonly<Record<string, string>> = { alert: 'alert', gap: 'gap' }
/** The record, after it was checked against the schema that is published for it. */
const checked = (record: JsonRecord): JsonRecord => {
  const kind = 'event' in record ? 'native-event' : (KIND[record['event_type'] as string] ?? 'event')
  assert.deepEqual(validate(SCHEMAS.get(`${kind}.schema.json`)!, record), [])
  const type = PUBLIC_EVENT_TYPES.find(({ name }) => name === record['event'])
  if (type !== undefined) assert.deepEqual(validate(nativeSchema(type), record), [])
  return record
}
const feed = (options: StreamOptions, ...events: readonly RecordInit[]): readonly JsonRecord[] =>
  createStream(options)
    .feed(...events)
    .map(checked)
const known = snapshot({ path: '/usr/bin/bash', argv: ['bash', '-l'], cwd: '/root' })
/** Records of events of a shell that is known. */
const records = (...events: readonly RecordInit[]): readonly JsonRecord[] => feed({}, known, ...events)
const write = (path: string, fields: Readonly<Record<string, number>> = {}, name = 'write'): RecordInit =>
  event(name, {}, { res: 3, fd: 5, size: 3, pos: -1, fd_in: -1, path, ...fields })
const rename = (from: string, to: string, name = 'rename', fields = {}): RecordInit =>
  event(name, {}, { res: 0, oldpath: from, newpath: to, ...fields })
const typesOf = (list: readonly JsonRecord[]): readonly unknown[] =>
  list.map((record) => record['event_type'])

/** An event becomes one record, which has these values among others. */
const becomes = (name: string, init: RecordInit, expected: JsonRecord): void => {
  test(name, () => {
    const list = records(init)
    assert.equal(list.length, 1)
    assert.deepEqual({ ...list[0], ...expected }, list[0])
  })
}

becomes('process_start', execve({ path: '/usr/bin/id', argv: ['id', '-u'], cwd: '/tmp', parent: INIT }), {
  event_type: 'process_start',
  timestamp_ns: SHELL.start + 1_000_000,
  pid: 100,
  tid: 100,
  ppid: 1,
  uid: 1000,
  gid: 1000,
  comm: 'id',
  exe_path: '/usr/bin/id',
  source: 'execve',
  filename_truncated: false,
  argv: ['id', '-u'],
  cwd: '/tmp',
  time: '2026-01-01T00:00:05.001000007Z',
  host: 'testhost',
  container_id: null,
})
becomes('execveat is a source', execve({ name: 'execveat' }), { source: 'execveat' })
becomes('process_exit', exit({ code: 3 }), {
  event_type: 'process_exit',
  comm: 'bash',
  group_dead: true,
  exit_code: 3,
  signal: 0,
})
becomes('process_relationship', fork({ child: { pid: 200, start: 6e9 + 1 }, comm: 'bash' }), {
  event_type: 'process_relationship',
  parent_pid: 100,
  parent_comm: 'bash',
  child_pid: 200,
  child_tid: 200,
  child_comm: 'bash',
})
becomes('file_open', openat({ path: 'b', dir: '/a', resolved: '/r/b', flags: 0o1101, mode: 0o600 }), {
  event_type: 'file_open',
  filename: 'b',
  path: '/a/b',
  resolved_path: '/r/b',
  flags: 0o1101,
  mode: 0o600,
  access: 'write',
  result: 3,
  error: null,
})
becomes('creat is a file_open', openat({ name: 'creat', path: '/a', flags: 0o1101 }), {
  event_type: 'file_open',
})
becomes('open is a file_open', openat({ name: 'open', path: '/a' }), {
  event_type: 'file_open',
  access: 'read',
})
becomes('file_openat2', openat({ name: 'openat2', path: '/a', fields: { resolve: 8 } }), {
  event_type: 'file_openat2',
  resolve: 8,
})
becomes('O_PATH opens for nothing', openat({ path: '/a', flags: 0o10000000 }), { access: 'none' })
becomes('file_write', write('/a'), { event_type: 'file_write', fd: 5, count: 3, resolved_path: '/a' })
becomes('file_writev', write('/a', { size: 2 }, 'writev'), { event_type: 'file_writev', iovcnt: 2 })
becomes('file_pwrite64', write('/a', { pos: 77 }, 'pwrite64'), {
  event_type: 'file_pwrite64',
  count: 3,
  pos: 77,
})
becomes('ftruncate', write('/a', { size: 0 }, 'ftruncate'), { event_type: 'file_ftruncate', length: 0 })
becomes('truncate', event('truncate', {}, { res: 0, length: 9, name: '/a' }), {
  event_type: 'file_truncate',
  filename: '/a',
  length: 9,
})
becomes('copy_file_range', write('/a', { fd_in: 4 }, 'copy_file_range'), {
  event_type: 'file_copy_file_range',
  fd_in: 4,
})
becomes('file_rename', rename('/a', '/b'), {
  event_type: 'file_rename',
  old_filename: '/a',
  new_filename: '/b',
  filename_truncated: false,
})
becomes('file_renameat', rename('a', 'b', 'renameat', { olddir: '/x', newdir: '/y' }), {
  event_type: 'file_renameat',
  old_filename: 'a',
  old_path: '/x/a',
  new_path: '/y/b',
})
becomes('file_renameat2', rename('/a', '/b', 'renameat2', { flags: 2 }), {
  event_type: 'file_renameat2',
  flags: 2,
})
becomes('file_unlink', event('unlink', {}, { res: 0, name: '/a' }), {
  event_type: 'file_unlink',
  filename: '/a',
})
becomes('file_unlinkat', event('unlinkat', {}, { res: 0, name: '/a', flags: 512 }), {
  event_type: 'file_unlinkat',
  flags: 512,
})
becomes('rmdir', event('rmdir', {}, { res: 0, name: '/a' }), { event_type: 'file_rmdir' })
becomes('link', rename('/a', '/b', 'link'), { event_type: 'file_link', old_path: '/a', new_path: '/b' })
becomes('symlink', event('symlink', {}, { res: 0, target: '../x', linkpath: '/b' }), {
  event_type: 'file_symlink',
  filename: '/b',
  target: '../x',
})
becomes('chmod', event('chmod', {}, { res: 0, mode: 0o4755, fd: -1, filename: '/a' }), {
  event_type: 'file_chmod',
  mode: 0o4755,
})
becomes('fchmod', event('fchmod', {}, { res: 0, mode: 0o755, fd: 3, path: '/a' }), {
  event_type: 'file_chmod',
  filename: null,
  resolved_path: '/a',
})
becomes('network_connect', connect({ local: '10.0.0.1 5000', remote: '10.0.0.2 4444' }), {
  event_type: 'network_connect',
  family: 'ipv4',
  socket_fd: 4,
  remote_addr: '10.0.0.2',
  remote_port: 4444,
  local_addr: '10.0.0.1',
})
becomes('a refused connect has the address asked for', connect({ passed: '10.0.0.2 4444', res: -111 }), {
  remote_addr: '10.0.0.2',
  remote_port: 4444,
  result: -111,
  error: 'ECONNREFUSED',
})
becomes('network_connect of IPv6', connect({ local: '::1 5000', remote: '::1 80' }), {
  family: 'ipv6',
  remote_addr: '::1',
})
becomes('network_bind', socketEvent('bind', { local: '0.0.0.0 80' }), {
  event_type: 'network_bind',
  local_addr: '0.0.0.0',
  local_port: 80,
})
becomes('accept', socketEvent('accept4', { local: '10.0.0.1 80', remote: '10.0.0.9 5555' }), {
  event_type: 'network_accept',
  remote_addr: '10.0.0.9',
  local_port: 80,
})
becomes('a unix socket', connect({ unix: '@x' }), { family: 'unix', unix_path: '@x', remote_port: null })

/* What rand-guard does not do: each of these fails on its behaviour. */

becomes('1.1.12: listen has address and port', socketEvent('listen', { local: '127.0.0.1 4444' }), {
  event_type: 'network_listen',
  local_addr: '127.0.0.1',
  local_port: 4444,
})
becomes('1.1.12: a failed call is not reported as if it had happened', openat({ path: '/a', fd: -13 }), {
  result: -13,
  error: 'EACCES',
  resolved_path: null,
})
test('1.1.12: a failed exec is no process_start', () => {
  assert.deepEqual(typesOf(records(execve({ res: -2 }))), ['process_exec_failed'])
})
test('1.1.12: an event of a thread has its process behind it', () => {
  const [record] = records(openat({ path: '/a', by: { ...SHELL, tid: 101 } }))
  assert.deepEqual([record!['pid'], record!['tid'], record!['comm']], [100, 101, 'bash'])
})
test('1.1.12: a daemon older than the agent has name, executable and parent', () => {
  const [record] = records(write('/a'))
  assert.deepEqual([record!['comm'], record!['exe_path'], record!['ppid']], ['bash', '/usr/bin/bash', 1])
})
test('1.1.12: what is not known is null, not empty or 0', () => {
  const [record] = feed({}, write('/a'))
  assert.deepEqual(
    [record!['comm'], record!['exe_path'], record!['ppid'], record!['gid']],
    [null, null, null, null],
  )
})
test('1.1.12: relative names, directories and links are resolved', () => {
  const [record] = records(openat({ path: '../etc/x', dir: '/srv', resolved: '/private/etc/x' }))
  assert.deepEqual([record!['path'], record!['resolved_path']], ['/etc/x', '/private/etc/x'])
})
test("1.1.12: the agent's own activity is left out by its process id, whatever its name", () => {
  assert.deepEqual(typesOf(feed({ self: 100 }, known, write('/a'), execve())), ['process_start'])
})
test('1.1.12: bytes that are not UTF-8 are shown, and kept exactly', () => {
  const [record] = records(openat({ path: '/a\udcff' }))
  assert.deepEqual([record!['filename'], record!['filename_b64']], ['/a\\xff', 'L2H/'])
})
test('1.1.12: control characters leave no line end and no terminal command in a record', () => {
  const stream = createStream()
  stream.feed(openat({ path: '/a\n\u001b[2J\u202e\u2028' }))
  assert.match(stream.lines[0]!, /"filename":"\/a\\n\\u001b\[2J\\u202e\\u2028"/)
})

const CRON = rulesOf(
  'rules.toml',
  `
[[detections.persistence]]
name = "cron_modified"
paths = ["/etc/cron.d/"]
operations = ["file_write"]
[[rules]]
id = "FILE-9"
name = "shadow touched"
enabled = true
type = "file"
severity = "high"
action = "alert"
paths = ["/etc/shadow"]
operations = ["write"]
`,
)

test('1.1.12: a write flood never silences an alert, nor the mark of a detection', () => {
  const stream = createStream({ rules: CRON, maxPerSecond: 10 })
  stream.feed(known)
  for (let i = 0; i < 5000; i++) stream.feed(write(`/srv/${i}`))
  const after = stream.feed(write('/etc/shadow'), write('/etc/cron.d/x')).map(checked)
  assert.deepEqual(typesOf(after), ['file_write', 'alert', 'file_write'])
  assert.deepEqual(after[0]!['alert_ids'], [after[1]!['id']])
  assert.equal(after[2]!['detection_type'], 'cron_modified')
  assert.equal(stream.lines.length, 13)
  assert.equal(stream.pipeline.telemetry!.counts.limited, 4990)
})
test('1.1.12: an output that takes no more telemetry still gets alerts', () => {
  const list = feed(
    { rules: CRON, room: 1 },
    write('/a'),
    write('/b'),
    write('/etc/shadow'),
    write('/etc/cron.d/x'),
  )
  assert.deepEqual(typesOf(list), ['file_write', 'alert', 'alert'])
  assert.equal(list[2]!['rule_name'], 'cron_modified')
})
test('1.1.12: one write, one record, one alert for each rule', () => {
  const list = feed({ rules: CRON }, known, write('/etc/shadow'))
  assert.deepEqual(typesOf(list), ['file_write', 'alert'])
})
test('1.1.12: lost events are records of their own', () => {
  const stream = createStream()
  stream.pipeline.gap({ ring: 'bulk', cpu: 1, lost: 7, from: 5, to: 9 }, [
    { program: 'exit_write', reason: 'ring_full', count: 7 },
  ])
  const gap = checked(JSON.parse(stream.lines[0]!))
  assert.deepEqual([gap['reason'], gap['count'], gap['by']], ['lost', 7, { 'exit_write/ring_full': 7 }])
})

/* Detections and alerts */

test('a detection marks its event and raises no alert of its own', () => {
  const [record, ...more] = feed({ rules: CRON }, known, write('/etc/cron.d/job'))
  assert.deepEqual(more, [])
  assert.deepEqual(
    [record!['alert'], record!['detection_type'], 'alert_ids' in record!],
    [true, 'cron_modified', false],
  )
})
test('an alert has the fields of rand-guard', () => {
  const [record, alert] = feed({ rules: CRON }, known, write('/etc/shadow'))
  assert.equal(record!['detection_type'], 'shadow touched')
  const expected = {
    event_type: 'alert',
    timestamp_ns: SHELL.start + 1_000_000,
    rule_id: 'FILE-9',
    rule_name: 'shadow touched',
    rule_type: 'file',
    severity: 'high',
    action: 'alert',
    source_event_type: 'file_write',
    process_name: 'bash',
    path: '/etc/shadow',
    operation: 'file_write',
    direction: null,
    port: null,
  }
  assert.deepEqual({ ...alert, ...expected }, alert)
})
test('an alert about a connection has direction, port and address', () => {
  const rules = rulesOf(
    'r.toml',
    '[[rules]]\nid="N"\nname="n"\nenabled=true\ntype="network"\nseverity="low"\naction="alert"\ndirection="outbound"\nports=[4444]\n',
  )
  const [, alert] = feed({ rules }, connect({ local: '127.0.0.1 9', remote: '127.0.0.1 4444' }))
  assert.deepEqual(
    [alert!['direction'], alert!['port'], alert!['addr'], alert!['family'], alert!['path']],
    ['outbound', 4444, '127.0.0.1', 'ipv4', null],
  )
})
test('a rule of another language has its name for an id and a severity by priority', () => {
  const rules = rulesOf(
    'r.yaml',
    '- rule: A\n  desc: d\n  condition: evt.type=write\n  output: o\n  priority: CRITICAL\n',
  )
  const [, alert] = feed({ rules }, write('/a'))
  assert.deepEqual([alert!['rule_id'], alert!['severity']], ['A', 'critical'])
})
test('monitor: marks, no alert records, and no filter hides a mark', () => {
  const options = { rules: CRON, monitor: true, exclude: ['/etc'] }
  const list = feed(options, known, write('/etc/shadow'), write('/etc/passwd'))
  assert.deepEqual(typesOf(list), ['file_write'])
  assert.deepEqual([list[0]!['alert'], 'alert_ids' in list[0]!], [true, false])
})

/* Filters */

test('excluding hides records, rules still judge', () => {
  const list = feed({ rules: CRON, exclude: ['/etc'] }, known, write('/etc/shadow'), write('/etc/cron.d/x'))
  assert.deepEqual(
    list.map((record) => record['rule_name']),
    ['shadow touched', 'cron_modified'],
  )
})
test('processes are not filtered by paths', () => {
  assert.deepEqual(typesOf(feed({ watch: ['/nowhere'] }, execve())), ['process_start'])
})
test('only the events asked for are reported', () => {
  assert.deepEqual(typesOf(feed({ events: ['write'] }, execve(), write('/a'))), ['file_write'])
})

/* The limit */

const at = (ns: number, path = '/a'): RecordInit => ({ ...write(path), time: ns })
test('a second of event time lets so many records through, and the next announces the rest', () => {
  const list = feed({ maxPerSecond: 2 }, at(1e9), at(1e9 + 1), at(1e9 + 2), at(1e9 + 3), at(2e9))
  assert.deepEqual(typesOf(list), ['file_write', 'file_write', 'gap', 'file_write'])
  const gap = list[2]!
  assert.deepEqual(
    [gap['reason'], gap['count'], gap['by'], gap['from_ns'], gap['timestamp_ns']],
    ['rate_limit', 2, { file_write: 2 }, 1e9 + 2, 1e9 + 3],
  )
})
test('process records are neither limited nor counted', () => {
  const execs = Array.from({ length: 5 }, () => execve())
  assert.equal(feed({ maxPerSecond: 1 }, ...execs, write('/a')).length, 6)
})
test('what is kept back at the end is announced, too', () => {
  const stream = createStream({ maxPerSecond: 1 })
  stream.feed(at(1e9), at(1e9 + 1))
  stream.pipeline.telemetry!.flush()
  stream.pipeline.telemetry!.flush()
  assert.deepEqual(
    stream.lines.map((line) => JSON.parse(line).event_type),
    ['file_write', 'gap'],
  )
})
test('no record is unaccounted for', () => {
  fc.assert(
    fc.property(
      fc.array(fc.integer({ min: 0, max: 4e9 }), { maxLength: 60 }),
      fc.integer({ min: 1, max: 5 }),
      (times, max) => {
        const stream = createStream({ maxPerSecond: max })
        for (const time of times) stream.feed(at(time))
        stream.pipeline.telemetry!.flush()
        const list = stream.lines.map((line) => JSON.parse(line))
        const suppressed = list.filter((r) => r.event_type === 'gap').reduce((n, r) => n + r.count, 0)
        const out = list.filter((r) => r.event_type === 'file_write').length
        assert.equal(out + suppressed, times.length)
        assert.deepEqual(
          [stream.pipeline.telemetry!.counts.written, stream.pipeline.telemetry!.counts.limited],
          [out, suppressed],
        )
      },
    ),
    { numRuns: 50 },
  )
})

/* Context */

test('ancestors are those of now, nearest first', () => {
  const stream = createStream()
  const child = { pid: 200, start: 6e9 + 1 }
  stream.feed(snapshot({ by: INIT, path: '/sbin/init', parent: { pid: 0, start: 0 } }), known)
  stream.feed(fork({ child }), execve({ by: child, parent: SHELL, path: '/bin/cat' }))
  const names = (): unknown =>
    (stream.feed({ ...write('/a'), pid: 200, start: child.start })[0]!['ancestors'] as JsonRecord[]).map(
      (one) => one['comm'],
    )
  assert.deepEqual(names(), ['bash', 'init'])
  stream.feed(execve({ path: '/usr/bin/nginx' }))
  assert.deepEqual(names(), ['nginx', 'init'])
})
test('what a process is called changes with it', () => {
  const stream = createStream()
  const name = (): unknown => stream.feed(write('/a'))[0]!['comm']
  stream.feed(known)
  assert.equal(name(), 'bash')
  stream.feed(event('task_rename', {}, { oldname: 'bash', newname: 'evil' }))
  assert.equal(name(), 'evil')
})
test('long arguments are cut where they repeat, and said to be', () => {
  const long = ['x', 'y'.repeat(2000)]
  const [start, record] = feed({}, execve({ argv: long }), write('/a'))
  assert.deepEqual(start!['argv'], long)
  assert.deepEqual([record!['argv'], record!['argv_truncated']], [['x', 'y'.repeat(1023)], true])
})
test('the environment is reported on request, with its secrets masked', () => {
  const init = execve({ env: ['A=1', 'DB_PASSWORD=hunter2'] })
  assert.deepEqual(feed({}, init)[0]!['env'], ['A=1', 'DB_PASSWORD=****'])
  assert.equal('env' in feed({ without: ['env'] }, init)[0]!, false)
  assert.deepEqual(feed({ mask: false }, init)[0]!['env'], ['A=1', 'DB_PASSWORD=hunter2'])
})
test('columns that are not collected are absent', () => {
  const [record] = feed({ without: ['argv', 'cwd'] }, known, write('/a'))
  assert.deepEqual(['argv' in record!, 'cwd' in record!], [false, false])
})

/* Native */

const native = (...events: readonly RecordInit[]): readonly JsonRecord[] =>
  feed({ native: true }, known, ...events)
test('native: an open', () => {
  const [record] = native(openat({ path: '/a', flags: 0o1101, mode: 0o644 }))
  assert.deepEqual(record, {
    v: 1,
    time: '2026-01-01T00:00:05.001000007Z',
    mono_ns: 5_001_000_007,
    event: 'openat',
    source: 'syscall',
    host: 'testhost',
    process: {
      pid: 100,
      tid: 100,
      start_ns: SHELL.start,
      uid: 1000,
      ppid: 1,
      gid: 1000,
      comm: 'bash',
      exe: '/usr/bin/bash',
      container_id: null,
    },
    args: {
      ino: 4711,
      fd: 3,
      dirfd: -100,
      flags: ['O_WRONLY', 'O_CREAT', 'O_TRUNC'],
      mode: '0644',
      resolve: [],
      dev: '8:1',
      name: '/a',
      path: '/a',
      resolved_path: '/a',
    },
    result: { ret: 3, error: null },
    flags: [],
  })
})
test('native: integers beyond 2^53 are decimal strings', () => {
  const [record] = native(event('write', {}, { res: 1, ino: 2n ** 60n, path: '/a' }))
  assert.equal((record!['args'] as JsonRecord)['ino'], String(2n ** 60n))
})
test('native: a value that was cut is said to be', () => {
  const [record] = native(openat({ path: `/${'x'.repeat(5000)}` }))
  assert.deepEqual(record!['flags'], ['truncated:name', 'truncated:path'])
})
test('native: bits without a name are shown as a number', () => {
  const [record] = native(openat({ path: '/a', flags: 0x40000001 }))
  assert.deepEqual((record!['args'] as JsonRecord)['flags'], ['O_WRONLY', '0x40000000'])
})

/* Packets */

const V4 = (a: number, b: number, c: number, d: number): Uint8Array =>
  Uint8Array.from([0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 255, 255, a, b, c, d])
const packet = (name: string, payload: Uint8Array): RecordInit =>
  event(
    name,
    {},
    {
      laddr: V4(10, 0, 0, 2),
      raddr: V4(10, 0, 0, 1),
      lport: 40000,
      rport: 53,
      family: 2,
      protocol: 17,
      size: payload.length,
      payload,
    },
  )
const ENDS = {
  family: 'ipv4',
  protocol: 'udp',
  local_addr: '10.0.0.2',
  local_port: 40000,
  remote_addr: '10.0.0.1',
  remote_port: 53,
}
const QUESTION = '12340100000100000000000003777777076578616d706c6503636f6d00001c0001'
becomes('network_dns: a request', packet('net_packet_dns_request', Buffer.from(QUESTION, 'hex')), {
  ...ENDS,
  event_type: 'network_dns',
  dns_type: 'query',
  dns_id: 0x1234,
  dns_question: 'www.example.com',
  dns_question_type: 'AAAA',
  dns_response_code: null,
  dns_answers: [],
  pid: 100,
  comm: 'bash',
})
becomes(
  'network_dns: an answer',
  packet('net_packet_dns_response', Buffer.from(QUESTION.replace('12340100', '12348183'), 'hex')),
  {
    ...ENDS,
    dns_type: 'answer',
    dns_question: 'www.example.com',
    dns_response_code: 'NXDOMAIN',
    dns_answers: [],
  },
)
becomes('network_dns: bytes that are no message', packet('net_packet_dns_request', Uint8Array.of(1)), {
  dns_id: null,
  dns_question: null,
})
becomes('network_payload', packet('net_packet_first', Buffer.from('GET /\x1b')), {
  ...ENDS,
  event_type: 'network_payload',
  size: 6,
  payload_b64: 'R0VUIC8b',
})
test('native: a packet has both ends', () => {
  const [record] = native(packet('net_packet_first', Buffer.from('hello')))
  const args = record!['args'] as JsonRecord
  assert.deepEqual({ ...args, local_addr: '10.0.0.2', remote_port: 53, payload: 'hello' }, args)
})

/* Everything there is */

const FORKS: ReadonlySet<string> = new Set(['clone', 'clone3', 'fork', 'vfork'])
/** A fork has a child, or there is nothing to tell. */
const anyFields = (type: string): RecordInit => event(type, {}, FORKS.has(type) ? { child_pid: 7 } : {})
test('a fork as its child sees it is no relationship', () =>
  assert.deepEqual(feed({}, event('clone', {}, { res: 0 })), []))
test('every event of every record type makes a record that fits its schema, in both forms', () => {
  const events = [...new Set(RECORD_TYPES.flatMap(({ events: names }) => names))]
  for (const form of [false, true])
    for (const name of events) assert.equal(feed({ native: form }, anyFields(name)).length, 1, name)
})
test('hostile text never breaks a line', () => {
  const text = fc.uint8Array({ minLength: 1, maxLength: 30 })
  fc.assert(
    fc.property(text, text, fc.boolean(), (path, name, form) => {
      const clean = (bytes: Uint8Array): Uint8Array => bytes.map((byte) => byte || 1)
      const stream = createStream({ native: form })
      const init = openat({ path: '/x', fields: { name: clean(path), path: clean(name) } })
      assert.equal(stream.feed(known, init).map(checked).length, 1)
      assert.ok(stream.lines.every((line) => !/[\x00-\x1f\x7f-\x9f\u2028-\u202e]/.test(line)))
    }),
    { numRuns: 300 },
  )
})
test('a hook stands for its family of operations', () => {
  const has = (hooks: readonly string[], name: string): boolean => eventsOfHooks(hooks).has(name)
  assert.deepEqual(
    [
      has(['openat'], 'creat'),
      has(['openat'], 'write'),
      has(['write'], 'pwrite64'),
      has(['write'], 'fchmod'),
    ],
    [true, false, true, true],
  )
  assert.deepEqual(
    [
      has(['rename'], 'symlinkat'),
      has(['unlink'], 'rmdir'),
      has(['fork'], 'clone3'),
      has(['exit'], 'procexit'),
    ],
    [true, true, true, true],
  )
  assert.deepEqual(
    [has(['listen'], 'accept4'), has(['connect'], 'bind'), has([], 'write')],
    [true, false, false],
  )
})
