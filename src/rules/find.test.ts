import assert from 'node:assert/strict'
import { test } from 'node:test'
import { findRules } from './find.ts'
import { load, rule } from './languages/falco/test-rules.ts'

const { rules } = load([
  rule('Shell in container', {
    output: '"A shell was spawned (user=%proc.name cmd=%proc.cmdline)"',
    desc: 'a shell',
  }) +
    rule('Shell by server', {
      output: '"Server spawned shell (parent=%proc.exe cmd=%proc.cmdline)"',
      desc: 'web server',
      condition: 'evt.type=execve',
    }) +
    rule('Bare', { output: '"%proc.name"', desc: 'nothing', condition: 'evt.type=connect' }),
])
/** Rules found, best first, with how. */
const finds = (text: string, ...expected: readonly string[]): void =>
  void test(text, () =>
    assert.deepEqual(
      findRules(text, rules).map(({ rule: { name }, match }) => `${name}: ${match}`),
      expected,
    ),
  )
const ALERT = 'A shell was spawned (user=root cmd=bash -c id)'
finds(ALERT, 'Shell in container: output', 'Shell by server: words')
finds(
  `12:00:01.000000000: Notice ${ALERT} container_id=host`,
  'Shell in container: output',
  'Shell by server: words',
)
finds(
  `Nov  5 host falco[1]:  ${ALERT.replace(' (', '  (')}`,
  'Shell in container: output',
  'Shell by server: words',
)
finds(JSON.stringify({ rule: 'Bare', output: 'x' }), 'Bare: name')
finds(JSON.stringify({ output: ALERT }), 'Shell in container: output', 'Shell by server: words')
finds('{ broken')
finds('spawned by a web server', 'Shell by server: words')
finds('SHELL', 'Shell in container: words', 'Shell by server: words')
finds('nothing like it, zebra', 'Bare: words')
finds('zebra')
finds('')
test('a long alert takes bounded work', { timeout: 20_000 }, () => {
  assert.equal(findRules('a shell '.repeat(1_000_000), rules).length, 2)
})
