/** Falco's rule files. */
import type { Diagnostic } from '../../diagnostics.ts'
import type { SourceFile } from '../../passes/mapped-text.ts'
import type { FileProblems, LoadEnv, LoadedRule, RuleLanguage, RuleSession } from '../language.ts'
import { createCollector } from './collector.ts'
import { compileCollection } from './compile.ts'
import { exceptionRules } from './exceptions.ts'
import type { PluginRequirement } from './items.ts'
import { readItems } from './reader.ts'
import { RuleError, warningLog } from './report.ts'
import { BUILT_IN_PLUGINS, isCompatible, versionText } from './version.ts'

export const falco: RuleLanguage = {
  name: 'falco',
  extensions: ['.yaml', '.yml'],
  open: (env) => openSession(env),
}

/** Definitions accumulate, and after every file all of them are compiled again: a later file may change earlier rules. */
function openSession(env: LoadEnv): RuleSession {
  const collector = createCollector(exceptionRules(env))
  const reported = new Set<string>()
  let rules: readonly LoadedRule[] = []
  return {
    add(file: SourceFile): FileProblems {
      const log = warningLog(reported)
      try {
        for (const item of readItems(file, log.warn)) collector.add(item, log.warn)
        rules = compileCollection(collector.collection(), env, log.warn)
        return { errors: [], warnings: log.list() }
      } catch (error) {
        if (!(error instanceof RuleError)) throw error
        return { errors: [error.diagnostic], warnings: log.list() }
      }
    },
    finish: () => ({ rules, errors: collector.collection().requirements.flatMap(missingPlugin) }),
  }
}

function missingPlugin({ alternatives, span, context }: PluginRequirement): readonly Diagnostic[] {
  const present = alternatives.some(({ name, version }) => {
    const have = BUILT_IN_PLUGINS.get(name)
    return have !== undefined && isCompatible(have, version)
  })
  if (present) return []
  const wanted = alternatives.map(({ name, version }) => `${name} ${versionText(version)}`).join(' or ')
  const have = [...BUILT_IN_PLUGINS].map(([name, version]) => `${name} ${versionText(version)}`).join(', ')
  return [
    {
      severity: 'error',
      code: 'LOAD_ERR_VALIDATE',
      message: `the file needs plugin ${wanted}, which is not present`,
      span,
      context,
      hint: `present: ${have}`,
    },
  ]
}
