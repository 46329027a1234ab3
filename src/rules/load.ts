/** Rule files of any language to compiled rules. Bad content never throws: it becomes a diagnostic of its file. */
import { closeSync, openSync, readdirSync, readSync, statSync } from 'node:fs'
import { extname, join } from 'node:path'
import { type Description, NOTHING_DESCRIBED } from './description.ts'
import type { Diagnostic, ErrorCode, Span } from './diagnostics.ts'
import { reasonOf } from './file-error.ts'
import { hintsFor } from './hints/hints.ts'
import type { CompiledRule } from './ir.ts'
import { falco } from './languages/falco/index.ts'
import type { LoadEnv, LoadedRule, RuleLanguage, RuleSession } from './languages/language.ts'
import { toml } from './languages/toml/index.ts'
import { type SourceFile, sourceFile } from './passes/mapped-text.ts'
import { applySelections } from './select.ts'

export type { LoadEnv, SourceEnv } from './languages/language.ts'
export type { RuleSelection } from './select.ts'

/** Every rule language; a file whose name fits none is read as the first. */
const LANGUAGES: readonly RuleLanguage[] = [falco, toml]

/** Bytes of one rule file. */
const MAX_FILE_BYTES = 8 << 20

/** A file or directory on disk, or text with the name to report it under. */
export type RuleInput = string | { readonly path: string; readonly text: string }

export interface FileResult {
  readonly name: string
  readonly successful: boolean
  readonly errors: readonly Diagnostic[]
  readonly warnings: readonly Diagnostic[]
  /** Where the file differs from the schema of its language. */
  readonly schema: readonly string[]
}

export interface LoadResult {
  /** Rules that are switched on, in the order they are judged; empty when a file failed. */
  readonly rules: readonly CompiledRule[]
  /** Rules that are switched off. */
  readonly disabled: readonly CompiledRule[]
  /** One result for each file read. Loading stops at the first file that fails, unless each is to have a verdict. */
  readonly files: readonly FileResult[]
  /** Text of the files, for rendering diagnostics. */
  readonly sources: ReadonlyMap<string, SourceFile>
  /** What the files say; nothing when one failed. Worked out when it is asked for. */
  readonly describe: () => Description
}

/** Load files in the given order; a directory stands for its rule files in alphabetical order. */
export function loadRules(inputs: readonly RuleInput[], env: LoadEnv): LoadResult {
  const sessions = new Map<RuleLanguage, RuleSession>()
  const sources = new Map<string, SourceFile>()
  const files: FileResult[] = []
  const good: SourceFile[] = []
  for (const input of inputs.flatMap(expandDirectory)) {
    const read = readInput(input)
    if ('code' in read)
      files.push({ name: read.span.file, successful: false, errors: [read], warnings: [], schema: [] })
    else {
      sources.set(read.name, read)
      const problems = addTo(sessions, read, env)
      const successful = problems.errors.length === 0
      files.push({ name: read.name, successful, schema: [], ...problems })
      if (successful) good.push(read)
    }
    if (files.at(-1)!.successful) continue
    if (!env.everyFile) break
    // As if the file were not there.
    sessions.clear()
    for (const file of good) addTo(sessions, file, env)
  }
  const isGood = files.every(({ successful }) => successful)
  return isGood ? finish(sessions, files, sources, env) : nothing(files, sources)
}

function addTo(
  sessions: Map<RuleLanguage, RuleSession>,
  file: SourceFile,
  env: LoadEnv,
): ReturnType<RuleSession['add']> {
  const language = LANGUAGES.find(({ extensions }) => extensions.includes(extname(file.name))) ?? falco
  const session = sessions.get(language) ?? language.open(env)
  sessions.set(language, session)
  return session.add(file)
}

const nothing = (files: readonly FileResult[], sources: ReadonlyMap<string, SourceFile>): LoadResult => ({
  rules: [],
  disabled: [],
  files,
  sources,
  describe: () => NOTHING_DESCRIBED,
})

function finish(
  sessions: ReadonlyMap<RuleLanguage, RuleSession>,
  files: readonly FileResult[],
  sources: ReadonlyMap<string, SourceFile>,
  env: LoadEnv,
): LoadResult {
  const ends = [...sessions].map(([language, session]) => ({ language, ...session.finish() }))
  const errors = ends.flatMap((end) => end.errors)
  if (errors.length > 0) return nothing(withProblems(files, errors, []), sources)
  const selected = ends.map(({ language, rules }) => ({
    language,
    rules: applySelections(rules, env.selections ?? []),
  }))
  const loaded = selected.flatMap(({ rules }) => rules)
  const hinted = selected.filter(({ language }) => language.hints).flatMap(({ rules }) => rules)
  return {
    rules: loaded.filter(({ enabled }) => enabled).map(({ rule }) => rule),
    disabled: loaded.filter(({ enabled }) => !enabled).map(({ rule }) => rule),
    files: withProblems(files, [], env.hints === false ? [] : hintsOf(hinted, env)),
    sources,
    describe: () => describeAll([...sessions.values()], loaded),
  }
}

const hintsOf = (
  rules: readonly LoadedRule[],
  { matching = 'first', sources }: LoadEnv,
): readonly Diagnostic[] =>
  hintsFor(
    rules.filter(({ enabled }) => enabled).map(({ rule }) => rule),
    { matching, eventsOf: (source) => sources.get(source)!.events },
  )

/** What only the whole shows, at the files it is about. */
function withProblems(
  files: readonly FileResult[],
  errors: readonly Diagnostic[],
  warnings: readonly Diagnostic[],
): readonly FileResult[] {
  if (errors.length + warnings.length === 0) return files
  const [errorsOf, warningsOf] = [byFile(errors), byFile(warnings)]
  return files.map((file) => {
    const own = errorsOf.get(file.name) ?? []
    const more = shortened(warningsOf.get(file.name) ?? [])
    return {
      ...file,
      successful: file.successful && own.length === 0,
      errors: [...file.errors, ...own],
      warnings: [...file.warnings, ...more],
    }
  })
}

/** Of one file: the first hints show what is wrong, the thousandth does not add to it. */
const MAX_HINTS = 200

function shortened(hints: readonly Diagnostic[]): readonly Diagnostic[] {
  const last = hints[MAX_HINTS]
  if (last === undefined) return hints
  const rest = hints.length - MAX_HINTS
  return [...hints.slice(0, MAX_HINTS), { ...last, message: `${rest} more hints are not shown` }]
}

const byFile = (problems: readonly Diagnostic[]): ReadonlyMap<string, readonly Diagnostic[]> =>
  Map.groupBy(problems, ({ span }) => span.file)

/** Sessions together; whether a rule is on is decided after all of them. */
function describeAll(sessions: readonly RuleSession[], loaded: readonly LoadedRule[]): Description {
  const enabled = new Map(loaded.map((one) => [one.rule.name, one.enabled]))
  const all = sessions.map((session) => session.describe())
  return {
    engineVersion: all.find(({ engineVersion }) => engineVersion !== undefined)?.engineVersion,
    plugins: all.flatMap(({ plugins }) => plugins),
    rules: all
      .flatMap(({ rules }) => rules)
      .map((rule) => ({ ...rule, enabled: enabled.get(rule.name) ?? rule.enabled })),
    macros: all.flatMap(({ macros }) => macros),
    lists: all.flatMap(({ lists }) => lists),
  }
}

/** Tests of rules lie beside them; of a directory's files they are not rules. */
const isTests = (name: string): boolean => /\.test\.[^.]+$/.test(name)

/** Names of a directory's rule files; anything else stays as it is, and reading it will say what is wrong. */
function expandDirectory(input: RuleInput): readonly RuleInput[] {
  if (typeof input !== 'string' || !isDirectory(input)) return [input]
  const extensions = LANGUAGES.flatMap((language) => language.extensions)
  try {
    return readdirSync(input)
      .filter((name) => extensions.includes(extname(name)) && !isTests(name))
      .sort()
      .map((name) => join(input, name))
      .filter((path) => !isDirectory(path))
  } catch {
    return [input]
  }
}

function isDirectory(path: string): boolean {
  try {
    return statSync(path).isDirectory()
  } catch {
    return false
  }
}

/** A file's text, or what is in the way of it. */
export function readInput(input: RuleInput): SourceFile | Diagnostic {
  if (typeof input !== 'string') {
    const size = Buffer.byteLength(input.text)
    return size > MAX_FILE_BYTES ? tooLarge(input.path) : sourceFile(input.path, input.text)
  }
  let bytes: Buffer
  try {
    bytes = readUpTo(input, MAX_FILE_BYTES + 1)
  } catch (error) {
    return fileError(input, 'LOAD_ERR_FILE_READ', `cannot read '${input}': ${reasonOf(error)}`)
  }
  if (bytes.length > MAX_FILE_BYTES) return tooLarge(input)
  try {
    return sourceFile(input, new TextDecoder('utf-8', { fatal: true }).decode(bytes))
  } catch {
    return notUtf8(input, bytes)
  }
}

/** Reads what a pipe or a growing file gives, but no more than asked for. */
function readUpTo(path: string, limit: number): Buffer {
  const fd = openSync(path, 'r')
  try {
    const chunks: Buffer[] = []
    for (let size = 0; size < limit; ) {
      const chunk = Buffer.allocUnsafe(Math.min(64 << 10, limit - size))
      const count = readSync(fd, chunk)
      if (count === 0) break
      chunks.push(chunk.subarray(0, count))
      size += count
    }
    return Buffer.concat(chunks)
  } finally {
    closeSync(fd)
  }
}

const tooLarge = (path: string): Diagnostic =>
  fileError(path, 'LOAD_ERR_FILE_READ', `'${path}' is larger than ${MAX_FILE_BYTES >> 20} MiB`, {
    hint: 'split long lists over several files',
  })

function notUtf8(path: string, bytes: Buffer): Diagnostic {
  // The first byte at which decoding and encoding part ways, by halves.
  let good = 0
  for (let step = 1 << 23; step >= 1; step >>= 1) {
    const end = good + step
    if (end <= bytes.length && isUtf8Prefix(bytes.subarray(0, end))) good = end
  }
  // A character that has only begun is not decoded: the place is where it begins.
  const decoder = new TextDecoder('utf-8', { ignoreBOM: true })
  const before = decoder.decode(bytes.subarray(0, good), { stream: true })
  const line = before.split('\n').length
  const column = [...before.slice(before.lastIndexOf('\n') + 1)].length + 1
  const byte = bytes[Buffer.byteLength(before)]!.toString(16).padStart(2, '0')
  const code = toml.extensions.includes(extname(path)) ? 'LOAD_ERR_TOML_PARSE' : 'LOAD_ERR_YAML_PARSE'
  return fileError(path, code, `the file is not UTF-8: unexpected byte 0x${byte}`, {
    line,
    column,
  })
}

function isUtf8Prefix(bytes: Uint8Array): boolean {
  try {
    new TextDecoder('utf-8', { fatal: true }).decode(bytes, { stream: true })
    return true
  } catch {
    return false
  }
}

function fileError(
  path: string,
  code: ErrorCode,
  message: string,
  more: { readonly line?: number; readonly column?: number; readonly hint?: string } = {},
): Diagnostic {
  const span: Span = { file: path, line: more.line ?? 1, column: more.column ?? 1, from: 0, to: 0 }
  const hint = more.hint === undefined ? {} : { hint: more.hint }
  const context = [{ itemType: 'rules content', itemName: '', span }]
  return { severity: 'error', code, message, span, context, ...hint }
}
