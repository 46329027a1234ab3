import assert from 'node:assert/strict'
import { mkdirSync, symlinkSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { describe, test } from 'node:test'
import { SOURCES } from '../fields/index.ts'
import { loadRules } from '../rules/load.ts'
import { scratchFolder } from '../testing/scratch.ts'
import { ConfigError, type KeyName } from './keys.ts'
import { ConfigFileError, type LoadConfigOptions, type LoadedConfig, loadConfig } from './load.ts'
import { parseLogFilter } from './log-filter.ts'
import { isSwitchedOn, ruleEnvironment, ruleInputs } from './rule-inputs.ts'
import { originText } from './show.ts'
import { spellingsOf } from './spellings.ts'

const ROOT = join(import.meta.dirname, '..', '..')
const EXAMPLE = join(import.meta.dirname, 'fixtures', 'rand-guard.toml')
const SHIPPED = { rules: join(ROOT, 'rules', 'default'), randGuard: join(ROOT, 'rules', 'rand-guard') }
const dir = scratchFolder('config')

function file(name: string, text: string): string {
  const path = join(dir, name)
  writeFileSync(path, text)
  return path
}

const load = (options: Partial<LoadConfigOptions> = {}): LoadedConfig =>
  loadConfig({ overrides: [], env: {}, ...options })
const from = (loaded: LoadedConfig, key: KeyName): string => originText(loaded.origins.get(key)!)

function failure(work: () => unknown): ConfigFileError {
  try {
    work()
  } catch (error) {
    assert.ok(error instanceof ConfigFileError, String(error))
    return error
  }
  throw new assert.AssertionError({ message: 'accepted' })
}

describe('where values come from', () => {
  const yaml = file('a.yaml', 'health:\n  interval: 5\nlog_level: error\n')

  test('default, file, environment and option, the later the stronger', () => {
    assert.equal(from(load(), 'health.interval'), 'default')
    const loaded = load({ file: yaml, env: { RUST_LOG: 'debug' } })
    assert.equal(from(loaded, 'health.interval'), `${yaml}:2:13`)
    assert.deepEqual([loaded.config.log_level, from(loaded, 'log_level')], ['debug', 'environment RUST_LOG'])
    const over = load({
      file: yaml,
      env: { RUST_LOG: 'debug' },
      overrides: ['log_level=trace', 'health.interval=7'],
    })
    assert.deepEqual([over.config.log_level, from(over, 'log_level')], ['trace', '-o log_level=trace'])
    assert.equal(over.config['health.interval'], 7)
  })
  test('what follows from another key says so', () => {
    const loaded = load({ overrides: ['output.type=file', 'output.path=/tmp/x'] })
    assert.equal(loaded.config['file_output.filename'], '/tmp/x')
    assert.equal(from(loaded, 'file_output.filename'), 'follows from output.type')
    const both = load({ overrides: ['output.type=file', 'output.path=/tmp/x', 'stdout_output.enabled=true'] })
    assert.equal(both.config['stdout_output.enabled'], true)
  })
  test('EDR_CONFIG names the file, and -c comes before it', () => {
    assert.equal(load({ env: { EDR_CONFIG: yaml } }).config['health.interval'], 5)
    assert.equal(load({ env: { EDR_CONFIG: '' } }).file, undefined)
    const other = file('b.yaml', 'health.interval: 6')
    assert.equal(load({ file: other, env: { EDR_CONFIG: yaml } }).config['health.interval'], 6)
  })
  test('EDR_EBPF_OBJECT names the objects', () => {
    const loaded = load({ env: { EDR_EBPF_OBJECT: '/opt/edr' } })
    assert.equal(loaded.config['kernel.objects'], '/opt/edr')
    assert.equal(from(loaded, 'kernel.objects'), 'environment EDR_EBPF_OBJECT')
  })
  test('the ending says the language, --config-format says it better', () => {
    const toml = file('c.conf', '[health]\ninterval = 8\n')
    assert.equal(load({ file: toml, format: 'toml' }).config['health.interval'], 8)
    assert.ok(failure(() => load({ file: toml })))
  })
  test('rule files are named from where the configuration is', () => {
    const { config } = load({ file: file('d.yaml', 'rules_files: [mine, /abs/x.yaml]') })
    assert.deepEqual(config.rules_files, [join(dir, 'mine'), '/abs/x.yaml'])
  })
})

describe('mistakes', () => {
  test('a key in two ways', () => {
    const [error] = failure(() =>
      load({ file: file('e.yaml', 'health.interval: 1\nhealth: { interval: 2 }') }),
    ).diagnostics
    assert.equal(
      `${error?.span.line}:${error?.span.column} ${error?.message}`,
      '2:21 health.interval is set twice',
    )
    assert.match(error?.hint ?? '', /1:18/)
  })
  test('keys that do not go together are reported where the file says so', () => {
    const [error] = failure(() => load({ file: file('f.yaml', 'output:\n  type: file\n') })).diagnostics
    assert.equal(`${error?.span.line}:${error?.span.column}`, '2:9')
    assert.match(error?.message ?? '', /output\.path is empty/)
    assert.throws(() => load({ overrides: ['output.type=file'] }), ConfigError)
  })
  test('files that cannot be read', () => {
    for (const [name, word] of [
      [join(dir, 'none.yaml'), /no such file/],
      [dir, /is a directory/],
      ['/dev/zero', /larger than/],
    ] as const)
      assert.match(failure(() => load({ file: name })).message, word)
    const path = join(dir, 'latin.toml')
    writeFileSync(path, Buffer.from([0x61, 0xe9, 0x3d]))
    const [error] = failure(() => load({ file: path })).diagnostics
    assert.match(error?.message ?? '', /not UTF-8: unexpected byte 0xe9/)
    assert.equal(error?.span.column, 2)
  })
  test('variables and options', () => {
    assert.throws(() => load({ env: { RUST_LOG: 'loud' } }), /RUST_LOG.*'loud'/)
    assert.throws(() => load({ overrides: ['telemetry.hooks.file=open,opne'] }), /'opne'/)
    assert.throws(() => load({ overrides: ['health.interval=-1'] }), /'-1'/)
  })
})

test('the example has nothing to warn about', () => assert.deepEqual(load({ file: EXAMPLE }).warnings, []))

test('log filters of tracing', () => {
  const level = (filter: string): string => {
    const found = parseLogFilter(filter)
    return 'level' in found ? found.level : found.problem
  }
  const cases = [
    ['info', 'info'],
    ['WARN', 'warning'],
    ['off', 'error'],
    ['tarsier=trace,warn', 'trace'],
    ['rand_guard::loader=debug', 'debug'],
    ['hyper=debug', 'error'],
    ['hyper=whatever,info', 'info'],
    ['loud', "'loud' is not a level"],
    ['constructor', "'constructor' is not a level"],
  ]
  for (const [filter, expected] of cases) assert.equal(level(filter!), expected, filter)
  assert.match(level(','.repeat(100)), /more than 64/)
})

test('1.1.12: a path counts in every spelling that links give it', () => {
  const links = {
    realpath: (path: string) =>
      new Map([
        ['/', '/'],
        ['/bin', '/usr/bin'],
        ['/usr/bin', '/usr/bin'],
        ['/etc', '/etc'],
        ['/var/run', '/run'],
        ['/run', '/run'],
      ]).get(path),
    known: [
      { from: '/bin', to: '/usr/bin' },
      { from: '/var/run', to: '/run' },
      { from: '/all', to: '/' },
    ],
  }
  const cases: readonly (readonly [string, readonly string[]])[] = [
    ['/bin', ['/usr/bin']],
    ['/usr/bin', ['/bin']],
    ['/bin/new/x', ['/usr/bin/new/x']],
    ['/usr/bin/ls', ['/bin/ls']],
    ['/usr/binx', []],
    ['/var/run/x', ['/run/x']],
    ['/etc/passwd', []],
    ['/', []],
  ]
  for (const [path, expected] of cases) assert.deepEqual(spellingsOf(path, links), expected, path)
})

describe('rules of a configuration', () => {
  const rulesOf = (loaded: LoadedConfig, given: readonly string[] = []) => {
    const result = loadRules(ruleInputs(loaded, given, SHIPPED), {
      sources: SOURCES,
      ...ruleEnvironment(loaded.file?.name, SHIPPED),
    })
    assert.deepEqual(
      result.files.flatMap(({ errors, warnings }) => [...errors, ...warnings]),
      [],
    )
    return result.rules.filter((rule) => isSwitchedOn(rule, loaded)).map(({ meta, name }) => meta?.id ?? name)
  }

  test('the example: built-in rules, its detections and rules; none of the network, which it switches off', () => {
    assert.deepEqual(rulesOf(load({ file: EXAMPLE })), [
      'BUILTIN-FILE-SYSTEMD-001',
      'BUILTIN-FILE-CRON-001',
      'systemd_service_modified',
      'cron_modified',
      'PROC-001',
      'FILE-001',
    ])
  })
  test('1.1.12: rules.d beside the configuration is loaded', () => {
    const home = join(dir, 'home')
    mkdirSync(join(home, 'rules.d'), { recursive: true })
    const path = join(home, 'config.toml')
    writeFileSync(path, '[health]\ninterval = 5\n')
    const rule =
      'enabled = true\ntype = "process"\nseverity = "low"\naction = "alert"\nprocess_names = ["nc"]\n'
    writeFileSync(
      join(home, 'rules.d', 'sample-rules.toml'),
      `[[rules]]\nid = "PROC-002"\nname = "n"\n${rule}`,
    )
    assert.deepEqual(rulesOf(load({ file: path })), ['PROC-002'])
    writeFileSync(path, `[[rules]]\nid = "PROC-009"\nname = "m"\n${rule}`)
    assert.deepEqual(rulesOf(load({ file: path })), ['PROC-009', 'PROC-002'])
    assert.deepEqual(rulesOf(load({ file: path, overrides: ['builtin_rules=on'] })).slice(-2), [
      'PROC-009',
      'PROC-002',
    ])
  })
  test('-r stands in the place of all', () => {
    assert.deepEqual(ruleInputs(load({ file: EXAMPLE }), ['x.yaml'], SHIPPED), ['x.yaml'])
  })
  test('without rules of its own a configuration has the shipped ones', () => {
    assert.deepEqual(ruleInputs(load(), [], SHIPPED), [SHIPPED.rules])
    assert.deepEqual(ruleInputs(load({ overrides: ['rules_files=/a,/b'] }), [], SHIPPED), ['/a', '/b'])
  })
  test('1.1.12: a rule for /bin covers /usr/bin where the one leads to the other', () => {
    const target = join(dir, 'real')
    mkdirSync(target)
    symlinkSync(target, join(dir, 'link'))
    const { spellings } = ruleEnvironment(undefined, SHIPPED)
    assert.ok(spellings!(join(dir, 'link')).includes(target))
  })
})
