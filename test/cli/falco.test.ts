/** `tarsier run` with the options of `falco`, as somebody who knows them types them. */
import assert from 'node:assert/strict'
import { spawn, spawnSync } from 'node:child_process'
import { existsSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { test } from 'node:test'
import { marker, NEEDS_ROOT, openFolder, opensOf, TARSIER, writeRules } from '../e2e/support/agent.ts'

const folder = openFolder('falco-options')
const RULES = writeRules(
  folder,
  { ...opensOf('first', 'opened %fd.name'), rule: 'First', tags: ['files'] },
  { ...opensOf('second', 'opened %fd.name'), rule: 'Second', tags: ['more'] },
)
const BAD = join(folder, 'bad.yaml')
writeFileSync(BAD, '- rule: R\n  desc: d\n  condition: proc.nmae = x\n  output: o\n  priority: ERROR\n')

interface Told {
  readonly status: number | null
  readonly stdout: string
  readonly stderr: string
}
const run = (...args: readonly string[]): Told =>
  spawnSync(TARSIER, ['run', ...args], { encoding: 'utf8', maxBuffer: 1 << 26 })
const json = (...args: readonly string[]) => {
  const { status, stdout, stderr } = run(...args)
  assert.equal(status, 0, stderr)
  return JSON.parse(stdout)
}
const told = (args: readonly string[], status: number, stdout: RegExp, stderr = /^/): void => {
  const result = run(...args)
  assert.equal(result.status, status, result.stderr)
  assert.match(result.stdout, stdout)
  assert.match(result.stderr, stderr)
}
const falcoYaml = (text: string): string => {
  const file = join(folder, `falco-${marker()}.yaml`)
  writeFileSync(file, text)
  return file
}

test('-V says Ok or Invalid, with 0 or 1', () => {
  told(['-V', RULES], 0, /\.yaml: Ok/)
  told(['-V', RULES, '-V', BAD], 1, /: Ok[\s\S]*bad\.yaml: Invalid[\s\S]*LOAD_ERR_COMPILE_CONDITION/)
  const { falco_load_results: results, falco_describe_results: described } = json(
    ...['-V', RULES, '-o', 'json_output=true'],
  )
  assert.equal(results[0].successful, true)
  assert.deepEqual(
    described.rules.map(({ info }: { info: { name: string } }) => info.name),
    ['First', 'Second'],
  )
})

test('-L and -l describe', () => {
  told(['-r', RULES, '-L'], 0, /^Rule +Description\n[\s\S]*\nFirst +For a test\.\nSecond +For a test\.\n$/)
  const { rules } = json('-r', RULES, '-l', 'Second', '-o', 'json_output=true')
  assert.deepEqual(
    rules.map(({ info }: { info: { name: string } }) => info.name),
    ['Second'],
  )
  told(['-r', RULES, '-l', 'Secnd'], 1, /^$/, /no rule 'Secnd'\n.*'Second'/)
})

test('--list and --list-events, in each format', () => {
  told(['--list', '-N'], 0, /^(?:[a-z0-9_.]+\n)+$/)
  told(['--list=syscall', '--format', 'markdown'], 0, /^\| Name \| Type \| Description \|\n\| --- /)
  told(['--list', '--markdown'], 0, /^\| Name \| Type/)
  assert.ok(json('--list', '--format', 'json').some(({ name }: { name: string }) => name === 'proc.name'))
  told(['--list=nowhere'], 2, /^$/, /unknown source 'nowhere'/)
  told(['--list-events', '--format', 'markdown'], 0, /\n\| `openat` \|/)
  assert.ok(json('--list-events', '--format', 'json').length > 10)
})

test('--support has version, system, configuration and rules', () => {
  const support = json('-c', falcoYaml(`rules_files: [${RULES}]\npriority: debug`), '--support')
  assert.match(support.engine_info.engine_version, /^\d+\.\d+\.\d+$/)
  assert.equal(support.system_info.sysname, 'Linux')
  assert.match(support.config, /^rules_files/)
  assert.equal(support.rules_files[0].name, RULES)
  assert.equal(support.rules_files[0].variants[0].content, readFileSync(RULES, 'utf8'))
})

test('what there is not, is said', () => {
  told(['--list-plugins'], 0, /^0 plugins/)
  told(['--plugin-info', 'json'], 1, /^$/, /no plugin 'json'/)
  told(['-i'], 0, /No event is ignored/)
  told(['--page-size'], 0, /: \d+ bytes/)
  assert.equal(json('--config-schema').properties.json_output.type, 'boolean')
  assert.equal(json('--rule-schema').items.properties.enabled.type, 'boolean')
})

test('--dry-run loads a falco.yaml: rules switched by name and tag, the rest said once', () => {
  const file = falcoYaml(
    `rules_files: [${RULES}]\nrules:\n  - disable: { rule: "*" }\n  - enable: { tag: more }\n  - enable: { rule: None* }\n` +
      'syscall_event_timeouts: { max_consecutives: 5 }\nlog_syslog: true\n',
  )
  const { status, stderr } = run('-c', file, '--dry-run')
  assert.equal(status, 0, stderr)
  assert.match(stderr, /not served: syscall_event_timeouts\.max_consecutives, log_syslog \(/)
  assert.match(stderr, /no rule to enable has the name 'None\*'/)
  assert.match(stderr, /dry run: 1 rule would/)
  const more = run('-c', file, '--dry-run', '-o', 'rules[].enable.rule=First')
  assert.match(more.stderr, /dry run: 2 rules/)
})

test('sources that are not there, or all of them off', () => {
  told(['--enable-source', 'sycall', '--dry-run'], 2, /^$/, /'sycall'\n.*'syscall'/)
  told(['--disable-source', 'syscall', '--dry-run'], 2, /^$/, /all event sources/)
  told(['--enable-source', 'syscall', '--disable-source', 'syscall'], 2, /^$/, /do not go together/)
})

test('engines without events of the kernel', () => {
  told(['-r', RULES, '-o', 'engine.kind=nodriver', '--dry-run'], 0, /^$/)
  told(['-r', RULES, '-o', 'engine.kind=nodriver'], 1, /^$/, /nodriver/)
  told(
    ['-r', RULES, '-o', 'engine={kind: replay, replay: {capture_file: x}}'],
    1,
    /^$/,
    /run is live\n.*tarsier replay/,
  )
})

test('-p is append_output', () =>
  told(['-r', RULES, '-p', 'cpu=%evt.cpu', '--dry-run'], 0, /^$/, /-p is deprecated/))

test('--help has them in a group of their own', () => {
  const { stdout } = run('--help')
  assert.match(stdout, /Falco's options:\n {2}--falco /)
  assert.ok(stdout.split('\n').length < 70, 'too long to be read')
})

const live = { skip: NEEDS_ROOT }

test('--falco reads what an installed Falco would', live, () => {
  const etc = join(folder, 'etc')
  const named = (name: string): string => readFileSync(RULES, 'utf8').replaceAll('"First"', `"${name}"`)
  mkdirSync(join(etc, 'falco/rules.d'), { recursive: true })
  mkdirSync(join(etc, 'falco/config.d'))
  writeFileSync(join(etc, 'falco/falco_rules.yaml'), named('Rules'))
  writeFileSync(join(etc, 'falco/falco_rules.local.yaml'), named('Local'))
  writeFileSync(join(etc, 'falco/rules.d/mine.yaml'), named('Mine'))
  writeFileSync(join(etc, 'falco/config.d/json.yaml'), 'json_output: true')
  const inside = (falcoYamlText: string | undefined) => {
    const file = join(etc, 'falco/falco.yaml')
    if (falcoYamlText !== undefined) writeFileSync(file, falcoYamlText)
    // A namespace of its own, in which /etc has these files as well; nothing is written to the real one.
    const script = `mount -t overlay overlay -o lowerdir="${etc}":/etc /etc && exec "${TARSIER}" run --falco -L`
    return spawnSync('unshare', ['--mount', 'sh', '-c', script], { encoding: 'utf8' })
  }
  const names = (text: string): readonly string[] =>
    text
      .split('\n')
      .slice(2, -1)
      .map((line) => line.split(' ')[0]!)
  const usual = inside(undefined)
  assert.deepEqual(names(usual.stdout), ['Rules', 'Second', 'Local', 'Mine'], usual.stderr)
  const configured = inside('config_files: [/etc/falco/config.d]\nrules_files: [/etc/falco/rules.d]')
  assert.deepEqual(
    JSON.parse(configured.stdout).rules.map(({ info }: { info: { name: string } }) => info.name),
    ['Mine', 'Second'],
    configured.stderr,
  )
})

test('-M ends a run, -P holds the process id meanwhile', live, async () => {
  const pidFile = join(folder, 'pid')
  const lock = join(folder, 'lock')
  const agent = spawn(
    TARSIER,
    ['run', '-r', RULES, '-M', '2', '-P', pidFile, '-o', `agent.lock_file=${lock}`],
    { stdio: ['ignore', 'ignore', 'pipe'] },
  )
  let text = ''
  let pid = ''
  agent.stderr.setEncoding('utf8').on('data', (chunk: string) => {
    text += chunk
    if (text.includes('ready') && existsSync(pidFile)) pid = readFileSync(pidFile, 'utf8')
  })
  const code = await new Promise((done) => agent.once('close', done))
  assert.equal(code, 0, text)
  assert.equal(pid, `${agent.pid}\n`)
  assert.equal(existsSync(pidFile), false)
})

test('HOST_ROOT: users are those of the host', live, () => {
  const root = join(folder, 'host')
  mkdirSync(join(root, 'etc'), { recursive: true })
  writeFileSync(join(root, 'etc/passwd'), 'somebody:x:0:0::/:/bin/sh\n')
  writeFileSync(join(root, 'etc/group'), '')
  const word = marker()
  const rules = writeRules(folder, opensOf(word, '%user.name on %evt.hostname'))
  const script = `"${TARSIER}" run -r "${rules}" -M 2 -q -o agent.lock_file="${folder}/lock-3" -o json_output=true & agent=$!
    while kill -0 $agent; do cat "${folder}/${word}"; sleep 0.2; done; wait $agent`
  const { stdout } = spawnSync('sh', ['-c', script], {
    encoding: 'utf8',
    env: { PATH: process.env['PATH'], HOST_ROOT: root, FALCO_HOSTNAME: 'named' },
  })
  const [first] = stdout.trim().split('\n')
  const alert = JSON.parse(first ?? '')
  assert.match(alert.output, /somebody on named$/)
  assert.equal(alert.hostname, 'named')
})
