/** `tarsier rules test`: the cases beside rules, played without a kernel. */
import { readdirSync, statSync, writeFileSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { reasonOf } from '../../rules/file-error.ts'
import { readInput } from '../../rules/load.ts'
import { renderDiagnostic, visible } from '../../rules/render-diagnostics.ts'
import {
  type CaseResult,
  type Coverage,
  coverageOf,
  judgeCases,
  withExpectations,
} from '../../testing/rule-case-run.ts'
import { CaseError } from '../../testing/rule-case-values.ts'
import { type RuleCases, readCases } from '../../testing/rule-cases.ts'
import { EXIT, type Io, UserError } from '../command.ts'
import { rulesDirectory } from '../package-root.ts'
import { declareRulesOption, loadOrRefuse, type RulesAction } from './rules-action.ts'

export const testAction: RulesAction = {
  name: 'test',
  declare(command) {
    declareRulesOption(
      command
        .description('run the cases beside rules (*.test.yaml): no kernel, no privilege')
        .argument(
          '[paths...]',
          'files of cases, or directories with them (default: the rules that come with the program)',
        ),
      'those in the directory of the cases',
    )
    command
      .option('--update', 'rewrite the expectations that do not hold, keeping comments and layout')
      .addHelpText(
        'after',
        '\nExit code 1 when a case does not hold or cannot be read. docs/testing-rules.md describes the format.',
      )
  },
  async run(paths, options, io, env) {
    const given = (options['rules'] as readonly string[] | undefined) ?? []
    const files = (paths.length > 0 ? paths : [rulesDirectory()]).flatMap(caseFiles)
    const groups = new Map<string, readonly CaseFile[]>()
    for (const path of files) {
      const folder = given.length > 0 ? '' : dirname(path)
      groups.set(folder, [...(groups.get(folder) ?? []), readCaseFile(path)])
    }
    const outcomes = [...groups].map(([folder, group]) => {
      const { rules, disabled } = loadOrRefuse(folder === '' ? given : [folder], env, io)
      return judgeGroup(group, [...rules, ...disabled])
    })
    const results = outcomes.flatMap((outcome) => outcome.files)
    const coverage = outcomes.flatMap((outcome) => outcome.coverage)
    if (options['update'] === true) return update(results, io)
    if (options.json) io.stdout.write(`${JSON.stringify(toJson(results, coverage))}\n`)
    else report(results, coverage, options.verbose, io)
    return failuresOf(results).length > 0 ? EXIT.failure : EXIT.ok
  },
}

interface CaseFile {
  readonly path: string
  readonly text: string
  readonly documents: readonly RuleCases[]
}

interface FileResults extends CaseFile {
  readonly results: readonly CaseResult[]
}

const isCases = (name: string): boolean => /\.test\.ya?ml$/.test(name)

/** A file stands for itself, a directory for the files of cases in it. */
function caseFiles(path: string): readonly string[] {
  let isDirectory: boolean
  try {
    isDirectory = statSync(path).isDirectory()
  } catch (error) {
    throw new UserError(`cannot read '${path}': ${reasonOf(error)}`)
  }
  if (!isDirectory) return [path]
  const names = readdirSync(path).filter(isCases).sort()
  if (names.length === 0)
    throw new UserError(`there are no cases in '${path}'`, 'their names end in .test.yaml or .test.yml')
  return names.map((name) => join(path, name))
}

/** CaseError is for the user: the message has the place in it. */
function forUser<T>(work: () => T): T {
  try {
    return work()
  } catch (error) {
    if (error instanceof CaseError) throw new UserError(error.message)
    throw error
  }
}

function readCaseFile(path: string): CaseFile {
  const file = readInput(path)
  if ('code' in file) throw new UserError(renderDiagnostic(file, new Map()))
  return { path, text: file.text, documents: forUser(() => readCases(file)) }
}

function judgeGroup(
  group: readonly CaseFile[],
  rules: Parameters<typeof judgeCases>[1],
): { readonly files: readonly FileResults[]; readonly coverage: readonly Coverage[] } {
  const files = group.map((file) => ({ ...file, results: forUser(() => judgeCases(file.documents, rules)) }))
  return {
    files,
    coverage: coverageOf(
      rules,
      group.flatMap(({ documents }) => documents),
    ),
  }
}

const failuresOf = (files: readonly FileResults[]): readonly CaseResult[] =>
  files.flatMap(({ results }) => results.filter(({ problem }) => problem !== undefined))

function report(files: readonly FileResults[], coverage: readonly Coverage[], all: boolean, io: Io): void {
  const write = (line: string): void => void io.stdout.write(`${line}\n`)
  for (const { path, results } of files)
    for (const { rule, one, problem } of results) {
      const title = visible(`${rule}: ${one.name}`)
      if (problem === undefined) {
        if (all) write(`ok    ${title}`)
        continue
      }
      write(`FAIL  ${title}`)
      write(`      ${visible(path)}:${one.span.line}:${one.span.column}`)
      for (const line of problem.split('\n')) write(`      ${visible(line)}`)
    }
  for (const line of coverageLines(coverage)) write(line)
  const failed = failuresOf(files).length
  const count = files.reduce((total, { results }) => total + results.length, 0)
  write(`${count} cases: ${count - failed} hold, ${failed} do not`)
}

const isCovered = ({ fires, silent }: Coverage): boolean => fires > 0 && silent > 0

function coverageLines(coverage: readonly Coverage[]): readonly string[] {
  const gaps = coverage.filter((one) => !isCovered(one))
  const missing = ({ rule, fires, silent }: Coverage): string => {
    const what = fires === 0 && silent === 0 ? 'no case' : fires === 0 ? 'no case that fires' : 'no near miss'
    return `      ${visible(rule)}: ${what}`
  }
  const covered = coverage.length - gaps.length
  return [
    ...(gaps.length > 0 ? ['not covered:', ...gaps.map(missing)] : []),
    `${covered} of ${coverage.length} rules have a case that fires and a near miss`,
  ]
}

const toJson = (files: readonly FileResults[], coverage: readonly Coverage[]): object => ({
  cases: files.flatMap(({ path, results }) =>
    results.map(({ rule, one, message, priority, problem }) => ({
      file: path,
      line: one.span.line,
      rule,
      name: one.name,
      ok: problem === undefined,
      fired: message !== undefined,
      ...(message === undefined ? {} : { priority, output: message }),
      ...(problem === undefined ? {} : { problem }),
    })),
  ),
  coverage,
})

function update(files: readonly FileResults[], io: Io): typeof EXIT.ok {
  for (const { path, text, results } of files) {
    const updated = forUser(() => withExpectations(text, results))
    if (updated === text) continue
    writeFileSync(path, updated)
    const count = results.filter(({ problem }) => problem !== undefined).length
    io.stdout.write(`${visible(path)}: ${count} expectation${count === 1 ? '' : 's'} rewritten\n`)
  }
  return EXIT.ok
}
