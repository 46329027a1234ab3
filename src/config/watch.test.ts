import assert from 'node:assert/strict'
import { mkdirSync, renameSync, symlinkSync, unlinkSync, utimesSync, writeFileSync } from 'node:fs'
import { basename, join } from 'node:path'
import { after, test } from 'node:test'
import { scratchFolder } from '../testing/scratch.ts'
import { FileWatch } from './watch.ts'

const base = scratchFolder('watch')
const watches: FileWatch[] = []
after(() => {
  for (const one of watches) one.close()
})
let made = 0

interface Watched {
  readonly folder: string
  readonly watch: FileWatch
  /** What was told, a list for each time. */
  readonly told: string[][]
  /** Names told next, those of one time. */
  next(): Promise<string[]>
}

/** A folder with a.yaml and rules.d/b.yaml in it, which are watched. */
function watched(...more: readonly string[]): Watched {
  const folder = join(base, String(made++))
  mkdirSync(join(folder, 'rules.d'), { recursive: true })
  writeFileSync(join(folder, 'a.yaml'), 'a')
  writeFileSync(join(folder, 'rules.d', 'b.yaml'), 'b')
  const told: string[][] = []
  const watch = new FileWatch({
    paths: ['a.yaml', 'rules.d', ...more].map((name) => join(folder, name)),
    endings: ['.yaml'],
    changed: (paths) => void told.push(paths.map((path) => basename(path)).sort()),
  })
  watches.push(watch)
  let taken = 0
  return {
    folder,
    watch,
    told,
    async next() {
      const end = performance.now() + 20_000
      while (told.length <= taken) {
        assert.ok(performance.now() < end, 'nothing is told')
        await new Promise((resolve) => setTimeout(resolve, 5))
      }
      return told[taken++]!
    },
  }
}
/** What an act leads to, before a last change that is told for certain. */
const tells = (
  what: string,
  act: (folder: string) => void,
  expected: readonly string[],
  ...more: readonly string[]
): void =>
  void test(what, async () => {
    const { folder, next, told } = watched(...more)
    act(folder)
    assert.deepEqual(await next(), expected)
    assert.equal(told.length, 1)
  })
const tellsNothing = (what: string, act: (folder: string) => void): void =>
  tells(
    what,
    (folder) => {
      act(folder)
      writeFileSync(join(folder, 'rules.d', 'last.yaml'), '')
    },
    ['last.yaml'],
  )

tells('a file written over', (folder) => writeFileSync(join(folder, 'a.yaml'), 'x'), ['a.yaml'])
tells(
  'a file that another is renamed over, as editors do',
  (folder) => {
    writeFileSync(join(folder, '.a.yaml.swp'), 'x')
    renameSync(join(folder, 'a.yaml'), join(folder, 'a.yaml~'))
    renameSync(join(folder, '.a.yaml.swp'), join(folder, 'a.yaml'))
    unlinkSync(join(folder, 'a.yaml~'))
  },
  ['a.yaml'],
)
tells(
  'several quick writes are one change',
  (folder) => {
    for (let i = 0; i < 20; i++) writeFileSync(join(folder, 'a.yaml'), String(i))
    writeFileSync(join(folder, 'rules.d', 'b.yaml'), 'x')
  },
  ['a.yaml', 'b.yaml'],
)
tells('a file that comes to a directory', (folder) => writeFileSync(join(folder, 'rules.d', 'c.yaml'), ''), [
  'c.yaml',
])
tells('a file that goes', (folder) => unlinkSync(join(folder, 'rules.d', 'b.yaml')), ['b.yaml'])
tells(
  'a file that was not there',
  (folder) => writeFileSync(join(folder, 'later.yaml'), ''),
  ['later.yaml'],
  'later.yaml',
)
tells(
  'a directory that is replaced, and then a file in it',
  (folder) => {
    renameSync(join(folder, 'rules.d'), join(folder, 'old'))
    mkdirSync(join(folder, 'rules.d'))
    writeFileSync(join(folder, 'rules.d', 'b.yaml'), 'x')
  },
  ['b.yaml'],
)
tellsNothing('what has the same content', (folder) => {
  writeFileSync(join(folder, 'a.yaml'), 'a')
  utimesSync(join(folder, 'a.yaml'), 1, 1)
})
tellsNothing('files of other names', (folder) => {
  writeFileSync(join(folder, 'alerts.log'), 'x')
  writeFileSync(join(folder, 'rules.d', 'b.yaml~'), 'x')
})

test('a link that leads elsewhere, as in a mounted ConfigMap', async () => {
  const folder = join(base, 'links')
  for (const version of ['1', '2']) {
    mkdirSync(join(folder, version), { recursive: true })
    writeFileSync(join(folder, version, 'a.yaml'), version)
  }
  symlinkSync('1', join(folder, '..data'))
  symlinkSync('..data/a.yaml', join(folder, 'a.yaml'))
  const told: string[] = []
  const changed = (paths: readonly string[]): void => void told.push(...paths)
  const watch = new FileWatch({ paths: [join(folder, 'a.yaml')], endings: [], changed })
  watches.push(watch)
  symlinkSync('2', join(folder, '..data_tmp'))
  renameSync(join(folder, '..data_tmp'), join(folder, '..data'))
  const end = performance.now() + 20_000
  while (told.length === 0 && performance.now() < end) await new Promise((resolve) => setTimeout(resolve, 5))
  assert.deepEqual(told, [join(folder, 'a.yaml')])
})
test('other paths', async () => {
  const { folder, watch, next, told } = watched()
  const path = join(folder, 'other.yaml')
  writeFileSync(path, '1')
  watch.follow([path], watch.look())
  writeFileSync(join(folder, 'a.yaml'), 'x')
  writeFileSync(path, '2')
  assert.deepEqual(await next(), ['other.yaml'])
  assert.equal(told.length, 1)
})
test('what somebody has acted on is no change', async () => {
  const { folder, watch, next } = watched()
  writeFileSync(join(folder, 'a.yaml'), 'x')
  watch.follow([join(folder, 'a.yaml'), join(folder, 'rules.d')], watch.look())
  writeFileSync(join(folder, 'rules.d', 'last.yaml'), '')
  assert.deepEqual(await next(), ['last.yaml'])
})
test('nothing is told after the end', async () => {
  const { folder, watch, told } = watched()
  writeFileSync(join(folder, 'a.yaml'), 'x')
  await new Promise((resolve) => setTimeout(resolve, 20))
  watch.close()
  await new Promise((resolve) => setTimeout(resolve, 700))
  assert.deepEqual(told, [])
})
