/** What a rule language is: `load.ts` knows files and this interface, not what is in them. */
import type { FieldSet } from '../../fields/field.ts'
import type { Description } from '../description.ts'
import type { Diagnostic } from '../diagnostics.ts'
import type { CompiledRule, Priority } from '../ir.ts'
import type { SourceFile } from '../passes/mapped-text.ts'
import type { RuleSelection } from '../select.ts'

/** What a rule of a source may use. */
export interface SourceEnv {
  readonly fields: FieldSet
  /** Event types the source produces. */
  readonly events: ReadonlySet<string>
  /** Event types that conditions may name; those beyond `events` are warned about. Absent means just `events`. */
  readonly knownEvents?: ReadonlySet<string>
  /** Other names of events, with the name that events have. */
  readonly eventAliases?: ReadonlyMap<string, string>
}

/** What rules are compiled against. */
export interface LoadEnv {
  /** By source name. */
  readonly sources: ReadonlyMap<string, SourceEnv>
  /** Rules less severe than this are not loaded; default Debug. */
  readonly minimumPriority?: Priority
  /** Rules to switch on and off once all files are loaded, in order. */
  readonly selections?: readonly RuleSelection[]
  /** Whether the first matching rule hides the later ones, which decides what is worth a hint; default `first`. */
  readonly matching?: 'first' | 'all'
  /** Look for rules that cannot mean what they say (`HINT_*` warnings); default true. */
  readonly hints?: boolean
  /** After a file that failed, go on without it instead of stopping: each file gets a verdict, and no rule is loaded. */
  readonly everyFile?: boolean
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
  /** Where the file differs from the language's schema; it is judged by `errors` alone. */
  readonly schema?: readonly string[]
}

/** Files of one language, loaded one after the other: later ones may change what earlier ones defined. */
export interface RuleSession {
  add(file: SourceFile): FileProblems
  /** Everything loaded so far, in the order rules are judged, and what only the whole can show. */
  finish(): { readonly rules: readonly LoadedRule[]; readonly errors: readonly Diagnostic[] }
  /** What everything loaded so far says. Not to be asked after an error. */
  describe(): Description
}

export interface RuleLanguage {
  readonly name: string
  /** Of the files taken from a directory, with the dot. */
  readonly extensions: readonly string[]
  /** Its conditions are written by hand: hints about them help. */
  readonly hints: boolean
  open(env: LoadEnv): RuleSession
}
