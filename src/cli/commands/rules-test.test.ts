/** `tarsier rules test`: verdicts, coverage, JSON, rewriting. */
import assert from 'node:assert/strict'
import { mkdtempSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { test } from 'node:test'
import { scratchFolder } from '../../testing/scratch.ts'
import { UserError } from '../command.ts'
import { rulesCommand } from './rules.ts'
import { captured } from './test-io.ts'

const folder = scratchFolder('rules-test')

const RULES = `- rule: shadow
  desc: d
  condition: evt.type in (open, openat) and fd.name = /etc/shadow and not proc.name = login
  output: shadow read (file=%fd.name by=%proc.name user=%user.name)
  priority: WARNING
- rule: bare
  desc: d
  condition: evt.type = connect
  output: o
  priority: INFO
`
/** A directory of its own with rules and cases; answers with the file of cases. */
function place(cases: string, rules = RULES): { readonly directory: string; readonly file: string } {
  const directory = mkdtempSync(join(folder, 'd-'))
  writeFileSync(join(directory, 'r.yaml'), rules)
  writeFileSync(join(directory, 'r.test.yaml'), cases)
  return { directory, file: join(directory, 'r.test.yaml') }
}
const run = (paths: readonly string[], options: Readonly<Record<string, unknown>> = {}) =>
  captured(rulesCommand, ['test', ...paths], options)

const HELD = `rule: shadow
cases:
  - name: cat
    given: { proc: { name: cat, user: bob }, file: { path: /etc/shadow } }
    when: openat
    expect: { priority: Warning, output: "*by=cat user=bob)" }
  - name: login
    given: { proc: { name: login }, file: { path: /etc/shadow } }
    when: { open: { flags: O_RDWR } }
    expect: none
`
const BROKEN = `# about the file
rule: shadow
cases:
  - name: fires   # a comment
    given: { proc: { name: cat }, file: { path: /etc/shadow } }
    when: openat
    expect: none # not yet
  - name: silent
    given: { proc: { name: login }, file: { path: /etc/shadow } }
    when: openat
    expect:
      priority: Warning
      # why
      output: "*"
  - name: another text
    given: { proc: { name: cat }, file: { path: /etc/shadow } }
    when: openat
    expect:
      priority: Error   # once
      output: "shadow * nobody"
  - name: holds
    given: { proc: { name: cat }, file: { path: /etc/hosts } }
    when: openat
    expect: none
`

test('cases that hold, and rules without cases', async () => {
  const { directory } = place(HELD)
  assert.deepEqual(await run([directory]), {
    out:
      'not covered:\n      bare: no case\n1 of 2 rules have a case that fires and a near miss\n' +
      '2 cases: 2 hold, 0 do not\n',
    err: '',
    code: 0,
  })
})
test('-v names what holds', async () => {
  assert.match(
    (await run([place(HELD).file], { verbose: true })).out,
    /^ok {4}shadow: cat\nok {4}shadow: login\n/,
  )
})
test('cases that do not hold', async () => {
  const { file } = place(BROKEN)
  const { out, code } = await run([file])
  assert.equal(code, 1)
  const lines = out.split('\n')
  assert.deepEqual(lines.slice(0, 7), [
    'FAIL  shadow: fires',
    `      ${file}:4:5`,
    '      expected no alert, but it fired: shadow read (file=/etc/shadow by=cat user=root)',
    'FAIL  shadow: silent',
    `      ${file}:8:5`,
    '      expected an alert, but it did not fire',
    'FAIL  shadow: another text',
  ])
  assert.match(out, /expected priority Error, but it is Warning\n/)
  assert.match(out, /4 cases: 1 hold, 3 do not\n$/)
})
test('--update rewrites expectations and nothing else', async () => {
  const { file } = place(BROKEN)
  const updated = await run([file], { update: true })
  assert.deepEqual([updated.out, updated.code], [`${file}: 3 expectations rewritten\n`, 0])
  const message = '"shadow read (file=/etc/shadow by=cat user=root)"'
  assert.equal(
    readFileSync(file, 'utf8'),
    BROKEN.replace('none # not yet', `{ priority: Warning, output: ${message} } # not yet`)
      .replace('expect:\n      priority: Warning\n      # why\n      output: "*"', 'expect: none # why')
      .replace('priority: Error   # once', 'priority: Warning   # once')
      .replace('"shadow * nobody"', message),
  )
  assert.equal((await run([file])).code, 0)
  assert.equal((await run([file], { update: true })).out, '')
})
test('--update keeps every comment', async () => {
  const expected = 'expect: # a\n      # b\n      priority: Error # c\n      # d\n      output: x # e'
  const { file } = place(HELD.replace(/expect: none/, expected))
  await run([file], { update: true })
  assert.equal(
    readFileSync(file, 'utf8'),
    HELD.replace(/expect: none\n/, 'expect: # a\n      # b\n      none # c\n      # d\n      # e\n'),
  )
})
const SHARED = HELD.replace(
  '{ priority: Warning, output: "*by=cat user=bob)" }',
  '&e { priority: Error }',
).replace('none', '*e')
test('--update of an expectation that several cases share', async () => {
  const { file } = place(SHARED.replace('{ name: login }', '{ name: bash }'))
  await run([file], { update: true })
  assert.match(readFileSync(file, 'utf8'), /expect: &e \{ priority: Warning \}/)
})
test('--update does not choose between cases that share an expectation and differ', async () => {
  const { file } = place(SHARED)
  await assert.rejects(
    run([file], { update: true }),
    /r.test.yaml:6:\d+: an alias makes this the expectation of cases/,
  )
  assert.equal(readFileSync(file, 'utf8'), SHARED)
})
test('as JSON', async () => {
  const { file } = place(BROKEN)
  const { out, code } = await run([file], { json: true })
  const { cases, coverage } = JSON.parse(out)
  assert.equal(code, 1)
  assert.deepEqual(cases[1], {
    file,
    line: 8,
    rule: 'shadow',
    name: 'silent',
    ok: false,
    fired: false,
    problem: 'expected an alert, but it did not fire',
  })
  assert.deepEqual(coverage, [
    { rule: 'shadow', fires: 2, silent: 2 },
    { rule: 'bare', fires: 0, silent: 0 },
  ])
})
test('rules from elsewhere', async () => {
  const { file } = place(HELD, '[]')
  const other = place('', RULES)
  assert.equal((await run([file], { rules: [join(other.directory, 'r.yaml')] })).code, 0)
})
const refuses = (what: string, paths: () => readonly string[], message: RegExp): void =>
  void test(what, async () => {
    await assert.rejects(run(paths()), (error) => error instanceof UserError && message.test(error.message))
  })
refuses('a path that is not there', () => [join(folder, 'none')], /cannot read/)
refuses('a directory without cases', () => [mkdtempSync(join(folder, 'e-'))], /there are no cases in/)
refuses(
  'a rule that is not there',
  () => [place('rule: shadwo\ncases: []').file],
  /r.test.yaml:1:7: there is no rule 'shadwo' \(did you mean 'shadow'\?\)/,
)
refuses('a file that is no YAML', () => [place('rule: "').file], /r.test.yaml:1:\d+: /)
refuses('rules that do not load', () => [place(HELD, '- rule: x').file], /the rules cannot be loaded/)
refuses(
  'a file given to a call that has none',
  () => [place(HELD.replace('when: openat', 'when: procexit')).file],
  /no event of the case has a file/,
)
