/** Guards where names and places are unusual: what a rule matches is never passed over. */
import assert from 'node:assert/strict'
import { mkdirSync, symlinkSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { suite, test } from 'node:test'
import { scratchFolder } from '../../src/testing/scratch.ts'
import { assertParity, assertSound, type Judged, openGuarded, ruleFile } from './support/guarded.ts'
import { NEEDS_ROOT } from './support/live.ts'
import { AT_FDCWD, type Call, ref, zeros } from './support/raw.ts'

/** What rules and guard make of calls of one of these events. */
function judgedBy(rules: Readonly<Record<string, string>>, calls: readonly Call[]): readonly Judged[] {
  const guarded = openGuarded(ruleFile(rules))
  try {
    assert.deepEqual(guarded.source.failures, [])
    const { judged } = guarded.raw(calls)
    assertSound(judged)
    assertParity(judged)
    return judged
  } finally {
    guarded.stop()
  }
}

/** Rules that match, by call. */
const matchesOf = (rules: Readonly<Record<string, string>>, calls: readonly Call[]): string[] =>
  judgedBy(rules, calls).map(({ matched }) => matched.join())

const open = (...names: string[]): Call[] => names.map((name) => ['openat', AT_FDCWD, name, 0])

suite('guards in unusual places', { skip: NEEDS_ROOT, timeout: 120_000 }, () => {
  const dir = NEEDS_ROOT ? '' : scratchFolder('guard-places')

  test('components of a directory whose text is longer than what is looked up', () => {
    // The text is cut at 252 bytes: before, in and behind a component, and at either slash.
    const folders = [240, 243, 244, 245, 246, 250, 251, 252, 253, 260, 400].map((length) => {
      const rest = length - dir.length - 1
      return join(
        dir,
        'l'.repeat(100),
        'm'.repeat(Math.min(200, rest - 101)),
        'n'.repeat(Math.max(0, rest - 302)),
      )
    })
    for (const folder of folders) mkdirSync(join(folder, 'needle/below'), { recursive: true })
    const matched = matchesOf(
      { needle: 'evt.type = openat and fd.name contains /needle/' },
      folders.flatMap((folder): Call[] => [
        ['chdir', join(folder, 'needle/below')],
        ...open('x', '.'),
        ['chdir', '..'],
        ...open('x'),
        ['chdir', '..'],
        ...open('x', 'needle/x'),
      ]),
    )
    assert.deepEqual(
      matched,
      folders.flatMap(() => ['needle', 'needle', 'needle', '', 'needle']),
    )
  })

  test('the root of a process is not like the directory that it lies in', () => {
    const cell = join(dir, 'cell')
    mkdirSync(join(cell, 'root'), { recursive: true })
    for (const file of ['target', 'root/target']) writeFileSync(join(cell, file), '')
    const matched = matchesOf({ target: 'evt.type = openat and fd.name = /target' }, [
      ['chdir', cell],
      ['chroot', join(cell, 'root')],
      ...open('other', 'target'),
      ['chdir', '/'],
      ...open('target', '../target', '.'),
    ])
    assert.deepEqual(matched, ['', '', 'target', 'target', ''])
  })

  test('mounts and renames between what is alike', () => {
    const at = join(dir, 'alike')
    for (const folder of ['one/two', 'over/deep', 'on/deep']) mkdirSync(join(at, folder), { recursive: true })
    for (const file of ['one/two/f', 'over/deep/f', 'on/deep/f', 'on/x']) writeFileSync(join(at, file), '')
    const matched = matchesOf(
      {
        renamed: `evt.type = openat and fd.name startswith ${at}/asked/`,
        mounted: `evt.type = openat and fd.name in (${at}/bound/deep/f, ${at}/bound, ${at}/bound/deep)`,
        source: `evt.type = openat and fd.name = ${at}/on/deep/f`,
        beside: `evt.type = openat and fd.name = ${at}/x`,
      },
      [
        ['unshare', 0x20000],
        ['mount', 'none', '/', 'none', 0x44000, 0],
        ['chdir', join(at, 'one/two')],
        ...open('f', '../two/f', './/f'),
        ['rename', join(at, 'one'), join(at, 'asked')],
        ...open('f', '../two/f', './/f', '..', '.'),
        ['mkdir', join(at, 'bound'), 0o755],
        ['mount', join(at, 'on'), join(at, 'bound'), 'none', 4096, 0],
        ['chdir', join(at, 'bound')],
        ...open('deep/f', 'deep/.', 'deep/..', '../x', '../bound', '.', '..'),
        ['chdir', join(at, 'bound/deep')],
        ...open('f', '../../x', '..', '.', '../../on/deep/f'),
      ],
    )
    assert.deepEqual(matched, [
      ...['', '', '', 'renamed', 'renamed', 'renamed', '', 'renamed'],
      ...['mounted', 'mounted', 'mounted', 'beside', 'mounted', 'mounted', ''],
      ...['mounted', 'beside', 'mounted', 'mounted', 'source'],
    ])
  })

  test('directories that were removed', () => {
    const at = join(dir, 'removed')
    mkdirSync(join(at, 'a/b'), { recursive: true })
    const matched = matchesOf(
      {
        beside: `evt.type = openat and fd.name = ${at}/a/x`,
        itself: `evt.type = openat and fd.name endswith "b (deleted)"`,
        above: `evt.type = openat and fd.filename = a`,
        inside: `evt.type = openat and fd.name contains "/b (deleted)/"`,
      },
      [
        ['chdir', join(at, 'a/b')],
        ...open('x', '../x', '.', '..', '../../a'),
        ['rmdir', join(at, 'a/b')],
        ...open('x', '../x', '.', '..', '../../a'),
        ['rmdir', join(at, 'a')],
        ...open('x', '../x', '.', '..', '../../a'),
      ],
    )
    assert.deepEqual(matched, [
      ...['', 'beside', '', 'above', 'above'],
      ...['inside', 'beside', 'itself', 'above', 'above'],
      ...['inside', 'beside', 'itself', 'above', 'above'],
    ])
  })

  test('pipes and their like, by every way to ask for them', () => {
    const asks = [
      'fd.name endswith "]"',
      'fd.name endswith anyof ("]", ".conf")',
      'fd.name startswith "pipe:["',
      'fd.name contains "["',
      'fd.name contains ":["',
      'fd.name glob "*]"',
      'fd.name glob "*:?*?]"',
      'fd.name glob "pipe:*"',
      'fd.name glob "*[0-9]]"',
      'fd.name icontains PIPE',
      'fd.name != /etc/x',
      'not fd.name = /etc/x',
      'not fd.name endswith .conf',
      'not fd.name startswith /etc',
      'not fd.filename in (a, b)',
      'not fd.directory = /etc',
      'fd.filename endswith "]"',
      'fd.filename exists',
      'fd.name in ("anon_inode:[eventfd]", /etc/x)',
      'fd.name = "anon_inode:[eventfd]"',
      'fd.name intersects ("anon_inode:[eventfd]", /etc/x)',
      'basename(fd.name) = "anon_inode:[eventfd]"',
      'basename(fd.name) endswith "d]"',
      'toupper(fd.name) endswith "D]"',
      'fd.name endswith ":a.conf"',
      'fd.name endswith "a.conf"',
      'fd.name startswith ns:',
      'fd.realpath endswith "]"',
      'fd.nameraw endswith "]"',
    ]
    const rules = Object.fromEntries(
      asks.map((ask, i) => [`r${i}`, `evt.type in (dup, ftruncate, fchmod) and ${ask}`]),
    )
    const made: Call[] = [
      ['pipe2', zeros(8), 0],
      ['eventfd2', 0, 0],
      ['socket', 1, 1, 0],
      ['socket', 2, 1, 0],
      ['memfd_create', 'a.conf', 0],
      ['memfd_create', 'b]', 0],
      ['openat', AT_FDCWD, '/proc/self/ns/net', 0],
    ]
    const every = made.flatMap((_, i): Call[] => [
      ['dup', ref(i)],
      ['ftruncate', ref(i), 0],
      ['fchmod', ref(i), 0o644],
    ])
    const matched = matchesOf(rules, [
      ...made,
      ['dup', 3],
      ['ftruncate', 4, 0],
      ['fchmod', 3, 0o600],
      ...every,
    ])
    const all = new Set(matched.join().split(','))
    assert.deepEqual(
      asks.filter((_, i) => !all.has(`r${i}`)),
      [],
    )
  })

  test('names at the limits of what is cleaned', () => {
    const at = join(dir, 'limits')
    mkdirSync(join(at, 'a/b/c/d/e/f/g/h/i/j'), { recursive: true })
    const room = 252 - at.length
    const pad = (n: number): string => `${at}/${'./'.repeat(Math.floor((n - 2) / 2))}${n % 2 ? '/' : ''}x`
    const matched = matchesOf(
      { x: `evt.type = openat and fd.name = ${at}/x`, root: 'evt.type = openat and fd.name = /x' },
      [
        ...open(...[-3, -2, -1, 0, 1, 2, 3].map((more) => pad(room + more))),
        ['chdir', join(at, 'a/b/c/d/e/f/g/h/i/j')],
        ...open(`${'../'.repeat(10)}x`, `${'../'.repeat(9)}../x`, `${'../'.repeat(11)}limits/x`),
        ['chdir', join(at, 'a/b/c/d/e/f/g/h')],
        ...open(`${'../'.repeat(8)}x`, `${'q/../'.repeat(40)}${'../'.repeat(8)}x`, `${'../'.repeat(60)}x`),
        ...open(`${'q/'.repeat(31)}${'../'.repeat(39)}x`, `${'q/'.repeat(32)}${'../'.repeat(40)}x`),
        ...open(
          `${'q/'.repeat(33)}${'../'.repeat(41)}x`,
          `${'../'.repeat(8)}a/../x`,
          `...///../${'../'.repeat(8)}x`,
        ),
      ],
    )
    assert.deepEqual(
      matched,
      matched.map((_, i) => (i === 12 ? 'root' : 'x')),
    )
    assert.equal(matched.length, 18)
  })

  test('relative names with directories in them are judged by where they lead', () => {
    const at = join(dir, 'joined')
    for (const folder of ['one/other', 'one/asked/deep', 'start/x', 'on/asked', 'cell/asked'])
      mkdirSync(join(at, folder), { recursive: true })
    for (const file of ['one/other/f', 'one/asked/f', 'one/asked/deep/f', 'start/x/f', 'cell/asked/f'])
      writeFileSync(join(at, file), '')
    symlinkSync('asked', join(at, 'one/link'))
    symlinkSync('../other', join(at, 'one/asked/out'))
    const judged = judgedBy(
      {
        below: `evt.type = openat and fd.name startswith ${at}/one/asked/`,
        exact: `evt.type = openat and fd.name = ${at}/one/asked/f`,
        folder: `evt.type = openat and fd.directory = ${at}/one/other`,
        moved: `evt.type = openat and fd.name startswith ${at}/moved/x/`,
        mounted: `evt.type = openat and fd.name startswith ${at}/one/other/asked/`,
        cell: 'evt.type = openat and fd.name startswith /asked/',
        target: `evt.type = rename and fs.path.target startswith ${at}/one/asked/`,
      },
      [
        ['chdir', join(at, 'one')],
        ...open('other/x/f', 'asked/f', 'other/../asked/./f', 'asked/../f', 'asked/../../x/f', 'other/f'),
        ...open('asked/deep/f', 'other/x/f', 'asked/../f', 'link/f', 'asked/out/f', 'asked'),
        ['chdir', '/'],
        ...open(
          ...['f', 'other/x/f', 'asked/f', '../one/asked/f'].map((name) => join(at, 'one', name).slice(1)),
        ),
        ['openat', AT_FDCWD, join(at, 'one/other'), 0o10000000],
        ['openat', ref(18), '../asked/f', 0],
        ['openat', ref(18), '../x/f', 0],
        ['chdir', at],
        ['rename', 'one/link', 'one/asked/link'],
        ['rename', 'one/other/f', 'one/other/g'],
        ['chdir', join(at, 'start')],
        ...open('x/f', 'x/f'),
        ['rename', join(at, 'start'), join(at, 'moved')],
        ...open('x/f', 'y/f'),
        ['unshare', 0x20000],
        ['mount', 'none', '/', 'none', 0x44000, 0],
        ['chdir', join(at, 'on')],
        ...open('asked/f'),
        ['mount', join(at, 'on'), join(at, 'one/other'), 'none', 4096, 0],
        ['chdir', join(at, 'one/other')],
        ...open('asked/f', 'none/f'),
        ['chdir', join(at, 'cell')],
        ...open('asked/f'),
        ['chroot', join(at, 'cell')],
        ['chdir', '/'],
        ...open('asked/f', 'other/f', '../../asked/f'),
      ],
    )
    assert.deepEqual(
      judged.map(({ matched, passedOver }) => (passedOver ? '-' : matched.join())),
      [
        ...['-', 'below,exact', 'below,exact', '-', '-', 'folder'],
        ...['below', '-', '-', 'below,exact', 'below,folder', '-'],
        ...['-', '-', 'below,exact', 'below,exact'],
        ...['-', 'below,exact', '-'],
        ...['target', '-'],
        ...['-', '-', '-', 'moved', '-'],
        ...['-', 'mounted', '-'],
        ...['-', 'cell', '-', 'cell'],
      ],
    )
  })

  test('joined names at the limit of what is looked up', () => {
    const start = join(dir, 'l'.repeat(100))
    const folders = [240, 249, 250, 251, 252, 253, 270].map((length) =>
      join('m'.repeat(60), 'n'.repeat(length - start.length - 62)),
    )
    for (const folder of folders) mkdirSync(join(start, folder, 'below'), { recursive: true })
    const rules = Object.fromEntries(
      folders.map((folder, i) => [`r${i}`, `evt.type = openat and fd.directory = ${join(start, folder)}`]),
    )
    const calls = folders.flatMap((folder) => open(`${folder}/f`, `${folder}/below/f`))
    assert.deepEqual(
      matchesOf(rules, [['chdir', start], ...calls]),
      folders.flatMap((_, i) => [`r${i}`, '']),
    )
  })
})
