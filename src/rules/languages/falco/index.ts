/** Falco's rule files. */
import type { Diagnostic } from '../../diagnostics.ts'
import type { SourceFile } from '../../passes/mapped-text.ts'
import type { FileProblems, LoadEnv, LoadedRule, RuleLanguage, RuleSession } from '../language.ts'
import { createCollector } from './collector.ts'
import { compileCollection } from './compile.ts'
import { describeCollection } from './describe.ts'
import { exceptionRules } from './exceptions.ts'
import type { PluginRequirement } from './items.ts'
import { readItems } from './reader.ts'
import { RuleError, warningLog } from './report.ts'
import { type BuiltInPlugin, isCompatible, presentPlugins, versionText } from './version.ts'

export const falco: RuleLanguage = {
  name: 'falco',
  extensions: ['.yaml', '.yml'],
  hints: true,
  open: (env) => openSession(env),
}

/** Definitions accumulate, and after every file all of them are compiled again: a later file may change earlier rules. */
function openSession(env: LoadEnv): RuleSession {
  const collector = createCollector(exceptionRules(env))
  const plugins = presentPlugins(env.sources)
  const reported = new Set<string>()
  let rules: readonly LoadedRule[] = []
  const missing = (): readonly Diagnostic[] =>
    collector.collection().requirements.flatMap((requirement) => missingPlugin(requirement, plugins))
  return {
    add(file: SourceFile): FileProblems {
      const log = warningLog(reported)
      const schema: string[] = []
      try {
        for (const item of readItems(file, log.warn, schema)) collector.add(item, log.warn)
        rules = compileCollection(collector.collection(), env, log.warn)
        return { errors: [], warnings: log.list(), schema }
      } catch (error) {
        if (!(error instanceof RuleError)) throw error
        // Without its plugin a file's fields are unknown: that is the message that helps.
        return { errors: [...missing(), error.diagnostic], warnings: log.list(), schema }
      }
    },
    finish: () => ({ rules, errors: missing() }),
    describe: () => describeCollection(collector.collection(), env, rules),
  }
}

function missingPlugin(
  { alternatives, span, context }: PluginRequirement,
  plugins: readonly BuiltInPlugin[],
): readonly Diagnostic[] {
  const isPresent = alternatives.some(({ name, version }) =>
    plugins.some((plugin) => plugin.name === name && isCompatible(plugin.version, version)),
  )
  if (isPresent) return []
  const wanted = alternatives.map(({ name, version }) => `${name} ${versionText(version)}`).join(' or ')
  const have = plugins.map(({ name, version }) => `${name} ${versionText(version)}`).join(', ')
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
