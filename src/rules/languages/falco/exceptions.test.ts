import assert from 'node:assert/strict'
import { test } from 'node:test'
import { mappedText, sourceFile } from '../../passes/mapped-text.ts'
import { createCollector } from './collector.ts'
import { exceptionRules, withExceptions } from './exceptions.ts'
import { readItems } from './reader.ts'
import { list, load, problems, rule, TEST_SOURCES } from './test-rules.ts'

const CONDITION = 'evt.type=open'
const withException = (yaml: string): string =>
  rule('r', { exceptions: `\n    - name: e\n${yaml.replace(/^/gm, '      ')}` })

/** The condition that the rules of some files end with. */
function textOf(...yaml: readonly string[]): string {
  const collector = createCollector(exceptionRules({ sources: TEST_SOURCES }))
  yaml.forEach((text, i) => {
    for (const item of readItems(sourceFile(`${i}`, text), () => {})) collector.add(item, () => {})
  })
  const [first] = collector.collection().rules
  return withExceptions(
    mappedText(CONDITION, () => first!.span),
    first!.exceptions,
  ).text
}

/** The exception becomes this text behind the condition. */
const becomes = (what: string, yaml: string, expected: string): void => {
  test(what, () => {
    assert.equal(
      textOf(withException(yaml)),
      expected === '' ? CONDITION : `(${CONDITION}) and not ${expected}`,
    )
    assert.deepEqual(load([withException(yaml)]).files[0]!.errors, [])
  })
}
becomes('one field', 'fields: proc.name\nvalues: [a, b]', 'proc.name in (a, b)')
becomes(
  'one field with operator',
  'fields: fd.name\ncomps: pmatch\nvalues: [/etc, /usr]',
  'fd.name pmatch (/etc, /usr)',
)
becomes(
  'one field with modifier',
  'fields: proc.name\ncomps: startswith oneof\nvalues: [a]',
  'proc.name startswith oneof (a)',
)
becomes(
  'rows',
  'fields: [proc.name, fd.name]\nvalues:\n- [a, /b]\n- [c, /d]',
  '((proc.name = a and fd.name = /b) or (proc.name = c and fd.name = /d))',
)
becomes(
  'rows with operators',
  'fields: [proc.name, fd.name]\ncomps: [in, startswith]\nvalues:\n- [[a, b], /c]',
  '((proc.name in (a, b) and fd.name startswith /c))',
)
becomes(
  'a scalar for a list operator',
  'fields: [proc.name, fd.name]\ncomps: [in, "!="]\nvalues:\n- [a, b]',
  '((proc.name in (a) and fd.name != b))',
)
becomes(
  'a list in parentheses of its own',
  'fields: [proc.name]\ncomps: [in]\nvalues:\n- ["(a, b)"]',
  '((proc.name in (a, b)))',
)
becomes(
  'values with blanks are quoted',
  'fields: proc.name\nvalues: [a b, \'"c d"\', ""]',
  'proc.name in ("a b", "c d", "")',
)
becomes(
  'an index',
  'fields: [proc.aname[2]]\nvalues: [[a]]'.replace('[proc.aname[2]]', '["proc.aname[2]"]'),
  '((proc.aname[2] = a))',
)
becomes('no values', 'fields: proc.name', '')
becomes('an empty cell', 'fields: [proc.name]\ncomps: [in]\nvalues: [[[]]]', '((proc.name in ()))')

const appended = (yaml: string): string =>
  `- rule: r\n  exceptions: [{name: e, ${yaml}}]\n  override: {exceptions: append}\n`
test('values are appended', () => {
  assert.equal(
    textOf(withException('fields: proc.name\nvalues: [a]'), appended('values: [b]')),
    `(${CONDITION}) and not proc.name in (a, b)`,
  )
})
test('an exception is appended', () => {
  assert.equal(
    textOf(rule('r'), appended('fields: [proc.name], values: [[b]]')),
    `(${CONDITION}) and not ((proc.name = b))`,
  )
})
test('exceptions are replaced', () => {
  const replaced = appended('fields: proc.name, values: [b]').replace('append}', 'replace}')
  assert.equal(
    textOf(withException('fields: fd.name\nvalues: [a]'), replaced),
    `(${CONDITION}) and not proc.name in (b)`,
  )
})
test('a value may name a list', () => {
  const { rules } = load([list('l', 'a, b') + withException('fields: proc.name\nvalues: [l]')])
  assert.match(JSON.stringify(rules[0]!.condition), /"text":"a".*"text":"b"/)
})

const finds = (what: string, yaml: readonly string[], ...expected: readonly string[]): void => {
  test(what, () => {
    assert.deepEqual(
      problems(load(yaml)).map((line, i) => line.slice(0, expected[i]?.length ?? line.length)),
      expected,
    )
  })
}
finds(
  'no name',
  [withException('x: y').replace('name: e', 'fields: proc.name')],
  "0:7:7 LOAD_ERR_YAML_VALIDATE key 'name' is missing",
)
finds('no fields', [withException('values: [a]')], "0:7:13 LOAD_ERR_VALIDATE exception 'e' has no 'fields'")
finds(
  'an unknown field',
  [withException('fields: proc.nmae')],
  "0:8:15 LOAD_ERR_VALIDATE unknown field 'proc.nmae'",
)
finds('not a field', [withException('fields: [a b]')], "0:8:16 LOAD_ERR_VALIDATE 'a b' is not a field")
finds(
  'an unknown operator',
  [withException('fields: [proc.name]\ncomps: [ins]')],
  "0:9:15 LOAD_ERR_VALIDATE 'ins' is not a comparison operator",
)
finds(
  'an operator that takes no list',
  [withException('fields: proc.name\ncomps: "="')],
  "0:9:15 LOAD_ERR_VALIDATE '=' is not",
)
finds(
  'too few operators',
  [withException('fields: [proc.name, fd.name]\ncomps: [=]')],
  "0:9:15 LOAD_ERR_VALIDATE exception 'e' has 2 fields but 1 comps",
)
finds(
  'a row of the wrong length',
  [withException('fields: [proc.name, fd.name]\nvalues: [[a]]')],
  '0:9:17 LOAD_ERR_VALIDATE a value has 1 elements, the exception has 2 fields',
)
finds(
  'a row that is none',
  [withException('fields: [proc.name]\nvalues: [a]')],
  '0:9:16 LOAD_ERR_VALIDATE a value must be a list',
)
finds(
  'a list for a single field',
  [withException('fields: proc.name\nvalues: [[a]]')],
  '0:9:17 LOAD_ERR_VALIDATE a value of a single field must not be a list',
)
finds(
  'a value of the wrong type',
  [withException('fields: [fd.num]\nvalues: [[x]]')],
  '0:9:17 LOAD_ERR_COMPILE_CONDITION ',
)
finds(
  'an unknown key',
  [withException('fields: proc.name\nvalue: [a]')],
  "0:9:7 LOAD_UNKNOWN_KEY unknown key 'value'",
)
finds(
  'a name twice',
  [rule('r', { exceptions: '[{name: e, fields: proc.name}, {name: e, fields: fd.name}]' })],
  "0:6:53 LOAD_EXCEPTION_NAME_NOT_UNIQUE exception 'e' is defined twice",
)
finds(
  'append without values',
  [withException('fields: proc.name'), appended('values: []')],
  "1:2:23 LOAD_APPEND_NO_VALUES exception 'e' is appended without values",
)
finds(
  'append fields to what is there',
  [withException('fields: proc.name'), appended('fields: fd.name, values: [a]')],
  "1:2:23 LOAD_ERR_VALIDATE exception 'e' exists already",
)
finds(
  'append a new one without fields',
  [rule('r'), appended('values: [a]')],
  "1:2:23 LOAD_ERR_VALIDATE the appended exception 'e' is new",
)
finds(
  'fields of an unknown source are not looked up',
  [rule('r', { source: 'x', exceptions: '[{name: e, fields: a.b, values: [c]}]' })],
  '0:1:9 LOAD_UNKNOWN_SOURCE',
)
