/** Loading Falco rule files: one line a case, what is found as `file:line:column CODE message`. */
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { eventsOf, list, load, macro, problems, rule } from './test-rules.ts'

const USE = rule('r')

/** The problems of files loaded one after the other start with these. */
const finds = (what: string, texts: string | readonly string[], ...expected: readonly string[]): void => {
  test(what, () => {
    const found = problems(load(typeof texts === 'string' ? [texts] : texts))
    assert.deepEqual(
      found.map((line, i) => line.slice(0, expected[i]?.length ?? line.length)),
      expected,
    )
  })
}
const ok = (what: string, ...texts: readonly string[]): void => finds(what, texts)

ok('an empty file', '')
ok('comments and empty documents', '# nothing\n---\n---\n', `---\n- \n- ~\n${USE}`)
finds('text', 'hello', '0:1:1 LOAD_ERR_YAML_VALIDATE a rules file must be a list of items, not text')
finds('a map', 'rule: x', '0:1:1 LOAD_ERR_YAML_VALIDATE a rules file must be a list of items, not a map')
finds('an item that is text', '- x', '0:1:3 LOAD_ERR_YAML_VALIDATE an item of a rules file must be a map')
finds(
  'a second document that is a map',
  `${USE}---\na: b`,
  '0:7:1 LOAD_ERR_YAML_VALIDATE a rules file must be',
)
finds('an open quote', '- rule: "x', '0:1:11 LOAD_ERR_YAML_PARSE Missing closing double quote')
finds('a tab as indentation', '- list: a\n\titems: []', '0:2:2 LOAD_ERR_YAML_PARSE ')
for (const [what, text] of [
  ['after a key', '- list: a\n\titems: []'],
  ['of a key', '- rule: r\n\tdesc: d'],
  ['of an item', '- list: a\n  items:\n\t- x'],
  ['after a dash', '-\trule: r\n\tdesc: d'],
  ['in a block', '- rule: r\n  condition: |\n    a\n\tand b'],
] as const)
  test(`a tab as indentation ${what} has a hint`, () =>
    assert.match(load([text]).files[0]!.errors[0]!.hint!, /indented by a tab/))
finds(
  'a list item that is null',
  '- list: a\n  items: [x, null]',
  "0:2:14 LOAD_ERR_YAML_VALIDATE an element of 'items' is 'null', which is nothing in YAML",
)
finds(
  'a tag that is a tilde',
  rule('r', { tags: '[~]' }),
  "0:6:10 LOAD_ERR_YAML_VALIDATE an element of 'tags' is '~', which is nothing in YAML",
)
test('quoted null is a word', () =>
  assert.equal(load(['- list: a\n  items: [x, "null", \'~\', nullable]']).files[0]!.successful, true))
finds('an unknown item', '- rul: x', "0:1:3 LOAD_UNKNOWN_ITEM unknown item 'rul', ignored")
finds('an unknown key', rule('r', { tagz: '[a]' }), "0:6:3 LOAD_UNKNOWN_KEY unknown key 'tagz', ignored")
finds('a key given twice', `${USE}  desc: e\n`, "0:6:3 LOAD_UNKNOWN_KEY key 'desc' is given twice")
finds(
  'the first error ends the file',
  '- rule: a\n- rule: b',
  "0:1:3 LOAD_ERR_YAML_VALIDATE rule 'a' has no 'condition', 'output', 'desc', 'priority'",
)
finds(
  'a file after one that failed is not loaded',
  ['- rule: a', '- x'],
  "0:1:3 LOAD_ERR_YAML_VALIDATE rule 'a'",
)
finds(
  'an empty condition',
  rule('r', { condition: '' }),
  "0:3:14 LOAD_ERR_YAML_VALIDATE 'condition' must not be empty",
)
finds(
  'a condition that is a list',
  rule('r', { condition: '[a]' }),
  "0:3:14 LOAD_ERR_YAML_VALIDATE 'condition' must be text, not a list",
)
finds(
  'a priority that does not exist',
  rule('r', { priority: 'warn' }),
  "0:5:13 LOAD_ERR_YAML_VALIDATE invalid priority 'warn'",
)
finds(
  'enabled is no boolean',
  rule('r', { enabled: 'maybe' }),
  "0:6:12 LOAD_ERR_YAML_VALIDATE 'enabled' must be true or false, not 'maybe'",
)
finds(
  'a duration is no number',
  rule('r', { capture_duration: '-1' }),
  "0:6:21 LOAD_ERR_YAML_VALIDATE 'capture_duration' must be a whole number",
)
finds('items are missing', '- list: a', "0:1:3 LOAD_ERR_YAML_VALIDATE key 'items' is missing")
finds(
  'an item is a map',
  '- list: a\n  items: [{b: c}]',
  "0:2:11 LOAD_ERR_YAML_VALIDATE an element of 'items' must be text, not a map",
)
ok(
  'priorities in any case, INFO for short',
  rule('a', { priority: 'info' }) + rule('b', { priority: 'Warning', condition: 'evt.type=execve' }),
)

ok('an engine version as number', `- required_engine_version: 63\n${USE}`)
ok('an engine version', '- required_engine_version: 0.57.0\n')
finds(
  'a newer engine is needed',
  '- required_engine_version: 64',
  '0:1:28 LOAD_ERR_VALIDATE the file needs engine version 0.64.0, this one is 0.63.0',
)
finds(
  'another major engine',
  '- required_engine_version: 1.0.0',
  '0:1:28 LOAD_ERR_VALIDATE the file needs engine version 1.0.0',
)
finds('no version', '- required_engine_version: new', "0:1:28 LOAD_ERR_YAML_VALIDATE 'new' is not a version")
const plugins = (entry: string): string => `- required_plugin_versions: [{${entry}}]\n`
ok('the container plugin', plugins('name: container, version: 0.4.0'))
ok(
  'an alternative is present',
  plugins('name: x, version: 1.0.0, alternatives: [{name: container, version: 0.7.0}]'),
)
finds(
  'a plugin is missing',
  plugins('name: json, version: 0.7.0'),
  '0:1:30 LOAD_ERR_VALIDATE the file needs plugin json 0.7.0, which is not present',
)
finds(
  'a plugin is too old',
  plugins('name: container, version: 0.8.0'),
  '0:1:30 LOAD_ERR_VALIDATE the file needs plugin container 0.8.0',
)
finds(
  'an alternative twice',
  plugins('name: x, version: 1.0.0, alternatives: [{name: x, version: 2.0.0}]'),
  "0:1:71 LOAD_ERR_VALIDATE plugin 'x' is named twice",
)

finds(
  'an unknown field',
  rule('r', { condition: 'proc.nmae=a' }),
  "0:3:14 LOAD_ERR_COMPILE_CONDITION unknown field 'proc.nmae' for source 'syscall'",
)
finds(
  'an unknown event',
  rule('r', { condition: 'evt.type=opn' }),
  '0:3:23 LOAD_ERR_COMPILE_CONDITION unknown event type opn',
)
finds(
  'events that nobody produces yet, once each',
  macro('m', 'evt.type in (open, ptrace)') + rule('r', { condition: 'm or (m and evt.type=mount)' }),
  "0:5:14 LOAD_COMPILE_CONDITION no event of type 'ptrace' is produced by source 'syscall' yet",
  "0:5:26 LOAD_COMPILE_CONDITION no event of type 'mount' is produced by source 'syscall' yet",
)
test('a rule about events that nobody produces yet is loaded, and waits', () => {
  const { rules } = load([rule('r', { condition: 'evt.type in (ptrace, mount)' })])
  assert.deepEqual(
    rules.map(({ events }) => eventsOf(events)),
    ['mount,ptrace'],
  )
})
finds(
  'a place in a folded block',
  rule('r', { condition: '>\n    evt.type=open\n    and proc.nmae=a' }),
  '0:5:9 LOAD_ERR_COMPILE_CONDITION unknown field',
)
finds(
  'a place behind a list',
  list('l', 'aaaa, bbbb') + rule('r', { condition: 'proc.name in (l) and x.y=1' }),
  '0:5:35 LOAD_ERR_COMPILE_CONDITION unknown field',
)
finds(
  'a place in an appended condition',
  [USE, '- rule: r\n  condition: and x.y=1\n  override: {condition: append}'],
  '1:2:18 LOAD_ERR_COMPILE_CONDITION unknown field',
)
finds(
  'a place in a macro',
  macro('m', 'x.y=1') + rule('r', { condition: 'evt.type=open and m' }),
  "0:2:14 LOAD_ERR_COMPILE_CONDITION unknown field 'x.y'",
)
finds(
  'a place in a macro of a macro',
  macro('m', 'not x.y=1') + macro('n', 'm') + rule('r', { condition: 'n' }),
  '0:2:18 LOAD_ERR_COMPILE_CONDITION',
)
finds(
  'a condition that ends early',
  rule('r', { condition: '"evt.type=open and"' }),
  '0:3:29 LOAD_ERR_COMPILE_CONDITION ',
)
finds(
  'an undefined macro',
  rule('r', { condition: 'evt.type=open and mm' }) + macro('m', 'evt.num=0'),
  "0:3:32 LOAD_ERR_VALIDATE Undefined macro 'mm' used in filter.",
)
finds(
  'a macro loop',
  macro('m', 'n') + macro('n', 'm') + macro('m', 'n') + rule('r', { condition: 'm' }),
  "0:6:14 LOAD_ERR_VALIDATE reference loop in macro 'n'",
)
finds(
  'a macro sees earlier macros only',
  macro('m', 'n') + macro('n', 'evt.type=open') + rule('r', { condition: 'm' }),
  "0:2:14 LOAD_ERR_VALIDATE Undefined macro 'n'",
)
test('a macro that stands further down is not taken for a misspelt one', () => {
  const { files } = load([macro('m', 'n') + macro('n', 'evt.type=open') + rule('r', { condition: 'm' })])
  assert.equal(
    files[0]!.errors[0]!.hint,
    "macro 'n' is defined further down; a macro sees only those above it",
  )
})
test('a line indented by mistake', () => {
  assert.match(
    load(['- rule: r\n  desc: d\n    output: o\n']).files[0]!.errors[0]!.hint!,
    /compare the indentation/,
  )
})
ok(
  'a macro redefined sees what came in between',
  macro('m', 'evt.num=0') + macro('n', 'evt.type=open') + macro('m', 'n') + rule('r', { condition: 'm' }),
)
finds(
  'a macro of a later file',
  [rule('r', { condition: 'm' }), macro('m', 'evt.num=1')],
  "0:3:14 LOAD_ERR_VALIDATE Undefined macro 'm'",
)
ok('a rule sees later macros of its file', rule('r', { condition: 'm' }) + macro('m', 'evt.type=open'))

finds('an unused list', list('l', 'a'), "0:1:9 LOAD_UNUSED_LIST list 'l' is not used")
finds('an unused macro', macro('m', 'evt.num=0'), "0:1:10 LOAD_UNUSED_MACRO macro 'm' is not used")
finds('a warning is given once', [list('l', 'a'), ''], '0:1:9 LOAD_UNUSED_LIST')
finds(
  'a list name that cannot be used',
  list('a b', 'c'),
  "0:1:9 LOAD_INVALID_LIST_NAME list name 'a b'",
  '0:1:9 LOAD_UNUSED_LIST',
)
finds(
  'a macro name that cannot be used',
  macro('a-b', 'evt.num=0'),
  "0:1:10 LOAD_INVALID_MACRO_NAME macro name 'a-b'",
  '0:1:10 LOAD_UNUSED_MACRO',
)
finds(
  'an unknown source',
  rule('r', { source: 'k8s_adit', condition: 'no.such=x' }),
  "0:1:9 LOAD_UNKNOWN_SOURCE unknown source 'k8s_adit', rule 'r' is skipped",
)
finds(
  'a rule for every event',
  rule('r', { condition: 'proc.name=a' }),
  "0:3:14 LOAD_NO_EVTTYPE rule 'r' can match every event type",
)
ok('a rule for every event that says so', rule('r', { condition: 'proc.name=a', warn_evttypes: 'false' }))
ok('every event of another source', rule('r', { condition: 'ka.verb=get', source: 'k8s_audit' }))
finds(
  'a text that is no absence',
  rule('r', { condition: 'ka.verb != "<NA>"', source: 'k8s_audit' }),
  '0:3:25 LOAD_UNSAFE_NA_CHECK',
)
finds(
  'a literal that looks like a field',
  rule('r', { condition: 'evt.type=open and proc.name=proc.exe' }),
  "0:3:42 LOAD_COMPILE_CONDITION 'proc.exe' looks like a field",
)
finds(
  'a deprecated field',
  rule('r', { condition: 'evt.type=open and evt.dir=<' }),
  "0:3:32 LOAD_DEPRECATED_ITEM field 'evt.dir' is deprecated",
)
finds(
  'a deprecated field in the output',
  rule('r', { output: 'a %evt.latency' }),
  "0:4:14 LOAD_DEPRECATED_ITEM field 'evt.latency' is deprecated",
)

const skip = { 'skip-if-unknown-filter': 'true' }
finds(
  'an unknown field that may be skipped',
  rule('r', { condition: 'x.y=1', ...skip }),
  "0:3:14 LOAD_UNKNOWN_FILTER unknown field 'x.y'",
)
finds(
  'an unknown event that may be skipped',
  rule('r', { condition: 'evt.type=x', ...skip }),
  '0:3:23 LOAD_UNKNOWN_FILTER unknown event',
)
finds(
  'an unknown output field that may be skipped',
  rule('r', { output: '"%x.y"', ...skip }),
  "0:4:13 LOAD_UNKNOWN_FILTER unknown field 'x.y'",
)
finds(
  'an error that may not be skipped',
  rule('r', { condition: 'fd.num=x', ...skip }),
  '0:3:21 LOAD_ERR_COMPILE_CONDITION',
)
finds(
  'an unknown output field',
  rule('r', { output: '"ab %x.y"' }),
  "0:4:16 LOAD_ERR_COMPILE_OUTPUT unknown field 'x.y' for source 'syscall'",
)

finds(
  'append is deprecated',
  list('l', 'a') +
    '- list: l\n  items: [b]\n  append: true\n' +
    rule('r', { condition: 'evt.type=open and proc.name in (l)' }),
  "0:5:11 LOAD_DEPRECATED_ITEM 'append' is deprecated",
)
finds(
  'append to nothing',
  '- list: l\n  items: [b]\n  override: {items: append}',
  "0:1:9 LOAD_ERR_VALIDATE list 'l' is not defined yet",
)
finds(
  'append nothing',
  `${USE}- rule: r\n  append: true\n  desc: e`,
  "0:6:9 LOAD_ERR_VALIDATE nothing to append to rule 'r'",
  '0:7:11 LOAD_DEPRECATED_ITEM',
)
finds(
  'enabled alone is deprecated',
  `${USE}- rule: r\n  enabled: false`,
  "0:6:9 LOAD_DEPRECATED_ITEM switching a rule with 'enabled' alone",
)
finds(
  'enabled alone for no rule',
  '- rule: r\n  enabled: false',
  "0:1:9 LOAD_ERR_VALIDATE rule 'r' is not defined yet",
  '0:1:9 LOAD_DEPRECATED_ITEM',
)
finds(
  'redefined with another source',
  USE + rule('r', { source: 'k8s_audit' }),
  "0:11:11 LOAD_ERR_VALIDATE rule 'r' is redefined with source 'k8s_audit', it had 'syscall'",
)
const override = (keys: string): string => `${USE}- rule: r\n  ${keys}`
finds(
  'override of no rule',
  '- rule: r\n  priority: INFO\n  override: {priority: replace}',
  "0:1:9 LOAD_ERR_VALIDATE rule 'r' is not defined yet",
)
finds(
  'a key that cannot be appended',
  override('priority: INFO\n  override: {priority: append}'),
  "0:8:14 LOAD_ERR_YAML_VALIDATE 'priority' cannot be overridden with 'append'",
)
finds(
  'a key that cannot be replaced',
  override('source: x\n  override: {source: replace}'),
  "0:8:14 LOAD_ERR_YAML_VALIDATE 'source' cannot be overridden with 'replace'",
)
finds(
  'an unknown override',
  override('desc: e\n  override: {desc: prepend}'),
  "0:8:20 LOAD_ERR_YAML_VALIDATE unknown override 'prepend' of 'desc'",
)
finds(
  'an override without its key',
  override('override: {desc: append}'),
  "0:7:14 LOAD_ERR_YAML_VALIDATE 'override' names 'desc', but the item has no key 'desc'",
)
finds(
  'a key without its override',
  override('desc: e\n  output: o\n  override: {desc: append}'),
  "0:8:3 LOAD_ERR_YAML_VALIDATE key 'output' is given, but 'override' does not name it",
)
finds(
  'override and append',
  override('desc: e\n  append: true\n  override: {desc: append}'),
  "0:6:3 LOAD_ERR_YAML_VALIDATE 'append: true' and 'override' exclude each other",
  '0:8:11 LOAD_DEPRECATED_ITEM',
)

/** Names of the rules with their events, in order. */
const loads = (what: string, texts: readonly string[], ...expected: readonly string[]): void => {
  test(what, () => {
    const { rules } = load(texts)
    assert.deepEqual(
      rules.map(({ name, events }) => `${name} ${eventsOf(events)}`),
      expected,
    )
  })
}
const on = (name: string, event: string): string => rule(name, { condition: `evt.type=${event}` })
loads('order of definition', [on('b', 'open') + on('a', 'execve')], 'b open', 'a execve')
loads(
  'a redefinition keeps its place',
  [on('b', 'open') + on('a', 'execve'), on('b', 'connect')],
  'b connect',
  'a execve',
)
loads(
  'a later macro changes an earlier rule',
  [macro('m', 'evt.type=open') + rule('r', { condition: 'm' }), macro('m', 'evt.type=execve')],
  'r execve',
)
loads(
  'a later list changes an earlier rule',
  [list('l', 'open') + rule('r', { condition: 'evt.type in (l)' }), list('l', 'execve, connect')],
  'r connect,execve',
)
loads(
  'appended list items',
  [
    list('l', 'open') +
      '- list: l\n  items: [execve]\n  override: {items: append}\n' +
      rule('r', { condition: 'evt.type in (l)' }),
  ],
  'r execve,open',
)
loads(
  'a list in a list',
  [list('l', 'open') + list('k', 'l, execve') + rule('r', { condition: 'evt.type in (k)' })],
  'r execve,open',
)
loads(
  'an appended macro',
  [
    macro('m', 'evt.type=open') +
      '- macro: m\n  condition: or evt.type=execve\n  override: {condition: append}\n' +
      rule('r', { condition: 'm' }),
  ],
  'r execve,open',
)
loads(
  'a replaced macro',
  [
    macro('m', 'evt.type=open') +
      '- macro: m\n  condition: evt.type=execve\n  override: {condition: replace}\n' +
      rule('r', { condition: 'm' }),
  ],
  'r execve',
)
loads(
  'an appended condition',
  [on('r', 'open') + '- rule: r\n  condition: or evt.type=execve\n  append: true\n'],
  'r execve,open',
)
loads(
  'a replaced condition',
  [on('r', 'open') + '- rule: r\n  condition: evt.type=execve\n  override: {condition: replace}\n'],
  'r execve',
)
loads('rules that are switched off', [on('a', 'open') + rule('b', { enabled: 'no' })], 'a open')
loads(
  'a rule switched on later',
  [rule('b', { enabled: 'false' }), '- rule: b\n  enabled: true\n  override: {enabled: replace}'],
  'b open',
)
loads('an error leaves no rules', [on('a', 'open'), '- x'])

test('rules that are switched off are given apart', () => {
  assert.deepEqual(
    load([rule('a', { enabled: 'off' })]).disabled.map(({ name }) => name),
    ['a'],
  )
})
test('less severe rules are not loaded', () => {
  const texts = [rule('a', { priority: 'ERROR' }) + rule('b', { priority: 'NOTICE', condition: 'no.such=1' })]
  assert.deepEqual(
    load(texts, { minimumPriority: 'Warning' }).rules.map(({ name }) => name),
    ['a'],
  )
})
test('the parts of a rule', () => {
  const [first] = load([
    rule('a', { tags: '[z, a, m, a]', desc: 'why', priority: 'critical', output: '" x "' }),
  ]).rules
  const { name, source, desc, priority, tags, format, span } = first!
  assert.deepEqual(
    { name, source, desc, priority, tags, format, at: `${span.file}:${span.line}` },
    {
      name: 'a',
      source: 'syscall',
      desc: 'why',
      priority: 'Critical',
      tags: ['a', 'm', 'z'],
      format: [{ kind: 'text', text: 'x' }],
      at: '0.yaml:1',
    },
  )
})
test('tags, text and output are appended, then replaced', () => {
  const more =
    '- rule: a\n  tags: [b]\n  desc: e\n  output: p\n  override: {tags: append, desc: append, output: append}\n'
  const [first] = load([rule('a', { tags: '[c]' }) + more]).rules
  assert.deepEqual(
    [first!.tags, first!.desc, first!.format],
    [['b', 'c'], 'd e', [{ kind: 'text', text: 'o p' }]],
  )
})
