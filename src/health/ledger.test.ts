import assert from 'node:assert/strict'
import { suite, test } from 'node:test'
import fc from 'fast-check'
import { COUNTER_WORDS, PROGRAM_COUNTERS } from '../../schema/index.ts'
import { byProgram, droppedTotal, imbalance, type ProgramCounts, readLedger } from './ledger.ts'

const PROGRAMS = ['one', 'two']
const CPUS = 2
type Row = Partial<Record<(typeof PROGRAM_COUNTERS)[number] | 'delivered', number>>

/** The ledger of kernel memory that holds these rows, in the order of programs, then CPUs. */
function ledger(...rows: Row[]): ProgramCounts[] {
  const kernel = new BigUint64Array(PROGRAMS.length * CPUS * COUNTER_WORDS)
  const delivered = new Float64Array(PROGRAMS.length * CPUS)
  for (const [i, row] of rows.entries()) {
    for (const [word, name] of PROGRAM_COUNTERS.entries())
      kernel[i * COUNTER_WORDS + word] = BigInt(row[name] ?? 0)
    delivered[i] = row.delivered ?? 0
  }
  return readLedger({ programs: PROGRAMS, cpus: CPUS, kernel, delivered })
}

suite('ledger', () => {
  test('every counter of every program and CPU', () => {
    const rows = ledger(
      {},
      {
        seen: 10,
        guarded: 1,
        throttled: 2,
        submitted: 3,
        dropped_ring_full: 4,
        helper_errors: 5,
        delivered: 3,
      },
      { seen: 1, dropped_nested: 1 },
    )
    assert.deepEqual(rows, [
      {
        program: 'one',
        cpu: 1,
        seen: 10,
        guarded: 1,
        throttled: 2,
        submitted: 3,
        dropped: { ring_full: 4, nested: 0, scratch: 0, too_big: 0 },
        helperErrors: 5,
        delivered: 3,
      },
      {
        program: 'two',
        cpu: 0,
        seen: 1,
        guarded: 0,
        throttled: 0,
        submitted: 0,
        dropped: { ring_full: 0, nested: 1, scratch: 0, too_big: 0 },
        helperErrors: 0,
        delivered: 0,
      },
    ])
    assert.deepEqual(rows.map(imbalance), [0, 0])
    assert.deepEqual(rows.map(droppedTotal), [4, 1])
  })

  test('what does not add up shows', () => {
    assert.equal(imbalance(ledger({ seen: 10, submitted: 7, dropped_too_big: 1 })[0]!), 2)
    assert.equal(imbalance(ledger({ seen: 1, submitted: 2 })[0]!), -1)
  })

  test('helper errors are inside records that were sent: no part of the equation', () => {
    assert.equal(imbalance(ledger({ seen: 2, submitted: 2, helper_errors: 9 })[0]!), 0)
  })

  test('sums over CPUs keep the equation', () => {
    const count = fc.nat(1e9)
    const row = fc.record({ guarded: count, throttled: count, submitted: count, dropped_nested: count })
    fc.assert(
      fc.property(fc.array(row, { minLength: 4, maxLength: 4 }), (parts) => {
        const rows = parts.map((p) => ({
          ...p,
          seen: p.guarded + p.throttled + p.submitted + p.dropped_nested,
        }))
        for (const sum of byProgram(ledger(...rows)).values()) assert.equal(imbalance(sum), 0)
        const one = byProgram(ledger(...rows)).get('one')
        assert.equal(one?.seen ?? 0, rows[0]!.seen + rows[1]!.seen)
      }),
    )
  })
})
