/** Falco's own forms of validation and listing. */
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { SOURCES } from '../fields/index.ts'
import { parseCondition } from './condition/parser.ts'
import { printCondition } from './condition/print.ts'
import { falcoDescription, falcoDescriptionText, falcoLoadResults, falcoResultText } from './falco-results.ts'
import { list, load, macro, rule, TEST_SOURCES } from './languages/falco/test-rules.ts'
import { loadRules } from './load.ts'

test("Falco's shape", () => {
  const result = load(['# é\n' + list('l', 'a')])
  const position = (line: number, column: number, offset: number) => ({
    name: '0.yaml',
    line,
    column,
    offset,
  })
  assert.deepEqual(falcoLoadResults(result), {
    falco_load_results: [
      {
        name: '0.yaml',
        successful: true,
        schema_valid: true,
        schema_warnings: [],
        errors: [],
        warnings: [
          {
            code: 'LOAD_UNUSED_LIST',
            codedesc: 'Unused list',
            message: "list 'l' is not used",
            context: {
              locations: [
                { item_type: 'rules content', item_name: '', position: position(0, 0, 0) },
                { item_type: 'list', item_name: 'l', position: position(1, 8, 13) },
              ],
              snippet: '- list: l\n        ^',
            },
          },
        ],
      },
    ],
  })
})
/** The chain of the first error. */
const chains = (text: string, expected: string): void =>
  void test(`the chain of places: ${expected}`, () => {
    const [, ...places] = falcoResultText(load([text])).matchAll(/^ *In (.*): \(/gm)
    assert.equal(places.map(([, place]) => place).join(' > '), expected)
  })
chains(rule('r', { condition: 'x.y=1' }), "rule 'r' > rule condition > condition expression")
chains(
  rule('r', { condition: 'm' }) + macro('m', 'x.y=1'),
  "rule 'r' > rule condition > macro 'm' > macro condition > condition expression",
)
chains(rule('r', { output: '"%x.y"' }), "rule 'r' > rule output > rule output expression")
chains(rule('r', { enabled: 'maybe' }), "rule 'r' > value for 'enabled'")
chains(rule('r', { tags: '[{a: b}]' }), "rule 'r' > value for 'tags'")
chains(rule('r', { priority: 'HIGH' }), "rule 'r' > rule priority 'HIGH'")
chains(
  rule('r', { exceptions: '[{name: e, fields: proc.name, values: [[a]]}]' }),
  "rule 'r' > exceptions > exception 'e'",
)
chains(rule('r') + '- rule: r\n  override: {x: y}\n', "rule 'r' > overrides")
chains('- required_engine_version: 1.0.0\n', 'required_engine_version')
chains(
  '- required_plugin_versions: [{name: x, version: 1.0.0}]\n',
  'required plugin versions > required plugin versions entry',
)
chains('- x\n', 'rules content item')
chains('x: y\n', '')

test("an expression ends Falco's chain", () => {
  const result = load([rule('r', { condition: 'x.y=1' })])
  const { falco_load_results: files } = falcoLoadResults(result) as {
    falco_load_results: {
      errors: { context: { locations: { item_type: string }[] } }[]
      schema_valid: boolean
    }[]
  }
  assert.deepEqual(
    files[0]!.errors[0]!.context.locations.map((location) => location.item_type),
    ['rules content', 'rule', 'rule condition', 'condition expression'],
  )
})

test("Falco's text: a chain of places, the piece of the file, the code", () => {
  const text = rule('r', { condition: 'evt.type=open and x.y=1' })
  assert.equal(
    falcoResultText(load([text])),
    `0.yaml: Invalid
1 Errors:
In rules content: (0.yaml:0:0)
    In rule 'r': (0.yaml:0:2)
        In rule condition: (0.yaml:2:13)
            In condition expression: (0.yaml:2:31)
------
condition: evt.type=open and x.y=1
                             ^^^
------
LOAD_ERR_COMPILE_CONDITION (Error compiling condition): unknown field 'x.y' for source 'syscall'
`,
  )
})
test("Falco's text: warnings", () => {
  assert.match(
    falcoResultText(load([list('l', 'a') + rule('r')])),
    /^0.yaml: Ok, with warnings\n1 Warnings:\nIn rules content: .*\n {4}In list 'l': .*LOAD_UNUSED_LIST \(Unused list\): list 'l' is not used\n$/s,
  )
})
test("Falco's text: a file that is not there has one place and no piece", () =>
  assert.equal(
    falcoResultText(loadRules(['/nowhere/r.yaml'], { sources: SOURCES })),
    '/nowhere/r.yaml: Invalid\n1 Errors:\nIn rules content: (/nowhere/r.yaml:0:0)\n' +
      "LOAD_ERR_FILE_READ (File read error): cannot read '/nowhere/r.yaml': no such file or directory\n",
  ))
test("Falco's text: nothing to say", () => assert.equal(falcoResultText(load([rule('r')])), '0.yaml: Ok\n'))

/** What of a file differs from Falco's schema. */
const schema = (what: string, text: string, ...expected: readonly string[]): void =>
  void test(`schema: ${what}`, () => {
    const { files } = load([text])
    assert.deepEqual(files[0]!.schema, expected)
    const [first] = falcoLoadResults(load([text])).falco_load_results as { schema_valid: boolean }[]
    assert.equal(first!.schema_valid, expected.length === 0)
  })
schema('a good file', `${rule('r')}- \n---\n- required_engine_version: 26\n`)
schema('an unknown key', rule('r', { tagz: '[a]' }), "/0: no such key 'tagz'")
schema(
  'a priority in lower case',
  rule('r', { priority: 'error' }),
  '/0/priority: must be one of EMERGENCY, ALERT, CRITICAL, ERROR, WARNING, NOTICE, INFORMATIONAL, DEBUG, INFO',
)
schema('a boolean of YAML 1.1', rule('r', { enabled: 'yes' }), '/0/enabled: must be true or false')
schema(
  'an exception without a name',
  rule('r', { exceptions: '[{fields: a}]' }),
  "/0/exceptions/0: key 'name' is missing",
)
schema('no list', 'a: b', '/: must be a list')
schema('an item that is text', '- x', '/0: must be a map')
schema('an empty override', rule('r', { override: '{}' }), '/0/override: must not be empty')

const EXAMPLE =
  '- required_engine_version: 0.31.0\n- required_plugin_versions: [{name: container, version: 0.2.0}]\n' +
  list('inner', 'x') +
  list('shells', 'bash, inner') +
  macro('m', 'proc.name in (shells)') +
  rule('r', {
    condition: 'evt.type=open and m',
    output: 'by %proc.name and %evt.type',
    tags: '[b, a]',
    exceptions: '[{name: e, fields: [proc.exe], comps: [startswith], values: [[/x]]}]',
  }) +
  rule('s', { desc: 'word '.repeat(20), enabled: 'false', condition: 'evt.type=execve' })
const described = load([EXAMPLE]).describe()
const events = (source: string) => TEST_SOURCES.get(source)!.events

test("Falco's description of one rule", () => {
  assert.deepEqual(falcoDescription(described, events, 'r'), {
    rules: [
      {
        info: {
          name: 'r',
          condition: 'evt.type=open and m',
          description: 'd',
          output: 'by %proc.name and %evt.type',
          enabled: true,
          source: 'syscall',
          priority: 'Informational',
          tags: ['a', 'b'],
        },
        details: {
          macros: ['m'],
          lists: [],
          condition_operators: ['=', 'in', 'startswith'],
          condition_fields: ['evt.type', 'proc.exe', 'proc.name'],
          condition_compiled: '((evt.type = open and proc.name in (bash, x)) and not proc.exe startswith /x)',
          plugins: [],
          output_fields: ['evt.type', 'proc.name'],
          exception_names: ['e'],
          exception_operators: ['startswith'],
          exception_fields: ['proc.exe'],
          events: ['open'],
          output_compiled: 'by %proc.name and %evt.type',
        },
      },
    ],
  })
})
test("Falco's description of everything", () => {
  const all = falcoDescription(described, events) as Record<string, { info: object; details: object }[]>
  assert.equal(all['required_engine_version'] as unknown, '0.31.0')
  assert.deepEqual(all['required_plugin_versions'], [{ name: 'container', version: '0.2.0' }])
  assert.equal(all['rules']!.length, 2)
  assert.deepEqual(all['macros'], [
    {
      info: { name: 'm', condition: 'proc.name in (shells)' },
      details: {
        used: true,
        macros: [],
        lists: ['shells'],
        condition_operators: ['in'],
        condition_fields: ['proc.name'],
        condition_compiled: 'proc.name in (bash, x)',
        plugins: [],
        events: ['connect', 'execve', 'open', 'openat'],
      },
    },
  ])
  assert.deepEqual(all['lists']![1], {
    info: { name: 'shells', items: ['bash', 'inner'] },
    details: { used: true, lists: ['inner'], items_compiled: ['bash', 'x'], plugins: [] },
  })
})
test('the events of a macro are those that it leaves', () => {
  const text =
    macro('m', 'evt.type=open') + macro('n', 'ka.verb=get') + rule('r', { condition: 'm and proc.name=a' })
  const { macros } = load([text]).describe()
  assert.deepEqual(
    macros.map(({ name, parts }) => [name, parts.events]),
    [
      ['m', new Set(['open'])],
      ['n', '*'],
    ],
  )
})
test("Falco's table of rules", () => {
  assert.equal(
    falcoDescriptionText(described),
    `${'Rule'.padEnd(50)} Description
${'----'.padEnd(50)} -----------
${'r'.padEnd(50)} d
${'s'.padEnd(50)} ${'word '.repeat(9)}word
${' '.repeat(50)} ${'word '.repeat(9)}word
`.replace(/ +$/gm, ''),
  )
  assert.match(falcoDescriptionText(described, 'r')!, /\nr +d\n$/)
  assert.equal(falcoDescriptionText(described, 'none'), undefined)
  assert.equal(falcoDescription(described, events, 'none'), undefined)
})
test('rules of a file that failed are not described', () => {
  assert.deepEqual(load([rule('r'), '- x']).describe().rules, [])
})
test('a rule of another language is described by what it compiled to', () => {
  const text =
    '[[rules]]\nid = "a"\nname = "n"\nenabled = true\naction = "alert"\ntype = "file"\nseverity = "high"\npaths = ["/etc"]\noperations = ["*"]\n'
  const result = loadRules([{ path: 'r.toml', text }], { sources: SOURCES })
  assert.deepEqual(
    result.files.flatMap(({ errors }) => errors.map(({ message }) => message)),
    [],
  )
  const [described] = result.describe().rules
  assert.equal(described!.name, 'n')
  assert.equal(printCondition(parseCondition(described!.condition)), described!.parts.compiled)
})
