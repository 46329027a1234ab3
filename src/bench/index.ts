import type { Bench } from './bench.ts'
import { ringBench } from './ring.ts'

/** All measurements, in the order of the help. */
export const BENCHES: readonly Bench[] = [ringBench]
