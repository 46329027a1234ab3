/** Files made to hurt: each ends in bounded time with an error that says what is too much. */
import assert from 'node:assert/strict'
import { execFile } from 'node:child_process'
import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { test } from 'node:test'
import { promisify } from 'node:util'
import fc from 'fast-check'
import { scratchFolder } from '../../../testing/scratch.ts'
import { loadRules } from '../../load.ts'
import { renderFileResult } from '../../render-diagnostics.ts'
import { list, load, macro, problems, rule, TEST_SOURCES } from './test-rules.ts'

/** Much more than any of these takes on a slow machine, much less than a file that gets away would. */
const TIME = { timeout: 20_000 }

const refuses = (what: string, yaml: () => string, expected: RegExp): void => {
  test(what, TIME, () => assert.match(problems(load([yaml()]))[0] ?? 'no problem', expected))
}
const times = (count: number, make: (i: number) => string): string =>
  Array.from({ length: count }, (_, i) => make(i)).join('')

const grown = (i: number): string => `- &a${i + 1} [${`*a${i},`.repeat(9)}]\n`
refuses(
  'aliases of aliases',
  () => `- &a0 [x]\n${times(12, grown)}`,
  /LOAD_ERR_YAML_PARSE aliases make the file grow/,
)
refuses('an alias in itself', () => '- &a [*a]', /LOAD_ERR_YAML_PARSE no anchor '&a' before/)
refuses('deep flow', () => '['.repeat(1_000_000), /0:1:\d+ LOAD_ERR_YAML_PARSE YAML nested more than/)
refuses('deep blocks', () => '- '.repeat(20_000), /LOAD_ERR_YAML_PARSE YAML nested more than/)
refuses(
  'deep maps',
  () => times(2_000, (i) => `${' '.repeat(i)}a:\n`),
  /LOAD_ERR_YAML_PARSE YAML nested more than/,
)
refuses(
  'half a million list items',
  () => `- list: x\n  items: [${'abcdefghijkl,'.repeat(500_000)}]\n`,
  /LOAD_ERR_YAML_PARSE more than 1000000 YAML tokens/,
)
refuses(
  'ten megabytes of list items',
  () => `- list: x\n  items: [${'abcdefgh, '.repeat(1_000_000)}]`,
  /LOAD_ERR_FILE_READ .* larger than 8 MiB/,
)
refuses('a NUL character', () => '- rule: a\0', /0:1:10 LOAD_ERR_YAML_PARSE a NUL character/)
refuses(
  'a NUL character by escape',
  () => rule('r', { condition: '"proc.name=\\0"' }),
  /0:3:25 LOAD_ERR_COMPILE_CONDITION .*NUL/,
)
refuses(
  'macros that double',
  () => macro('m0', 'evt.num=1') + times(40, (i) => macro(`m${i + 1}`, `m${i} or m${i}`)),
  /LOAD_ERR_VALIDATE condition grows beyond/,
)
refuses(
  'deep parentheses',
  () => rule('r', { condition: `${'('.repeat(5_000)}evt.num=1${')'.repeat(5_000)}` }),
  /LOAD_ERR_COMPILE_CONDITION exceeded max depth/,
)
refuses(
  'many appends',
  () => rule('r') + '- rule: r\n  desc: e\n  override: {desc: append}\n'.repeat(2_100),
  /LOAD_ERR_VALIDATE 'r' is changed more than 2000 times/,
)
refuses(
  'many tags',
  () => rule('r', { tags: `[${times(1_001, (i) => `t${i},`)}]` }),
  /LOAD_ERR_VALIDATE rule 'r' has more than 1000 tags/,
)
refuses(
  'many exceptions',
  () => rule('r', { exceptions: `[${times(1_001, (i) => `{name: e${i}, fields: proc.name},`)}]` }),
  /LOAD_ERR_VALIDATE rule 'r' has more than 1000 exceptions/,
)
refuses(
  'a long list in many rules',
  () => list('l', 'a,'.repeat(60_000)) + times(200, (i) => rule(`r${i}`, { condition: 'proc.name in (l)' })),
  /all conditions together grow beyond 2000000 values/,
)
refuses(
  'lists of names of lists',
  () =>
    times(6, (i) => list(`l${i}`, `l${i + 1},`.repeat(1000))) +
    list('l6', 'x') +
    rule('r', { condition: 'evt.type=open and proc.name in (l0)' }),
  /LOAD_ERR_COMPILE_CONDITION list 'l\d' makes the condition too long/,
)
refuses(
  'a regular expression that grows',
  () => rule('r', { condition: `evt.type=open and proc.name regex '(${'a'.repeat(100)}){1000}'` }),
  /LOAD_ERR_COMPILE_CONDITION invalid regular expression .*more than 50000 steps/,
)
refuses(
  'many regular expressions that grow',
  () =>
    rule('r', {
      condition: `evt.type=open and (${"proc.name regex 'a{0,1000}b' or ".repeat(2_000)} fd.num=1)`,
    }),
  /LOAD_ERR_COMPILE_CONDITION all conditions together grow beyond 1000000 steps of regular expressions/,
)
refuses(
  'an output of megabytes',
  () => rule('r', { output: `"${'%proc.name '.repeat(100_000)}"` }),
  /LOAD_ERR_COMPILE_OUTPUT the output has more than 65536 characters/,
)
refuses(
  'an output with a width without end',
  () => rule('r', { output: '"%99999999999proc.name"' }),
  /LOAD_ERR_COMPILE_OUTPUT width 99999999999 is more than/,
)

const MEGABYTE = `&x "${'x'.repeat(1 << 20)}"`
const refusesAliased = (what: string, yaml: () => string): void =>
  refuses(
    `aliases of a long text ${what}`,
    yaml,
    /LOAD_ERR_YAML_PARSE aliases make the file grow by more than 1 MiB/,
  )
refusesAliased('in a list', () => list('l', `${MEGABYTE},${'*x ,'.repeat(600)}`))
refusesAliased('in an exception', () =>
  rule('r', { exceptions: `[{name: e, fields: proc.name, values: [${MEGABYTE},${'*x ,'.repeat(600)}]}]` }),
)
refusesAliased(
  'as conditions',
  () => rule('r', { condition: MEGABYTE }) + times(20, (i) => rule(`r${i}`, { condition: '*x' })),
)
refusesAliased(
  'that is appended',
  () => rule('r', { desc: MEGABYTE }) + '- rule: r\n  desc: *x\n  override: {desc: append}\n'.repeat(600),
)
test('a message quotes megabytes in part', () => {
  const long = 'x'.repeat(1 << 20)
  for (const text of [
    rule('r', { priority: long }),
    rule('r', { condition: `a.${long}=1` }),
    rule('r', { [long]: 'y' }),
  ])
    for (const { message, hint = '' } of [load([text]).files[0]!].flatMap(({ errors, warnings }) => [
      ...errors,
      ...warnings,
    ]))
      assert.ok(message.length + hint.length < 2000, message.slice(0, 80))
})

test('warnings are counted, not all kept', TIME, () => {
  const found = problems(load([times(3_000, (i) => list(`l${i}`, 'a'))]))
  assert.equal(found.length, 1001)
  assert.match(found.at(-1)!, /2000 more warnings are not shown/)
})
test('catastrophic regular expressions are plain ones here', TIME, () => {
  const { rules, files } = load([
    rule('r', { condition: `evt.type=open and proc.name regex '((a+)+)+(.*)*b|(a|a)*'` }),
  ])
  assert.equal(rules.length, 1, problems({ files } as never).join())
})
test('hints for many rules end when they have cost enough', TIME, () => {
  const same = rule('r', {
    condition: 'evt.type=open and (proc.name=a or fd.num=1) and (proc.exe=b or fd.num=2)',
  })
  const { files, rules } = load([times(3_000, (i) => same.replace('rule: r', `rule: r${i}`))])
  assert.equal(rules.length, 3_000)
  assert.match(files[0]!.warnings[200]!.message, /^\d+ more hints are not shown$/)
  assert.equal(files[0]!.warnings.length, 201)
})
test('schema problems are counted, not all kept', TIME, () => {
  assert.ok(load([times(5_000, (i) => `- {x${i}: y}\n`)]).files[0]!.schema.length <= 101)
})

/**
 * Files that take much to serve or to refuse, one after the other in a process with little memory, which runs beside the
 * other tests.
 */
const LARGE: Readonly<Record<string, readonly [verdict: string, yaml: () => string]>> = {
  'a condition of half a million checks': [
    'LOAD_ERR_COMPILE_CONDITION all conditions together grow beyond 500000 checks',
    () => rule('r', { condition: `evt.type=open and (${'fd.num=1 or '.repeat(500_000)} fd.num=1)` }),
  ],
  'a name of 7 MB': ['1 rules', () => rule('r'.repeat(7_000_000))],
  'a list of a hundred thousand items': [
    '1 rules',
    () =>
      list('l', 'abcdefghijkl, '.repeat(100_000)) +
      rule('r', { condition: 'evt.type=open and proc.name in (l)' }),
  ],
  'many lists and rules': [
    '5000 rules',
    () =>
      times(
        5_000,
        (i) => list(`l${i}`, 'a') + rule(`r${i}`, { condition: `evt.type=open and proc.name in (l${i})` }),
      ),
  ],
}
const SCRIPT = `
  const { loadRules } = await import('./load.ts')
  const { renderFileResult } = await import('./render-diagnostics.ts')
  const { SOURCES } = await import('../fields/index.ts')
  for (const path of process.argv.slice(1)) {
    const { rules, files, sources } = loadRules([path], { sources: SOURCES })
    const [error] = files[0].errors
    if (renderFileResult(files[0], sources).length < path.length) throw new Error('no verdict')
    console.log(error ? error.code + ' ' + error.message : rules.length + ' rules')
  }`

const folder = scratchFolder('rules')
const onDisk = (name: string, bytes: Uint8Array | string): string => {
  const path = join(folder, name)
  writeFileSync(path, bytes)
  return path
}
const inChild = promisify(execFile)(
  process.execPath,
  [
    ...['--max-old-space-size=1024', '--input-type=module', '--eval', SCRIPT, '--'],
    ...Object.values(LARGE).map(([, yaml], i) => onDisk(`large-${i}.yaml`, yaml())),
  ],
  { cwd: join(import.meta.dirname, '../..'), timeout: 200_000, killSignal: 'SIGKILL' },
)
// Looked at by the tests below; until then a failure is nobody's.
inChild.catch(() => {})
for (const [i, [what, [verdict]]] of Object.entries(LARGE).entries())
  test(`a process with 1 GiB survives ${what}`, { timeout: 240_000 }, async () =>
    assert.equal((await inChild).stdout.split('\n')[i]?.slice(0, verdict.length), verdict),
  )

const firstProblem = (path: string): string => problems(loadRules([path], { sources: TEST_SOURCES }))[0] ?? ''

test('bytes that are not UTF-8', () => {
  const path = onDisk('latin.yaml', Buffer.concat([Buffer.from('# é\n- list: '), Buffer.from([0xe9, 0x0a])]))
  assert.match(firstProblem(path), /:2:9 LOAD_ERR_YAML_PARSE the file is not UTF-8: unexpected byte 0xe9/)
})
test('a character cut off at the end', () => {
  assert.match(
    firstProblem(onDisk('cut.yaml', Buffer.from([0x23, 0xe2, 0x82]))),
    /LOAD_ERR_YAML_PARSE the file is not UTF-8/,
  )
})
test('a file without end', TIME, () =>
  assert.match(firstProblem('/dev/zero'), /LOAD_ERR_FILE_READ .*larger than/),
)
test('a file of 9 MiB', () =>
  assert.match(firstProblem(onDisk('big.yaml', ' '.repeat(9 << 20))), /LOAD_ERR_FILE_READ .*larger than/))

test('a damaged file never throws, and every place found lies in it', TIME, () => {
  const whole =
    list('l', 'a, "b c"') +
    macro('m', 'evt.type=open and proc.name in (l)') +
    rule('r', {
      condition: '>\n    m and not fd.name startswith "/x"\n      or evt.num=0',
      exceptions: '[{name: e, fields: [proc.name, fd.name], comps: [in, =], values: [[[a, b], c]]}]',
      output: '"%proc.name %5fd.num"',
    }) +
    '- rule: r\n  tags: [b]\n  override: {tags: append}\n- &x\n  list: k\n  items: [l, c]\n- *x\n'
  const scraps = fc.constantFrom(
    ...'[]{},:-"\'&*|>#%()~\t\r\n\\!?@`=\u{1f600}',
    ': ',
    '- ',
    '\n  ',
    '*x',
    '\ud800',
    'null',
    'rule: ',
  )
  const cut = fc.record({ at: fc.nat(whole.length), gone: fc.nat(6), scrap: scraps })
  fc.assert(
    fc.property(fc.array(cut, { minLength: 1, maxLength: 4 }), (cuts) => {
      const text = cuts.reduce((t, { at, gone, scrap }) => t.slice(0, at) + scrap + t.slice(at + gone), whole)
      const { files, sources } = load([text])
      for (const { span } of [...files[0]!.errors, ...files[0]!.warnings])
        assert.ok(span.line >= 1 && span.column >= 1 && span.from <= span.to && span.to <= text.length)
      assert.match(renderFileResult(files[0]!, sources), /^0.yaml: (?:Ok|Invalid)/)
    }),
    { numRuns: 500 },
  )
})
