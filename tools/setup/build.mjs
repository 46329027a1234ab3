/** What is made from the sources: `node_modules`, `dist/`, `build/bpf/`. Each has a stamp that says what it was made of. */
import {
  closeSync,
  existsSync,
  lutimesSync,
  mkdirSync,
  openSync,
  readFileSync,
  renameSync,
  rmSync,
  writeFileSync,
  writeSync,
} from 'node:fs'
import { setTimeout as sleep } from 'node:timers/promises'
import { installNpmPackages, npmIsFresh, packageBin, pinnedNode } from './npm.mjs'
import { mustRunStep, SetupError, say } from './process.mjs'
import { digestOf, filesUnder } from './stamp.mjs'

const isSource = (path) => /\.(ts|json)$/.test(path) && !path.endsWith('.test.ts')
const isBpfSource = (path) => /\.(bpf\.c|h|ts|json)$/.test(path) && !path.endsWith('.test.ts')

/** Says what is out of date. Reads only. */
export function inspectFiles(root) {
  return { npm: !npmIsFresh(root), dist: !distIsFresh(root), bpf: !bpfIsFresh(root) }
}

/** Makes what is out of date; another set-up of the same checkout is waited for. */
export async function buildFiles(root) {
  mkdirSync(`${root}/build`, { recursive: true })
  const unlock = await lock(`${root}/build/.lock`)
  try {
    if (!npmIsFresh(root)) await installNpmPackages(root)
    if (!distIsFresh(root)) await buildDist(root)
    if (!bpfIsFresh(root)) await buildBpf(root)
    markLooked(root)
  } finally {
    unlock()
  }
}

/** `bin/tarsier` takes the stamp's time for the time of the last look at the sources. */
export function markLooked(root) {
  const now = new Date()
  try {
    lutimesSync(distStamp(root), now, now)
  } catch {
    // Somebody else's checkout: the next start looks again.
  }
}

const distStamp = (root) => `${root}/dist/.stamp`

const distDigest = (root) =>
  digestOf(root, [
    ...filesUnder(`${root}/src`, isSource),
    ...filesUnder(`${root}/schema`, isSource),
    ...[
      'package.json',
      'package-lock.json',
      'tsconfig.json',
      'tsconfig.build.json',
      'tools/setup/build.mjs',
    ].map((f) => `${root}/${f}`),
  ])

const distIsFresh = (root) => readText(distStamp(root)) === distDigest(root)

/**
 * Compiles TypeScript into a new folder and swaps it in, so that no file of a deleted source stays and a build that
 * fails leaves the old one. Types are not checked here (`npm test` does): a start shall not wait for that.
 */
async function buildDist(root) {
  const digest = distDigest(root)
  const fresh = `${root}/build/dist.new`
  const old = `${root}/build/dist.old`
  rmSync(fresh, { recursive: true, force: true })
  await mustRunStep(
    'compiling TypeScript (seconds)',
    [...packageBin(root, 'typescript/bin/tsc'), '-p', 'tsconfig.build.json', '--noCheck', '--outDir', fresh],
    { cwd: root },
    `cd ${root} && npm run check`,
  )
  writeFileSync(`${fresh}/.stamp`, digest)
  // Not looked at everything yet: what comes behind this may fail or be interrupted.
  lutimesSync(`${fresh}/.stamp`, 0, 0)
  rmSync(old, { recursive: true, force: true })
  if (existsSync(`${root}/dist`)) renameSync(`${root}/dist`, old)
  renameSync(fresh, `${root}/dist`)
  rmSync(old, { recursive: true, force: true })
}

const bpfStamp = (root) => `${root}/build/bpf.stamp`

const bpfDigest = (root) =>
  `${process.arch} ` +
  digestOf(root, [
    ...filesUnder(`${root}/bpf`, isBpfSource),
    ...filesUnder(`${root}/schema`, isBpfSource),
    ...filesUnder(`${root}/tools`, (path) => /\/tools\/(build-)?bpf[^/]*$/.test(path) && isBpfSource(path)),
  ])

const bpfObjects = (root) => filesUnder(`${root}/build/bpf`, (path) => path.endsWith('.bpf.o'))

/** The stamp's first line is the digest of the sources, the others are the objects that were made of them. */
function bpfIsFresh(root) {
  if (filesUnder(`${root}/bpf/programs`, (path) => path.endsWith('.bpf.c')).length === 0) return true
  const [digest, ...objects] = readText(bpfStamp(root))?.split('\n') ?? []
  return digest === bpfDigest(root) && objects.every((object) => existsSync(`${root}/${object}`))
}

async function buildBpf(root) {
  const digest = bpfDigest(root)
  // Until all objects are there, those that are there are of no sources.
  rmSync(bpfStamp(root), { force: true })
  await mustRunStep(
    'compiling BPF programs (up to a minute)',
    [pinnedNode(root), `${root}/tools/build-bpf.ts`],
    { cwd: root },
    `cd ${root} && node tools/setup.mjs build`,
  )
  const objects = bpfObjects(root).map((path) => path.slice(root.length + 1))
  writeFileSync(bpfStamp(root), [digest, ...objects].join('\n'))
}

function readText(path) {
  try {
    return readFileSync(path, 'utf8')
  } catch {
    return undefined
  }
}

const LOCK_TRIES = 4 * 60 * 15

/** Takes the lock file, waiting while a living process holds it. Returns the function that gives it back. */
async function lock(path) {
  for (let tries = 0; tries < LOCK_TRIES; tries++) {
    try {
      const fd = openSync(path, 'wx')
      writeSync(fd, String(process.pid))
      closeSync(fd)
      return () => rmSync(path, { force: true })
    } catch (error) {
      if (error.code !== 'EEXIST')
        throw new SetupError(`cannot write ${path}: ${error.message}`, `ls -ld ${path}`)
    }
    const holder = Number(readText(path))
    if (holder > 0 && !isAlive(holder)) rmSync(path, { force: true })
    else {
      if (tries === 0)
        say(`another set-up of this checkout is at work${holder > 0 ? ` (process ${holder})` : ''}: waiting`)
      await sleep(250)
    }
  }
  throw new SetupError('another set-up of this checkout does not end', `rm ${path}`)
}

function isAlive(pid) {
  try {
    process.kill(pid, 0)
    return true
  } catch (error) {
    return error.code === 'EPERM'
  }
}
