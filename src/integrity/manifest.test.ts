import assert from 'node:assert/strict'
import { execFileSync } from 'node:child_process'
import { createHash } from 'node:crypto'
import { appendFileSync, chmodSync, mkdirSync, renameSync, rmSync, utimesSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { test } from 'node:test'
import { scratchFolder } from '../testing/scratch.ts'
import { agentRoots, belongs, expand, type FileRoot, mappedLibraries } from './files.ts'
import { drain, type FileChange, Manifest, SLICE_BYTES } from './manifest.ts'

const folder = scratchFolder('manifest')

let count = 0
/** A folder with files of these names and contents. */
function filled(files: Readonly<Record<string, string | Uint8Array>>): string {
  const place = join(folder, String(count++))
  mkdirSync(place)
  for (const [name, content] of Object.entries(files)) {
    mkdirSync(join(place, name, '..'), { recursive: true })
    writeFileSync(join(place, name), content)
  }
  return place
}
const sha256 = (content: string | Uint8Array): string => createHash('sha256').update(content).digest('hex')

/** A manifest of one file that has been hashed, what is done to it, and what the next look says. */
function afterwards(content: string, act: (file: string) => void, quick = false): FileChange | undefined {
  const file = join(filled({ f: content }), 'f')
  const manifest = new Manifest([{ kind: 'rules', path: file }])
  assert.equal(drain(manifest.check(file)), undefined)
  act(file)
  const change = drain(manifest.check(file, quick))
  assert.equal(drain(manifest.check(file, quick)), undefined, 'told once')
  return change
}
const says = (name: string, act: (file: string) => void, what: string | undefined, now?: string): void => {
  for (const quick of [false, true])
    test(`${name}${quick ? ', quick' : ''}`, () => {
      const change = afterwards('one', act, quick)
      assert.equal(change?.what, what)
      if (change === undefined) return
      assert.deepEqual(
        [change.before, change.after],
        [sha256('one'), now === undefined ? undefined : sha256(now)],
      )
    })
}

says('a file that stays', () => {}, undefined)
says('a file written over', (file) => writeFileSync(file, 'two'), 'changed', 'two')
says('a file appended to', (file) => appendFileSync(file, '!'), 'changed', 'one!')
says('a file removed', (file) => rmSync(file), 'removed')
says(
  'a file replaced by another one',
  (file) => {
    writeFileSync(`${file}.new`, 'two')
    renameSync(`${file}.new`, file)
  },
  'changed',
  'two',
)
says(
  'a file replaced by one with the same content',
  (file) => {
    writeFileSync(`${file}.new`, 'one')
    renameSync(`${file}.new`, file)
  },
  undefined,
)
says('a file with another mode', (file) => chmodSync(file, 0o600), undefined)
says('a file that was touched', (file) => utimesSync(file, 1, 1), undefined)
says(
  'a file replaced by a directory',
  (file) => {
    rmSync(file)
    mkdirSync(file)
  },
  'removed',
)
says(
  'a file replaced by a pipe does not keep us waiting',
  (file) => {
    rmSync(file)
    execFileSync('mkfifo', [file])
  },
  'removed',
)
says(
  'a change with the old times',
  (file) => {
    writeFileSync(file, 'two')
    utimesSync(file, 1, 1)
  },
  'changed',
  'two',
)

test('a file that comes back is told, too', () => {
  const file = join(filled({ f: 'one' }), 'f')
  const manifest = new Manifest([{ kind: 'code', path: file }])
  drain(manifest.check(file))
  rmSync(file)
  drain(manifest.check(file))
  writeFileSync(file, 'one')
  assert.deepEqual(drain(manifest.check(file)), {
    path: file,
    kind: 'code',
    what: 'changed',
    before: undefined,
    after: sha256('one'),
  })
})

test('a file that was missing at the start', () => {
  const file = join(folder, 'missing')
  const manifest = new Manifest([{ kind: 'code', path: file }])
  assert.equal(drain(manifest.check(file)), undefined)
  writeFileSync(file, 'x')
  assert.equal(drain(manifest.check(file))?.after, sha256('x'))
})

test('a large file is hashed in slices', () => {
  const content = new Uint8Array(3 * SLICE_BYTES + 5).fill(7)
  const file = join(filled({ f: content }), 'f')
  const manifest = new Manifest([{ kind: 'executable', path: file }])
  let slices = 0
  for (const steps = manifest.check(file); steps.next().done !== true; ) slices++
  assert.equal(slices, 3)
  content[2 * SLICE_BYTES] = 8
  writeFileSync(file, content)
  assert.equal(drain(manifest.check(file))?.after, sha256(content))
})

test('two large files hashed in turns do not mix', () => {
  const place = filled({ a: new Uint8Array(2 * SLICE_BYTES), b: new Uint8Array(2 * SLICE_BYTES).fill(1) })
  const [a, b] = [join(place, 'a'), join(place, 'b')]
  const manifest = new Manifest([
    { kind: 'code', path: a },
    { kind: 'code', path: b },
  ])
  const turns = [manifest.check(a), manifest.check(b)]
  while (turns.map((steps) => steps.next().done).includes(false));
  assert.equal(drain(manifest.check(a)), undefined)
  assert.equal(drain(manifest.check(b)), undefined)
})

const RULES: FileRoot = { kind: 'rules', path: '/r', endings: ['.yaml'] }
const CODE: FileRoot = { kind: 'code', path: '/r', endings: ['.js'], deep: true }
const inside = (root: FileRoot, path: string, expected: boolean): void =>
  void test(`${path} ${expected ? 'belongs' : 'does not belong'} to ${root.kind}`, () =>
    assert.equal(belongs(root, path), expected))
inside(RULES, '/r/a.yaml', true)
inside(RULES, '/r/a.txt', false)
inside(RULES, '/r/b/a.yaml', false)
inside(RULES, '/rr/a.yaml', false)
inside(CODE, '/r/b/c/a.js', true)
inside(CODE, '/r/node_modules/a.js', false)
inside({ kind: 'rules', path: '/r/a.yaml' }, '/r/a.yaml', false)

test('a directory stands for its files, and new ones are told', () => {
  const place = filled({ 'a.yaml': '1', 'b.txt': '2', 'c/d.yaml': '3' })
  const root: FileRoot = { kind: 'rules', path: place, endings: ['.yaml'] }
  assert.deepEqual(
    expand(root).map(({ path }) => path),
    [join(place, 'a.yaml')],
  )
  assert.deepEqual(
    expand({ ...root, deep: true }).map(({ path }) => path),
    [join(place, 'a.yaml'), join(place, 'c/d.yaml')],
  )
  const manifest = new Manifest([root])
  for (const path of manifest.paths) drain(manifest.check(path))
  assert.deepEqual(manifest.takeAdded(), [])
  writeFileSync(join(place, 'e.yaml'), '4')
  const added = {
    path: join(place, 'e.yaml'),
    kind: 'rules',
    what: 'added',
    before: undefined,
    after: sha256('4'),
  }
  assert.deepEqual(
    manifest.takeAdded([join(place, 'a.yaml'), join(place, 'b.txt'), join(place, 'no.yaml')]),
    [],
  )
  assert.deepEqual(manifest.takeAdded([added.path]), [added])
  assert.deepEqual(manifest.takeAdded(), [])
  assert.equal(drain(manifest.check(added.path)), undefined)
  writeFileSync(join(place, 'f.yaml'), '5')
  assert.equal(manifest.takeAdded()[0]?.after, sha256('5'))
})

test('libraries: what is mapped as code and still has its name', () => {
  const maps = [
    '7f00-7f01 r-xp 00000000 fd:01 12  /usr/lib/a.so',
    '7f01-7f02 r--p 00000000 fd:01 13  /usr/lib/data',
    '7f02-7f03 r-xp 00000000 fd:01 14  /usr/lib/b\\040c.so',
    '7f03-7f04 r-xp 00000000 fd:01 15  /usr/lib/gone.so (deleted)',
    '7f04-7f05 r-xp 00000000 00:00 0  [vdso]',
    '7f05-7f06 r-xp 00000000 00:00 0 ',
    '7f06-7f07 r-xp 00000000 fd:01 12  /usr/lib/a.so',
  ]
  assert.deepEqual(mappedLibraries(maps.join('\n')), ['/usr/lib/a.so', '/usr/lib/b c.so'])
})
test('the libraries of this process', () =>
  assert.ok(mappedLibraries().some((path) => /libc[.-]/.test(path))))

test('the agent’s own files', () => {
  const root = filled({
    'package.json': '{"dependencies":{"dep":"1"}}',
    'dist/a.js': '',
    'node_modules/dep/b.js': '',
    'bin/tarsier': '',
  })
  const roots = agentRoots({ root, objects: '/objects', rules: ['/rules'], configuration: ['/c.toml'] })
  const paths = new Set(roots.flatMap(expand).map(({ path }) => path))
  for (const path of [
    process.execPath,
    ...['package.json', 'dist/a.js', 'node_modules/dep/b.js', 'bin/tarsier'].map((name) => join(root, name)),
    '/rules',
    '/c.toml',
  ])
    assert.ok(paths.has(path), path)
})

test('other roots: files of new ones are taken as they are, what is named no more is forgotten', () => {
  const place = filled({ 'a.yaml': '1', 'rules.d/b.yaml': '2', 'more.d/c.yaml': '3' })
  const root = (name: string) => ({ kind: 'rules' as const, path: join(place, name), endings: ['.yaml'] })
  const manifest = new Manifest([root('a.yaml'), root('rules.d')])
  for (const path of manifest.paths) drain(manifest.check(path))
  // It came to a directory that is looked after already: that is told, whatever roots there are by then.
  writeFileSync(join(place, 'rules.d', 'new.yaml'), '4')
  manifest.follow([root('rules.d'), root('more.d')])
  assert.deepEqual(manifest.paths.map((path) => path.slice(place.length + 1)).sort(), [
    'more.d/c.yaml',
    'rules.d/b.yaml',
  ])
  for (const path of manifest.paths) assert.equal(drain(manifest.check(path)), undefined)
  assert.deepEqual(
    manifest.takeAdded().map(({ path, what }) => [path.slice(place.length + 1), what]),
    [['rules.d/new.yaml', 'added']],
  )
  writeFileSync(join(place, 'more.d', 'c.yaml'), '5')
  assert.equal(drain(manifest.check(join(place, 'more.d', 'c.yaml')))?.what, 'changed')
})
