import assert from 'node:assert/strict'
import { mkdirSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { test } from 'node:test'
import { scratchFolder } from '../../testing/scratch.ts'
import { packageRoot } from '../package-root.ts'
import { configCommand } from './config.ts'
import { captured } from './test-io.ts'

const EXAMPLE = join(packageRoot(), 'src', 'config', 'fixtures', 'rand-guard.toml')
const dir = scratchFolder('config')

function file(name: string, text: string): string {
  const path = join(dir, name)
  writeFileSync(path, text)
  return path
}

test("check: rand-guard's example is valid as it stands", async () => {
  const { out, code } = await captured(configCommand, ['check', EXAMPLE])
  assert.equal(out, `${EXAMPLE}: Ok, 9 rules\n`)
  assert.equal(code, 0)
})

test('check: a mistake with its line underlined, and exit code 1', async () => {
  const path = file('a.toml', '[health]\nintervall = 5\n')
  const { out, code } = await captured(configCommand, ['check', path])
  assert.equal(
    out,
    `${path}: Invalid
${path}:2:1: error: unknown configuration key 'health.intervall' [CONFIG_ERR_VALIDATE]
    intervall = 5
    ^^^^^^^^^
  hint: did you mean 'health.interval'?
`,
  )
  assert.equal(code, 1)
})

test('check: the rules of a configuration and of rules.d are judged, too', async () => {
  const path = file('b.toml', '[[rules]]\nid = "A"\n')
  assert.match(
    (await captured(configCommand, ['check', path])).out,
    /b\.toml:1:1: error: the rule has no 'name'/,
  )
  mkdirSync(join(dir, 'home', 'rules.d'), { recursive: true })
  const home = file('home/c.toml', '')
  file('home/rules.d/x.toml', '[[rulez]]\n')
  const { out, code } = await captured(configCommand, ['check', home])
  assert.match(out, /rules\.d\/x\.toml:1:3: error: unknown table 'rulez'/)
  assert.equal(code, 1)
})

test('check: warnings leave a configuration valid', async () => {
  const path = file('d.yaml', 'rules_files: [w.toml]')
  const names = ['a'.repeat(20)]
  file(
    'w.toml',
    `[[rules]]\nid = "A"\nname = "n"\nenabled = true\ntype = "process"\nseverity = "low"\naction = "alert"\nprocess_names = ${JSON.stringify(names)}\n`,
  )
  const { out, code } = await captured(configCommand, ['check', path])
  assert.match(out, /Ok, with warnings\n.*w\.toml:8:17: warning: /)
  assert.equal(code, 0)
})

test('check --json', async () => {
  const path = file('e.yaml', 'health: { interval: 0 }')
  const { out, code } = await captured(configCommand, ['check', path], { json: true })
  const [error] = JSON.parse(out).errors
  assert.deepEqual([error.line, error.column, error.code], [1, 21, 'CONFIG_ERR_VALIDATE'])
  assert.equal(code, 1)
  const good = JSON.parse((await captured(configCommand, ['check', EXAMPLE], { json: true })).out)
  assert.deepEqual([good.ok, good.rules, good.errors, good.warnings], [true, 9, [], []])
})

test('check: a file that is not there', async () => {
  const { out, code } = await captured(configCommand, ['check', join(dir, 'none.toml')])
  assert.match(out, /none\.toml:1:1: error: cannot read/)
  assert.equal(code, 1)
})

test('show: every key with its origin', async () => {
  const options = { config: EXAMPLE, option: ['health.interval=3'] }
  const { out, code } = await captured(configCommand, ['show'], options)
  assert.match(out, /^agent\.id +dev-host-001 +.*rand-guard\.toml:5:6$/m)
  assert.match(out, /^health\.interval +3 +-o health\.interval=3$/m)
  assert.match(out, /^json_output +false +default$/m)
  assert.equal(code, 0)
})

test('show --json', async () => {
  const shown = JSON.parse((await captured(configCommand, ['show'], { config: EXAMPLE, json: true })).out)
  assert.deepEqual(shown['agent.mode'], {
    value: 'detect',
    origin: { from: 'file', file: EXAMPLE, line: 6, column: 8 },
  })
  assert.deepEqual(shown['agent.lock_file'].origin, { from: 'default' })
})

test('show: a bad file goes to standard error', async () => {
  const { out, err, code } = await captured(configCommand, ['show'], { config: file('f.yaml', 'x: 1') })
  assert.deepEqual([out, code], ['', 1])
  assert.match(err, /f\.yaml:1:1: error: unknown configuration key 'x'/)
})

test('options are judged: wrong usage', async () => {
  await assert.rejects(captured(configCommand, ['show'], { option: ['x=1'] }), { name: 'UsageError' })
  await assert.rejects(captured(configCommand, ['show'], { configFormat: 'ini' }), /toml or yaml/)
})

test('control characters of a file do not reach the terminal', async () => {
  const { out } = await captured(configCommand, ['check', file('g.yaml', '"\\e[31mred": 1')])
  assert.ok(!out.includes('\u001b'))
})
