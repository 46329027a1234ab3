/**
 * `tarsier bench ring`: our reader and decoder against a C program, and the rate they sustain.
 *
 * Comparison: a BPF program puts records of 128 bytes into the ring; a libbpf callback that copies all fields and
 * strings, and our own readers, take those very records from there, in turns within each round. Sustained rate: another
 * process produces at rising rates while the production reader decodes everything; what counts is that nothing is lost.
 */
import { RINGS } from '../../schema/index.ts'
import { Interner } from '../decode/interner.ts'
import { PROGRAM_SPECS } from '../kernel/objects.ts'
import { Ring } from '../kernel/ring.ts'
import { Wakeup } from '../kernel/wakeup.ts'
import { CONTROL } from '../sources/kernel/control.ts'
import { Reader } from '../sources/kernel/reader.ts'
import { UserError } from '../user-error.ts'
import type { Bench, BenchOptions } from './bench.ts'
import { buildConsumer, Consumer } from './consumer.ts'
import { CRITICAL_BYTES, type Flood, loadFlood } from './flood.ts'
import { describeMachine } from './machine.ts'
import type { Goal, Report, ReportTable } from './report.ts'
import { decodeAll, decoding, framing, type RingConsumer, seeking, type Tally } from './ring-consumers.ts'
import { pairedRatio, rotate, type Summary, summarise } from './statistics.ts'

interface Plan {
  readonly ringBytes: number
  /** Records in a round. */
  readonly records: number
  readonly warmUp: number
  readonly rounds: number
  /** Records a second. */
  readonly rates: readonly number[]
  readonly rateMs: number
}

const FULL: Plan = {
  ringBytes: 16 << 20,
  records: 100_000,
  warmUp: 5,
  rounds: 25,
  rates: [100_000, 500_000, 1_000_000, 1_500_000, 2_000_000, 3_000_000, 4_000_000, 6_000_000],
  rateMs: 2000,
}
const QUICK: Plan = {
  ringBytes: 4 << 20,
  records: 20_000,
  warmUp: 1,
  rounds: 3,
  rates: [20_000, 100_000],
  rateMs: 250,
}

const FEW_PATHS = 16
const MANY_PATHS = 2000
const GOALS = { framing: 2.5, decode: 12 } as const

export const ringBench: Bench = {
  name: 'ring',
  summary: 'the ring reader and decoder against a C program, and the rate they sustain without loss',
  run: runRing,
}

/** One way of reading in one setting. */
export interface Comparison {
  readonly reader: string
  readonly paths: number
  /** ns for a record. */
  readonly ns: Summary
  /** To C in the same rounds, median of the rounds; 1 for C itself. */
  readonly ratio: number
  /** Best round to C's best round. */
  readonly bestRatio: number
  /** Records read in the measured rounds. */
  readonly records: number
}

export interface Sustained {
  readonly asked: number
  /** Records a second that the producer tried to put into the ring. */
  readonly tried: number
  readonly seen: number
  readonly submitted: number
  readonly delivered: number
  readonly dropped: number
  /** Consumer's CPU time for a record, wake-ups included. */
  readonly cpuNs: number
  /** Fullest that the ring was found, as a share of its size. */
  readonly fullest: number
}

async function runRing({ quick, root, progress }: BenchOptions): Promise<Report> {
  const plan = quick ? QUICK : FULL
  const machine = describeMachine()
  const time = new Date().toISOString()
  const file = await buildConsumer(root)
  const flood = loadFlood(root, plan.ringBytes)
  let consumer: Consumer | undefined
  try {
    consumer = await Consumer.start(file, flood.programFd, flood.ringFds[RINGS.indexOf('bulk')]!)
    progress(`comparing with C: 2 x ${plan.rounds} rounds of ${plan.records} records`)
    const comparisons = [
      ...(await compare(flood, consumer, plan, FEW_PATHS, [framing, seeking, decoding])),
      ...(await compare(flood, consumer, plan, MANY_PATHS, [decoding])),
    ]
    const sustained = await sustain(flood, consumer, plan, progress)
    return report({ plan, machine, time, libbpf: flood.libbpf, comparisons, sustained })
  } finally {
    consumer?.close()
    flood.close()
  }
}

/** Rounds in which C and our readers take turns over the same records. The first entry of the result is C. */
async function compare(
  flood: Flood,
  c: Consumer,
  plan: Plan,
  paths: number,
  readers: readonly ((fd: number, size: number) => RingConsumer)[],
): Promise<Comparison[]> {
  await c.fill(0, paths) // empties the ring: readers start where the next records come
  const ours = readers.map((create) => create(flood.ringFds[RINGS.indexOf('bulk')]!, flood.ringBytes))
  const turns = [
    { name: 'C, libbpf callback', take: async () => c.consume() },
    ...ours.map((reader) => ({ name: reader.name, take: async () => timed(reader) })),
  ]
  const times = new Map<string, number[]>(turns.map(({ name }) => [name, []]))
  for (let round = -plan.warmUp; round < plan.rounds; round++) {
    await c.fill(plan.records, paths)
    for (const { name, take } of rotate(turns, round + plan.warmUp)) {
      const taken = await take()
      check(name, taken, plan.records)
      if (round >= 0) times.get(name)!.push(taken.ns / plan.records)
    }
  }
  const reference = times.get(turns[0]!.name)!
  return turns.map(({ name }) => {
    const own = times.get(name)!
    return {
      reader: name,
      paths,
      ns: summarise(own),
      ratio: pairedRatio(own, reference),
      bestRatio: Math.min(...own) / Math.min(...reference),
      records: own.length * plan.records,
    }
  })
}

function timed(reader: RingConsumer): Tally & { ns: number } {
  const from = process.hrtime.bigint()
  const tally = reader.drain()
  return { ...tally, ns: Number(process.hrtime.bigint() - from) }
}

/** Both sides must have seen the same records, or the times mean nothing. */
function check(name: string, { count, pathBytes }: Tally, records: number): void {
  if (count !== records) throw new UserError(`${name} read ${count} records where there were ${records}`)
  if (pathBytes !== undefined && pathBytes !== records * '/bench/file/0000'.length)
    throw new UserError(`${name} read ${pathBytes} bytes of paths from ${records} records`)
}

/** Rising rates until something is lost twice at the same rate, or the producer cannot go faster. */
async function sustain(
  flood: Flood,
  producer: Consumer,
  plan: Plan,
  progress: (text: string) => void,
): Promise<Sustained[]> {
  await producer.fill(0, FEW_PATHS)
  const live = startReader(flood)
  const steps: Sustained[] = []
  try {
    for (const rate of plan.rates) {
      progress(`sustained rate: ${(rate / 1000).toLocaleString('en')} thousand records a second`)
      let step = await live.measure(producer, rate, plan.rateMs)
      if (step.dropped > 0) step = await live.measure(producer, rate, plan.rateMs)
      steps.push(step)
      if (step.dropped > 0 || step.tried < 0.9 * rate) break
    }
  } finally {
    live.close()
  }
  return steps
}

interface LiveReader {
  measure(producer: Consumer, rate: number, ms: number): Promise<Sustained>
  close(): void
}

const BATCH = 16384

/** The production reader and wake-up, decoding everything that comes. */
function startReader(flood: Flood): LiveReader {
  const [critical, bulk] = flood.ringFds
  const rings = [new Ring(critical!, CRITICAL_BYTES), new Ring(bulk!, flood.ringBytes)]
  const reader = new Reader({
    rings,
    interner: new Interner(),
    cpus: flood.cpus,
    programs: PROGRAM_SPECS.length,
    nextSequence: flood.nextSequence,
  })
  let delivered = 0
  let fullest = 0
  let failure: unknown
  const wakeup = new Wakeup({
    fds: flood.ringFds,
    drain() {
      fullest = Math.max(fullest, reader.backlog)
      const n = reader.drain(BATCH, decodeAll)
      delivered += n
      return n
    },
    setPolling: (on) => {
      flood.control[CONTROL.polling] = on ? 1 : 0
    },
    onError: (error) => {
      failure = error
    },
  })
  wakeup.start()
  return {
    async measure(producer, rate, ms) {
      const before = flood.counts()
      const cpuBefore = process.cpuUsage()
      delivered = 0
      fullest = 0
      const { tried, ns } = await producer.produce(rate, ms, FEW_PATHS)
      for (let n = 1; n > 0; delivered += n) n = reader.drain(BATCH, decodeAll)
      const cpu = process.cpuUsage(cpuBefore)
      if (failure !== undefined) throw failure
      const after = flood.counts()
      const submitted = after.submitted - before.submitted
      if (submitted !== delivered)
        throw new UserError(`${submitted} records were sent and ${delivered} read: the reader lost some`)
      return {
        asked: rate,
        tried: tried / (ns / 1e9),
        seen: after.seen - before.seen,
        submitted,
        delivered,
        dropped: after.dropped.ring_full - before.dropped.ring_full,
        cpuNs: ((cpu.user + cpu.system) * 1000) / Math.max(delivered, 1),
        fullest: fullest / flood.ringBytes,
      }
    },
    close: () => wakeup.close(),
  }
}

interface Found {
  readonly plan: Plan
  readonly machine: Report['machine']
  readonly time: string
  readonly libbpf: string
  readonly comparisons: readonly Comparison[]
  readonly sustained: readonly Sustained[]
}

function report({ plan, machine, time, libbpf, comparisons, sustained }: Found): Report {
  const ratio = (reader: string): number =>
    comparisons.find((row) => row.reader === reader && row.paths === FEW_PATHS)!.ratio
  const goal = (what: string, reader: string, limit: number): Goal => ({
    what: `${what}, ${FEW_PATHS} paths`,
    limit,
    value: ratio(reader),
    kind: 'most',
    unit: ' times C',
  })
  return {
    bench: 'ring',
    title: 'Ring reader and decoder',
    time,
    machine,
    method: [
      `Records of 128 bytes (header of 104, one path of 16), ${plan.records} a round, ${plan.rounds} rounds after ${plan.warmUp} to warm up; ring of ${plan.ringBytes >> 20} MB.`,
      `C is ring_buffer__consume of libbpf ${libbpf} with a callback that copies every field and string into a struct; all readers take the same records in the same round, in rotating order.`,
      'The ratio is the median over rounds of a reader to C in the same round.',
      `Sustained: another process produces for ${plan.rateMs / 1000} s at each rate, the production reader decodes everything; a rate with drops is tried twice.`,
    ],
    tables: [comparisonTable(comparisons), sustainedTable(sustained)],
    goals: [goal('framing', 'framing', GOALS.framing), goal('full decode', 'full decode', GOALS.decode)],
    results: { comparisons, sustained, highestRateWithoutDrops: highestRate(sustained) },
  }
}

/** Highest rate that was reached with nothing lost; 0 when there was none. */
const highestRate = (sustained: readonly Sustained[]): number =>
  Math.max(0, ...sustained.filter((step) => step.dropped === 0).map((step) => step.tried))

function comparisonTable(rows: readonly Comparison[]): ReportTable {
  return {
    title: 'Cost of a record',
    columns: ['READER', 'PATHS', 'BEST ns', 'MEDIAN ns', 'SPREAD', 'TIMES C', 'BEST/BEST'],
    rows: rows.map(({ reader, paths, ns, ratio, bestRatio }) => [
      reader,
      String(paths),
      ns.best.toFixed(1),
      ns.median.toFixed(1),
      `${(ns.spread * 100).toFixed(0)}%`,
      ratio.toFixed(2),
      bestRatio.toFixed(2),
    ]),
  }
}

function sustainedTable(rows: readonly Sustained[]): ReportTable {
  const number = (value: number): string => Math.round(value).toLocaleString('en')
  return {
    title: `Sustained rate: ${number(highestRate(rows))} records a second without a drop`,
    columns: ['ASKED/s', 'PRODUCED/s', 'DELIVERED', 'DROPPED', 'CPU ns', 'RING FILLED'],
    rows: rows.map((row) => [
      number(row.asked),
      number(row.tried),
      number(row.delivered),
      number(row.dropped),
      row.cpuNs.toFixed(0),
      `${(row.fullest * 100).toFixed(0)}%`,
    ]),
  }
}
