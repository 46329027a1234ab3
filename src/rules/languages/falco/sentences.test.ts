/** What Falco's documents and sources say of rule files, sentence by sentence, where `falco.test.ts` has no case for it. */
import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { FieldDef } from '../../../fields/field.ts'
import { printExpr } from '../../print-expr.ts'
import { eventsOf, list, load, macro, problems, rule, TEST_SOURCES } from './test-rules.ts'

/** The problems of files loaded one after the other start with these; hints are not among them. */
const finds = (what: string, texts: string | readonly string[], ...expected: readonly string[]): void =>
  void test(what, () => {
    const found = problems(load(typeof texts === 'string' ? [texts] : texts)).filter(
      (line) => !line.includes(' HINT_'),
    )
    assert.deepEqual(
      found.map((line, i) => line.slice(0, expected[i]?.length ?? line.length)),
      expected,
    )
  })
/** The condition of the rule `r`, compiled. */
const compiles = (what: string, texts: string | readonly string[], expected: string): void =>
  void test(what, () => {
    const result = load(typeof texts === 'string' ? [texts] : texts)
    const found = [...result.rules, ...result.disabled].find(({ name }) => name === 'r')
    assert.equal(found && printExpr(found.condition), expected, problems(result).join('\n'))
  })
const override = (keys: string): string => `- rule: r\n  ${keys}\n`
const named = (condition: string): string => rule('r', { condition })

// 1.1 Loading
finds('null items are skipped', `-\n- ~\n${rule('r')}- null\n`)
finds(
  'an error of a later file leaves nothing of it',
  [rule('r'), list('l', 'a') + rule('s', { condition: 'x.y=1' })],
  '1:5:14 LOAD_ERR_COMPILE_CONDITION',
)
finds(
  'a redefined macro must suit the rules of earlier files',
  [macro('m', 'evt.type=open') + named('m'), macro('m', 'x.y=1')],
  "1:2:14 LOAD_ERR_COMPILE_CONDITION unknown field 'x.y'",
)
compiles(
  'a list sees the raw items of an earlier list, one level deep',
  list('a', 'x') + list('b', 'a') + list('c', 'b') + named('evt.type=open and proc.name in (c)'),
  '(evt.type = open and proc.name in (a))',
)
compiles(
  'a list does not see a later one',
  list('b', 'a') + list('a', 'x') + named('proc.name in (b)'),
  'proc.name in (x)',
)
compiles(
  'a list redefined sees what came in between',
  `${list('b', 'y') + list('a', 'x') + list('b', 'a, z')}${named('proc.name in (b)')}`,
  'proc.name in (x, z)',
)
compiles(
  'rules see lists of the same file that stand later',
  named('proc.name in (l)') + list('l', 'x'),
  'proc.name in (x)',
)
compiles(
  'a macro sees lists that stand later',
  macro('m', 'proc.name in (l)') + list('l', 'x') + named('m'),
  'proc.name in (x)',
)
finds('a redefinition without a source keeps the source', [
  rule('r', { source: 'k8s_audit', condition: 'ka.verb=get' }),
  rule('r', { condition: 'ka.verb=put' }),
])
compiles(
  'a redefinition replaces everything',
  [rule('r', { exceptions: '[{name: e, fields: proc.name, values: [x]}]' }), named('evt.type=execve')],
  'evt.type = execve',
)

// 1.2 Items
finds(
  'an empty source is the usual one',
  rule('r', { source: '' }) + rule('s', { source: '~', condition: 'evt.type=execve' }),
)
finds(
  'every key of a rule is known',
  rule('r', {
    source: 'syscall',
    enabled: 'true',
    capture: 'true',
    capture_duration: '5',
    warn_evttypes: 'true',
    'skip-if-unknown-filter': 'true',
    tags: '[a]',
    exceptions: '[]',
  }),
)
finds(
  'the kind of an item goes by order, not by place',
  '- items: [a]\n  list: l\n  macro: m\n',
  "0:3:3 LOAD_UNKNOWN_KEY unknown key 'macro'",
  '0:2:9 LOAD_UNUSED_LIST',
)
finds(
  'a version with three parts or one',
  '- required_engine_version: "0.26"\n',
  "0:1:28 LOAD_ERR_YAML_VALIDATE '0.26' is not a version",
)
finds('an engine version as text', '- required_engine_version: "26"\n')
finds('the newest patch is required', '- required_engine_version: 0.63.1\n', '0:1:28 LOAD_ERR_VALIDATE')
finds(
  'a required plugin without a version',
  '- required_plugin_versions: [{name: json}]\n',
  "0:1:30 LOAD_ERR_YAML_VALIDATE key 'version' is missing",
)
finds(
  'a missing plugin comes before what follows from it',
  '- required_plugin_versions: [{name: json, version: 0.7.0}]\n' +
    rule('r', { condition: 'json.value[/a]=x' }),
  '0:1:30 LOAD_ERR_VALIDATE the file needs plugin json 0.7.0',
  '0:4:14 LOAD_ERR_COMPILE_CONDITION',
)
finds(
  'a plugin whose source is there is present',
  '- required_plugin_versions: [{name: k8saudit, version: 0.7.0}]\n',
)
finds(
  'a plugin whose source is not there is missing',
  '- required_plugin_versions: [{name: okta, version: 0.7.0}]\n',
  '0:1:30 LOAD_ERR_VALIDATE the file needs plugin okta 0.7.0',
)
test('a plugin that brings fields is present where there are such fields', () => {
  const json: FieldDef = { ...TEST_SOURCES.get('k8s_audit')!.fields.get('ka.verb')!, name: 'json.value' }
  const sources = new Map([
    ...TEST_SOURCES,
    ['x', { fields: new Map([['json.value', json]]), events: new Set<string>() }],
  ])
  assert.deepEqual(
    problems(load(['- required_plugin_versions: [{name: json, version: 0.7.0}]\n'], { sources })),
    [],
  )
})
finds('an empty list', `${list('l', '')}${named('evt.type=open and not proc.name in (l)')}`)
compiles(
  'an empty item is no value',
  '- list: l\n  items: [""]\n' + named('proc.name in (l)'),
  'proc.name in ()',
)
finds(
  'a list item that is a list',
  '- list: l\n  items: [[a]]\n',
  "0:2:11 LOAD_ERR_YAML_VALIDATE an element of 'items' must be text",
)
finds(
  'a name that is empty',
  '- macro: ""\n  condition: evt.num=0\n',
  "0:1:10 LOAD_ERR_YAML_VALIDATE 'macro' must not be empty",
)
for (const name of [
  'EMERGENCY',
  'alert',
  'Critical',
  'error',
  'WARNING',
  'notice',
  'INFO',
  'informational',
  'debug',
])
  finds(`priority ${name}`, rule('r', { priority: name }))
test('output loses blanks at its ends', () => {
  assert.deepEqual(load([rule('r', { output: '"  a b \\n"' })]).rules[0]!.format, [
    { kind: 'text', text: 'a b' },
  ])
})
const DEPRECATED = "0:7:11 LOAD_DEPRECATED_ITEM 'append' is deprecated"
finds(
  'append of a rule',
  rule('r') + override('condition: and proc.name=a').replace('  cond', '  append: true\n  cond'),
  DEPRECATED,
)
compiles(
  'append of a rule takes condition and exceptions, nothing else',
  rule('r') +
    override(
      'append: true\n  condition: or evt.type=execve\n  priority: ERROR\n  exceptions: [{name: e, fields: proc.name, values: [x]}]',
    ),
  '((evt.type = open or evt.type = execve) and not proc.name in (x))',
)
test('append of a rule leaves the rest', () => {
  const [first] = load([
    rule('r') + override('append: true\n  condition: and proc.name=a\n  priority: ERROR\n  output: p'),
  ]).rules
  assert.deepEqual([first!.priority, first!.format], ['Informational', [{ kind: 'text', text: 'o' }]])
})
finds(
  'append of a macro',
  macro('m', 'evt.type=open') + '- macro: m\n  condition: or evt.type=execve\n  append: true\n' + named('m'),
  '0:5:11 LOAD_DEPRECATED_ITEM',
)
finds(
  'append: false is a definition',
  macro('m', 'evt.type=open') + '- macro: m\n  condition: evt.type=execve\n  append: false\n' + named('m'),
)
finds(
  'append to a macro that is not there',
  '- macro: m\n  condition: or evt.num=1\n  append: true\n',
  "0:1:10 LOAD_ERR_VALIDATE macro 'm' is not defined yet",
  '0:3:11 LOAD_DEPRECATED_ITEM',
)
finds(
  'append to a rule that is not there',
  override('append: true\n  condition: or evt.num=1'),
  "0:1:9 LOAD_ERR_VALIDATE rule 'r' is not defined yet",
  '0:2:11 LOAD_DEPRECATED_ITEM',
)
finds(
  'append to what comes later',
  `${override('condition: and proc.name=a\n  override: {condition: append}')}${rule('r')}`,
  "0:1:9 LOAD_ERR_VALIDATE rule 'r' is not defined yet",
)
finds(
  'list and override with append',
  `${list('l', 'a')}- list: l\n  items: [b]\n  append: true\n  override: {items: append}\n`,
  "0:3:3 LOAD_ERR_YAML_VALIDATE 'append: true' and 'override' exclude each other",
  '0:5:11 LOAD_DEPRECATED_ITEM',
)
compiles(
  'appends come before replacements, whatever their order',
  rule('r', { tags: '[a]' }) +
    override('condition: evt.type=execve\n  tags: [b]\n  override: {condition: replace, tags: append}'),
  'evt.type = execve',
)
for (const [key, value] of Object.entries({
  priority: 'ERROR',
  capture: 'true',
  capture_duration: '7',
  enabled: 'true',
  warn_evttypes: 'false',
  'skip-if-unknown-filter': 'true',
})) {
  finds(`${key} can be replaced`, rule('r') + override(`${key}: ${value}\n  override: {${key}: replace}`))
  finds(
    `${key} cannot be appended`,
    rule('r') + override(`${key}: ${value}\n  override: {${key}: append}`),
    `0:8:14 LOAD_ERR_YAML_VALIDATE '${key}' cannot be overridden with 'append'`,
  )
}
for (const [key, value] of Object.entries({
  condition: 'and proc.name=a',
  output: 'p',
  desc: 'e',
  tags: '[t]',
  exceptions: '[{name: e, fields: proc.name, values: [a]}]',
}))
  finds(`${key} can be appended`, rule('r') + override(`${key}: ${value}\n  override: {${key}: append}`))
finds(
  'a key of an override that nobody knows',
  rule('r') + override('x: y\n  override: {x: append}'),
  "0:8:14 LOAD_ERR_YAML_VALIDATE 'x' cannot be overridden with 'append'",
  '0:7:3 LOAD_UNKNOWN_KEY',
)
finds(
  'enabled alone switches',
  [rule('r', { enabled: 'false' }), override('enabled: true')],
  "1:1:9 LOAD_DEPRECATED_ITEM switching a rule with 'enabled' alone",
)
finds(
  'a rule of an unknown source is not looked into',
  rule('r', { source: 'nope', condition: '((', output: '"%"' }),
  '0:1:9 LOAD_UNKNOWN_SOURCE',
)
const skip = { 'skip-if-unknown-filter': 'true' }
finds(
  'an unknown field in a macro may be skipped',
  macro('m', 'x.y=1') + rule('r', { condition: 'm', ...skip }),
  "0:2:14 LOAD_UNKNOWN_FILTER unknown field 'x.y'",
)
finds(
  'a formatting token that nobody knows may be skipped',
  rule('r', { output: '"%nope"', ...skip }),
  '0:4:12 LOAD_UNKNOWN_FILTER',
)
finds(
  'a condition that is no condition may not be skipped',
  rule('r', { condition: '((', ...skip }),
  '0:3:16 LOAD_ERR_COMPILE_CONDITION',
)
finds(
  'an undefined macro may not be skipped',
  rule('r', { condition: 'nope', ...skip }),
  '0:3:14 LOAD_ERR_VALIDATE',
)

// 1.3 Exceptions (more in exceptions.test.ts)
const withException = (yaml: string): string => rule('r', { exceptions: `[{name: e, ${yaml}}]` })
compiles(
  'the condition is put in parentheses',
  rule('r', {
    condition: 'evt.type=open or proc.name=b',
    exceptions: '[{name: e, fields: proc.name, values: [a]}]',
  }),
  '((evt.type = open or proc.name = b) and not proc.name in (a))',
)
compiles(
  'every exception is an "and not" of its own',
  rule('r', {
    exceptions: '[{name: e, fields: proc.name, values: [a]}, {name: f, fields: [proc.exe], values: [[b]]}]',
  }),
  '(evt.type = open and not proc.name in (a) and not proc.exe = b)',
)
compiles(
  'a modifier as an operator of a row',
  withException('fields: [proc.name, proc.exe], comps: [startswith anyof, "="], values: [[[a, b], c]]'),
  '(evt.type = open and not (proc.name startswith anyof (a, b) and proc.exe = c))',
)
compiles(
  'a list name as a cell',
  `${list('l', 'a, b')}${withException('fields: [proc.name], comps: [in], values: [[(l)]]')}`,
  '(evt.type = open and not proc.name in (a, b))',
)
finds(
  'an operator that is not for one field',
  withException('fields: proc.name, comps: startswith, values: [a]'),
  "0:6:52 LOAD_ERR_VALIDATE 'startswith' is not",
)
finds(
  'an exception that is text',
  rule('r', { exceptions: '[e]' }),
  '0:6:16 LOAD_ERR_YAML_VALIDATE an exception must be a map',
)
finds(
  'an exception of a field that cannot stand on the left',
  withException('fields: "val(proc.name)", values: [a]'),
  '0:6:35 LOAD_ERR_VALIDATE',
)

// 1.4 Lists and macros
compiles(
  'a list name is replaced wherever it stands alone',
  list('open', 'x') + named('evt.type in (execve) or proc.name=open'),
  '(evt.type in (execve) or proc.name = x)',
)
compiles(
  'quotes do not keep a list name from being replaced',
  `${list('l', 'x')}${named(`"proc.name='a l b'"`)}`,
  'proc.name = "a x b"',
)
compiles(
  'an empty list takes the comma before it',
  list('l', '') + named('proc.name in (a, l, b)'),
  'proc.name in (a, b)',
)
compiles(
  'an empty list takes the comma behind it',
  list('l', '') + named('proc.name in (l, b)'),
  'proc.name in (b)',
)
compiles(
  'an item with a blank is quoted',
  list('l', 'a b, c') + named('proc.name in (l)'),
  'proc.name in ("a b", c)',
)
compiles(
  'an item brings its own quotes',
  `- list: l\n  items: ['"(sd-pam)"']\n${named('proc.name in (l)')}`,
  'proc.name in ("(sd-pam)")',
)
compiles(
  'macros keep their grouping',
  macro('m', 'evt.type=open or evt.type=execve') + named('proc.name=a and m'),
  '(proc.name = a and (evt.type = open or evt.type = execve))',
)
compiles(
  'text appended to a macro is inside of it',
  `${macro('m', 'evt.type=open')}- macro: m\n  condition: or proc.name=b\n  override: {condition: append}\n${named('proc.name=a and m')}`,
  '(proc.name = a and (evt.type = open or proc.name = b))',
)
finds(
  'a list used only by a rule of another source is unused',
  list('l', 'a') + rule('r', { source: 'nope', condition: 'x.y in (l)' }),
  '0:3:9 LOAD_UNKNOWN_SOURCE',
  '0:1:9 LOAD_UNUSED_LIST',
)
finds(
  'an error in the items of a list names the list',
  `- list: l\n  items: [(a)]\n${named('evt.type=open and proc.name in (l)')}`,
  '0:5:46 LOAD_ERR_COMPILE_CONDITION expected a value in the list',
)
test('and gives it as the reason', () => {
  const { files } = load([`- list: l\n  items: [(a)]\n${named('evt.type=open and proc.name in (l)')}`])
  assert.equal(files[0]!.errors[0]!.hint, "the items of list 'l' are put in here")
  assert.deepEqual(
    files[0]!.warnings.map(({ code, hint }) => `${code} ${hint}`),
    [`HINT_UNQUOTED_ITEM write '"(a)"', the inner quotes are part of the value`],
  )
})
test('an item that becomes two values is pointed out', () => {
  const found = problems(
    load([
      `- list: l\n  items: ["a,b", '"c,d"', "e f", "g, h"]\n${named('evt.type=open and proc.name in (l)')}`,
    ]),
  )
  assert.deepEqual(found, [
    "0:2:12 HINT_UNQUOTED_ITEM 'a,b' has a , and no quotes of its own: a condition does not take it as one value",
  ])
})

// Old rule files
compiles('evt.dir', named('evt.dir = < and evt.type=open'), '(evt.num > 0 and evt.type = open)')
test('a rule for the beginning of calls matches nothing', () => {
  assert.equal(eventsOf(load([named('evt.type=open and evt.dir=>')]).rules[0]!.events), '')
})
finds(
  'a macro with a name of old',
  macro('root_dir', 'proc.name startswith /root') + named('evt.type=open and root_dir'),
)
