import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import { createAlert } from '../detect/alert.ts'
import type { SyscallContext } from '../fields/context.ts'
import { SOURCES } from '../fields/index.ts'
import { withStaticFields } from '../fields/static.ts'
import type { CompiledRule } from '../rules/ir.ts'
import { loadRules } from '../rules/load.ts'
import { openat } from '../testing/events.ts'
import { createWorld } from '../testing/world.ts'
import { appendOutput } from './append-output.ts'
import { configFrom } from './options.ts'

const RULES = `
- {rule: R, desc: d, condition: evt.type = openat, output: "file=%fd.name", priority: NOTICE, tags: [a, b]}
- {rule: S, desc: d, condition: evt.type = openat, output: "s", priority: NOTICE, tags: [a]}
`
const STATIC = 'static_fields={site: north}'

/** Alerts of R and S for an open, with these entries of append_output. */
function alerts(
  appendedAs: string,
  more: readonly string[] = [],
): Record<string, { message: string; values: unknown }> {
  const config = configFrom([`append_output=${appendedAs}`, ...more])
  const sources = withStaticFields(SOURCES, config.static_fields)
  const { rules, files } = loadRules([{ path: 'r.yaml', text: RULES }], { sources })
  assert.deepEqual(files[0]?.errors, [])
  const shaped = appendOutput(rules, config.append_output, sources) as readonly CompiledRule<SyscallContext>[]
  const identity = { hostname: 'box', hostId: 'h', bootId: 'b' }
  const ctx = createWorld().feed(openat({ path: '/x', cpu: 3 }))
  return Object.fromEntries(
    shaped.map((rule) => {
      const { message, fields } = createAlert(rule, ctx, identity)
      return [rule.name, { message, values: Object.fromEntries(fields) }]
    }),
  )
}
const messages = (entries: string, more?: readonly string[]): unknown =>
  Object.values(alerts(entries, more)).map(({ message }) => message)

describe('append_output', () => {
  test('to every rule', () =>
    assert.deepEqual(messages('[{extra_output: "on CPU %evt.cpu"}]'), ['file=/x on CPU 3', 's on CPU 3']))
  test('to a rule', () =>
    assert.deepEqual(messages('[{match: {rule: S}, extra_output: x}]'), ['file=/x', 's x']))
  test('to rules with all of some tags', () =>
    assert.deepEqual(messages('[{match: {tags: [b, a]}, extra_output: x}]'), ['file=/x x', 's']))
  test('to the rules of a source', () =>
    assert.deepEqual(messages('[{match: {source: k8s_audit}, extra_output: x}]'), ['file=/x', 's']))
  test('all that is asked for has to hold', () =>
    assert.deepEqual(messages('[{match: {rule: S, tags: [b]}, extra_output: x}]'), ['file=/x', 's']))
  test('several, in their order', () =>
    assert.deepEqual(messages('[{extra_output: x}, {match: {rule: S}, extra_output: y}]'), [
      'file=/x x',
      's x y',
    ]))
  test('values beside the text: a field with its type, a format under a name', () =>
    assert.deepEqual(alerts('[{extra_fields: [evt.cpu, {where: "cpu %evt.cpu"}, {a: "1", b: "2"}]}]')['R'], {
      message: 'file=/x',
      values: { 'fd.name': '/x', 'evt.cpu': 3, where: 'cpu 3', a: '1', b: '2' },
    }))
  test('suggested fields', () =>
    assert.match(
      alerts('[{suggested_output: true}]')['S']!.message,
      /^s container_id=<NA> container_name=<NA> container_image_repository=<NA> container_image_tag=<NA> k8s_pod_name=<NA> k8s_ns_name=<NA>$/,
    ))
  test('fixed fields are among them', () =>
    assert.match(alerts('[{suggested_output: true}]', [STATIC])['S']!.message, / static_site=north$/))
  test('nothing', () => assert.deepEqual(messages('[]'), ['file=/x', 's']))
})

test('fixed fields in conditions and outputs', () => {
  const sources = withStaticFields(SOURCES, { site: 'north' })
  const text =
    '- {rule: R, desc: d, condition: evt.type = open and static.site = north, output: "%static.site", priority: INFO}'
  assert.deepEqual(loadRules([{ path: 'r', text }], { sources }).files[0]?.errors, [])
  assert.equal(loadRules([{ path: 'r', text }], { sources: SOURCES }).files[0]?.successful, false)
})

const refused = (what: string, override: string, message: RegExp): void => {
  test(`refused: ${what}`, () => {
    assert.throws(() => {
      const config = configFrom([override])
      appendOutput(
        loadRules([{ path: 'r', text: RULES }], { sources: SOURCES }).rules,
        config.append_output,
        SOURCES,
      )
    }, message)
  })
}
refused('an unknown key', 'append_output=[{mtch: {}}]', /append_output\[0\]: unknown key 'mtch'/)
refused('no list', 'append_output={}', /append_output: a list is expected/)
refused('no YAML', 'append_output=[', /not YAML: Flow sequence/)
refused(
  'tags that are no list',
  'append_output=[{match: {tags: a}}]',
  /append_output\[0\]\.match\.tags: a list/,
)
refused(
  'an unknown field',
  'append_output=[{extra_output: "%proc.nmae"}]',
  /append_output\[0\]\.extra_output: unknown field 'proc\.nmae'/,
)
refused(
  'an unknown value',
  'append_output=[{extra_fields: [evt.type, nope.x]}]',
  /extra_fields\[1\]: unknown field/,
)
refused(
  'text in the place of a field',
  'append_output=[{extra_fields: ["evt.cpu x"]}]',
  /'evt.cpu x' is not a field/,
)
refused(
  'a truth that is none',
  'append_output=[{suggested_output: perhaps}]',
  /suggested_output: true or false/,
)
refused('a name that no rule could use', 'static_fields={a.b: c}', /static_fields\.a\.b: a name has letters/)
refused('a fixed list', 'static_fields={a: [b]}', /static_fields\.a: a text is expected/)
