/** What a rule language is: `load.ts` knows files and this interface, not what is in them. */
import type { FieldSet } from '../../fields/field.ts'
import type { Diagnostic } from '../diagnostics.ts'
import type { CompiledRule, Priority } from '../ir.ts'
import type { SourceFile } from '../passes/mapped-text.ts'

/** What a rule of a source may use. */
export interface SourceEnv {
  readonly fields: FieldSet
  /** Event types the source produces. */
  readonly events: ReadonlySet<string>
  /** Event types that conditions may name; those beyond `events` are warned about. Absent means just `events`. */
  readonly knownEvents?: ReadonlySet<string>
}

/** What rules are compiled against. */
export interface LoadEnv {
  /** By source name. */
  readonly sources: ReadonlyMap<string, SourceEnv>
  /** Rules less severe than this are not loaded; default Debug. */
  readonly minimumPriority?: Priority
  /** What a file is beside a rule file, by its name: the configuration, or one that is shipped. */
  readonly roleOf?: (file: string) => 'config' | 'shipped' | undefined
  /** Other spellings of an absolute path on this machine, where links lead to it; without it there are none. */
  readonly spellings?: (path: string) => readonly string[]
}

/** A rule and whether it is switched on. */
export interface LoadedRule {
  readonly rule: CompiledRule
  readonly enabled: boolean
}

/** What one file brought to light. */
export interface FileProblems {
  readonly errors: readonly Diagnostic[]
  readonly warnings: readonly Diagnostic[]
}

/** Files of one language, loaded one after the other: later ones may change what earlier ones defined. */
export interface RuleSession {
  add(file: SourceFile): FileProblems
  /** Everything loaded so far, in the order rules are judged, and what only the whole can show. */
  finish(): { readonly rules: readonly LoadedRule[]; readonly errors: readonly Diagnostic[] }
}

export interface RuleLanguage {
  readonly name: string
  /** Of the files taken from a directory, with the dot. */
  readonly extensions: readonly string[]
  open(env: LoadEnv): RuleSession
}
