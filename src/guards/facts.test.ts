import assert from 'node:assert/strict'
import { suite, test } from 'node:test'
import { OPEN_SHAPE } from '../../schema/guard.ts'
import { rulesOf } from '../testing/rules.ts'
import { planGuards } from './plan.ts'

/** Can an open of this shape match a rule about its mode? */
function mayMatch(mode: string, shape: number): boolean {
  const condition = `evt.type = openat and ${mode}`
  const rule = { rule: 'r', desc: 'd', output: 'o', priority: 'INFO', condition }
  const { tables } = planGuards({ rules: rulesOf('r.yaml', JSON.stringify([rule])), streams: [] })
  return tables.shapes.get('openat')?.has(shape) === true
}

suite('what the shape of an open says of its mode', () => {
  for (const [mode, plain] of [
    ['evt.rawarg.mode glob "0[2-7]???"', false],
    ['evt.rawarg.mode glob "04755"', false],
    ['evt.rawarg.mode in (02755, 0755)', true],
    ['evt.rawarg.mode in (02755, 04755)', false],
    ['evt.rawarg.mode glob "0[1-7]???"', true],
    ['evt.rawarg.mode glob "0?755"', true],
    ['evt.rawarg.mode glob "0[2-7]*"', true],
    ['evt.rawarg.mode = 0755', true],
    ['not evt.rawarg.mode = 04755', true],
    ['evt.rawarg.mode != 04755', true],
  ] as const)
    test(`${mode}: ${plain ? 'any may match' : 'only with S_ISUID or S_ISGID'}`, () => {
      assert.deepEqual([mayMatch(mode, 0), mayMatch(mode, OPEN_SHAPE.SETS_ID)], [plain, true])
    })
})
