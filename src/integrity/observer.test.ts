import assert from 'node:assert/strict'
import { suite, test } from 'node:test'
import { BPF_COMMANDS, PTRACE_REQUESTS, SIGNAL_CODES, SIGNALS } from '../../schema/enums/index.ts'
import { encodeRecord, type FieldValue } from '../decode/encode.ts'
import { EventView } from '../decode/event-view.ts'
import { Interner } from '../decode/interner.ts'
import type { ProcessInfo } from '../fields/context.ts'
import type { Finding } from './finding.ts'
import { Observer } from './observer.ts'
import { Suspects } from './suspects.ts'

const AGENT = 500
const WORKER = 503
const PARENT = 77
const OTHER = 900
const MAP = 41
const FILE = '/opt/tarsier/rules/a.yaml'

interface Saw {
  readonly findings: readonly Finding[]
  readonly asked: readonly string[]
  readonly suspects: Suspects
}

/** What an observer makes of one event. */
function see(
  event: string,
  fields: Readonly<Record<string, FieldValue>>,
  pid = OTHER,
  process?: ProcessInfo,
): Saw {
  const findings: Finding[] = []
  const asked: string[] = []
  const suspects = new Suspects()
  const observer = new Observer({
    self: {
      pid: AGENT,
      parent: PARENT,
      isThread: (tid) => tid === AGENT || tid === WORKER,
      isObject: (kind, id) => kind === 1 && id === MAP,
      isFile: (path) => path === FILE,
    },
    suspects,
    wallClock: (ns) => ns + 1000n,
    found: (finding) => findings.push(finding),
    asked: (signal, by) => asked.push(`${signal} ${by.pid}`),
  })
  const view = new EventView(new Interner())
  const record = encodeRecord({ event, pid, tid: pid, start: 9, uid: 0, time: 5, cpu: 0, fields })
  view.map(record.buffer as ArrayBuffer, record.byteOffset, record.byteLength)
  assert.equal(view.seek(0, record.byteLength), undefined)
  observer.see(view, process)
  return { findings, asked, suspects }
}

/** `rule priority first-fact` of what is found. */
const says = (
  name: string,
  event: string,
  fields: Readonly<Record<string, FieldValue>>,
  ...expected: string[]
): void => {
  test(name, () => {
    const { findings } = see(event, fields)
    assert.deepEqual(
      findings.map(({ rule, priority, facts }) => `${rule} ${priority} ${facts[0]![1]}`),
      expected,
    )
    for (const { culprit, time } of findings)
      assert.deepEqual([culprit?.pid, culprit?.start, time], [OTHER, 9, 1005n])
  })
}

const request = (name: string, pid: number, more: Readonly<Record<string, FieldValue>> = {}) => ({
  request: PTRACE_REQUESTS.names[name]!,
  pid,
  res: 0,
  ...more,
})
suite('ptrace', () => {
  says('attach', 'ptrace', request('PTRACE_ATTACH', AGENT), 'traced Alert PTRACE_ATTACH')
  says('seize a thread of ours', 'ptrace', request('PTRACE_SEIZE', WORKER), 'traced Alert PTRACE_SEIZE')
  says('refused', 'ptrace', request('PTRACE_SEIZE', AGENT, { res: -1 }), 'traced Critical PTRACE_SEIZE')
  says(
    'known by another number in its namespace',
    'ptrace',
    request('PTRACE_SETREGS', 3, { tracee: AGENT }),
    'traced Alert PTRACE_SETREGS',
  )
  says('what a debugger does all the time', 'ptrace', request('PTRACE_GETREGS', AGENT))
  says('another process', 'ptrace', request('PTRACE_ATTACH', OTHER))
})

suite('memory', () => {
  says('written', 'process_vm_writev', { pid: AGENT, res: 8 }, 'memory Alert process_vm_writev')
  says('not written', 'process_vm_writev', { pid: AGENT, res: -14 }, 'memory Critical process_vm_writev')
  says('read', 'process_vm_readv', { pid: WORKER, res: 8 }, 'memory Critical process_vm_readv')
  says('of another process', 'process_vm_writev', { pid: OTHER, res: 8 })
  const mem = (path: string, flags: number, fd = 3) => ({ path, name: path, flags, fd })
  says('mem opened for writing', 'openat', mem(`/proc/${AGENT}/mem`, 2), 'memory Alert openat')
  says('mem of a thread', 'open', mem(`/proc/${AGENT}/task/${WORKER}/mem`, 1), 'memory Alert open')
  says('mem refused', 'openat', mem(`/proc/${AGENT}/mem`, 1, -13), 'memory Critical openat')
  says('mem opened for reading', 'openat', mem(`/proc/${AGENT}/mem`, 0))
  says('something that looks like it', 'openat', mem(`/tmp/proc/${AGENT}/mem`, 2))
  says('mem of another process', 'openat', mem(`/proc/${AGENT}0/mem`, 2))
})

const kill = (name: string, pid = AGENT, code = 'SI_USER') => ({
  sig: SIGNALS.names[name] ?? 0,
  pid,
  tid: pid,
  code: SIGNAL_CODES.names[code]!,
})
suite('descriptors', () => {
  says('taken', 'pidfd_getfd', { pid: AGENT, target_fd: 5, res: 3 }, 'descriptor Alert 5')
  says('refused', 'pidfd_getfd', { pid: AGENT, target_fd: 5, res: -1 }, 'descriptor Critical 5')
  says('of another process', 'pidfd_getfd', { pid: OTHER, target_fd: 5, res: 3 })
})
suite('signals', () => {
  for (const name of ['SIGKILL', 'SIGSTOP', 'SIGTERM', 'SIGUSR1', 'SIGSEGV'])
    says(name, 'signal_generate', kill(name), `signalled Alert ${name}`)
  says('by tgkill', 'signal_generate', kill('SIGSTOP', AGENT, 'SI_TKILL'), 'signalled Alert SIGSTOP')
  for (const name of ['SIGCHLD', 'SIGCONT', 'SIGWINCH', 'SIGURG'])
    says(`harmless ${name}`, 'signal_generate', kill(name))
  says('of the kernel', 'signal_generate', kill('SIGINT', AGENT, 'SI_KERNEL'))
  says('for another process', 'signal_generate', kill('SIGKILL', OTHER))
  for (const [who, pid] of [
    ['init', 1],
    ['the parent', PARENT],
  ] as const) {
    test(`SIGTERM of ${who} is the regular end`, () => {
      const { findings, asked } = see('signal_generate', kill('SIGTERM'), pid)
      assert.deepEqual([findings.length, asked], [0, [`SIGTERM ${pid}`]])
    })
    test(`SIGHUP of a child of ${who}`, () => {
      const none = { text: '' }
      const child = { ppid: pid, comm: none, exePath: none, argv: [] } as unknown as ProcessInfo
      const { findings, asked } = see('signal_generate', kill('SIGHUP'), OTHER, child)
      assert.deepEqual([findings.length, asked.length], pid === PARENT ? [0, 1] : [1, 0])
      assert.equal(see('signal_generate', kill('SIGTERM'), OTHER, child).findings.length, 1)
    })
    test(`SIGKILL of ${who} is not`, () =>
      assert.equal(see('signal_generate', kill('SIGKILL'), pid).findings.length, 1))
  }
})

const command = (name: string, id = MAP, kind = 1, res = 0) => ({
  cmd: BPF_COMMANDS.names[`BPF_${name}`]!,
  kind,
  obj_id: id,
  res,
})
suite('bpf', () => {
  for (const name of [
    'MAP_UPDATE_ELEM',
    'MAP_DELETE_ELEM',
    'MAP_UPDATE_BATCH',
    'MAP_FREEZE',
    'OBJ_PIN',
    'LINK_DETACH',
  ])
    says(name, 'bpf', command(name), `bpf Alert BPF_${name}`)
  says('refused', 'bpf', command('MAP_UPDATE_ELEM', MAP, 1, -1), 'bpf Critical BPF_MAP_UPDATE_ELEM')
  says('another map', 'bpf', command('MAP_UPDATE_ELEM', MAP + 1))
  says('a program with the same number', 'bpf', command('MAP_UPDATE_ELEM', MAP, 2))
  test('looking explains what is found later', () => {
    const { findings, suspects } = see('bpf', command('MAP_GET_FD_BY_ID'))
    assert.deepEqual([findings.length, suspects.of(`map:${MAP}`, 6)?.pid], [0, OTHER])
  })
})

suite('files', () => {
  const explains = (
    name: string,
    event: string,
    fields: Readonly<Record<string, FieldValue>>,
    known: boolean,
  ): void =>
    void test(name, () => {
      const { findings, suspects } = see(event, fields)
      assert.deepEqual([findings.length, suspects.of(`file:${FILE}`, 6)?.pid], [0, known ? OTHER : undefined])
    })
  explains('opened for writing', 'openat', { path: FILE, name: 'a.yaml', flags: 1, fd: 3 }, true)
  explains('opened for reading', 'openat', { path: FILE, name: 'a.yaml', flags: 0, fd: 3 }, false)
  explains('created', 'creat', { path: FILE, name: FILE, fd: 3 }, true)
  explains('another file put in its place', 'rename', { oldpath: '/tmp/x', newpath: FILE }, true)
  explains(
    'moved away',
    'renameat2',
    { oldpath: 'a.yaml', olddir: '/opt/tarsier/rules', newpath: '/tmp/x' },
    true,
  )
  explains(
    'removed by a relative name',
    'unlinkat',
    { name: '../rules/a.yaml', dir: '/opt/tarsier/bin' },
    true,
  )
  explains('another file', 'unlink', { name: '/opt/tarsier/rules/b.yaml' }, false)
})
