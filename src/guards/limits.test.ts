import assert from 'node:assert/strict'
import { suite, test } from 'node:test'
import { MOUNT_FLAGS } from '../../schema/enums/index.ts'
import { rulesOf } from '../testing/rules.ts'
import { type Explanation, explainRule } from './explain.ts'
import { classBits, type GuardPlan, planGuards } from './plan.ts'
import { judge } from './tables.ts'

const planOf = (conditions: readonly string[]): GuardPlan => {
  const list = conditions.map((condition, i) => ({
    rule: `r${i}`,
    desc: 'd',
    condition,
    output: 'o',
    priority: 'INFO',
    warn_evttypes: false,
  }))
  return planGuards({ rules: rulesOf('rules.yaml', JSON.stringify(list)), streams: [] })
}
const explain = (plan: GuardPlan, index: number): Explanation =>
  explainRule(plan, [...plan.rules.keys()][index]!)
const limits = (plan: GuardPlan): readonly string[] =>
  [...plan.rules.keys()].flatMap((_, i) => explain(plan, i).events.flatMap((event) => event.limits))

/** Does the rule get an event with this number in this place? */
function gets(plan: GuardPlan, index: number, event: string, place: number, number: number): boolean {
  const numbers: (bigint | undefined)[] = []
  numbers[place] = BigInt(number)
  const live = judge(plan.tables, { event, shape: 0, process: undefined, paths: [], numbers, ends: [] })
  return (live & classBits(plan, [...plan.rules.keys()][index]!, event)) !== 0n
}
const range = (count: number): readonly number[] => Array.from({ length: count }, (_, i) => i)

suite('where tables end', () => {
  test('of values there may be hundreds', () => {
    const plan = planOf(range(200).map((i) => `evt.type = kill and evt.arg.pid = ${1000 + i}`))
    assert.deepEqual(limits(plan), [])
    for (const i of [0, 31, 32, 199]) {
      assert.ok(gets(plan, i, 'kill', 0, 1000 + i))
      assert.ok(!gets(plan, i, 'kill', 0, 999))
    }
  })

  test('of other tests as many as there is room for are asked, and it is told who is not', () => {
    const bits = Object.entries(MOUNT_FLAGS.names).slice(0, 10)
    const pairs = bits.flatMap(([a], i) => bits.slice(i + 1).map(([b]) => `"${a}|${b}"`))
    const plan = planOf(pairs.map((pair) => `evt.type = mount and evt.arg.flags = ${pair}`))
    const open = pairs.flatMap((_, i) => (gets(plan, i, 'mount', 3, 0) ? [i] : []))
    assert.equal(open.length, pairs.length - 32)
    for (const i of range(pairs.length))
      assert.deepEqual(
        explain(plan, i).events.flatMap((event) => event.limits),
        open.includes(i)
          ? [
              `evt.arg.flags: rules ask for ${pairs.length} different tests of bits, and there is room for 32: who asks for the most is not asked here`,
            ]
          : [],
      )
  })

  test('rules share tests', () => {
    const plan = planOf(
      range(100).map((i) => `evt.type = mount and evt.arg.flags = MS_BIND and user.uid = ${i}`),
    )
    assert.deepEqual(limits(plan), [])
    assert.ok(!gets(plan, 99, 'mount', 3, 0))
  })

  test('more needs than bits', () => {
    const plan = planOf(range(300).map((i) => `evt.type = openat and fd.name = /etc/f${i}`))
    assert.match(limits(plan)[0] ?? '', /^rules ask for 300 different needs, and there are bits for 255/)
  })

  test('more beginnings than are compared', () => {
    const names = range(1100).map((i) => `/opt/p${i}`)
    const plan = planOf([`evt.type = openat and proc.exepath in (${names})`])
    assert.match(
      limits(plan)[0] ?? '',
      /^paths of executables: rules ask for 1100 different values.* room for 1024/,
    )
  })

  test('more alternatives than are told apart', () => {
    const either = range(12).map((i) => `(fd.name startswith /d${i}/ and proc.name = p${i})`)
    const plan = planOf([`evt.type = openat and (${either.join(' or ')})`])
    assert.match(limits(plan)[0] ?? '', /^the condition has more alternatives/)
  })

  for (const [condition, reason] of [
    ['evt.type = connect and fd.sport > 5000', 'more than 1024 numbers'],
    [
      `evt.type = openat and fd.filename = ${'n'.repeat(40)}`,
      'longer than what is looked up: 36 bytes of a name, 252 of a directory',
    ],
    ['evt.type = net_flow_tcp_begin and proc.name = x', 'the process is not known where it happens'],
  ] as const)
    test(`${condition}: ${reason}`, () => {
      const [, told] = explain(planOf([condition]), 0).tests
      assert.deepEqual([...(told?.verdicts.values() ?? [])], [reason])
    })
})
