/** docs/coming-from-falco.md leaves nothing out. */
import assert from 'node:assert/strict'
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { test } from 'node:test'
import { configurationReference } from '../reference.ts'
import { FALCO_KEYS, FALCO_VARIABLES, SWITCHED } from './keys.ts'

const PAGE = readFileSync(join(import.meta.dirname, '../../../docs/coming-from-falco.md'), 'utf8')

/** `falco --help` of 0.44. */
const OPTIONS =
  '-h -c --config-schema --rule-schema --disable-source --enable-source --dry-run -i -L -l --list --list-events ' +
  '--list-plugins -M --markdown --format -N -o --plugin-info -p -P -r --support -U -V -v --version --page-size'

for (const option of OPTIONS.split(' '))
  test(`${option} has its line`, () =>
    assert.match(PAGE, new RegExp(`^\\|(?:\\\\\\||[^|])*\`${option}\\b.*\\|$`, 'm')))

test('every key that is not served is in docs/configuration.md, every group on the page', () => {
  const reference = configurationReference()
  for (const name of Object.keys(FALCO_KEYS)) {
    const [group = ''] = name.split('.')
    assert.ok(reference.includes(`| \`${SWITCHED.has(group) ? `${group}.*` : name}\` |`), name)
  }
  for (const name of Object.keys(FALCO_VARIABLES)) assert.ok(PAGE.includes(`\`${name}\``), name)
})
