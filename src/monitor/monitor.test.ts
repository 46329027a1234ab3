/** The file monitor without a kernel: options, rules, lines, through the real decoder, loader and engine. */
import assert from 'node:assert/strict'
import { mkdtempSync, realpathSync, rmSync, symlinkSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { suite, test } from 'node:test'
import type { RecordInit } from '../decode/encode.ts'
import { createEngine } from '../detect/engine.ts'
import type { SyscallContext } from '../fields/context.ts'
import { SOURCES } from '../fields/index.ts'
import { THRESHOLD_COUNT } from '../fields/threshold/threshold.ts'
import { validate } from '../outputs/json-schema.ts'
import type { CompiledRule } from '../rules/ir.ts'
import { loadRules } from '../rules/load.ts'
import { type Actor, event, openat, snapshot } from '../testing/events.ts'
import { createWorld } from '../testing/world.ts'
import { UsageError } from '../user-error.ts'
import { warningLine } from './observer.ts'
import { OPEN_SCHEMA, openLines, seconds } from './open-line.ts'
import { type GivenOptions, isWithin, readOptions, spellings } from './options.ts'
import { monitorRules } from './rules.ts'

const NOTHING: GivenOptions = {
  paths: [],
  ignore: [],
  quota: undefined,
  window: undefined,
  rate: undefined,
  quotaFor: [],
  writes: true,
  time: 'wall',
}
const options = (given: Partial<GivenOptions> = {}) => readOptions({ ...NOTHING, ...given })

suite('options', () => {
  const limit = (what: string, given: Partial<GivenOptions>, quota: number, windowNs: number): void => {
    test(what, () => {
      const found = options(given)
      assert.deepEqual([found.quota, found.windowNs], [quota, windowNs])
    })
  }
  limit('defaults', {}, 100, 10e9)
  limit('quota and window', { quota: '5', window: '500ms' }, 5, 5e8)
  limit('a rate per second', { rate: '20/s' }, 20, 1e9)
  limit('a rate per minute', { rate: '600/m' }, 600, 60e9)
  limit('a rate in a time', { rate: '50/500ms' }, 50, 5e8)
  test('a path with equal signs has a quota', () =>
    assert.deepEqual(options({ quotaFor: ['/nowhere/a=b=7'] }).overrides, [
      { paths: ['/nowhere/a=b'], quota: 7 },
    ]))
  test('without writes there is no quota', () => assert.equal(options({ writes: false }).quota, undefined))

  const refuses = (what: string, given: Partial<GivenOptions>, message: RegExp): void => {
    test(what, () =>
      assert.throws(
        () => options(given),
        (error) => error instanceof UsageError && message.test(error.message),
      ),
    )
  }
  refuses('a quota of nothing', { quota: '0' }, /^--quota takes a whole number from 1 to 999999, not '0'$/)
  refuses('a quota that is no number', { quota: '1e3' }, /not '1e3'/)
  refuses('a window without unit', { window: '10' }, /^--window takes a duration, not '10'$/)
  refuses('a rate without time', { rate: '10' }, /^--rate is no rate: '10'$/)
  refuses('a rate of nonsense', { rate: '10/fortnight' }, /^--rate takes a duration, not 'fortnight'$/)
  refuses('a rate of no number', { rate: '/s' }, /^--rate takes a whole number from 1 to 999999, not ''$/)
  refuses('a rate and a quota', { rate: '10/s', quota: '3' }, /cannot go with --quota/)
  refuses('a rate and a window', { rate: '10/s', window: '3s' }, /cannot go with --window/)
  refuses(
    'a path without a quota',
    { quotaFor: ['/var/log'] },
    /^--quota-for takes PATH=N, not '\/var\/log'$/,
  )
  refuses('a quota without a path', { quotaFor: ['=3'] }, /takes PATH=N/)
  refuses('an empty path', { ignore: [''] }, /a path is empty/)
  refuses('a quota for writes that are not looked at', { writes: false, quota: '3' }, /--quota .*--no-writes/)
  refuses('a quota for a path likewise', { writes: false, quotaFor: ['/a=3'] }, /--quota-for .*--no-writes/)
})

suite('paths', () => {
  const within = (path: string, root: string, expected: boolean): void => {
    test(`${path} is ${expected ? '' : 'not '}within ${root}`, () =>
      assert.equal(isWithin(path, [root]), expected))
  }
  within('/bin', '/bin', true)
  within('/bin/sh', '/bin', true)
  within('/binx', '/bin', false)
  within('/sbin', '/bin', false)
  within('/', '/', true)
  within('/etc/passwd', '/', true)
  within('pipe:[12]', '/', false)
  within('pipe:[12]', 'pipe:[12]', true)
  within('pipe:[123]', 'pipe:[12]', false)
  test('a link is also what it leads to', (t) => {
    const folder = realpathSync(mkdtempSync(join(tmpdir(), 'tarsier-monitor-')))
    t.after(() => rmSync(folder, { recursive: true }))
    symlinkSync('/usr/bin', join(folder, 'bin'))
    assert.deepEqual(spellings(join(folder, 'bin')), [join(folder, 'bin'), realpathSync('/usr/bin')])
  })
  test('a path is made absolute and cleaned', () =>
    assert.deepEqual(spellings('/nowhere/./a/../b/'), ['/nowhere/b']))
  test('kernel names stay', () => assert.deepEqual(spellings('anon_inode:[pidfd]'), ['anon_inode:[pidfd]']))
})

const WRITER: Actor = { pid: 500, start: 7_000_000_000 }
const OTHER: Actor = { pid: 501, start: 8_000_000_000 }
const MS = 1_000_000

interface Write {
  readonly path: string
  readonly by?: Actor
  /** ms */
  readonly at: number
  readonly res?: number
  readonly mode?: number
  readonly call?: string
}
const write = ({ path, by = WRITER, at, res = 1, mode = 0o100644, call = 'write' }: Write): RecordInit =>
  event(call, { by, time: 10_000_000_000 + at * MS }, { res, fd: 3, fd_in: -1, path, i_mode: mode, size: 1 })

/** `path count` of each alert that these writes raise. */
function alerts(given: Partial<GivenOptions>, writes: readonly Write[]): string[] {
  const { rules, files } = loadRules([{ path: 'monitor', text: monitorRules(options(given)) }], {
    sources: SOURCES,
  })
  assert.deepEqual(
    files.flatMap(({ errors, warnings }) => [...errors, ...warnings]),
    [],
  )
  const engine = createEngine(rules as readonly CompiledRule<SyscallContext>[], {
    matching: 'first',
    timeOf: (ctx) => ctx.event.time,
  })
  const world = createWorld()
  world.feed(
    snapshot({ by: WRITER, path: '/usr/bin/writer' }),
    snapshot({ by: OTHER, path: '/usr/bin/other' }),
  )
  const found: string[] = []
  for (const init of writes.map(write)) {
    const ctx = world.feed(init)
    engine.run(ctx.event.name, ctx, (_rule, count) => {
      ctx.memo.set(THRESHOLD_COUNT, count)
      found.push(`${world.plain('fd.name')} ${world.plain(THRESHOLD_COUNT)}`)
    })
  }
  return found
}
const times = (n: number, every: number, what: Omit<Write, 'at'>): Write[] =>
  Array.from({ length: n }, (_, i) => ({ ...what, at: i * every }))

suite('suspicious writes', () => {
  const raises = (
    what: string,
    given: Partial<GivenOptions>,
    writes: readonly Write[],
    ...expected: string[]
  ): void => {
    test(what, () => assert.deepEqual(alerts(given, writes), expected))
  }
  raises('as many as the quota are ordinary', { quota: '5' }, times(5, 1, { path: '/a' }))
  raises('one more is suspicious, once', { quota: '5' }, times(50, 1, { path: '/a' }), '/a 6')
  raises(
    'spread over more than the window they are ordinary',
    { quota: '5', window: '10ms' },
    times(50, 2, { path: '/a' }),
  )
  raises(
    'again after a window, for all since',
    { quota: '5', window: '10ms' },
    times(17, 1, { path: '/a' }),
    '/a 6',
    '/a 10',
  )
  raises(
    'every call that writes counts',
    { quota: '3' },
    ['write', 'writev', 'pwrite64', 'copy_file_range'].map((call, at) => ({ path: '/a', at, call })),
    '/a 4',
  )
  raises('other calls do not', { quota: '1' }, times(5, 1, { path: '/a', call: 'ftruncate' }))
  raises('failed writes do not', { quota: '1' }, times(5, 1, { path: '/a', res: -28 }))
  raises('each file by itself', { quota: '1' }, [
    ...times(1, 1, { path: '/a' }),
    ...times(1, 1, { path: '/b' }),
  ])
  raises('each process by itself', { quota: '1' }, [
    ...times(1, 1, { path: '/a' }),
    ...times(1, 1, { path: '/a', by: OTHER }),
  ])
  raises('pipes do not count', { quota: '1' }, times(9, 1, { path: 'pipe:[4711]', mode: 0o10600 }))
  raises('terminals do not count', { quota: '1' }, times(9, 1, { path: '/dev/pts/0', mode: 0o20620 }))
  raises('/dev/null does not count', { quota: '1' }, times(9, 1, { path: '/dev/null', mode: 0o20666 }))
  raises(
    'a file that was ignored',
    { quota: '1', ignore: ['/nowhere/a'] },
    times(9, 1, { path: '/nowhere/a' }),
  )
  raises(
    'below what is ignored',
    { quota: '1', ignore: ['/nowhere/a'] },
    times(9, 1, { path: '/nowhere/a/b' }),
  )
  raises(
    'beside what is ignored',
    { quota: '1', ignore: ['/nowhere/a'] },
    times(2, 1, { path: '/nowhere/ab' }),
    '/nowhere/ab 2',
  )
  raises(
    'outside of what was asked for',
    { quota: '1', paths: ['/nowhere/a'] },
    times(9, 1, { path: '/nowhere/ab' }),
  )
  raises(
    'inside of what was asked for',
    { quota: '1', paths: ['/nowhere/a'] },
    times(2, 1, { path: '/nowhere/a/b' }),
    '/nowhere/a/b 2',
  )
  raises(
    'another quota below a path',
    { quota: '1', quotaFor: ['/nowhere/log=4'] },
    times(9, 1, { path: '/nowhere/log/x' }),
    '/nowhere/log/x 5',
  )
  raises(
    'the longest path decides',
    { quota: '1', quotaFor: ['/nowhere=2', '/nowhere/log=4', '/nowhere/log/x=6'] },
    times(9, 1, { path: '/nowhere/log/x' }),
    '/nowhere/log/x 7',
  )
  raises(
    'and the general one elsewhere',
    { quota: '1', quotaFor: ['/nowhere/log=4'] },
    times(9, 1, { path: '/nowhere/logs' }),
    '/nowhere/logs 2',
  )
  raises('everything below the root', { quota: '3', quotaFor: ['/=1'] }, times(9, 1, { path: '/x' }), '/x 2')
  raises(
    'glob characters in a path are characters',
    { quota: '1', ignore: ['/nowhere/*'] },
    times(2, 1, { path: '/nowhere/a' }),
    '/nowhere/a 2',
  )
  raises(
    'quotes and backslashes in a path, too',
    { quota: '1', ignore: ['/nowhere/"a\\'] },
    times(9, 1, { path: '/nowhere/"a\\' }),
  )
  test('without writes there are no rules, so nothing is attached for them', () =>
    assert.equal(monitorRules(options({ writes: false })), ''))
})

/** The line of one open, as text. */
function lineOf(init: RecordInit, given: Partial<GivenOptions> = {}, comm = 'reader'): string | undefined {
  const world = createWorld()
  world.feed(snapshot({ by: WRITER, path: '/usr/bin/reader', comm }))
  return openLines(options(given))(world.feed(init))
}
/** The record, after it was checked against the schema that is published for it. */
function read(line: string | undefined): Record<string, unknown> {
  const record = JSON.parse(line ?? 'null') as Record<string, unknown>
  assert.deepEqual(validate(OPEN_SCHEMA, record), [])
  return record
}

suite('lines of opens', () => {
  const opened = (path: string, more: Partial<Parameters<typeof openat>[0]> = {}): RecordInit =>
    openat({
      by: { ...WRITER, tid: 502 },
      path,
      time: 1_234_567_899,
      ...more,
      fields: { f_mode: 67_141_633, ...more.fields },
    })

  test('has everything', () => {
    assert.deepEqual(read(lineOf(opened('/etc/hosts', { flags: 0o2000001 }))), {
      timestamp: 1767225601.234567,
      v: 1,
      kind: 'open',
      path: '/etc/hosts',
      comm: 'reader',
      pid: 502,
      tgid: 500,
      mode: 67141633,
      f_mode: 67141633,
      flags: ['O_WRONLY', 'O_CLOEXEC'],
      open_flags: 0o2000001,
      call: 'openat',
    })
  })
  test('the timestamp has six decimals, always', () => {
    assert.equal(seconds(1_757_870_000_681_105_999n), '1757870000.681105')
    assert.equal(seconds(5_000_000_000n), '5.000000')
    assert.match(lineOf(opened('/a', { time: 2_000_000_000 }))!, /^\{"timestamp":1767225602\.000000,/)
  })
  test('boot time, when asked for', () =>
    assert.equal(read(lineOf(opened('/a'), { time: 'boot' }))['timestamp'], 1.234567))
  test("the path is the kernel's", () =>
    assert.equal(read(lineOf(opened('/bin/sh', { resolved: '/usr/bin/dash' })))['path'], '/usr/bin/dash'))
  for (const name of ['anon_inode:[pidfd]', 'pipe:[4711]'])
    test(`the kernel's name of what has no path: ${name}`, () =>
      assert.equal(read(lineOf(opened('/proc/self/fd/5', { resolved: name })))['path'], name))
  test('a failed open is none', () => assert.equal(lineOf(opened('/a', { fd: -2 })), undefined))
  test('a process that is not known has no name', () =>
    assert.equal(read(openLines(options())(createWorld().feed(opened('/a'))))['comm'], null))
  test('hostile names are escaped', () => {
    const line = lineOf(opened('/tmp/\u001b[31m\n"\u202e'), {}, 'a\u0007b')!
    assert.match(line, /"path":"\/tmp\/\\u001b\[31m\\n\\"\\u202e","comm":"a\\u0007b"/)
    assert.equal(read(line)['path'], '/tmp/\u001b[31m\n"\u202e')
  })
  test('bytes that are not UTF-8 are shown, and given exactly', () => {
    const line = read(lineOf(opened('/tmp/\udcff')))
    assert.equal(line['path'], '/tmp/\\xff')
    assert.equal(Buffer.from(line['path_b64'] as string, 'base64').toString('latin1'), '/tmp/\xff')
  })
  test('either spelling is ignored', () => {
    const init = opened('/nowhere/link', { resolved: '/nowhere/real' })
    assert.equal(lineOf(init, { ignore: ['/nowhere/link'] }), undefined)
    assert.equal(lineOf(init, { ignore: ['/nowhere/real'] }), undefined)
    assert.notEqual(lineOf(init, { ignore: ['/nowhere/re'] }), undefined)
  })
  test('either spelling is asked for', () => {
    const init = opened('/nowhere/link', { resolved: '/nowhere/real' })
    assert.notEqual(lineOf(init, { paths: ['/nowhere/link'] }), undefined)
    assert.notEqual(lineOf(init, { paths: ['/nowhere/real'] }), undefined)
    assert.equal(lineOf(init, { paths: ['/nowhere/re'] }), undefined)
  })
})

test('the warning names the file, escaped', () => {
  assert.equal(warningLine('/home/USER/somefile'), 'WARN "/home/USER/somefile" is suspiciously active')
  assert.equal(warningLine('/a"\n\u001b\udcff'), 'WARN "/a\\"\\n\\u001b\\\\xff" is suspiciously active')
})
