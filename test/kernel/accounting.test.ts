/** Nothing is lost silently: the loss equation under floods, by program, ring and CPU. */
import assert from 'node:assert/strict'
import { spawn, spawnSync } from 'node:child_process'
import { once } from 'node:events'
import { closeSync, openSync, writeFileSync } from 'node:fs'
import { availableParallelism } from 'node:os'
import { join } from 'node:path'
import { suite, test } from 'node:test'
import { setTimeout } from 'node:timers/promises'
import { FAMILIES, type Ring } from '../../schema/index.ts'
import { byProgram, droppedTotal, imbalance, type ProgramCounts } from '../../src/health/ledger.ts'
import { scratchFolder } from '../../src/testing/scratch.ts'
import { type Live, NEEDS_ROOT, only, openLive, type Seen } from './support/live.ts'
import { program } from './support/programs.ts'

const SMALL = 64 << 10
/** By now the source has looked for gaps. */
const TOLD_MS = 1500
const CPUS = Array.from({ length: Math.min(availableParallelism(), 2) }, (_, i) => i)
const RING_OF: ReadonlyMap<string, Ring> = new Map(
  FAMILIES.flatMap((f) => f.events.flatMap((e) => e.programs.map((p) => [p.name, f.ring] as const))),
)

suite('accounting', { skip: NEEDS_ROOT }, () => {
  const file = NEEDS_ROOT ? '' : join(scratchFolder('accounting'), 'flooded')
  if (file) writeFileSync(file, '')

  /** Command line that opens the file `n` times on each CPU at once. */
  const flood = (n: number): string[] => [
    '-c',
    CPUS.map((cpu) => `${program('flood')} ${n} ${file} ${cpu} & `).join('') + 'wait',
  ]
  const opensOf = (records: readonly Seen[]): Seen[] =>
    only(records, 'openat').filter((r) => r.f['name'] === file)

  /** Every equation that must hold once nothing is on its way. Call after `stop`. */
  function assertBalanced(live: Live): ProgramCounts[] {
    const rows = live.source.ledger()
    for (const row of rows) {
      const where = `${row.program} on CPU ${row.cpu}`
      assert.equal(imbalance(row), 0, `seen by ${where}`)
      // The snapshot's program writes to a file, not to a ring.
      if (row.program !== 'dump_task') assert.equal(row.submitted, row.delivered, `submitted by ${where}`)
    }
    const { late: _, ...bad } = live.source.readerLosses
    for (const [reason, count] of Object.entries(bad)) assert.equal(count, 0, reason)
    const inGaps = new Map<string, number>()
    for (const { ring, cpu, lost, from, to } of live.gaps) {
      assert.ok(from <= to, `${from} ${to}`)
      inGaps.set(`${ring} ${cpu}`, (inGaps.get(`${ring} ${cpu}`) ?? 0) + lost)
    }
    const dropped = new Map<string, number>()
    for (const row of rows) {
      const key = `${RING_OF.get(row.program)} ${row.cpu}`
      const lost = row.program === 'dump_task' ? 0 : droppedTotal(row)
      if (lost > 0) dropped.set(key, (dropped.get(key) ?? 0) + lost)
    }
    assert.deepEqual(inGaps, dropped)
    // What the gaps name as their causes is what the counters say, each drop once.
    const named = new Map<string, number>()
    for (const { program: name, reason, count } of live.causes)
      named.set(`${name} ${reason}`, (named.get(`${name} ${reason}`) ?? 0) + count)
    for (const [name, counts] of byProgram(rows))
      for (const [reason, count] of Object.entries(counts.dropped))
        assert.equal(named.get(`${name} ${reason}`) ?? 0, count, `${name} ${reason}`)
    return rows
  }

  test('a reader that is held back loses records and says exactly which', async () => {
    const n = 3000
    const live = openLive({ events: ['openat'], bulk: SMALL })
    const read = (): number => byProgram(live.source.ledger()).get('exit_openat')!.delivered
    // What was lost while programs were attached is a gap of its own: it is told within a second.
    await setTimeout(TOLD_MS)
    const told = live.gaps.length
    live.take()
    const before = read()
    const { records, stdout } = live.run('/bin/sh', flood(n))
    live.stop()
    assertBalanced(live)
    const opens = opensOf(records)
    // What other software opened meanwhile lies between ours, and takes room.
    const others = read() - before - only(records, 'openat').length
    const lost = live.gaps.slice(told).reduce((sum, gap) => sum + gap.lost, 0)
    assert.ok(opens.length + others > 100 && opens.length < 400, `${opens.length} fit ${SMALL} bytes`)
    assert.ok(lost >= CPUS.length * n - opens.length, `${lost} lost`)
    for (const line of stdout.trim().split('\n')) {
      const [cpu, done, begin, end] = line.split(' ').map(Number)
      assert.equal(done, n)
      // On a busy machine what was lost at the start is told late.
      const gaps = live.gaps
        .slice(told)
        .filter((gap) => gap.ring === 'bulk' && gap.cpu === cpu && gap.to > begin!)
      assert.ok(gaps.length >= 1 && gaps.length <= 1 + others, `${gaps.length} gaps, ${others} of others`)
      const delivered = opens.filter((r) => r.cpu === cpu)
      // Next to nothing came in between: a short record finds room where a long one did not.
      const between = delivered.filter((r) => r.time > gaps[0]!.from).length
      assert.ok(between <= 8, `${between} of ${delivered.length} came after the loss began`)
      assert.ok(gaps[0]!.from < end!, 'the loss began before the flood ended')
      assert.ok(gaps.at(-1)!.to >= end!, 'and did not end before it')
      assert.ok(delivered.every((r) => r.time > begin!))
    }
    assert.ok(live.causes.some((c) => c.program === 'exit_openat' && c.reason === 'ring_full' && c.count > 0))
  })

  test('a reader that is at work while it is flooded accounts for every record', async () => {
    const n = 10000
    const live = openLive({ events: ['openat'], bulk: SMALL })
    const child = spawn('/bin/sh', flood(n), { stdio: 'ignore' })
    await once(child, 'exit')
    live.stop()
    assertBalanced(live)
    const opens = opensOf(live.take())
    const lost = live.gaps.reduce((sum, gap) => sum + gap.lost, 0)
    assert.ok(opens.length + lost >= CPUS.length * n)
    assert.ok(opens.length <= CPUS.length * n)
  })

  test('a ring that is large enough loses nothing', () => {
    const n = 4000
    const live = openLive({ events: ['openat'], bulk: 8 << 20 })
    const { records } = live.run('/bin/sh', flood(n))
    live.stop()
    const rows = assertBalanced(live)
    assert.deepEqual(live.gaps, [])
    assert.equal(
      rows.reduce((sum, row) => sum + droppedTotal(row), 0),
      0,
    )
    const opens = opensOf(records)
    for (const cpu of CPUS) assert.equal(opens.filter((r) => r.cpu === cpu).length, n)
    assert.equal(new Set(opens.map((r) => `${r.cpu} ${r.seq}`)).size, CPUS.length * n, 'each once')
  })

  test('losses in the critical ring are told, too', () => {
    const live = openLive({ critical: 16 << 10 })
    const loop = `i=0; while [ $i -lt 60 ]; do ${program('raw')} getpid >/dev/null; i=$((i+1)); done`
    const child = spawnSync('/bin/sh', ['-c', loop])
    live.stop()
    assertBalanced(live)
    assert.equal(child.status, 0)
    assert.ok(live.gaps.some((gap) => gap.ring === 'critical' && gap.lost > 50))
  })

  test('what the agent itself does is counted as guarded', () => {
    const live = openLive({ events: ['openat'] })
    const guarded = (): number => byProgram(live.source.ledger()).get('exit_openat')?.guarded ?? 0
    const before = guarded()
    for (let i = 0; i < 200; i++) closeSync(openSync(file, 'r'))
    assert.equal(guarded() - before, 200)
    assert.deepEqual(
      live.take().filter((r) => r.pid === process.pid),
      [],
    )
    live.stop()
    assertBalanced(live)
  })
})
