/** The example of docs/testing-rules.md runs as it is printed, and its tables name what there is. */
import assert from 'node:assert/strict'
import { readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { test } from 'node:test'
import { rulesCommand } from '../cli/commands/rules.ts'
import { captured } from '../cli/commands/test-io.ts'
import { BUILT_IN_PLUGINS, versionText } from '../rules/languages/falco/version.ts'
import { scratchFolder } from './scratch.ts'

const DOCS = join(import.meta.dirname, '../../docs')
const folder = scratchFolder('docs')

test('the example of the page about tests', async () => {
  const page = readFileSync(join(DOCS, 'testing-rules.md'), 'utf8')
  const [rules, cases] = [...page.matchAll(/```yaml\n([\s\S]*?)```/g)].map(([, text]) => text!)
  writeFileSync(join(folder, 'tmp.yaml'), rules!)
  writeFileSync(join(folder, 'tmp.test.yaml'), cases!)
  const { out, code } = await captured(rulesCommand, ['test', join(folder, 'tmp.test.yaml')])
  assert.equal(code, 0)
  const printed = /\$ tarsier rules test tmp.test.yaml\n((?: {4}.*\n)+)/.exec(page)![1]!
  assert.equal(out, printed.replace(/^ {4}/gm, ''))
})
test('the table of plugins', () => {
  const page = readFileSync(join(DOCS, 'rules.md'), 'utf8')
  for (const { name, version } of BUILT_IN_PLUGINS)
    assert.ok(page.includes(`| \`${name}\` | ${versionText(version)} |`), name)
})
