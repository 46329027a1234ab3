import type { Bench } from './bench.ts'
import { latencyBench } from './latency.ts'
import { overheadBench } from './overhead.ts'
import { ringBench } from './ring.ts'

/** All measurements, in the order of the help. */
export const BENCHES: readonly Bench[] = [ringBench, overheadBench, latencyBench]
