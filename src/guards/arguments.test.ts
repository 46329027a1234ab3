import assert from 'node:assert/strict'
import { suite, test } from 'node:test'
import { OUTCOMES } from '../../schema/guard.ts'
import { rulesOf } from '../testing/rules.ts'
import { planGuards } from './plan.ts'
import { judge } from './tables.ts'

/** Does an event with one number pass a rule about it? */
function passes(
  event: string,
  condition: string,
  at: number,
  number: number,
  shape: number = OUTCOMES.OK,
): boolean {
  const rule = {
    rule: 'r',
    desc: 'd',
    output: 'o',
    priority: 'INFO',
    condition: `evt.type = ${event} and ${condition}`,
  }
  const { tables } = planGuards({ rules: rulesOf('r.yaml', JSON.stringify([rule])), streams: [] })
  const process = { comm: 'x', uid: 0, inContainer: undefined, image: undefined }
  const numbers = Array.from({ length: 6 }, (_, i) => (i === at ? BigInt.asUintN(64, BigInt(number)) : 0n))
  return judge(tables, { event, shape, process, paths: [], numbers, ends: [] }) !== 0n
}

const NEWUSER = 0x10000000
const NEWNET = 0x40000000

suite('numbers among the arguments', () => {
  for (const [event, condition, at, wanted, unwanted] of [
    ['ptrace', 'evt.arg.request contains PTRACE_ATTACH', 0, 16, 17],
    ['ptrace', 'evt.arg.request in (PTRACE_ATTACH, PTRACE_SEIZE)', 0, 0x4206, 17],
    ['ptrace', 'not evt.arg.request in (PTRACE_ATTACH, PTRACE_SEIZE)', 0, 17, 16],
    ['ptrace', 'evt.arg.request startswith PTRACE_POKE', 0, 5, 16],
    ['ptrace', 'evt.rawarg.request = 16', 0, 16, 17],
    // A number is shown where it has no name.
    ['ptrace', 'evt.arg.request = 999', 0, 999, 16],
    ['ptrace', 'evt.arg.pid = 7', 1, 7, 8],
    ['ptrace', 'evt.arg.request != PTRACE_ATTACH and evt.arg.request != PTRACE_SEIZE', 0, 17, 16],
    ['ptrace', '(evt.arg.request = PTRACE_ATTACH or evt.arg.request = PTRACE_SEIZE)', 0, 16, 17],
    ['signal_generate', 'evt.arg.sig = SIGKILL', 0, 9, 15],
    ['bpf', 'evt.arg.cmd = BPF_PROG_LOAD', 0, 5, 0],
    ['unshare', 'evt.arg.flags contains CLONE_NEWUSER', 0, NEWUSER | NEWNET, NEWNET],
    ['unshare', 'not evt.arg.flags contains CLONE_NEWUSER', 0, NEWNET, NEWUSER | NEWNET],
    ['unshare', 'evt.arg.flags = CLONE_NEWUSER|CLONE_NEWNET', 0, NEWUSER | NEWNET, NEWUSER],
    ['mprotect', 'evt.arg.prot contains PROT_EXEC', 2, 7, 3],
    // How Falco calls it.
    ['mount', 'evt.arg.flags contains MS_BIND', 3, 4096, 1],
    ['socket', 'evt.arg.domain = AF_PACKET', 0, 17, 2],
    // A sign is that of 32 bits.
    ['kill', 'evt.arg.pid = -1', 0, 0xffffffff, 1],
  ] as const)
    test(`${event}, ${condition}: ${wanted}, not ${unwanted}`, () => {
      const shape = event === 'socket' ? OUTCOMES.OK | (6 << 2) : OUTCOMES.OK
      assert.deepEqual(
        [passes(event, condition, at, wanted, shape), passes(event, condition, at, unwanted, shape)],
        [true, false],
      )
    })

  // What cannot be told keeps its bits.
  for (const [condition, number] of [
    ['evt.arg.request contains 6', 5],
    ['evt.arg.request glob "*ATTACH"', 5],
    ['not evt.arg.request contains allof (ATTACH, PTRACE)', 16],
  ] as const)
    test(`${condition} is left to user space`, () => assert.ok(passes('ptrace', condition, 0, number)))

  test('how the call ended and who made it count, too', () => {
    assert.ok(!passes('mount', 'evt.failed = false', 3, 0, OUTCOMES.FAILED))
    assert.ok(!passes('mount', 'proc.name = other', 3, 0))
  })
})
