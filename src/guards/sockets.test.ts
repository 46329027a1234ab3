import assert from 'node:assert/strict'
import { suite, test } from 'node:test'
import { OUTCOMES, SOCKET_FAMILIES, SOCKET_SHAPE } from '../../schema/guard.ts'
import { rulesOf } from '../testing/rules.ts'
import { planGuards } from './plan.ts'
import { type GuardEnd, judge } from './tables.ts'

const SHAPE = OUTCOMES.OK | (SOCKET_FAMILIES.INET << SOCKET_SHAPE.FAMILY_SHIFT)
const ip = (...last: readonly number[]): Uint8Array =>
  Uint8Array.from([...new Array(10).fill(0), 255, 255, ...last])
const end = (port: number): GuardEnd => ({ ip: ip(10, 1, 2, 3), port })

/** Does an event with these ends pass a rule about connect? */
function passes(condition: string, ends: readonly (GuardEnd | undefined)[]): boolean {
  const rule = {
    rule: 'r',
    desc: 'd',
    output: 'o',
    priority: 'INFO',
    condition: `evt.type = connect and ${condition}`,
  }
  const { tables } = planGuards({ rules: rulesOf('r.yaml', JSON.stringify([rule])), streams: [] })
  const process = { comm: 'x', uid: 0, inContainer: undefined, image: undefined }
  return judge(tables, { event: 'connect', shape: SHAPE, process, paths: [], numbers: [], ends }) !== 0n
}

suite('ends of sockets', () => {
  for (const [condition, port, without] of [
    ['fd.sport = 80', 22, false],
    ['fd.sport != 80', 80, true],
    ['fd.sport > 80', 22, true],
    // An end that is not there makes every negation true.
    ['not fd.sport = 80', 80, true],
    ['not fd.sport != 80', 22, true],
    ['not fd.sport > 80', 22, true],
    ['not fd.sip != 10.1.2.4', 22, true],
    ['not fd.snet != 10.1.2.0/24', 22, true],
  ] as const) {
    test(`${condition}: no ends at all`, () =>
      assert.equal(passes(condition, [undefined, undefined]), without))
    if (!without)
      test(`${condition}: port ${port} is not wanted`, () => assert.ok(!passes(condition, [end(port)])))
  }
})
