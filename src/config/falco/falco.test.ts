// biome-ignore-all lint/suspicious/noTemplateCurlyInString: variables are written like that in a falco.yaml
/** falco.yaml: what of it is served, merged, substituted and reported. */
import assert from 'node:assert/strict'
import { existsSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { describe, test } from 'node:test'
import { scratchFolder } from '../../testing/scratch.ts'
import type { Config } from '../keys.ts'
import { ConfigFileError, type LoadConfigOptions, type LoadedConfig, loadConfig } from '../load.ts'
import { keyNamed } from '../yaml.ts'
import { FALCO_KEYS } from './keys.ts'
import { warningLines } from './read-key.ts'
import { substituteText } from './substitute.ts'

const SHARED = join(import.meta.dirname, '../../../../shared/data/falco')
const DEFAULT = join(SHARED, 'falco-0.44-default.yaml')
const SCHEMA = join(SHARED, 'config-schema.json')
const missing = (file: string): string | false => !existsSync(file) && `${file} is missing`

const dir = scratchFolder('falco')

let count = 0
/** A file below a folder of its own, with others beside it. */
function falcoYaml(text: string, beside: Readonly<Record<string, string>> = {}): string {
  const folder = join(dir, String(count++))
  for (const [name, content] of Object.entries({ ...beside, 'falco.yaml': text })) {
    mkdirSync(dirname(join(folder, name)), { recursive: true })
    writeFileSync(join(folder, name), content)
  }
  return join(folder, 'falco.yaml')
}

const load = (file: string, more: Partial<LoadConfigOptions> = {}): LoadedConfig =>
  loadConfig({ file, overrides: [], env: {}, ...more })
const config = (text: string, more?: Partial<LoadConfigOptions>): Config => load(falcoYaml(text), more).config
const lines = (text: string): readonly string[] => warningLines(load(falcoYaml(text)).warnings)

function refused(text: string, place: string, message: RegExp, beside?: Readonly<Record<string, string>>) {
  assert.throws(
    () => load(falcoYaml(text, beside)),
    (error: ConfigFileError) => {
      assert.ok(error instanceof ConfigFileError, String(error))
      const [problem] = error.diagnostics
      assert.equal(`${problem?.span.line}:${problem?.span.column}`, place, problem?.message)
      assert.match(`${problem?.message} ${problem?.hint ?? ''}`, message)
      return true
    },
  )
}

describe('the file that comes with Falco 0.44', () => {
  test('is taken without an error, and what is not served is said once by name', {
    skip: missing(DEFAULT),
  }, () => {
    const loaded = load(DEFAULT)
    assert.equal(loaded.format, 'falco')
    assert.deepEqual(loaded.config.rules_files, [
      '/etc/falco/falco_rules.yaml',
      '/etc/falco/falco_rules.local.yaml',
      '/etc/falco/rules.d',
    ])
    assert.equal(loaded.config['kernel.ring_bytes.bulk'], 8 << 20)
    assert.equal(loaded.config['limits.max_processes'], 262_144)
    const last = warningLines(loaded.warnings).at(-1)
    assert.match(last ?? '', /^not served: log_syslog /)
  })
  test('every key of its schema is known', { skip: missing(SCHEMA) }, () => {
    type Part = { readonly $ref?: string; readonly properties?: Readonly<Record<string, Part>> }
    const schema = JSON.parse(readFileSync(SCHEMA, 'utf8')) as Part & { definitions: Record<string, Part> }
    const unknown: string[] = []
    const visit = (part: Part, name: string): void => {
      if (part.$ref !== undefined) visit(schema.definitions[part.$ref.replace('#/definitions/', '')]!, name)
      else if (part.properties === undefined || keyNamed(name) !== undefined) {
        if (keyNamed(name) === undefined && name !== 'config_files') unknown.push(name)
      } else
        for (const [key, below] of Object.entries(part.properties))
          visit(below, name === '' ? key : `${name}.${key}`)
    }
    visit(schema, '')
    assert.deepEqual(unknown, [])
  })
})

describe('variables of the environment', () => {
  const env = { A: 'one', B: 'two', DOLLAR: '${A}' }
  const cases: readonly (readonly [string, string])[] = [
    ['${A}', 'one'],
    ['x${A}y${B}z', 'xoneytwoz'],
    ['${UNSET}', ''],
    ['a${UNSET}b', 'ab'],
    ['$${A}', '${A}'],
    ['$${A} ${A}', '${A} one'],
    ['$A', '$A'],
    ['${A', '${A'],
    ['${}', ''],
    ['${DOLLAR}', '${A}'],
    ['plain', 'plain'],
  ]
  for (const [written, expected] of cases)
    test(`${written} is '${expected}'`, () => assert.equal(substituteText(written, env), expected))
  test('in any value, never in a key', () => {
    const { priority, rules_files } = config('priority: ${P}\nrules_files: ["${F}", /b]', {
      env: { P: 'error', F: '/a' },
    })
    assert.deepEqual([priority, rules_files], ['error', ['/a', '/b']])
    refused('priority: debug\n${P}: 1', '2:1', /unknown configuration key/)
  })
  test('a value that becomes empty leaves the default, which is said', () => {
    assert.equal(config('priority: ${UNSET}').priority, 'debug')
    assert.match(lines('priority: ${UNSET}')[0]!, /falco\.yaml:1: priority is empty/)
    assert.deepEqual(lines('priority:'), [])
  })
  test('not in a file without a key of Falco', () => {
    assert.equal(config('agent.id: ${A}', { env })['agent.id'], '${A}')
  })
})

describe('config_files', () => {
  const MAIN = 'priority: error\nrules_files: [/a]\nfile_output: { enabled: false, filename: /x }\n'
  const merged = (strategy: string, above: string): Config =>
    load(
      falcoYaml(`config_files:\n  - path: more.yaml\n    strategy: ${strategy}\n${MAIN}`, {
        'more.yaml': above,
      }),
    ).config
  const ABOVE = 'priority: alert\nrules_files: [/b]\njson_output: true\nfile_output: { keep_alive: true }\n'
  const cases: readonly (readonly [string, string, readonly string[], string])[] = [
    ['append', 'alert', ['/a', '/b'], ''],
    ['override', 'alert', ['/b'], ''],
    ['add-only', 'error', ['/a'], '/x'],
  ]
  for (const [strategy, priority, files, filename] of cases)
    test(`${strategy}: by top-level keys`, () => {
      const all = merged(strategy, ABOVE)
      assert.deepEqual(
        [all.priority, all.rules_files, all.json_output, all['file_output.filename']],
        [priority, files, true, filename],
      )
    })
  test('a directory stands for its YAML files in alphabetical order, appended', () => {
    const file = falcoYaml('config_files: [config.d]\nrules_files: [/a]', {
      'config.d/20.yml': 'rules_files: [/c]',
      'config.d/10.yaml': 'rules_files: [/b]',
      'config.d/notes.txt': 'no: yaml',
    })
    const loaded = load(file)
    assert.deepEqual(loaded.config.rules_files, ['/a', '/b', '/c'])
    assert.deepEqual(
      loaded.files.map(({ name }) => name.slice(dirname(file).length + 1)),
      ['falco.yaml', 'config.d/10.yaml', 'config.d/20.yml'],
    )
  })
  test('a file that is not there is said', () =>
    assert.match(
      lines('config_files: [/nonexistent/config.d]')[0]!,
      /'\/nonexistent\/config\.d', which does not/,
    ))
  test('mistakes have their place in the file they are in', () => {
    const beside = { 'more.yaml': 'priority: error\nconfig_files: [x.yaml]' }
    refused('config_files: [more.yaml]', '2:1', /itself included/, beside)
    refused('config_files: [more.yaml]', '1:1', /unknown configuration key 'prioritty'.*'priority'/, {
      'more.yaml': 'prioritty: error',
    })
    refused('config_files:\n  - path: a\n    strategy: mix', '3:15', /append, override, add-only, not 'mix'/)
    refused('config_files:\n  - strategy: append', '2:5', /no path/)
    refused('config_files: [[a]]', '1:16', /path and strategy/)
  })
})

describe('keys', () => {
  test('those we do not serve are named once, when they ask for something', () => {
    assert.deepEqual(lines('http_output: { enabled: true, url: "http://x", echo: false }'), [])
    assert.match(lines('outputs_queue: { capacity: 5 }')[0]!, /^not served: outputs_queue\.capacity \(/)
    assert.match(lines('outputs: { rate: 1, max_burst: 10 }')[0]!, /^not served: outputs\.rate \(/)
    assert.match(lines('load_plugins: [k8saudit, json]\nplugins: []')[0]!, /not served: load_plugins /)
    assert.deepEqual(lines('load_plugins: [container]'), [])
    assert.deepEqual(lines('file_output: { enabled: true, keep_alive: false, filename: /x }'), [])
    assert.match(
      lines('grpc: { enabled: true }\nbase_syscalls: { custom_set: [clone], repair: true }')[0]!,
      /not served: grpc, base_syscalls\.custom_set /,
    )
  })
  test("values stay the truth, whosever the configuration is, until compat says Falco's", () => {
    const file = falcoYaml('json_output: true')
    assert.equal(load(file, { falco: dirname(file) }).config.compat, 'none')
    assert.equal(load(file, { overrides: ['compat=falco'] }).config.compat, 'falco')
    assert.equal(config('json_output: true\ncompat: falco').compat, 'falco')
  })
  test('those of neither are refused, with the nearest name', () => {
    refused('json_output: true\nhttp_output: { ulr: x }', '2:16', /'http_output\.ulr'.*'http_output\.url'/)
    refused('json_otput: true', '1:1', /'json_output'/)
    refused('webserver: { enabled: perhaps }', '1:23', /true or false, not 'perhaps'/)
    refused('metrics: true', '1:10', /group of keys/)
  })
  test('of ours may stand beside them', () => {
    const all = config('json_output: true\nhealth: { interval: 7 }')
    assert.deepEqual([all.json_output, all['health.interval']], [true, 7])
  })
  test('rules', () => {
    const rules = (text: string): unknown => config(`rules:\n${text}`).rules
    assert.deepEqual(rules('  - disable: { rule: "*" }\n  - enable: { tag: network }'), [
      { enabled: false, by: 'name', pattern: '*' },
      { enabled: true, by: 'tag', pattern: 'network' },
    ])
    assert.deepEqual(rules(''), [])
    refused(
      'rules: [{ disable: { name: x } }]',
      '1:8',
      /rules\[0\]\.disable: unknown key 'name'; there are rule, tag/,
    )
    refused('rules: [{}]', '1:8', /rules\[0\]: enable or disable is missing/)
    refused('rules: [{ enable: {} }]', '1:8', /rules\[0\]\.enable: rule or tag is missing/)
  })
  test('the size of buffers, for the engine that is chosen', () => {
    const ring = (kind: string, preset: string): number =>
      config(
        `engine: { kind: ${kind}, modern_ebpf: { buf_size_preset: ${preset} }, kmod: { buf_size_preset: 1 } }`,
      )['kernel.ring_bytes.bulk']
    assert.equal(ring('modern_ebpf', '4'), 8 << 20)
    assert.equal(ring('modern_ebpf', '10'), 512 << 20)
    assert.equal(ring('kmod', '4'), 1 << 20)
    assert.equal(config('engine: { kind: modern_ebpf }')['kernel.ring_bytes.bulk'], 4 << 20)
    assert.equal(
      config('engine.modern_ebpf.buf_size_preset: 4', { overrides: ['kernel.ring_bytes.bulk=64k'] })[
        'kernel.ring_bytes.bulk'
      ],
      65_536,
    )
  })
  test('words of Falco for levels', () => {
    assert.equal(config('log_level: critical').log_level, 'error')
    assert.equal(config('log_level: notice').log_level, 'warning')
    assert.equal(config('priority: INFO').priority, 'informational')
  })
  test('older spellings', () => {
    assert.deepEqual(config('rules_file: [/a, /b]').rules_files, ['/a', '/b'])
    assert.deepEqual(config('rules_file: /a').rules_files, ['/a'])
    refused('rules_file: [/a]\nrules_files: [/b]', '2:14', /set twice/)
  })
  test('none of Falco alone has the name of one of ours', () =>
    assert.deepEqual(
      Object.keys(FALCO_KEYS).filter((name) => 'ours' in keyNamed(name)!),
      [],
    ))
})

describe('--falco', () => {
  const usual = (files: readonly string[], text?: string): LoadedConfig => {
    const folder = join(dir, String(count++))
    mkdirSync(folder)
    for (const name of files)
      if (name === 'rules.d') mkdirSync(join(folder, name))
      else writeFileSync(join(folder, name), '[]')
    if (text !== undefined) writeFileSync(join(folder, 'falco.yaml'), text)
    const loaded = loadConfig({ falco: folder, overrides: [], env: {} })
    const names = loaded.config.rules_files.map((path) => path.replace(`${folder}/`, ''))
    return { ...loaded, config: { ...loaded.config, rules_files: names } }
  }
  test('the usual rules that are there, in the order of Falco', () => {
    const all = ['rules.d', 'falco_rules.local.yaml', 'falco_rules.yaml']
    assert.deepEqual(usual(all).config.rules_files, ['falco_rules.yaml', 'falco_rules.local.yaml', 'rules.d'])
    assert.deepEqual(usual(['rules.d'], 'json_output: true').config.rules_files, ['rules.d'])
  })
  test('its falco.yaml comes before them', () => {
    const { config: all, format } = usual(['falco_rules.yaml'], 'json_output: true\nrules_files: [mine.yaml]')
    assert.deepEqual([all.json_output, all.rules_files, format], [true, ['mine.yaml'], 'falco'])
  })
  test('nothing there is wrong usage', () => assert.throws(() => usual([]), /no files of Falco in/))
})
