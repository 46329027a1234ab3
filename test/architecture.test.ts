/** Rules about the whole repository that no compiler checks: which way imports point, and what committed text may say. */
import assert from 'node:assert/strict'
import { execFileSync } from 'node:child_process'
import { existsSync, readdirSync, readFileSync, statSync } from 'node:fs'
import { dirname, join, normalize, resolve } from 'node:path'
import { test } from 'node:test'

const ROOT = resolve(import.meta.dirname, '..')

/**
 * What a stage may import, besides itself and what the stages it names may import. Those that know everybody (pipeline.ts,
 * agent.ts, cli, bench) and helpers of tests are nobody's to import.
 */
const STAGES: Readonly<Record<string, readonly string[]>> = {
  'user-error.ts': [],
  schema: [],
  decode: ['schema'],
  health: ['schema'],
  kernel: ['schema'],
  sources: ['kernel', 'decode', 'health'],
  capture: ['sources', 'state', 'enrich', 'trace'],
  fields: ['schema', 'decode'],
  state: ['decode', 'fields'],
  enrich: ['state'],
  rules: ['fields'],
  config: ['rules'],
  detect: ['rules'],
  guards: ['detect', 'kernel'],
  outputs: ['detect', 'config'],
  monitor: ['outputs', 'user-error.ts'],
  control: ['kernel', 'user-error.ts'],
  integrity: ['sources', 'detect'],
  telemetry: ['outputs', 'state', 'health', 'monitor'],
  notices: ['outputs', 'health'],
  trace: ['telemetry', 'sources'],
  server: ['notices'],
  demo: [],
}
const KNOW_EVERYBODY: ReadonlySet<string> = new Set([
  'pipeline.ts',
  'pipeline-options.ts',
  'agent.ts',
  'agent-options.ts',
  'agent-outputs.ts',
  'agent-reports.ts',
  'agent-start.ts',
  'agent-status.ts',
  'agent-web.ts',
  'pass-counter.ts',
  'recording.ts',
  'replay.ts',
  'enrichment.ts',
  'judging.ts',
  'guarding.ts',
  'cli',
  'bench',
  'testing',
])

function filesBelow(folder: string): string[] {
  return readdirSync(join(ROOT, folder), { recursive: true, encoding: 'utf8' })
    .map((name) => join(folder, name))
    .filter((file) => file.endsWith('.ts') && statSync(join(ROOT, file)).isFile())
}

/** `src/decode/str.ts` is of the stage decode, `src/agent.ts` a stage of its own. */
const stageOf = (file: string): string =>
  file.startsWith('src/') ? file.split('/')[1]! : file.split('/')[0]!

/** Files that a file imports by a relative path, types among them. */
function importsOf(file: string): string[] {
  const text = readFileSync(join(ROOT, file), 'utf8')
  const found = text.matchAll(
    /^(?:import|export)\b[^'"]*?\bfrom '(\.[^']+)'|\bimport\('(\.[^']+)'\)|^import '(\.[^']+)'/gm,
  )
  return [...found].map(([, a, b, c]) => normalize(join(dirname(file), (a ?? b ?? c)!)))
}

function reachable(stage: string): ReadonlySet<string> {
  const seen = new Set([stage])
  for (const next of seen) for (const other of STAGES[next] ?? []) seen.add(other)
  return seen
}

const sources = [...filesBelow('src'), ...filesBelow('schema')].filter((file) => !file.endsWith('.test.ts'))

test('there is something to check', () => {
  assert.ok(sources.length > 80)
  assert.ok(importsOf('src/agent.ts').includes('src/pipeline.ts'))
})
test('every import leads to a file', () => {
  for (const file of sources)
    for (const target of importsOf(file))
      assert.ok(existsSync(join(ROOT, target)), `${file} imports ${target}`)
})
test('every folder of src is a stage, or one that knows everybody', () => {
  const unknown = sources.map(stageOf).filter((stage) => !(stage in STAGES) && !KNOW_EVERYBODY.has(stage))
  assert.deepEqual([...new Set(unknown)], [])
})
test('imports point one way', () => {
  const wrong = sources
    .filter((file) => !KNOW_EVERYBODY.has(stageOf(file)))
    .flatMap((file) => {
      const allowed = reachable(stageOf(file))
      return importsOf(file)
        .filter((target) => !allowed.has(stageOf(target)))
        .map((target) => `${file} imports ${target}`)
    })
  assert.deepEqual(wrong, [])
})
test('rules never import state, and nothing of the agent imports helpers of tests', () => {
  for (const file of sources) {
    const targets = importsOf(file).map(stageOf)
    if (stageOf(file) === 'rules') assert.ok(!reachable('rules').has('state') && !targets.includes('state'))
    if (stageOf(file) !== 'testing' && stageOf(file) !== 'bench' && stageOf(file) !== 'cli')
      assert.ok(!targets.includes('testing'), `${file} imports helpers of tests`)
  }
})
test('stages form no circle', () => {
  for (const stage of Object.keys(STAGES))
    for (const below of STAGES[stage]!) assert.ok(!reachable(below).has(stage), `${stage} and ${below}`)
})

/** Text files under version control, and those that are about to be; undefined where there is no repository. */
function committed(): string[] | undefined {
  if (!existsSync(join(ROOT, '.git'))) return undefined
  const list = ['ls-files', '-z', '--cached', '--others', '--exclude-standard']
  const names = execFileSync('git', ['-c', `safe.directory=${ROOT}`, ...list], {
    cwd: ROOT,
    encoding: 'utf8',
  })
  return names
    .split('\0')
    .filter((name) => name !== '' && existsSync(join(ROOT, name)) && statSync(join(ROOT, name)).isFile())
}

/** Lines of committed files that a pattern finds, except in this file. */
function linesWith(pattern: RegExp, files: readonly string[]): string[] {
  return files
    .filter((file) => file !== 'test/architecture.test.ts')
    .flatMap((file) =>
      readFileSync(join(ROOT, file), 'utf8')
        .split('\n')
        .flatMap((line, i) => (pattern.test(line) ? [`${file}:${i + 1}: ${line.slice(0, 120)}`] : [])),
    )
}

test('the lock file names no host and no place to fetch from', () => {
  const text = readFileSync(join(ROOT, 'package-lock.json'), 'utf8')
  assert.doesNotMatch(text, /"resolved"|\bregistry\.|npmjs/)
  assert.match(text, /"integrity": "sha512-/)
})
test('committed text names no registry host', (t) => {
  const files = committed()
  if (files === undefined) return t.skip('not a git checkout')
  assert.ok(files.includes('package-lock.json'))
  assert.deepEqual(linesWith(/\bregistry\.[a-z0-9-]+\.[a-z]+|\/\/[\w.-]*\bregistry\b/i, files), [])
})
test('committed text names no path of a developer', (t) => {
  const files = committed()
  if (files === undefined) return t.skip('not a git checkout')
  assert.deepEqual(linesWith(/(?<![\w.$}-])\/(?:work|workspace)\//, files), [])
})
