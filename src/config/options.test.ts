/** `-o`: whole values, parts of them, and keys of Falco. */
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { effective } from './effective.ts'
import { type Config, ConfigError } from './keys.ts'
import { APPEND, parsePath } from './option-path.ts'
import { readOptions } from './options.ts'

const config = (...options: readonly string[]): Config => effective(readOptions(options).settings).config
const refused = (message: RegExp, ...options: readonly string[]): void =>
  assert.throws(
    () => readOptions(options),
    (error: ConfigError) => {
      assert.ok(error instanceof ConfigError, String(error))
      assert.match(`${error.message} ${error.hint ?? ''}`, message)
      return true
    },
  )

const PATHS: readonly (readonly [string, readonly (string | number)[]])[] = [
  ['a', ['a']],
  ['a.b.c', ['a', 'b', 'c']],
  ['a[1]', ['a', 1]],
  ['a[]', ['a', APPEND]],
  ['a.b[1].c', ['a', 'b', 1, 'c']],
  ['a[1][2]', ['a', 1, 2]],
  ['a\\.b.c', ['a.b', 'c']],
  ['a\\[1\\]', ['a[1]']],
]
for (const [path, steps] of PATHS) test(`the place ${path}`, () => assert.deepEqual(parsePath(path), steps))

for (const path of ['', '.', 'a.', '.a', 'a..b', 'a[x]', 'a[1', 'a[1]b', '[1]', 'a[-1]', 'a[1].'])
  test(`no place: '${path}'`, () => assert.throws(() => parsePath(path), /not a place/))

test('parts of lists', () => {
  const files = (...options: readonly string[]): unknown => config(...options).rules_files
  assert.deepEqual(files('rules_files=a,b', 'rules_files[]=c'), ['a', 'b', 'c'])
  assert.deepEqual(files('rules_files=a,b', 'rules_files[0]=c'), ['c', 'b'])
  assert.deepEqual(files('rules_files[0]=a'), ['a'])
  assert.deepEqual(files('rules_files=[a, "b,c"]'), ['a', 'b,c'])
  refused(/rules_files: it has 1 elements/, 'rules_files=a', 'rules_files[2]=b')
  refused(/json_output has no parts/, 'json_output[0]=true')
})

test('parts of structures', () => {
  assert.deepEqual(config('rules[].disable.rule=*', 'rules[].enable.tag=network').rules, [
    { enabled: false, by: 'name', pattern: '*' },
    { enabled: true, by: 'tag', pattern: 'network' },
  ])
  assert.deepEqual(config('rules=[{disable: {rule: "*"}}]', 'rules[0].disable.rule=A*').rules, [
    { enabled: false, by: 'name', pattern: 'A*' },
  ])
  assert.deepEqual(config('append_output[]={"extra_output": "cpu %evt.cpu"}').append_output, [
    { match: {}, extraOutput: 'cpu %evt.cpu', extraFields: [], suggestedOutput: false },
  ])
  assert.deepEqual(config('static_fields.site=here', 'static_fields.rack=7').static_fields, {
    site: 'here',
    rack: '7',
  })
  refused(/rules\[0\]\.disable: unknown key 'tagg'/, 'rules[].disable.tagg=x')
  refused(/static_fields\.a: it is not a map/, 'static_fields.a=x', 'static_fields.a.b=y')
})

test('groups as YAML', () => {
  const all = config('engine={kind: kmod, kmod: {buf_size_preset: 2}}')
  assert.deepEqual([all['engine.kind'], all['kernel.ring_bytes.bulk']], ['kmod', 2 << 20])
  refused(/group of keys/, 'engine=kmod')
  refused(/not YAML/, 'rules=[')
})

test('keys of Falco that are not served are said, unknown ones refused', () => {
  const { warnings } = readOptions(['log_syslog=true', 'load_plugins[]=json'])
  assert.deepEqual(
    warnings.map(({ code, message }) => [code, message.split(' ')[0]]),
    [
      ['CONFIG_NOT_SERVED', 'log_syslog'],
      ['CONFIG_NOT_SERVED', 'load_plugins'],
    ],
  )
  refused(/'webserver\.port'/, 'webserver.port=1')
  refused(/unknown configuration key '__proto__'/, '__proto__=1')
  refused(/KEY=VALUE/, 'json_output')
})

test('a map keeps a key named __proto__ to itself', () => {
  refused(/unknown key '__proto__'/, 'rules[].__proto__.rule=x')
  assert.equal(({} as { rule?: string }).rule, undefined)
})
