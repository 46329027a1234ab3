/** Files made to hurt: each ends in bounded time with an error that says what is too much. */
import assert from 'node:assert/strict'
import { spawnSync } from 'node:child_process'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, test } from 'node:test'
import fc from 'fast-check'
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
refuses('too many tokens', () => '\n'.repeat(2_100_000), /LOAD_ERR_YAML_PARSE more than 2000000 YAML tokens/)
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
  /all conditions together grow beyond/,
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
  'a hundred thousand rules',
  () => times(100_000, (i) => `- {rule: r${i}, desc: d, condition: evt.num=1, output: o, priority: INFO}\n`),
  /LOAD_ERR_YAML_PARSE more than 2000000 YAML tokens/,
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
  'an output with a width without end',
  () => rule('r', { output: '"%99999999999proc.name"' }),
  /LOAD_ERR_COMPILE_OUTPUT width 99999999999 is more than/,
)

test('warnings are counted, not all kept', TIME, () => {
  const found = problems(load([times(3_000, (i) => list(`l${i}`, 'a'))]))
  assert.equal(found.length, 1001)
  assert.match(found.at(-1)!, /2000 more warnings are not shown/)
})
test('a large list is served', TIME, () => {
  const { rules } = load([
    list('l', 'abcdefgh, '.repeat(100_000)) + rule('r', { condition: 'evt.type=open and proc.name in (l)' }),
  ])
  assert.equal(rules.length, 1)
})
test('many lists and rules are served', TIME, () => {
  const { rules } = load([
    times(
      5_000,
      (i) => list(`l${i}`, 'a') + rule(`r${i}`, { condition: `evt.type=open and proc.name in (l${i})` }),
    ),
  ])
  assert.equal(rules.length, 5_000)
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

/** Files that are served, or refused with an error; in a process of its own with little memory. */
const survives = (what: string, text: () => string): void =>
  void test(`a process with 1 GiB survives ${what}`, { timeout: 240_000 }, () => {
    const path = onDisk('hostile.yaml', text())
    const main = join(import.meta.dirname, '../../../cli/main.ts')
    const args = ['--max-old-space-size=1024', main, 'rules', 'check', path]
    const { status, stdout, stderr } = spawnSync(process.execPath, args, {
      encoding: 'utf8',
      timeout: 200_000,
      maxBuffer: 64 << 20,
    })
    assert.ok(status === 0 || status === 1, `status ${status}: ${stderr.slice(-500)}`)
    assert.match(stdout, /hostile.yaml: (?:Ok|Invalid)/)
    assert.equal(stderr, '')
  })
survives('a condition of 7 MB', () =>
  rule('r', { condition: `evt.type=open and (${'proc.name=aaaaaaaa or '.repeat(300_000)} fd.num=1)` }),
)
survives('an output of 6 MB', () => rule('r', { output: `"${'%proc.name '.repeat(550_000)}"` }))
survives('a name of 7 MB', () => rule('r'.repeat(7_000_000)))
survives(
  'a list of half a million items',
  () =>
    list('l', 'abcdefghijkl,'.repeat(500_000)) +
    rule('r', { condition: 'evt.type=open and proc.name in (l)' }),
)
survives('20,000 rules', () =>
  times(20_000, (i) => rule(`r${i}`, { condition: `evt.type=open and proc.name=p${i}` })),
)

const folder = mkdtempSync(join(tmpdir(), 'tarsier-rules-'))
after(() => rmSync(folder, { recursive: true }))
const onDisk = (name: string, bytes: Uint8Array | string): string => {
  const path = join(folder, name)
  writeFileSync(path, bytes)
  return path
}
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
