/** Which events filter expressions let through. */
import assert from 'node:assert/strict'
import { suite, test } from 'node:test'
import fc from 'fast-check'
import type { RecordInit } from '../decode/encode.ts'
import { connect, execve, exit, fork, openat, SHELL } from '../testing/events.ts'
import { by, CHILD, MISSED, OPEN, START_CHILD, seen, traced } from '../testing/tracing.ts'

const ID = '0123456789abcdef'.repeat(4)
const CGROUP = `/docker/${ID}`
const RELATIVE = openat({ path: 'x', dir: '/tmp', resolved: '/tmp/x' })
const ETC = openat({ path: '/etc/passwd' })
const GRANDCHILD = { pid: 300, start: SHELL.start + 200, uid: 1000 }
const OTHER = { pid: 400, start: 77, uid: 0 }
const START_GRANDCHILD = fork({ by: CHILD, child: GRANDCHILD })

suite('which events are let through', () => {
  const passes = (expressions: string, events: readonly RecordInit[], expected: readonly string[]): void => {
    test(`${expressions} (${expected.length} of ${events.length})`, async () =>
      assert.deepEqual(await seen(expressions.split(' '), ...events), expected))
  }
  passes('event=openat', [OPEN, connect({}), OPEN], ['openat', 'openat'])
  passes('event=openat pid=100', [OPEN, by(OTHER)], ['openat'])
  passes('event=openat pid!=100', [OPEN, by(OTHER)], ['openat 400'])
  passes('event=openat pid=100 pid=400', [OPEN, by(OTHER), by(CHILD)], ['openat', 'openat 400'])
  passes('event=openat p=100,400', [OPEN, by(OTHER), by(CHILD)], ['openat', 'openat 400'])
  passes('event=openat pid>100 pid<400', [OPEN, START_CHILD, by(CHILD), by(OTHER)], ['openat 200'])
  passes('event=openat uid=0', [OPEN, by(OTHER)], ['openat 400'])
  passes('event=openat u>0', [OPEN, by(OTHER)], ['openat'])
  passes('event=openat comm=bash', [OPEN, by(OTHER)], ['openat'])
  passes('event=openat comm!=bash', [OPEN, by(OTHER)], ['openat 400'])
  passes('event=openat uts=testhost', [OPEN], ['openat'])
  passes('event=openat uts!=testhost', [OPEN], [])
  const accents = execve({ by: CHILD, comm: '\u00e9'.repeat(7) + '\udcc3' })
  passes(`event=openat comm=${'\u00e9'.repeat(9)}`, [START_CHILD, accents, by(CHILD)], ['openat 200'])
  const renamed = execve({ by: CHILD, fields: { uts: 'web' } })
  passes('event=openat uts=web', [OPEN, START_CHILD, renamed, by(CHILD)], ['openat 200'])
  passes('event=openat pid=new', [OPEN, START_CHILD, by(CHILD)], ['openat 200'])
  passes('event=openat pid!=new', [OPEN, START_CHILD, by(CHILD)], ['openat'])
  passes('event=openat tree=100', [OPEN, START_CHILD, by(CHILD), by(OTHER)], ['openat', 'openat 200'])
  passes('event=openat tree!=100', [OPEN, START_CHILD, by(CHILD), by(OTHER)], ['openat 400'])
  passes(
    'event=openat tree=100 tree!=200',
    [OPEN, START_CHILD, START_GRANDCHILD, by(CHILD), by(GRANDCHILD), by(OTHER)],
    ['openat'],
  )
  passes(
    'event=openat tree=100',
    [START_CHILD, START_GRANDCHILD, exit({ by: CHILD }), by(GRANDCHILD)],
    ['openat 300'],
  )
  passes('event=openat comm=bash', [START_CHILD, execve({ by: CHILD, path: '/bin/ls' }), by(CHILD)], [])
  passes(
    'event=openat comm=bash follow',
    [OPEN, START_CHILD, execve({ by: CHILD, path: '/bin/ls' }), by(CHILD), by(OTHER)],
    ['openat', 'openat 200'],
  )
  const enter = execve({ by: CHILD, cgroup: CGROUP })
  passes('event=openat container', [OPEN, START_CHILD, enter, by(CHILD)], ['openat 200'])
  passes('event=openat !container', [OPEN, START_CHILD, enter, by(CHILD)], ['openat'])
  passes('event=openat container=0123', [OPEN, START_CHILD, enter, by(CHILD)], ['openat 200'])
  passes('event=openat container=0124', [OPEN, START_CHILD, enter, by(CHILD)], [])
  passes('event=openat c!=0123', [OPEN, START_CHILD, enter, by(CHILD)], ['openat'])
  const inside = (pidns_init_start_ts: number): RecordInit =>
    execve({ by: CHILD, cgroup: CGROUP, fields: { pidns_init_start_ts } })
  passes('event=openat container=new', [START_CHILD, inside(CHILD.start), by(CHILD)], ['openat 200'])
  passes('event=openat container=new', [START_CHILD, inside(1), by(CHILD)], [])
  passes('event=openat openat.pathname=/tmp/*', [OPEN, ETC, MISSED], ['openat', 'openat'])
  passes('event=openat openat.pathname!=/tmp/*', [OPEN, ETC, MISSED], ['openat'])
  passes('event=openat openat.pathname=/tmp/a,/etc/passwd', [OPEN, ETC, MISSED], ['openat', 'openat'])
  passes('event=openat openat.pathname=/tmp/*', [RELATIVE], ['openat'])
  passes('event=openat openat.pathname=x', [RELATIVE], ['openat'])
  passes('event=openat openat.flags=65', [OPEN, ETC], ['openat'])
  passes('event=openat openat.flags=O_WRONLY*', [OPEN, ETC], ['openat'])
  passes('event=openat openat.retval<0', [OPEN, MISSED], ['openat'])
  passes('event=openat openat.retval=-2', [OPEN, MISSED], ['openat'])
  passes('event=openat openat.retval!=-2', [OPEN, MISSED], ['openat'])
  passes('event=openat,connect openat.pathname=/tmp/*', [ETC, connect({})], ['connect'])
  passes('event=sched_process_exec', [execve(), execve({ res: -2 })], ['sched_process_exec'])
  passes(
    'event=execve,sched_process_exec',
    [execve(), execve({ res: -2 })],
    ['sched_process_exec', 'execve', 'execve'],
  )
  passes('event=sched_process_exit', [exit({ by: SHELL, code: 3 })], ['sched_process_exit'])
  passes('event=sched_process_fork', [START_CHILD], ['sched_process_fork'])
})

test('conditions on numbers are what they say, however many there are', () => {
  const operators = ['=', '!=', '<', '>'] as const
  const clause = fc.record({
    scope: fc.constantFrom('pid', 'uid'),
    op: fc.constantFrom(...operators),
    values: fc.array(fc.integer({ min: 0, max: 6 }), { minLength: 1, maxLength: 3 }),
  })
  const actor = fc.record({ pid: fc.integer({ min: 1, max: 6 }), uid: fc.integer({ min: 0, max: 6 }) })
  const property = fc.asyncProperty(fc.array(clause, { maxLength: 4 }), actor, async (clauses, who) => {
    const given = clauses.map(({ op, values, ...rest }) => ({
      op,
      values: op === '<' || op === '>' ? values.slice(0, 1) : values,
      ...rest,
    }))
    const holds = (scope: 'pid' | 'uid'): boolean => {
      const of = given.filter((one) => one.scope === scope)
      const equal = of.filter(({ op }) => op === '=').flatMap(({ values }) => values)
      const value = who[scope]
      return (
        (equal.length === 0 || equal.includes(value)) &&
        of.every(({ op, values }) =>
          op === '!='
            ? !values.includes(value)
            : op === '<'
              ? value < values[0]!
              : op === '>'
                ? value > values[0]!
                : true,
        )
      )
    }
    const expressions = given.map(({ scope, op, values }) => `${scope}${op}${values.join(',')}`)
    const open = openat({ path: '/x', by: { ...who, start: 9 } })
    const lines = await traced(['event=openat', ...expressions], [open])
    assert.equal(lines.length - 1, holds('pid') && holds('uid') ? 1 : 0, expressions.join(' '))
  })
  return fc.assert(property, { numRuns: 200 })
})
