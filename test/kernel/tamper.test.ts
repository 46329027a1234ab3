/** Events of one process taking hold of another, as the kernel side reports them when a rule asks for all of them. */
import assert from 'node:assert/strict'
import { suite, test } from 'node:test'
import { BPF_COMMANDS, PTRACE_REQUESTS } from '../../schema/enums/index.ts'
import { loadLibbpf } from '../../src/kernel/libbpf.ts'
import { NEEDS_ROOT, only, openLive, type Seen } from './support/live.ts'
import { program } from './support/programs.ts'

const EFAULT = -14
const KIND = { map: 1, link: 3 }

suite('processes that take hold of others', { skip: NEEDS_ROOT }, () => {
  const live = openLive({
    events: ['ptrace', 'process_vm_readv', 'process_vm_writev', 'pidfd_getfd', 'signal_generate', 'bpf'],
  })
  const tamper = (...words: (string | number)[]): { records: readonly Seen[]; pid: number; said: string } => {
    const { records, pid, stdout } = live.run(program('tamper'), words.map(String))
    return { records, pid, said: stdout.trim() }
  }
  const objects = live.source.heldObjects()
  const idOf = (kind: string, name?: string): number => {
    const { fd } = objects.find(
      (object) => object.kind === kind && (name === undefined || object.name === name),
    )!
    return new DataView(loadLibbpf().objectInfo(fd, new Uint8Array(16)).buffer).getUint32(4, true)
  }

  test('everything is attached', () => assert.deepEqual(live.source.failures, []))

  test('ptrace: the request, and the process that is traced', () => {
    const { records, pid, said } = tamper('seize-child')
    const [seize] = only(records, 'ptrace')
    assert.equal(said, 'ok')
    assert.deepEqual(
      [seize!.pid, seize!.f['request'], seize!.f['res']],
      [pid, PTRACE_REQUESTS.names['PTRACE_SEIZE'], 0],
    )
    assert.equal(seize!.f['tracee'], seize!.f['pid'])
  })
  test('ptrace of a process that is not there', () => {
    const { records } = tamper('seize', 0x3fffff)
    const [{ f }] = only(records, 'ptrace') as [Seen]
    assert.deepEqual([f['res'], f['pid'], f['tracee']], [-3, 0x3fffff, 0])
  })
  for (const word of ['readv', 'writev'])
    test(`process_vm_${word}: target, areas, address, result`, () => {
      const [{ f }] = only(tamper(word, process.pid).records, `process_vm_${word}`) as [Seen]
      assert.deepEqual(
        [f['pid'], f['liovcnt'], f['riovcnt'], f['addr'], f['res']],
        [process.pid, 1, 1, 8, EFAULT],
      )
    })
  test('pidfd_getfd: the process behind the pidfd', () => {
    const [{ f }] = only(tamper('getfd', process.pid, 1).records, 'pidfd_getfd') as [Seen]
    assert.deepEqual([f['pid'], f['target_fd'], (f['res'] as number) > 0], [process.pid, 1, true])
  })
  test('pidfd_getfd without a pidfd', () => {
    const [{ f }] = only(tamper('getfd', -1, 1).records, 'pidfd_getfd') as [Seen]
    assert.deepEqual([f['pid'], f['res']], [0, -9])
  })
  test('signals: sender, target, number, code', () => {
    const { records, pid } = tamper('seize-child')
    const kill = only(records, 'signal_generate').find(({ f }) => f['sig'] === 9)
    assert.deepEqual([kill?.pid, kill?.f['code'], kill?.f['target'], kill?.f['group']], [pid, 0, 'tamper', 1])
    const [seize] = only(records, 'ptrace')
    assert.equal(kill?.f['pid'], seize!.f['pid'])
  })
  test('signal 0 is none', () => {
    const { records, pid, said } = tamper('signal', process.pid, 0)
    assert.equal(said, 'ok')
    assert.deepEqual(
      only(records, 'signal_generate').filter((r) => r.pid === pid && r.f['code'] === 0),
      [],
    )
  })
  test('bpf: a map by id and name', () => {
    const id = idOf('map', 'control')
    const calls = only(tamper('update', id, 64, 15, 0).records, 'bpf')
    const shown = calls.map(({ f }) => [f['cmd'], f['kind'], f['obj_id'], f['obj_name']])
    const names = ['BPF_MAP_GET_FD_BY_ID', 'BPF_MAP_LOOKUP_ELEM', 'BPF_MAP_UPDATE_ELEM']
    assert.deepEqual(
      shown,
      names.map((name) => [BPF_COMMANDS.names[name], KIND.map, id, 'control']),
    )
  })
  test('bpf: a link by id', () => {
    const id = idOf('link')
    const calls = only(tamper('detach', id).records, 'bpf')
    assert.deepEqual(
      calls.map(({ f }) => [f['cmd'], f['kind'], f['obj_id']]),
      ['BPF_LINK_GET_FD_BY_ID', 'BPF_LINK_DETACH'].map((name) => [BPF_COMMANDS.names[name], KIND.link, id]),
    )
  })
  test('bpf: an object that is not there', () => {
    const [{ f }] = only(tamper('detach', 0x7fffffff).records, 'bpf') as [Seen]
    assert.deepEqual([f['res'], f['kind'], f['obj_id'], f['fd']], [-2, 0, 0, -1])
  })
  test('the source goes', () => live.stop())
})
