/** Which arguments of Falco's events are served: what is missing is listed here, and nowhere else. */
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { event, execve, fork, INIT, SHELL } from '../../testing/events.ts'
import { bindField, createWorld } from '../../testing/world.ts'
import { ARGUMENTS } from './arguments.ts'
import { FALCO_ARGUMENT_LISTS } from './falco-arguments.ts'

/** By event: what no record has. Those that no event has at all are errors in rules, the others have a hint. */
const MISSING = `
accept accept4: queuepct queuelen queuemax
brk mmap munmap: vm_size vm_rss vm_swap
capset: cap_inheritable cap_permitted cap_effective
getcwd: path
clone clone3 fork vfork: pgft_maj pgft_min vm_size vm_rss vm_swap
copy_file_range: offout offin
creat: creat_flags
eventfd inotify_init signalfd: flags
fsconfig: value_bytebuf value_charbuf
getrlimit setrlimit: cur max
init_module: img
io_uring_enter: sig
io_uring_setup: sq_entries cq_entries flags sq_thread_cpu sq_thread_idle features
_llseek: offset
open_by_handle_at: path dev ino
pipe pipe2: fd1 fd2 ino
ppoll: timeout
prctl: arg2_str
readv: size data
read write writev sendmsg sendto recvfrom sendmmsg pread64 pwrite64 process_vm_readv process_vm_writev: data
pwritev: data size pos
preadv: size data pos
recvmmsg recvmsg: data msgcontrol
prlimit64: newcur newmax oldcur oldmax
procexit: reaper_tid
quotactl: quotafilepath dqb_bhardlimit dqb_bsoftlimit dqb_curspace dqb_ihardlimit dqb_isoftlimit dqb_btime dqb_itime dqi_bgrace dqi_igrace dqi_flags quota_fmt_out type quota_fmt
semop: sem_num_0 sem_op_0 sem_flg_0 sem_num_1 sem_op_1 sem_flg_1
socketpair: source peer
`

const missing = new Map(
  MISSING.trim()
    .split('\n')
    .flatMap((line) => {
      const [events = '', names = ''] = line.split(': ')
      return events.split(' ').map((event) => [event, names.split(' ')] as const)
    }),
)

for (const [name, falco] of FALCO_ARGUMENT_LISTS) {
  const served = ARGUMENTS.get(name)
  // Calls that kernels do not have, or that have another name there.
  if (served === undefined) continue
  test(`${name}: Falco's arguments, but for those listed`, () => {
    const own = new Set(served.map((argument) => argument.name))
    assert.deepEqual(
      [...falco.keys()].filter((argument) => !own.has(argument)),
      missing.get(name) ?? [],
    )
  })
}

test('an argument that only Falco has says of which events', () =>
  assert.throws(
    () => bindField('evt.arg.queuelen'),
    /'queuelen' that Falco has of accept, accept4 is not served/,
  ))

test('what the process table knows of the caller', () => {
  const world = createWorld()
  world.feed(execve({ by: SHELL, parent: INIT, cgroup: '/user.slice', fields: { fdlimit: 1024 } }))
  assert.equal(world.plain('evt.arg.cgroups'), 'unified=/user.slice')
  world.feed(fork({ by: SHELL, child: { pid: 300, start: 8_000_000_001 } }))
  assert.equal(world.plain('evt.arg.cgroups'), 'unified=/user.slice')
  assert.equal(world.plain('evt.arg.fdlimit'), '1024')
  assert.equal(world.plain('evt.arg.vtid'), '100')
  world.feed(fork({ by: { ...SHELL, tid: 101 }, child: { pid: 301, start: 8_000_000_002 } }))
  assert.equal(world.plain('evt.arg.vtid'), undefined)
})

for (const [option, expected] of [
  [1, '15'],
  [15, '0'],
  [37, undefined],
] as const)
  test(`arg2_int of prctl option ${option}`, () => {
    const world = createWorld()
    world.feed(event('prctl', {}, { res: 0, option, arg2: 15 }))
    assert.equal(world.plain('evt.arg.arg2_int'), expected)
  })
