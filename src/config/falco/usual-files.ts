/** Where an installed Falco keeps its files. */
import { existsSync } from 'node:fs'
import { join } from 'node:path'
import type { Setting } from '../effective.ts'
import { ConfigError } from '../keys.ts'

export const FALCO_DIRECTORY = '/etc/falco'

/** Rule files and directories in the order of its own configuration. */
const RULES = ['falco_rules.yaml', 'falco_rules.local.yaml', 'rules.d'] as const

export interface UsualFiles {
  /** Its falco.yaml, when it is there. */
  readonly configuration: string | undefined
  /** Those of its rules that are there: what holds when the configuration names none. */
  readonly rules: Setting
}

/** Throws ConfigError when there is nothing of Falco in the directory. */
export function usualFiles(directory: string): UsualFiles {
  const there = (name: string): readonly string[] => {
    const path = join(directory, name)
    return existsSync(path) ? [path] : []
  }
  const [configuration] = there('falco.yaml')
  const rules = RULES.flatMap(there)
  if (configuration === undefined && rules.length === 0)
    throw new ConfigError(
      `there are no files of Falco in ${directory}`,
      `it needs falco.yaml or one of ${RULES.join(', ')}; name others with -c and -r`,
    )
  return { configuration, rules: { key: 'rules_files', value: rules, origin: { from: 'falco' } } }
}
