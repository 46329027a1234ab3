import assert from 'node:assert/strict'
import { readFileSync } from 'node:fs'
import { suite, test } from 'node:test'
import { FAMILIES, PUBLIC_EVENT_TYPES } from '../../../schema/index.ts'
import { SYSCALLS } from '../../../schema/plain.ts'
import { MOST_HOOKS, planCompat } from './compat.ts'
import { planPrograms, SNAPSHOT_PROGRAM } from './plan.ts'
import { type HasTracepoint, type MissingMode, planSyscalls } from './syscall-plan.ts'

const names = (events: ReadonlySet<string> | '*'): string[] =>
  planPrograms(events).flatMap((plan) => plan.programs.map((p) => p.name))
const STATE = names(new Set())

/** Events that come of other tracepoints than those of syscalls. */
const FREE = [
  ...['procexit', 'task_rename', 'signal_generate', 'init_namespaces'],
  ...['sched_process_fork', 'sched_process_exec', 'sched_process_exit', 'do_exit', 'sched_switch'],
  ...['security_bprm_check', 'cap_capable', 'cgroup_mkdir', 'cgroup_rmdir', 'cgroup_attach_task'],
  ...['container_create', 'container_remove', 'existing_container'],
  ...['net_flow_tcp_begin', 'net_flow_tcp_end'],
  ...['net_packet_dns_request', 'net_packet_dns_response', 'net_packet_first'],
]

/** Moments of an operation that io_uring carries out. */
const URING = ['submit', 'complete']

suite('plan', () => {
  test('the process table alone: its programs and the snapshot', () => {
    assert.deepEqual(
      [...STATE].sort(),
      [
        'dump_task',
        'on_sched_process_exec',
        'on_sched_process_exit',
        'on_sched_process_fork',
        'on_task_rename',
      ].sort(),
    )
    assert.ok(STATE.includes(SNAPSHOT_PROGRAM.name))
  })

  const adds = (events: string[], expected: string[]): void =>
    void test(`${events.join(', ')} needs ${expected.join(', ') || 'nothing more'}`, () =>
      assert.deepEqual(
        names(new Set(events))
          .filter((name) => !STATE.includes(name))
          .sort(),
        expected.sort(),
      ))

  adds(['unlink'], ['exit_unlink'])
  adds(['openat'], ['exit_openat', ...URING.map((name) => `uring_open_${name}`)])
  adds(['open', 'creat'], ['exit_open', 'exit_creat'])
  adds(['unlink', 'connect'], ['exit_unlink', 'exit_connect', ...URING.map((name) => `uring_socket_${name}`)])
  adds(['execve', 'procexit', 'clone'], ['exit_execve', 'exit_clone'])
  adds(['fork', 'vfork', 'clone3'], ['exit_fork', 'exit_vfork', 'exit_clone3'])
  adds(['process_snapshot'], [])
  adds(['no such event'], [])

  test('plain syscalls that io_uring carries out, too, have programs of its own: those of their kind', () => {
    const of = (name: string): readonly string[] =>
      planPrograms(new Set(), new Set([name])).flatMap((plan) =>
        plan.programs.map((spec) => spec.name).filter((program) => program.startsWith('uring_')),
      )
    assert.deepEqual(of('mkdirat'), ['uring_call_submit', 'uring_call_complete'])
    assert.deepEqual(of('close'), ['uring_close_submit', 'uring_close_complete'])
    assert.deepEqual(of('mkdir'), [])
  })
  /** Programs that make every syscall of the machine take the way through tracepoints. */
  const atSyscalls = (...events: string[]): readonly string[] =>
    planPrograms(new Set(events), new Set(events))
      .flatMap((plan) => plan.programs)
      .filter(({ section, hooks }) => hooks !== undefined || /^tp\/syscalls\/|^raw_tp\/sys_/.test(section))
      .map(({ name }) => name)
  test('events that need no program at a syscall, so that other syscalls cost what they did', () => {
    for (const event of FREE) assert.deepEqual(atSyscalls(event), [], event)
    assert.deepEqual(atSyscalls('security_file_open', ...FREE).length, 5)
    assert.deepEqual(atSyscalls('execve'), ['exit_execve'])
    assert.deepEqual(atSyscalls('getpid'), ['exit_syscall'])
  })
  test('they are those that the documentation names', () => {
    const text = readFileSync(new URL('../../../docs/tracing.md', import.meta.url), 'utf8')
    const found = PUBLIC_EVENT_TYPES.filter(
      ({ name, family, programs }) =>
        programs.length > 0 &&
        (family.record === undefined || family.byName) &&
        atSyscalls(name).length === 0,
    ).map(({ name }) => name)
    assert.deepEqual(found.sort(), [...FREE].sort())
    for (const name of FREE) assert.ok(text.includes(`\`${name}\``), name)
  })

  test('32-bit calls: the table has room for all hooks of a call', () => {
    const hooks = FAMILIES.filter(({ byName }) => byName).flatMap(({ events }) =>
      events.map(({ name }) => name),
    )
    const counts = new Map<string, number>()
    for (const { entry, hook, numbers } of planCompat('*', new Set(hooks)).places.values())
      for (const key of hook ? numbers.map((number) => `${entry} ${number}`) : [])
        counts.set(key, (counts.get(key) ?? 0) + 1)
    assert.equal(counts.get('false 4'), 2, 'vfs_write and magic_write at the exit of write')
    assert.ok([...counts.values()].every((count) => count <= MOST_HOOKS))
  })
  test('32-bit calls: the entry of all calls is looked at only for who needs it', () => {
    const entry = (...names: string[]): boolean => planCompat(new Set(), new Set(names)).atEntry
    assert.deepEqual(
      ['vfs_write', 'getpid', 'mem_prot_alert', 'commit_creds', 'exit_group'].map((name) => entry(name)),
      [false, false, true, true, true],
    )
  })
  test('programs of the process table come first', () => {
    const order = planPrograms('*').map((plan) => plan.state)
    assert.deepEqual(
      order,
      [...order].sort((a, b) => Number(b) - Number(a)),
    )
  })
  test('everything is every program once', () => {
    // What only measures is in no plan, plain syscalls are attached by name.
    const own = FAMILIES.filter((f) => f.record === undefined && !f.byName)
    const events = own.filter((f) => f.state || f.events.some((e) => !e.internal)).flatMap((f) => f.events)
    const programs = new Set(events.flatMap((event) => event.programs.map((program) => program.name)))
    assert.deepEqual(names('*').sort(), [...programs].sort())
    assert.deepEqual(names(new Set(PUBLIC_EVENT_TYPES.map((type) => type.name))).sort(), names('*').sort())
  })
  test('an object stands in the plan once', () => {
    const objects = planPrograms('*').map((plan) => plan.object)
    assert.equal(new Set(objects).size, objects.length)
  })

  suite('syscalls that this kernel does not have', () => {
    const has = (name: string): boolean => !name.endsWith('_module')
    const planned = (asked: readonly string[], ofMissing: MissingMode, kernel: HasTracepoint = has): string =>
      planSyscalls(new Set(asked), kernel, ofMissing)
        .programs.map(({ name }) => name)
        .join()
    for (const [asked, ofMissing, programs] of [
      [['init_module'], 'ignore', ''],
      [['init_module'], 'watch', 'all_syscalls'],
      [['init_module', 'chown'], 'ignore', 'exit_syscall'],
      [['init_module', 'chown'], 'watch', 'exit_syscall,all_syscalls'],
    ] as const)
      test(`${asked.join()}, ${ofMissing}: ${programs || 'nothing'}`, () =>
        assert.equal(planned(asked, ofMissing), programs))
    test('a kernel without tracepoints has them all', () =>
      assert.equal(
        planned(['init_module', 'chown'], 'ignore', () => false),
        'all_syscalls',
      ))
    test('with many calls the exit of all is there anyway', () => {
      const many = SYSCALLS.map(({ name }) => name)
      const number = SYSCALLS.find(({ name }) => name === 'init_module')![
        process.arch === 'arm64' ? 'arm64' : 'x64'
      ]!
      assert.ok(planSyscalls(new Set(many), has, 'ignore').wanted.native.includes(number))
    })
  })
})
