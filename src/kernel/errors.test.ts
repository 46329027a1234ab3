import assert from 'node:assert/strict'
import { suite, test } from 'node:test'
import { condenseLog, explain, formatFailure } from './errors.ts'
import { SystemError } from './libc.ts'

const EPERM = 1
const ENOENT = 2
const ESRCH = 3
const E2BIG = 7
const EXDEV = 18
const ENOMEM = 12
const EACCES = 13
const EINVAL = 22
const EIO = 5

suite('reasons', () => {
  const reason = (
    hook: string,
    step: 'load' | 'attach',
    errno: number,
    matches: RegExp,
    log: string[] = [],
  ): void =>
    void test(`${hook} ${step} ${errno}${log.length > 0 ? ' with a log' : ''}`, () =>
      assert.match(explain(hook, step, new SystemError('call', errno), log), matches))

  reason('fentry/do_unlinkat', 'load', EPERM, /refuses fentry programs, which need a BPF trampoline/)
  reason('lsm/file_open', 'attach', EPERM, /refuses lsm programs/)
  reason('fentry/do_unlinkat', 'load', EPERM, /CAP_BPF/, ['a line'])
  reason('tp_btf/task_rename', 'load', EPERM, /CAP_BPF and CAP_PERFMON/)
  reason('tp/syscalls/sys_exit_x', 'attach', ENOENT, /no hook 'tp\/syscalls\/sys_exit_x'/)
  reason('tp_btf/x', 'load', ENOENT, /BTF does not know the target of 'tp_btf\/x'/)
  reason('tp_btf/x', 'load', ESRCH, /BTF does not know/)
  reason('fexit/x', 'attach', 524, /cannot attach fexit programs on this architecture/)
  reason('tp/x', 'load', ENOMEM, /RLIMIT_MEMLOCK/)
  reason('tp/x', 'load', E2BIG, /too large/)
  reason('cgroup_skb/ingress', 'attach', EXDEV, /below HOST_ROOT/)
  reason('tp/x', 'load', EINVAL, /^the kernel rejected the program$/, ['R1 invalid mem access'])
  reason('tp/x', 'load', EACCES, /^the kernel rejected the program$/, ['R1 invalid mem access'])
  reason('tp/x', 'load', EINVAL, /^load failed with EINVAL$/)
  reason('tp/x', 'attach', EIO, /^attach failed with EIO$/)
})

suite('verifier logs', () => {
  const LOG = [
    '0: R1=ctx() R10=fp0',
    '; int value = *pointer; @ x.bpf.c:7',
    '0: (61) r0 = *(u32 *)(r1 +0)',
    "R1 invalid mem access 'scalar'",
    'processed 2 insns (limit 1000000) max_states_per_insn 0 total_states 0',
    '',
  ].join('\n')

  test('keep the reason and the source line above it', () => {
    const { lines, total } = condenseLog(LOG)
    assert.deepEqual(lines.slice(-1), ["R1 invalid mem access 'scalar'"])
    assert.equal(lines[0], '; int value = *pointer; @ x.bpf.c:7')
    assert.equal(total, 5)
  })
  test('are never longer than asked', () => {
    const many = Array.from({ length: 50 }, (_, i) => `line ${i}`).join('\n')
    assert.deepEqual(condenseLog(many).lines, ['line 47', 'line 48', 'line 49'])
    assert.equal(condenseLog(many).total, 50)
  })
  test('may be empty', () => {
    assert.deepEqual(condenseLog(''), { lines: [], total: 0 })
  })
})

suite('failure text', () => {
  const failure = {
    program: 'exit_x',
    hook: 'tp/syscalls/sys_exit_x',
    step: 'load',
    code: 'EINVAL',
    reason: 'the kernel rejected the program',
    log: [] as string[],
    logLines: 0,
  } as const

  test('is one line without a log', () => {
    assert.equal(
      formatFailure(failure),
      'Cannot load exit_x (tp/syscalls/sys_exit_x): the kernel rejected the program [EINVAL]',
    )
  })
  test('has the log indented, and says what is left out', () => {
    assert.deepEqual(
      formatFailure({ ...failure, log: ['a', 'b'], logLines: 9 })
        .split('\n')
        .slice(1),
      ['    a', '    b', '    (7 more verifier lines omitted)'],
    )
  })
})
