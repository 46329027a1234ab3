/** The pages for machines that look after the agent, as a configuration asks for them, and from one to the next. */
import { createHash } from 'node:crypto'
import { readFileSync } from 'node:fs'
import { release } from 'node:os'
import { captureCounts, type Reported, sampler } from './agent-reports.ts'
import type { Config } from './config/keys.ts'
import { expand } from './integrity/files.ts'
import type { Change } from './outputs/open.ts'
import { ENGINE_VERSION, versionText } from './rules/languages/falco/version.ts'
import { type FileDigest, metricsPage, type RuleFacts } from './server/metrics.ts'
import { certificateOf, startWebServer, type WebServer } from './server/server.ts'
import { UserError } from './user-error.ts'

/** What the pages say beside the counters. */
export interface Served {
  readonly config: Config
  readonly rules: readonly RuleFacts[]
  readonly files: { readonly rules: readonly string[]; readonly configuration: readonly string[] } | undefined
}

export interface Web {
  /** Throws UserError when the certificate cannot be used; nothing has changed then. */
  prepare(next: Served): Change
  close(): void
}

export interface WebInit {
  readonly version: string
  readonly log: (level: 'info' | 'error', message: string) => void
}

/** Serve what the configuration asks for. At a start the agent works on without a server that cannot be; that is logged. */
export function createWeb(reported: Reported, init: WebInit, first: Served): Web {
  const sample = sampler(reported, init.version)
  let server: WebServer | undefined
  let served = first
  let digests: ReturnType<typeof digestsOf> | undefined
  const metrics = (): string => {
    const { pipeline, source, outputs } = reported
    const { events, lost, errors, violations } = pipeline.counts
    return metricsPage({
      sample: sample(),
      ledger: source.ledger(),
      events,
      lost,
      errors,
      violations,
      outputs: outputs.status(),
      suppressed: outputs.suppressed,
      captures: captureCounts(reported.captures),
      guardGeneration: source.guardGeneration,
      reloads: reported.reloads,
      rules: served.rules,
      ...(digests ?? digestsOf(undefined)),
    })
  }
  const begin = (): void => {
    digests = served.config['webserver.enabled'] ? digestsOf(served.files) : undefined
    server = served.config['webserver.enabled']
      ? startWebServer(optionsOf(served.config, init, metrics))
      : undefined
  }
  begin()
  return {
    prepare(next) {
      const certificate = certificateFor(next.config)
      return {
        discard() {},
        commit() {
          const same = placeOf(next.config) === placeOf(served.config)
          served = next
          if (same) {
            if (digests !== undefined) digests = digestsOf(next.files)
            if (certificate !== undefined) server?.renew(certificate)
            return
          }
          server?.close()
          begin()
        },
      }
    },
    close: () => server?.close(),
  }
}

const placeOf = (config: Config): string =>
  JSON.stringify(Object.entries(config).filter(([key]) => key.startsWith('webserver.')))

function certificateFor(config: Config): Buffer | undefined {
  if (!config['webserver.enabled'] || !config['webserver.ssl_enabled']) return undefined
  const file = config['webserver.ssl_certificate']
  try {
    return certificateOf(file)
  } catch (error) {
    throw new UserError(`webserver: cannot use the certificate '${file}': ${(error as Error).message}`)
  }
}

const optionsOf = (config: Config, { version, log }: WebInit, metrics: () => string) => ({
  address: config['webserver.listen_address'],
  port: config['webserver.listen_port'],
  healthPath: config['webserver.k8s_healthz_endpoint'],
  ...(config['webserver.ssl_enabled'] ? { certificate: config['webserver.ssl_certificate'] } : {}),
  ...(config['webserver.prometheus_metrics_enabled'] ? { metrics } : {}),
  versions: {
    tarsier: version,
    engine_version: versionText(ENGINE_VERSION),
    kernel: release(),
    node: process.versions.node,
  },
  log,
})

const RULE_ENDINGS = ['.yaml', '.yml', '.toml']

const digestsOf = (files: Served['files']) => ({
  ruleFiles: (files?.rules ?? []).flatMap((path) =>
    expand({ kind: 'rules', path, endings: RULE_ENDINGS }).flatMap(({ path: file }) => digestOf(file)),
  ),
  configFiles: (files?.configuration ?? []).flatMap(digestOf),
})

/** What is gone is left out. */
function digestOf(file: string): readonly FileDigest[] {
  try {
    return [{ file, sha256: createHash('sha256').update(readFileSync(file)).digest('hex') }]
  } catch {
    return []
  }
}
