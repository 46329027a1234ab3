/** rand-guard's rules: what they match, and what is refused. Names with "1.1.12" are defects of the original. */
import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import type { RecordInit } from '../../../decode/encode.ts'
import { createEngine } from '../../../detect/engine.ts'
import type { SyscallContext } from '../../../fields/context.ts'
import { SOURCES } from '../../../fields/index.ts'
import {
  type Actor,
  type Common,
  connect,
  event,
  execve,
  fork,
  openat,
  SHELL,
  setName,
  snapshot,
  socketEvent,
} from '../../../testing/events.ts'
import { createWorld } from '../../../testing/world.ts'
import type { CompiledRule } from '../../ir.ts'
import { type LoadEnv, type LoadResult, loadRules } from '../../load.ts'

type Table = Readonly<Record<string, unknown>>

/** TOML of one table: strings, numbers, booleans and lists look as in JSON. */
const table = (header: string, keys: Table): string =>
  [header, ...Object.entries(keys).map(([key, value]) => `${key} = ${JSON.stringify(value)}`), ''].join('\n')

const FIRST = { id: 'R-1', name: 'one', enabled: true, severity: 'high', action: 'alert' }
const rule = (keys: Table): string => table('[[rules]]', { ...FIRST, ...keys })
const fileRule = (keys: Table): string =>
  rule({ type: 'file', operations: ['*'], ...(keys['patterns'] ? {} : { paths: ['/etc'] }), ...keys })
const netRule = (keys: Table = {}): string =>
  rule({ type: 'network', direction: 'outbound', ports: [4444], ...keys })
const persistence = (keys: Table): string =>
  table('[[detections.persistence]]', { name: 'kept', paths: ['/etc/'], operations: ['*'], ...keys })

const load = (text: string, env: Partial<LoadEnv> = {}): LoadResult =>
  loadRules([{ path: 'x.toml', text }], { sources: SOURCES, ...env })

function compiled(text: string, env: Partial<LoadEnv> = {}): readonly CompiledRule<SyscallContext>[] {
  const result = load(text, env)
  assert.deepEqual(
    result.files.flatMap(({ errors }) => errors),
    [],
  )
  return result.rules as readonly CompiledRule<SyscallContext>[]
}

/** Names of the rules that the last of the events fires. */
function fires(text: string, records: readonly RecordInit[], env: Partial<LoadEnv> = {}): readonly string[] {
  const engine = createEngine(compiled(text, env), { matching: 'all', timeOf: ({ event: e }) => e.time })
  const ctx = createWorld().feed(...records)
  const fired: string[] = []
  engine.run(ctx.event.name, ctx, (found) => fired.push(found.name))
  assert.equal(engine.statistics.errors, 0)
  return fired
}

const yes = (text: string, ...records: readonly RecordInit[]): void =>
  assert.deepEqual(fires(text, records), ['one'])
const no = (text: string, ...records: readonly RecordInit[]): void =>
  assert.deepEqual(fires(text, records), [])

const shell = snapshot({ by: SHELL, path: '/usr/bin/bash' })
const write = (
  path: string,
  keys: Readonly<Record<string, string | number>> = {},
  name = 'write',
): RecordInit => event(name, {}, { res: 1, fd: 3, size: 1, path, path_flags: 1, ...keys })
const unlink = (name: string, keys: Readonly<Record<string, string | number>> = {}): RecordInit =>
  event('unlink', {}, { res: 0, name, ...keys })
const rename = (oldpath: string, newpath: string, res = 0): RecordInit =>
  event('renameat2', {}, { res, oldpath, newpath })

describe('1.1.12: the web-server-shell rule', () => {
  const web = rule({ type: 'process', parent_names: ['nginx'], process_names: ['sh'] })
  const NGINX: Actor = { pid: 40, start: 4_000_000_000 }
  const CHILD: Actor = { pid: 41, start: 4_100_000_000 }
  const nginx = snapshot({ by: NGINX, path: '/usr/sbin/nginx' })
  const forked = fork({ by: NGINX, child: CHILD, comm: 'nginx' })

  test('nginx forks, the child starts sh: the parent is joined at exec', () => {
    yes(web, nginx, forked, execve({ by: CHILD, parent: NGINX, path: '/usr/bin/sh' }))
  })
  test('the fork alone is no shell', () => {
    no(web, nginx, forked)
  })
  test('another program, another parent, a failed start', () => {
    no(web, nginx, forked, execve({ by: CHILD, parent: NGINX, path: '/usr/bin/cat' }))
    no(web, shell, fork({ child: CHILD }), execve({ by: CHILD, parent: SHELL, path: '/usr/bin/sh' }))
    no(web, nginx, forked, execve({ by: CHILD, parent: NGINX, path: '/usr/bin/sh', comm: 'nginx', res: -2 }))
  })
  test('execveat counts', () => {
    yes(web, nginx, forked, execve({ name: 'execveat', by: CHILD, parent: NGINX, path: '/usr/bin/sh' }))
  })
  test('1.1.12: a daemon older than the agent is known as a parent', () => {
    assert.deepEqual(compiled(web)[0]?.events, new Set(['execve', 'execveat']))
    yes(web, nginx, execve({ by: CHILD, parent: NGINX, path: '/bin/sh' }))
  })
})

describe('1.1.12: paths', () => {
  const bin = fileRule({ paths: ['/bin'] })

  test('/bin does not match /binx', () => {
    yes(bin, openat({ path: '/bin/ls' }))
    yes(bin, unlink('/bin/x/y'))
    no(bin, openat({ path: '/binx' }))
    no(bin, unlink('/binx/ls'))
  })
  test('a relative path is judged by where it starts', () => {
    yes(bin, openat({ path: 'ls', dir: '/bin', resolved: '/bin/ls' }))
    yes(bin, unlink('../bin/ls', { dir: '/etc' }))
    no(bin, unlink('../bin/ls', { dir: '/usr/lib' }))
  })
  test('a symbolic link on the way does not hide a file', () => {
    yes(bin, openat({ path: '/tmp/link', resolved: '/bin/ls' }))
    yes(bin, openat({ path: '/bin/ls', resolved: '/usr/bin/ls' }))
  })
  test('/bin works where it is a link to /usr/bin, and the other way round', () => {
    const env = {
      spellings: (path: string) => (path === '/bin' ? ['/usr/bin'] : path === '/usr/bin' ? ['/bin'] : []),
    }
    assert.deepEqual(fires(bin, [write('/usr/bin/ls')], env), ['one'])
    assert.deepEqual(fires(fileRule({ paths: ['/usr/bin/'] }), [unlink('/bin/ls')], env), ['one'])
    no(bin, write('/usr/bin/ls'))
  })
  test('a path longer than 256 bytes is judged whole', () => {
    yes(
      fileRule({ patterns: ['*.service'] }),
      openat({ path: `/${'d'.repeat(200)}/${'e'.repeat(200)}.service` }),
    )
  })
  test('a final slash means what is below', () => {
    const cron = fileRule({ paths: ['/etc/cron.d/'] })
    yes(cron, openat({ path: '/etc/cron.d/job' }))
    no(cron, openat({ path: '/etc/cron.d' }))
    no(cron, openat({ path: '/etc/cron.daily' }))
    yes(fileRule({ paths: ['/etc/cron.d'] }), openat({ path: '/etc/cron.d' }))
  })
  test('a path is no glob', () => {
    yes(fileRule({ paths: ['/srv/a*[b]'] }), openat({ path: '/srv/a*[b]/c' }))
    no(fileRule({ paths: ['/srv/a*[b]'] }), openat({ path: '/srv/axb/c' }))
  })
  test('the root is everything', () => {
    yes(fileRule({ paths: ['/'] }), openat({ path: '/x/y' }))
  })
})

describe('patterns', () => {
  test('*.ext is an ending, anything else the whole path or name', () => {
    yes(fileRule({ patterns: ['*.service'] }), unlink('/lib/a.service'))
    no(fileRule({ patterns: ['*.service'] }), unlink('/lib/a.services'))
    yes(fileRule({ patterns: ['crontab'] }), unlink('/etc/crontab'))
    no(fileRule({ patterns: ['crontab'] }), unlink('/etc/crontabs'))
    yes(fileRule({ patterns: ['/etc/crontab'] }), unlink('/etc/crontab'))
    no(fileRule({ patterns: ['/etc/crontab'] }), unlink('/srv/etc/crontab'))
  })
  test('a * or ? elsewhere makes a glob of the name, or of the path', () => {
    for (const text of [fileRule({ patterns: ['cron*b'] }), fileRule({ patterns: ['/etc/cr?n*'] })]) {
      yes(text, unlink('/etc/crontab'))
      no(text, unlink('/etc/xcrontabx'))
    }
    no(fileRule({ patterns: ['/etc/cr?n*'] }), unlink('/srv/etc/crontab'))
  })
  test('paths and patterns must both hold', () => {
    const both = fileRule({ paths: ['/etc'], patterns: ['*.service'] })
    yes(both, unlink('/etc/a.service'))
    no(both, unlink('/etc/a'))
    no(both, unlink('/srv/a.service'))
  })
  test('of a detection they are pieces', () => {
    const kept = persistence({ patterns: ['crontab'] })
    assert.deepEqual(fires(kept, [unlink('/etc/crontab.bak')]), ['kept'])
    assert.deepEqual(fires(kept, [unlink('/etc/x')]), [])
  })
})

describe('1.1.12: operations', () => {
  const only = (...operations: string[]): string => fileRule({ operations })
  const cases: readonly (readonly [string, RecordInit])[] = [
    ['file_open', openat({ name: 'open', path: '/etc/x' })],
    ['file_open', openat({ name: 'creat', path: '/etc/x' })],
    ['file_open', openat({ path: '/etc/x' })],
    ['file_open', openat({ name: 'openat2', path: '/etc/x' })],
    ['file_open', openat({ path: '/etc/x', fd: -13 })],
    ['file_write', write('/etc/x')],
    ['file_write', write('/etc/x', {}, 'writev')],
    ['file_write', write('/etc/x', {}, 'pwrite64')],
    ['file_write', write('/etc/x', { res: 0 }, 'ftruncate')],
    ['file_write', write('/etc/x', {}, 'copy_file_range')],
    ['file_write', event('truncate', {}, { res: 0, name: '/etc/x' })],
    ['file_rename', rename('/etc/x', '/tmp/x')],
    ['file_rename', rename('/tmp/x', '/etc/x')],
    ['file_rename', event('rename', {}, { res: 0, oldpath: '/tmp/x', newpath: '/etc/x' })],
    ['file_rename', event('link', {}, { res: 0, oldpath: '/tmp/x', newpath: '/etc/x' })],
    ['file_rename', event('linkat', {}, { res: 0, oldpath: '/etc/x', newpath: '/tmp/x' })],
    ['file_rename', event('symlink', {}, { res: 0, target: '/tmp/x', linkpath: '/etc/x' })],
    ['file_rename', event('symlinkat', {}, { res: 0, target: '/etc/x', linkpath: '/tmp/x' })],
    ['file_unlink', unlink('/etc/x')],
    ['file_unlink', event('unlinkat', {}, { res: 0, name: '/etc/x' })],
    ['file_unlink', event('rmdir', {}, { res: 0, name: '/etc/x' })],
  ]
  const names = ['file_open', 'file_write', 'file_rename', 'file_unlink']
  for (const [operation, record] of cases)
    test(`${record.event} is ${operation} and nothing else`, () => {
      for (const name of names) (name === operation ? yes : no)(only(name), record)
      yes(only(operation.slice('file_'.length)), record)
      yes(only('*'), record)
    })

  test('a call that failed changed nothing', () => {
    for (const record of [
      write('/etc/x', { res: -28 }),
      rename('/etc/x', '/etc/y', -13),
      unlink('/etc/x', { res: -13 }),
      event('truncate', {}, { res: -13, name: '/etc/x' }),
    ])
      no(only('*'), record)
  })
  test('a rule listens to the calls of its operations only', () => {
    assert.deepEqual(compiled(only('unlink'))[0]?.events, new Set(['unlink', 'unlinkat', 'rmdir']))
  })
})

describe('network rules', () => {
  test('outbound looks at the remote port of connect', () => {
    yes(netRule(), shell, connect({ local: '10.0.0.1 40000', remote: '10.0.0.2 4444' }))
    no(netRule(), shell, connect({ local: '10.0.0.1 4444', remote: '10.0.0.2 80' }))
  })
  const inbound = netRule({ direction: 'inbound' })
  test('inbound looks at the local port of bind', () => {
    yes(inbound, shell, socketEvent('bind', { local: '0.0.0.0 4444' }))
    no(inbound, shell, socketEvent('bind', { local: '0.0.0.0 80' }))
    no(inbound, shell, connect({ local: '10.0.0.1 40000', remote: '10.0.0.2 4444' }))
  })
  test('1.1.12: listen has a port, so that inbound rules match it', () => {
    yes(inbound, shell, socketEvent('listen', { local: '0.0.0.0 4444' }))
  })
  test('1.1.12: a refused connection is none', () => {
    no(netRule(), shell, connect({ remote: '10.0.0.2 4444', res: -111 }))
  })
  test('a connection under way counts', () => {
    yes(netRule(), shell, connect({ local: '10.0.0.1 40000', remote: '10.0.0.2 4444', res: -115 }))
  })
  test('process names narrow', () => {
    const to: Common & { local: string; remote: string } = { local: '10.0.0.1 1', remote: '10.0.0.2 4444' }
    yes(netRule({ process_names: ['nc', 'bash'] }), shell, connect(to))
    no(netRule({ process_names: ['nc'] }), shell, connect(to))
  })
  test('a process that renames itself is known by the file it runs', () => {
    const nc = netRule({ process_names: ['nc'] })
    const started = snapshot({ by: SHELL, path: '/usr/bin/nc' })
    const to = connect({ local: '10.0.0.1 1', remote: '10.0.0.2 4444' })
    yes(nc, started, setName({ to: 'kworker/0:1', from: 'nc' }), to)
    no(nc, snapshot({ by: SHELL, path: '/usr/bin/xnc' }), to)
  })
  test('1.1.12: what a thread does is its process doing it', () => {
    const by = { ...SHELL, tid: 101 }
    yes(
      netRule({ process_names: ['bash'] }),
      shell,
      connect({ by, local: '10.0.0.1 1', remote: '10.0.0.2 4444' }),
    )
  })
  test('a detection may look both ways', () => {
    const both = table('[[detections.network]]', {
      name: 'port',
      directions: ['inbound', 'outbound'],
      ports: [4444],
    })
    assert.deepEqual(fires(both, [shell, socketEvent('listen', { local: '0.0.0.0 4444' })]), ['port'])
    assert.deepEqual(fires(both, [shell, connect({ local: '10.0.0.1 1', remote: '10.0.0.2 4444' })]), [
      'port',
    ])
  })
})

describe('what a rule says beside its condition', () => {
  test('id, severity, action and type are kept, and set the priority', () => {
    const [one] = compiled(fileRule({ tags: ['b', 'a'], desc: 'why' }))
    assert.deepEqual(one?.meta, {
      id: 'R-1',
      name: 'one',
      severity: 'high',
      action: 'alert',
      ruleType: 'file',
    })
    assert.equal(one?.priority, 'Error')
    assert.deepEqual(one?.tags, ['a', 'b'])
    assert.equal(one?.desc, 'why')
  })
  test('a detection has its type and no id', () => {
    const [one] = compiled(persistence({}))
    assert.equal(one?.meta?.detectionType, 'kept')
    assert.equal(one?.meta?.id, undefined)
  })
  test('equal names are told apart', () => {
    const names = compiled(fileRule({}) + fileRule({ id: 'R-2' })).map(({ name }) => name)
    assert.deepEqual(names, ['one', 'one (R-2)'])
  })
  test('a rule that is switched off is listed as such', () => {
    const result = load(fileRule({ enabled: false }))
    assert.deepEqual([result.rules.length, result.disabled.length], [0, 1])
  })
  test('less severe rules are left out on request', () => {
    assert.equal(compiled(fileRule({ severity: 'medium' }), { minimumPriority: 'Error' }).length, 0)
    assert.equal(compiled(fileRule({ severity: 'critical' }), { minimumPriority: 'Error' }).length, 1)
  })
  test('a name longer than the kernel keeps is compared as it keeps it', () => {
    const long = netRule({ process_names: ['a-name-of-17-byte'] })
    assert.match(load(long).files[0]?.warnings[0]?.message ?? '', /15 bytes/)
    const by = snapshot({ by: SHELL, path: '/x', comm: 'a-name-of-17-by' })
    yes(long, by, connect({ local: '10.0.0.1 1', remote: '10.0.0.2 4444' }))
  })
  test('lists without elements never match', () => {
    const told = (text: string): unknown => load(text).files[0]?.warnings.map(({ message }) => message)
    const never = (key: string): string => `'${key}' is empty: this detection never matches`
    const network = '[[detections.network]]\nname = "n"\n'
    assert.deepEqual(told(`${network}directions = []\nports = []\n`), [never('directions'), never('ports')])
    assert.deepEqual(told(`${network}directions = ["inbound"]\nports = [1]\n`), [])
    const persistence = '[[detections.persistence]]\nname = "p"\npaths = ["/x"]\n'
    assert.deepEqual(told(`${persistence}operations = []\n`), [never('operations')])
  })
  test('tables of the configuration have no effect in a file of rules, which is said', () => {
    const [warning] = load(`[agent]\nid = "x"\n${fileRule({})}`).files[0]?.warnings ?? []
    assert.match(warning?.message ?? '', /'agent' is configuration/)
    assert.equal(load(`[agent]\n${fileRule({})}`, { roleOf: () => 'config' }).files[0]?.warnings.length, 0)
  })
})

/** An error at this place, `line:column`, that says all words. */
function refused(text: string, place: string, ...words: readonly RegExp[]): void {
  const errors = load(text).files.flatMap((file) => file.errors)
  const error = errors.find(({ span }) => `${span.line}:${span.column}` === place)
  assert.ok(error, `no error at ${place}: ${JSON.stringify(errors)}`)
  for (const word of words) assert.match(`${error.message} ${error.hint ?? ''}`, word)
}

/** A rule of one key a line, in the order given; the header is line 1. */
const lines = (...keys: string[]): string => ['[[rules]]', ...keys].join('\n')
const HEAD = ['id = "A"', 'name = "n"', 'enabled = true', 'severity = "low"', 'action = "alert"']

describe('refused', () => {
  test('unknown keys, with what was meant', () => {
    refused(lines(...HEAD, 'type = "file"', 'pathes = ["/etc"]'), '8:1', /'pathes'/, /did you mean 'paths'/)
    refused('[[detections.persistence]]\nname = "x"\npath = ["/"]', '3:1', /'path'/, /'paths'/)
    refused('[[detections.files]]\nname = "x"', '1:14', /'files'/, /persistence/)
    refused('[[rulez]]\n', '1:3', /'rulez'/, /'rules'/)
  })
  test('values that are not allowed, each with those that are', () => {
    refused(lines(...HEAD, 'type = "fil"'), '7:8', /'fil'/, /process, file, network/, /'file'/)
    refused(
      lines(
        'id = "A"',
        'name = "n"',
        'severity = "low"',
        'action = "alert"',
        'type = "process"',
        'enabled = "yes"',
      ),
      '7:11',
      /true or false/,
      /'yes'/,
    )
    refused(
      lines(...HEAD, 'type = "file"', 'paths = ["/a"]', 'operations = ["open", "read"]'),
      '9:23',
      /file_open.*\*/,
      /'read'/,
    )
    refused(
      lines(...HEAD, 'type = "network"', 'ports = [1, 65536]', 'direction = "outbound"'),
      '8:13',
      /65536/,
      /0 to 65535/,
    )
    refused(
      lines(...HEAD, 'type = "network"', 'direction = "in"', 'ports = [1]'),
      '8:13',
      /inbound, outbound|outbound, inbound/,
    )
    refused(lines(...HEAD, 'type = "file"', 'paths = ["etc"]'), '8:10', /'etc'/, /begin with \//)
    refused(lines(...HEAD, 'type = "file"', 'paths = "/etc"'), '8:9', /a list/, /brackets/)
  })
  test('an action other than alert', () => {
    refused(
      lines('id = "A"', 'name = "n"', 'severity = "low"', 'action = "kill"'),
      '5:10',
      /'alert'/,
      /'kill'/,
    )
  })
  test('a persistence detection accepts no action but alert', () => {
    const text = (action: string): string =>
      `[[detections.persistence]]\nname = "x"\npaths = ["/etc"]\noperations = ["*"]\naction = "${action}"`
    refused(text('kill'), '5:10', /only 'alert', not 'kill'/, /administrators/)
    assert.equal(compiled(text('alert')).length, 1)
  })
  test('ids of the shipped rules, and an id that is taken', () => {
    refused(rule({ type: 'process', process_names: ['x'], id: 'BUILTIN-X' }), '2:6', /BUILTIN-X/, /reserved/)
    refused(rule({ type: 'process', process_names: ['x'], id: 'builtin-x' }), '2:6', /reserved/)
    refused(fileRule({}) + fileRule({ enabled: false }), '10:1', /'R-1' is taken/, /x\.toml:1:1/)
  })
  test('an id that another file has', () => {
    const result = loadRules(
      [
        { path: 'a.toml', text: fileRule({}) },
        { path: 'b.toml', text: fileRule({}) },
      ],
      { sources: SOURCES },
    )
    assert.match(result.files[1]?.errors[0]?.hint ?? '', /a\.toml:1:1/)
    assert.equal(result.rules.length, 0)
  })
  test('a process rule needs a name and nothing else', () => {
    refused(lines(...HEAD, 'type = "process"'), '1:1', /needs process_names or parent_names/)
    refused(
      lines(...HEAD, 'type = "process"', 'process_names = ["x"]', 'ports = [1]'),
      '9:1',
      /cannot have ports/,
    )
  })
  test('a file rule needs paths or patterns, and operations, and nothing else', () => {
    refused(lines(...HEAD, 'type = "file"', 'operations = ["*"]'), '1:1', /needs paths or patterns/)
    refused(lines(...HEAD, 'type = "file"', 'paths = ["/"]'), '1:1', /needs operations/)
    refused(
      lines(...HEAD, 'type = "file"', 'paths = ["/"]', 'operations = ["*"]', 'process_names = ["x"]'),
      '10:1',
      /cannot have process_names/,
    )
  })
  test('a network rule needs direction and ports', () => {
    refused(lines(...HEAD, 'type = "network"', 'ports = [1]'), '1:1', /needs direction/)
    refused(lines(...HEAD, 'type = "network"', 'direction = "inbound"'), '1:1', /needs ports/)
  })
  test('match fields of a rule that is switched off are not judged, ids are', () => {
    assert.equal(load(rule({ type: 'process', enabled: false, ports: [1] })).files[0]?.successful, true)
    refused(rule({ type: 'process', enabled: false, id: 'BUILTIN-1' }), '2:6', /reserved/)
  })
  test('missing keys', () => {
    refused(lines('name = "n"'), '1:1', /no 'id'/)
    refused('[[detections.persistence]]\nname = "x"\npaths = []', '1:1', /no 'operations'/)
  })
  test('no TOML', () => {
    refused('[[rules]]\nid = \n', '3:1', /./)
    refused('a = "\n', '1:6', /string/)
    refused('[rules]\nid = "x"\n', '1:1', /list of tables/, /\[\[rules\]\]/)
  })
  test('all errors of a file at once', () => {
    const text = lines('id = "A"', 'name = ""', 'enabled = 1', 'typo = 1')
    const places = load(text).files[0]?.errors.map(({ span }) => span.line) ?? []
    assert.ok(places.length >= 4)
    assert.deepEqual(
      places,
      places.toSorted((a, b) => a - b),
    )
  })
})

describe('hostile', () => {
  const bounded = (name: string, text: string): void =>
    void test(name, () => {
      const [error] = load(text).files.flatMap(({ errors }) => errors)
      assert.equal(error?.code, 'LOAD_ERR_TOML_PARSE', error?.message)
    })
  bounded('deep brackets', `a = ${'['.repeat(20_000)}${']'.repeat(20_000)}`)
  bounded('deep tables', `a = ${'{a='.repeat(5000)}1${'}'.repeat(5000)}`)
  bounded('nesting within the limit of the parser', `a = ${'['.repeat(200)}${']'.repeat(200)}`)
  bounded('a long line', `a = "${'x'.repeat(100_000)}"`)
  bounded('a long text', `a = """${'x\n'.repeat(200_000)}"""`)
  bounded('a large file', '# \n'.repeat(400_000))
  bounded('a key twice', 'a = 1\na = 2')
  bounded('a NUL character', 'a = "\0"')
  const deep = 'a'.concat('.a'.repeat(30_000))
  for (const text of [`${deep} = 1`, `[${deep}]`, `a = ${'9'.repeat(60_000)}`, `[[rules]]\n${deep} = 1`])
    test(`names and numbers without end: ${JSON.stringify(text.slice(0, 14))}`, () =>
      assert.equal(load(text).files[0]?.errors[0]?.code, 'LOAD_ERR_TOML_VALIDATE'))

  test('names of prototypes are names', () => {
    const result = load('__proto__ = 1\n[constructor]\nx = 1')
    assert.deepEqual(
      result.files[0]?.errors.map(({ span }) => `${span.line}:${span.column}`),
      ['1:1', '2:2'],
    )
  })
  test('many errors are cut', () => {
    const text = Array.from({ length: 500 }, (_, i) => `k${i} = 1`).join('\n')
    assert.equal(load(text).files[0]?.errors.length, 100)
  })
  test('columns count code points', () => {
    refused(lines(...HEAD, 'type = "file"', 'paths = ["/😀", "x"]'), '8:16', /'x'/)
  })
})
