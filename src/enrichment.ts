/**
 * Whom the agent asks for what no event tells, as its rules need it: container runtimes and resolvers. What no rule reads
 * is not asked for, and the sources are not even loaded.
 */
import { join } from 'node:path'
import type { PipelineSink } from './capture/source.ts'
import type { Config } from './config/keys.ts'
import type { CgroupQuestion, ContainerRef } from './decode/answers.ts'
import type { WaitingCounts } from './detect/waiting.ts'
import type { SyscallContext } from './fields/context.ts'
import type { Pipeline } from './pipeline.ts'
import type { EnrichmentOptions } from './pipeline-options.ts'
import { enrichmentsOf, hostNamesIn } from './rules/fields-used.ts'
import type { CompiledRule } from './rules/ir.ts'
import { CgroupSource } from './sources/containers/cgroups.ts'
import { ContainerSource } from './sources/containers/source.ts'
import { NameSource } from './sources/names/source.ts'

export interface Enrichers {
  readonly askCgroup: (question: CgroupQuestion) => boolean
  /** What the pipeline has to know; undefined when nobody has to be asked for the sake of rules. */
  readonly options: EnrichmentOptions | undefined
  /**
   * Other rules: whoever they need is asked from now on. `options` is for the pipeline; `begin` once that judges by the rules.
   */
  reopen(rules: EnrichersInit['rules']): {
    readonly options: EnrichmentOptions | undefined
    begin(): void
  }
  /** Answers go to this pipeline from now on, or to `sink` before it. */
  start(pipeline: Pipeline, sink?: PipelineSink): void
  /** Names are asked for. */
  readonly asksNames: boolean
  /** Nothing is asked and nothing answered any more; what waits for an answer is judged without it. */
  stop(): void
  /** What was asked and what became of it, by a name of the count; nothing where nothing was asked. */
  readonly counts: Readonly<Record<string, number>>
}

export interface EnrichersInit {
  readonly config: Config
  readonly rules: readonly CompiledRule<SyscallContext>[]
  /** Directory that stands for the root of the host, empty for `/`. */
  readonly hostRoot: string
  readonly log: (level: 'warning', message: string) => void
  /** Containers are asked about whether a rule reads of them or not: a replay may. */
  readonly recording?: boolean
}

/** A name is asked for again after the time its resolver gives, within these bounds, ms. */
const REFRESH = { least: 30_000, most: 600_000 }
/** Addresses a name had stay for this long: clients keep them beyond their time, ms. */
const KEEP = 3_600_000

const prefixed = (prefix: string, counts: object | undefined): Record<string, number> =>
  Object.fromEntries(
    Object.entries(counts ?? {}).map(([name, count]) => [`${prefix}_${name}`, count as number]),
  )

/** Where answers go: to the pipeline, once there is one. */
type To = () => PipelineSink | undefined

const containerSource = ({ config, hostRoot, log }: EnrichersInit, to: To): ContainerSource =>
  new ContainerSource({
    sockets: {
      docker: config['containers.docker_sockets'],
      podman: config['containers.podman_sockets'],
      cri: config['containers.cri_sockets'],
    },
    hostRoot,
    waitMs: config['containers.wait_ms'],
    timeoutMs: config['containers.timeout_ms'],
    answer: (answer) => to()?.container(answer),
    trouble: (message) => log('warning', message),
  })

const nameSource = ({ config, hostRoot }: EnrichersInit, names: readonly string[], to: To): NameSource =>
  new NameSource({
    names,
    servers: config['names.servers'],
    hostsFile: join(hostRoot, '/etc/hosts'),
    waitMs: config['containers.wait_ms'],
    refreshMs: REFRESH,
    keepMs: KEEP,
    answer: (answer) => to()?.name(answer),
    settled: () => to()?.namesSettled(),
  })

/** Who is asked, as the rules need it. */
interface Asked {
  readonly containers: ContainerSource | undefined
  readonly names: { readonly source: NameSource; readonly wanted: readonly string[] } | undefined
}

/** Whoever is asked already goes on being asked. */
function askFor(init: EnrichersInit, before: Asked, to: To): Asked {
  const { config, rules } = init
  const needs = new Set(rules.flatMap((rule) => [...enrichmentsOf(rule)]))
  const wanted = needs.has('names') && config['names.resolve'] ? hostNamesIn(rules) : []
  const same = before.names?.wanted.join('\0') === wanted.join('\0')
  return {
    containers:
      needs.has('containers') || init.recording === true
        ? (before.containers ?? containerSource(init, to))
        : before.containers,
    names: same
      ? before.names
      : wanted.length > 0
        ? { source: nameSource(init, wanted, to), wanted }
        : undefined,
  }
}

/** Decide from the rules who has to be asked. */
export function openEnrichers(init: EnrichersInit): Enrichers {
  const { config, hostRoot, log } = init
  let pipeline: Pipeline | undefined
  let sink: PipelineSink | undefined
  let waited: WaitingCounts | undefined
  const to: To = () => sink
  let asked = askFor(init, { containers: undefined, names: undefined }, to)
  const cgroups = new CgroupSource((answer) => sink?.cgroup(answer), join(hostRoot, '/proc'))
  const optionsFor = (rules: EnrichersInit['rules'], namesOpen: boolean): EnrichmentOptions | undefined => {
    const { containers, names } = asked
    if (containers === undefined && names === undefined) return undefined
    return {
      rules,
      matching: config.rule_matching === 'all' ? 'all' : 'first',
      names: namesOpen,
      ...(containers && { askContainer: (container: ContainerRef) => containers.ask(container) }),
    }
  }
  const startNames = (): void => {
    asked.names?.source.start().catch((error: Error) => {
      log('warning', `names cannot be resolved: ${error.message}`)
      sink?.namesSettled()
    })
  }
  return {
    askCgroup: (question) => cgroups.ask(question),
    options: optionsFor(init.rules, asked.names !== undefined),
    reopen(rules) {
      const { names } = asked
      asked = askFor({ ...init, rules }, asked, to)
      const isNew = asked.names !== names
      if (isNew) names?.source.close()
      return {
        options: optionsFor(rules, isNew && asked.names !== undefined),
        begin: () => {
          if (isNew) startNames()
        },
      }
    },
    asksNames: asked.names !== undefined,
    start(begun, before = begun) {
      pipeline = begun
      sink = before
      startNames()
    },
    stop() {
      for (const source of [cgroups, asked.containers, asked.names?.source]) source?.close()
      pipeline?.finish()
      waited = pipeline?.waiting
      pipeline = undefined
      sink = undefined
    },
    get counts() {
      const all = {
        ...prefixed('containers', asked.containers?.counts),
        ...prefixed('names', asked.names?.source.counts),
        ...prefixed('events', pipeline?.waiting ?? waited),
        cgroups_dropped: cgroups.dropped,
      }
      return Object.fromEntries(Object.entries(all).filter(([, count]) => count > 0))
    },
  }
}
