import type { Bench } from './bench.ts'
import { latencyBench } from './latency.ts'
import { mixBench } from './mix.ts'
import { overheadBench } from './overhead.ts'
import { replayBench } from './replay.ts'
import { ringBench } from './ring.ts'
import { rulesBench } from './rules.ts'
import { telemetryBench } from './telemetry.ts'

/** All measurements, in the order of the help. */
export const BENCHES: readonly Bench[] = [
  ringBench,
  overheadBench,
  mixBench,
  latencyBench,
  telemetryBench,
  rulesBench,
  replayBench,
]
