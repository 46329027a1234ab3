/** What Falco tells about itself, told by Tarsier in Falco's words: lost events once a second, metrics now and then. */
import { createHash } from 'node:crypto'
import { appendFileSync } from 'node:fs'
import { parseInterval } from '../config/interval.ts'
import type { Config } from '../config/keys.ts'
import type { Alert, AlertIdentity, AlertValue } from '../detect/alert.ts'
import { toJson } from '../outputs/formats/json.ts'
import { PRIORITIES, type Priority } from '../rules/ir.ts'
import type { DropCounters } from './counters.ts'
import { createDropWatch, DROP_RULE } from './drops.ts'
import { METRICS_MESSAGE, METRICS_RULE, metricFields, type Sample } from './metrics.ts'

export interface NoticeOptions {
  readonly config: Config
  readonly identity: AlertIdentity
  /** What the kernel side has counted since the start. */
  readonly counters: () => DropCounters
  /** Everything that is counted. */
  readonly sample: () => Sample
  /** Ns since the epoch. */
  readonly now: () => bigint
  readonly alert: (alert: Alert) => void
  readonly log: (level: 'debug' | 'info' | 'warning' | 'error', message: string) => void
  /** The configuration asks for the end of the agent. */
  readonly exit: () => void
}

export interface Notices {
  stop(): void
}

const SECOND_MS = 1000

/** Start what the configuration asks for. */
export function startNotices(options: NoticeOptions): Notices {
  const timers = [watchDrops(options), takeMetrics(options)]
  return {
    stop() {
      for (const timer of timers) clearInterval(timer)
    },
  }
}

/** Falco loads its own notices like rules: those less severe than the least priority do not exist. */
const isLoaded = (config: Config, priority: Priority): boolean =>
  PRIORITIES.indexOf(priority) <= PRIORITIES.findIndex((name) => name.toLowerCase() === config.priority)

function watchDrops(options: NoticeOptions): NodeJS.Timeout | undefined {
  const { config, log } = options
  const actions: ReadonlySet<string> = new Set(config['syscall_event_drops.actions'])
  if (!['log', 'alert', 'exit'].some((action) => actions.has(action))) return undefined
  const watch = createDropWatch({
    threshold: config['syscall_event_drops.threshold'],
    rate: config['syscall_event_drops.rate'],
    maxBurst: config['syscall_event_drops.max_burst'],
    simulate: config['syscall_event_drops.simulate_drops'],
  })
  return setInterval(() => {
    const time = options.now()
    const notice = watch.check(options.counters(), Number(time) / 1e9)
    if (notice === undefined) return
    const { message, fields } = notice
    if (actions.has('log')) log('debug', message)
    if (actions.has('alert') && isLoaded(config, 'Debug'))
      options.alert(
        internalAlert(options.identity, { rule: DROP_RULE, priority: 'Debug', message, fields, time }),
      )
    if (!actions.has('exit')) return
    log('error', `${message} Exiting.`)
    options.exit()
  }, SECOND_MS)
}

function takeMetrics(options: NoticeOptions): NodeJS.Timeout | undefined {
  const { config, identity } = options
  if (!config['metrics.enabled']) return undefined
  // Checked with the configuration.
  const interval = parseInterval(config['metrics.interval'])!
  const shape = {
    rules: config['metrics.rules_counters_enabled'],
    resources: config['metrics.resource_utilization_enabled'],
    state: config['metrics.state_counters_enabled'],
    kernel: config['metrics.kernel_event_counters_enabled'],
    perCpu: config['metrics.kernel_event_counters_per_cpu_enabled'],
    megabytes: config['metrics.convert_memory_to_mb'],
    empty: config['metrics.include_empty_values'],
  }
  const asAlert = config['metrics.output_rule'] && isLoaded(config, 'Informational')
  let before: Sample | undefined
  let taken = 0
  return setInterval(() => {
    const now = options.sample()
    const fields = metricFields(now, before, shape)
    before = now
    taken++
    const { time } = now
    if (asAlert)
      options.alert(
        internalAlert(identity, {
          rule: METRICS_RULE,
          priority: 'Informational',
          message: METRICS_MESSAGE,
          fields,
          time,
        }),
      )
    writeSample(config['metrics.output_file'], taken, fields, options)
  }, interval)
}

/** A line of JSON for each snapshot. */
function writeSample(
  file: string,
  sample: number,
  fields: ReadonlyMap<string, AlertValue>,
  { log }: NoticeOptions,
): void {
  if (file === '') return
  const values = Object.fromEntries([...fields].sort(([a], [b]) => (a < b ? -1 : 1)))
  try {
    appendFileSync(file, `${toJson({ output_fields: values, sample })}\n`, { mode: 0o600 })
  } catch (error) {
    log('error', `metrics.output_file: ${(error as Error).message}`)
  }
}

type Said = Pick<Alert, 'rule' | 'priority' | 'message' | 'fields' | 'time'>

/** It stands for no event: rule and time make its id. */
const internalAlert = ({ hostname, hostId, bootId }: AlertIdentity, said: Said): Alert => ({
  id: createHash('sha256')
    .update([hostId, bootId, said.rule, said.time].join('\0'))
    .digest('hex')
    .slice(0, 32),
  hostname,
  source: 'internal',
  tags: [],
  ...said,
})
