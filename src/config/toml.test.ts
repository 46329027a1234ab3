/** rand-guard's configuration: taken whole, judged as the original did, and every key with a meaning. */
import assert from 'node:assert/strict'
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { describe, test } from 'node:test'
import { sourceFile } from '../rules/passes/mapped-text.ts'
import { effective } from './effective.ts'
import type { Config } from './keys.ts'
import { readTomlConfig } from './toml.ts'

const EXAMPLE = readFileSync(join(import.meta.dirname, 'fixtures', 'rand-guard.toml'), 'utf8')

const read = (text: string) => readTomlConfig(sourceFile('config.toml', text))

/** The example with lines replaced: `line` is the beginning of one, the first below the header of its table. */
function changed(...edits: readonly (readonly [table: string, line: string, replacement: string])[]): string {
  const lines = EXAMPLE.split('\n')
  for (const [table, line, replacement] of edits) {
    const start = lines.indexOf(`[${table}]`)
    const at = lines.findIndex((text, i) => i > start && text.startsWith(line))
    assert.ok(start >= 0 && at >= 0, `${table}.${line}`)
    lines[at] = replacement
  }
  return lines.join('\n')
}

function config(text: string): Config {
  const { errors, settings } = read(text)
  assert.deepEqual(errors, [])
  return effective(settings).config
}

/** The first error is at the place of `needle` in the text, and says all words. */
function refused(text: string, needle: string, ...words: readonly RegExp[]): void {
  const [error] = read(text).errors
  assert.ok(error, 'accepted')
  const before = text.slice(0, text.indexOf(needle)).split('\n')
  const place = `${before.length}:${before.at(-1)!.length + 1}`
  assert.equal(`${error.span.line}:${error.span.column}`, place, error.message)
  for (const word of words) assert.match(`${error.message} ${error.hint ?? ''}`, word)
}

test('the example configuration is taken unchanged', () => {
  const { errors, warnings, format, ruleTypes, hasRules } = read(EXAMPLE)
  assert.deepEqual([errors, warnings], [[], []])
  assert.deepEqual([format, ruleTypes, hasRules], ['rand-guard', ['process', 'file'], true])
})

test('every key of the example arrives', () => {
  const all = config(EXAMPLE)
  const expected: Partial<Config> = {
    'agent.id': 'dev-host-001',
    'agent.mode': 'detect',
    log_level: 'info',
    'kernel.ring_bytes.bulk': 4 << 20,
    'telemetry.process': true,
    'telemetry.file': true,
    'telemetry.network': false,
    'telemetry.hooks.process': ['execve', 'fork', 'exit', 'execveat'],
    'telemetry.hooks.file': ['openat', 'openat2', 'write', 'rename', 'renameat2', 'unlink', 'unlinkat'],
    'telemetry.hooks.network': ['connect', 'bind', 'listen'],
    'telemetry.watch_paths': ['/etc', '/usr/bin', '/bin'],
    'telemetry.watch_patterns': ['*.service'],
    'telemetry.exclude_paths': ['/var/log', '/tmp', '/proc', '/sys'],
    'telemetry.collect_args': false,
    'telemetry.collect_env': false,
    'telemetry.collect_cwd': false,
    'telemetry.collect_dns': false,
    'telemetry.collect_payload': false,
    'output.type': 'stdout',
    'output.format': 'rand-guard',
    'limits.max_events_per_second': 5000,
    'limits.drop_when_full': true,
    'limits.max_processes': 5000,
    rule_matching: 'all',
  }
  for (const [key, value] of Object.entries(expected)) assert.deepEqual(all[key as keyof Config], value, key)
})

test('the packaged configuration with its longer lists is taken as well', () => {
  config(
    changed(
      ['agent', 'id', 'id = "rand-guard-host"'],
      [
        'file',
        'hooks',
        'hooks = ["openat", "openat2", "write", "writev", "pwrite64", "rename", "renameat", "renameat2", "unlink", "unlinkat"]',
      ],
      ['file', 'watch_paths', 'watch_paths = ["/etc", "/usr/bin", "/bin", "/usr/local/bin"]'],
      ['file', 'watch_patterns', 'watch_patterns = ["*.service", "crontab"]'],
      ['file', 'exclude_paths', 'exclude_paths = ["/var/log", "/tmp", "/proc", "/sys", "/dev"]'],
    ),
  )
})

describe('1.1.12: keys the original ignored have a meaning', () => {
  const ring = (records: number | string): number =>
    config(changed(['ebpf', 'buffer_size', `buffer_size = ${records}`]))['kernel.ring_bytes.bulk']

  test('buffer_size: records, rounded up to a ring, never below the floor', () => {
    assert.equal(ring(0), 65_536)
    assert.equal(ring(1), 65_536)
    assert.equal(ring(128), 65_536)
    assert.equal(ring(129), 131_072)
    assert.equal(ring(8192), 4 << 20)
    assert.equal(ring('1_048_576'), 512 << 20)
  })
  test('buffer_size: bounded', () => {
    const text = changed(['ebpf', 'buffer_size', 'buffer_size = 4294967295'])
    refused(text, '4294967295', /0 to 1048576 \(records\)/, /'4294967295'/)
  })
  test('drop_when_full', () => {
    const text = changed(['performance', 'drop_when_full', 'drop_when_full = false'])
    assert.equal(config(text)['limits.drop_when_full'], false)
  })
  test('mode', () => {
    assert.equal(config(changed(['agent', 'mode', 'mode = "monitor"']))['agent.mode'], 'monitor')
  })
  test('output path: a file instead of standard output', () => {
    const all = config(changed(['output', 'type', 'type = "file"\npath = "/var/log/x.ndjson"']))
    assert.deepEqual(
      [all['stdout_output.enabled'], all['file_output.enabled'], all['file_output.filename']],
      [false, true, '/var/log/x.ndjson'],
    )
  })
  test('collect_args, collect_env, collect_cwd, collect_dns, collect_payload may be true', () => {
    const all = config(
      changed(
        ['process', 'collect_args', 'collect_args = true'],
        ['process', 'collect_env', 'collect_env = true'],
        ['process', 'collect_cwd', 'collect_cwd = true'],
        ['network', 'collect_dns', 'collect_dns = true'],
        ['network', 'collect_payload', 'collect_payload = true'],
      ),
    )
    for (const name of ['args', 'env', 'cwd', 'dns', 'payload'] as const)
      assert.equal(all[`telemetry.collect_${name}`], true, name)
  })
  test('max_process_cache_entries: 5000 without it, never less than 1024', () => {
    const line = 'max_process_cache_entries'
    assert.equal(config(changed(['performance', line, '']))['limits.max_processes'], 5000)
    assert.equal(config(changed(['performance', line, `${line} = 7`]))['limits.max_processes'], 1024)
    assert.equal(config(changed(['performance', line, `${line} = 90000`]))['limits.max_processes'], 90_000)
  })
  test('log_level takes directives of tracing', () => {
    const level = (filter: string): string =>
      config(changed(['agent', 'log_level', `log_level = "${filter}"`])).log_level
    assert.equal(level('warn'), 'warning')
    assert.equal(level('hyper=trace,rand_guard=debug,error'), 'debug')
    assert.equal(level('hyper=trace'), 'error')
  })
})

describe('refused as the original did, with the place', () => {
  test('unknown keys of each table', () => {
    for (const [table, line] of [
      ['agent', 'id'],
      ['ebpf', 'enabled'],
      ['events', 'process'],
      ['process', 'enabled'],
      ['file', 'enabled'],
      ['network', 'enabled'],
      ['output', 'type'],
      ['performance', 'drop_when_full'],
    ] as const) {
      const old = EXAMPLE.split('\n').find(
        (text, i, all) => text.startsWith(line) && i > all.indexOf(`[${table}]`),
      )!
      refused(
        changed([table, line, `${old}\nsurprise = 1`]),
        'surprise',
        /'surprise'/,
        new RegExp(`\\[${table}\\]`),
      )
    }
  })
  test('a misspelt key, with the right one', () => {
    refused(
      changed(['file', 'exclude_paths', 'exclude_path = []\nexclude_paths = []']),
      'exclude_path =',
      /did you mean 'exclude_paths'/,
    )
  })
  test('each table is required, and each key without a default', () => {
    for (const table of ['agent', 'ebpf', 'events', 'process', 'file', 'network', 'output', 'performance']) {
      const { errors } = read(EXAMPLE.replace(`[${table}]`, `[kernel]\nenv = "on"\n[x${table}]`))
      assert.ok(
        errors.some(({ message }) => message === `table [${table}] is missing`),
        table,
      )
    }
    refused(changed(['file', 'watch_paths', '']), '[file]', /no 'watch_paths'/)
    assert.deepEqual(read(changed(['file', 'watch_patterns', ''])).errors, [])
  })
  test('rules and detections may be missing', () => {
    assert.deepEqual(read(EXAMPLE.replace(/\[\[rules\]\][\s\S]*(?=\[output\])/, '')).errors, [])
  })
  test('values', () => {
    refused(changed(['agent', 'mode', 'mode = "block"']), '"block"', /monitor, detect/, /'block'/)
    refused(changed(['agent', 'log_level', 'log_level = "loud"']), '"loud"', /'loud'/, /trace, debug/)
    refused(changed(['ebpf', 'buffer_size', 'buffer_size = "8k"']), '"8k"', /whole number/, /without quotes/)
    refused(changed(['ebpf', 'buffer_size', 'buffer_size = -1']), '-1', /'-1'/)
    refused(changed(['events', 'file', 'file = "true"']), '"true"', /true or false/, /without quotes/)
    refused(changed(['file', 'hooks', 'hooks = ["openat", "opanat2"]']), '"opanat2"', /'openat2'/)
    refused(changed(['file', 'watch_paths', 'watch_paths = ["/etc", "usr"]']), '"usr"', /'usr'/, /begin with/)
    refused(changed(['output', 'format', 'format = "xml"']), '"xml"', /json/, /'xml'/)
    refused(changed(['output', 'type', 'type = 3']), '3\n', /stdout, file/)
    refused(changed(['performance', 'max_events', 'max_events_per_second = 1.5']), '1.5', /whole number/)
  })
  test('ebpf.enabled and events.process must be true', () => {
    refused(changed(['ebpf', 'enabled', 'enabled = false']), 'false', /nothing to run without/)
    refused(
      changed(['events', 'process', 'process = false'], ['process', 'enabled', 'enabled = false']),
      'false',
      /process events are always needed/,
    )
  })
  test('events and sections must agree', () => {
    refused(
      changed(['events', 'network', 'network = true # x']),
      'true # x',
      /events\.network is true/,
      /network\.enabled is false/,
      /line 33/,
    )
    refused(changed(['file', 'enabled', 'enabled = false']), 'true\nnetwork', /events\.file is true/)
  })
  test('a file to write to needs a name', () => {
    const { settings } = read(changed(['output', 'type', 'type = "file"']))
    assert.throws(() => effective(settings), /output\.path is empty/)
  })
  test('a path that is not used is pointed out', () => {
    const { warnings } = read(changed(['output', 'type', 'type = "stdout"\npath = "/x"']))
    assert.match(warnings[0]?.message ?? '', /output\.path is '\/x'/)
  })
  test('no TOML', () => {
    const [error] = read('[agent]\nid = "a" "b"\n').errors
    assert.deepEqual([error?.code, error?.span.line, error?.span.column], ['CONFIG_ERR_PARSE', 2, 10])
  })
})

describe('our keys in TOML', () => {
  test('as tables, nested tables and dotted names, beside the others or alone', () => {
    const ours =
      '[kernel.ring_bytes]\ncritical = "2m"\n[health]\ninterval = 5\n[telemetry]\nhooks.file = ["write"]\n'
    for (const text of [ours, `json_output = true\n${ours}`]) assert.equal(config(text)['health.interval'], 5)
    assert.equal(config(ours)['kernel.ring_bytes.critical'], 2 << 20)
    assert.deepEqual(config(ours)['telemetry.hooks.file'], ['write'])
    assert.equal(config(`${EXAMPLE}\n[health]\ninterval = 5`)['health.interval'], 5)
    assert.equal(
      config(changed(['agent', 'id', 'id = "x"\nlock_file = "/tmp/l"']))['agent.lock_file'],
      '/tmp/l',
    )
  })
  test('a file of our keys alone needs no table', () => {
    assert.equal(read('').format, 'toml')
    assert.equal(read('[output]\ntype = "stdout"').format, 'toml')
    assert.equal(config('').rule_matching, 'first')
  })
  test('unknown ones are refused', () => {
    refused('[healht]\ninterval = 1', 'healht', /'healht'/, /'health'/)
    refused('[health]\nintervall = 1', 'intervall', /'health\.interval'/)
    refused('jsn_output = true', 'jsn', /'json_output'/)
    refused('[__proto__]\nx = 1', '__proto__', /unknown/)
    refused('[health.interval]\nx = 1', 'interval', /unknown/)
  })
})
