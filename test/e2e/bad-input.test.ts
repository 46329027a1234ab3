/** Starts that must be refused: one clear message, the right exit code, no stack trace, nothing left running. */
import assert from 'node:assert/strict'
import { mkdirSync, readFileSync, symlinkSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { suite, test } from 'node:test'
import { loadLibbpf } from '../../src/kernel/libbpf.ts'
import {
  type Ended,
  marker,
  NEEDS_ROOT,
  openFolder,
  opensOf,
  refused,
  type Start,
  tarsier,
  withAgent,
  writeRules,
} from './support/agent.ts'

const folder = openFolder('bad')
const good = writeRules(folder, opensOf(marker(), 'x'))

const file = (name: string, content: string | Buffer): string => {
  const path = join(folder, name)
  writeFileSync(path, content)
  return path
}
const withCondition = (condition: string): string =>
  writeRules(folder, { rule: 'Bad', condition, output: 'x' })

/** The outcome of a refusal: exit code, and every pattern on standard error, which has no trace of a stack. */
function expectRefusal(end: Ended, status: 1 | 2, ...patterns: readonly RegExp[]): void {
  for (const pattern of patterns) assert.match(end.stderr, pattern)
  assert.equal(end.status, status, end.stderr)
  assert.equal(end.stdout, '')
  assert.doesNotMatch(end.stderr, /^\s+at |internal error|node:|\.[jt]s:\d+|ready/m)
}
const rules = (path: string | readonly string[], ...patterns: RegExp[]): void =>
  expectRefusal(refused({ rules: [path].flat() }), 1, ...patterns)
const setting = (text: string, status: 1 | 2, ...patterns: RegExp[]): void =>
  expectRefusal(refused({ rules: [good], set: [text] }), status, ...patterns)

test('an unknown field: where it stands, and what was meant', () => {
  const path = file(
    'field.yaml',
    '- rule: R\n  desc: d\n  condition: evt.type = open and proc.nmae = cat\n  output: x\n  priority: INFO\n',
  )
  rules(
    path,
    /field\.yaml:3:34: error: unknown field 'proc\.nmae' for source 'syscall'/,
    /^ +\^{9}$/m,
    /did you mean 'proc\.name'\?/,
  )
})
test('an unknown operator', () =>
  rules(
    withCondition('evt.type = open and proc.name resembles cat'),
    /:\d+:\d+: error: expected an operator after 'proc\.name'/,
  ))
test('a value of the wrong type', () =>
  rules(withCondition('evt.type = open and fd.num = many'), /:\d+:\d+: error: .*many/))
test('an unknown field in the output', () => {
  const path = writeRules(folder, { rule: 'Bad', condition: 'evt.type = open', output: 'x %proc.nmae' })
  rules(path, /:\d+:\d+: error: .*proc\.nmae/)
})
test('an unknown macro', () => rules(withCondition('spawned_proces'), /:\d+:\d+: error: .*spawned_proces/))
test('broken YAML', () =>
  rules(
    file('broken.yaml', '- rule: R\n  desc: d\n   condition: [\n'),
    /broken\.yaml:\d+:\d+: error: .*\[LOAD_ERR_YAML_PARSE\]/,
  ))
test('what is no text', () =>
  rules(file('binary.yaml', Buffer.from([0xff, 0, 1])), /binary\.yaml:1:1: error: the file is not UTF-8/))
test('a rule file that is not there', () =>
  rules(join(folder, 'none.yaml'), /cannot read '.*none\.yaml': no such file or directory/))
test('a link that leads nowhere', () => {
  symlinkSync('nowhere', join(folder, 'link.yaml'))
  rules(join(folder, 'link.yaml'), /cannot read '.*link\.yaml': no such file/)
})
test('one bad file among good ones', () => rules([good, join(folder, 'none2.yaml')], /none2\.yaml/))
test('a folder without rules', () => {
  const empty = join(folder, 'empty')
  mkdirSync(empty)
  rules(empty, /error: there are no rule files in .*empty/, /hint: /)
})
test('a file without rules', () => rules(file('empty.yaml', ''), /error: no rule is switched on/, /hint: /))
test('names from files steer no terminal', () => {
  const { stderr } = refused({ rules: [withCondition('evt.type = "\\u001b[2J" and proc.\u001b[2J = x')] })
  assert.doesNotMatch(stderr, /\u001b/)
})

test('an unknown key', () =>
  setting(
    'kernel.ring_byte.bulk=64k',
    2,
    /unknown configuration key 'kernel\.ring_byte\.bulk'/,
    /did you mean 'kernel\.ring_bytes\.bulk'\?$/m,
  ))
test('a key without value', () => setting('json_output', 2, /-o takes KEY=VALUE, not 'json_output'/))
test('a ring of no bytes', () =>
  setting(
    'kernel.ring_bytes.bulk=0',
    2,
    /kernel\.ring_bytes\.bulk takes a power of two from \d+ to \d+ bytes.* not '0'/,
  ))
test('a ring that is no power of two', () =>
  setting('kernel.ring_bytes.bulk=3m', 2, /not '3m'/, /next power of two is 4194304/))
test('a ring that is too large', () =>
  setting('kernel.ring_bytes.critical=1g', 2, /kernel\.ring_bytes\.critical takes/))
test('a choice that is none', () =>
  setting('output.format=xml', 2, /output\.format takes one of .*falco-text.*, not 'xml'/))
test('a priority that no rule has', () =>
  setting('priority=emergency', 1, /no rule is switched on/, /-o priority=debug/))

test('an unknown command', () => expectRefusal(tarsier(['rum']), 2, /unknown command 'rum'/, /run/))
test('an unknown option', () => expectRefusal(tarsier(['run', '--frob']), 2, /unknown option '--frob'/))
test('an argument too many', () => expectRefusal(tarsier(['run', 'all']), 2, /too many arguments/))
test('an option without its value', () =>
  expectRefusal(tarsier(['run', '-r']), 2, /'-r, --rules <path>' argument missing/))
test('an unknown log level', () =>
  expectRefusal(tarsier(['run', '--log-level', 'loud']), 2, /'loud' is invalid.*warning/))

suite('starts that the machine refuses', { skip: NEEDS_ROOT }, () => {
  const start = (options: Partial<Start>, ...patterns: RegExp[]): void =>
    expectRefusal(refused({ rules: [good], ...options }), 1, ...patterns)
  const without = (...capabilities: string[]): readonly string[] => [
    'setpriv',
    `--bounding-set=${capabilities.map((name) => `-${name}`).join(',')}`,
  ]
  /** In a mount name space of its own, with something else in the place of a file or folder. */
  const mounted = (from: string, over: string): readonly string[] => [
    ...['unshare', '--mount', '--propagation', 'private', 'sh', '-c'],
    'mount --bind "$0" "$1" && shift && exec "$@"',
    ...[from, over],
  ]

  test('without the capabilities to load and attach', () =>
    start(
      { via: without('bpf', 'perfmon', 'sys_admin') },
      /the agent needs CAP_BPF and CAP_PERFMON/,
      /hint: .*CAP_SYS_ADMIN/,
    ))
  test('without the one capability to attach', () =>
    start({ via: without('perfmon', 'sys_admin') }, /the agent needs CAP_PERFMON, which/))
  test('without the one capability to load', () =>
    start({ via: without('bpf', 'sys_admin') }, /the agent needs CAP_BPF, which/))
  test('as an ordinary user', (t) => {
    const via = ['setpriv', '--reuid=65534', '--regid=65534', '--clear-groups']
    if (tarsier(['--version'], via).status !== 0) return t.skip('the checkout is not readable by others')
    start({ via }, /the agent needs CAP_BPF and CAP_PERFMON/)
  })
  test('without the type information of the kernel', () => {
    const empty = openFolder('empty')
    start(
      { via: mounted(empty, '/sys/kernel/btf') },
      /this kernel has no BTF: \/sys\/kernel\/btf\/vmlinux is not there/,
      /CONFIG_DEBUG_INFO_BTF=y/,
    )
  })
  test('without libbpf', () =>
    start(
      { via: mounted('/dev/null', libbpfFile()) },
      /Cannot load libbpf\.so\.1/,
      /apt-get install libbpf1/,
    ))
  test('without a way to tracefs', (t) => {
    if (isMounted('tracefs')) return t.skip('tracefs is mounted')
    start({ via: without('sys_admin') }, /tracefs is not mounted/, /mount -t tracefs .*CAP_SYS_ADMIN/)
  })

  test('a second agent names the first', async () => {
    const lock = join(openFolder('lock'), 'agent.lock')
    const { status } = await withAgent({ rules: [good], lock }, async (agent) =>
      start(
        { lock },
        new RegExp(`another agent runs on this host \\(pid ${agent.pid}, lock ${lock}\\)`),
        /hint: /,
      ),
    )
    assert.equal(status, 0)
  })
  test('a place for the lock that is none', () => {
    start(
      { lock: '/proc/nowhere/agent.lock' },
      /cannot make the lock file '\/proc\/nowhere\/agent\.lock'/,
      /hint: /,
    )
    start({ lock: folder }, /cannot make the lock file/)
  })
  test('an alert file that cannot be written', () => {
    const output = (name: string, ...patterns: RegExp[]): void =>
      start({ set: ['file_output.enabled=true', `file_output.filename=${name}`] }, ...patterns)
    output('/nowhere/alerts', /cannot open output '\/nowhere\/alerts': ENOENT/, /hint: /)
    output(folder, /cannot open output .*: EISDIR/)
  })
  test('an alert file without a name', () =>
    setting('file_output.enabled=true', 2, /file_output\.filename is empty/))
  test('a refused start gives the lock back', async () => {
    const lock = join(openFolder('lock'), 'agent.lock')
    start(
      { lock, set: ['file_output.enabled=true', 'file_output.filename=/nowhere/alerts'] },
      /cannot open output/,
    )
    assert.equal((await withAgent({ rules: [good], lock }, async () => {})).status, 0)
  })
})

/** The file that is libbpf, as this process has it. */
function libbpfFile(): string {
  loadLibbpf()
  const path = /\/\S*libbpf\.so\S*/.exec(readFileSync('/proc/self/maps', 'utf8'))?.[0]
  if (path === undefined) throw new Error('libbpf is not among the mapped files')
  return path
}

const isMounted = (type: string): boolean => readFileSync('/proc/mounts', 'utf8').includes(` ${type} `)
