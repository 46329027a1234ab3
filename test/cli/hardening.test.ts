/** The launcher and the hardening it leads to, with a probe in the place of the program. */
import assert from 'node:assert/strict'
import { type ChildProcessWithoutNullStreams, spawn, spawnSync } from 'node:child_process'
import { once } from 'node:events'
import { chmodSync, copyFileSync, mkdirSync, mkdtempSync, rmSync, symlinkSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join, resolve } from 'node:path'
import { createInterface } from 'node:readline'
import { after, before, test } from 'node:test'
import { setTimeout as sleep } from 'node:timers/promises'
import { LAUNCH_FLAGS, launchFaults } from '../../src/cli/hardening.ts'

const ROOT = resolve(import.meta.dirname, '../..')
const NOBODY = 65534
const isRoot = process.getuid?.() === 0

let place: string
const children: ChildProcessWithoutNullStreams[] = []

before(() => {
  place = mkdtempSync(join(tmpdir(), 'tarsier-launch-'))
  chmodSync(place, 0o755)
  for (const folder of ['bin', 'dist/src/cli', 'elsewhere'])
    mkdirSync(join(place, folder), { recursive: true })
  copyFileSync(`${ROOT}/bin/tarsier`, join(place, 'bin/tarsier'))
  copyFileSync(`${ROOT}/test/cli/launch-probe.mjs`, join(place, 'dist/src/cli/main.js'))
  copyFileSync(`${ROOT}/package.json`, join(place, 'package.json'))
  symlinkSync(`${ROOT}/node_modules`, join(place, 'node_modules'))
  symlinkSync('../bin/tarsier', join(place, 'elsewhere/first'))
  symlinkSync('first', join(place, 'elsewhere/second'))
})

after(() => {
  for (const child of children) child.kill('SIGKILL')
  rmSync(place, { recursive: true, force: true })
})

interface Told {
  readonly rest: readonly string[]
  readonly refusal?: string
  readonly flags: readonly string[]
  readonly env: Readonly<Record<string, string>>
  readonly codeFromString: string
  readonly hasProto: boolean
  readonly dumpableBefore: number
  readonly dumpableAfter: number
  readonly umask: number
  readonly mapsOwner: number
}

const PROBE_ARGS = [`${ROOT}/dist/src/cli/hardening.js`, `${ROOT}/node_modules/koffi/index.js`]

/** Starts the probe and answers with what it told, and a way to ask it for its debugger's address. */
async function launch(
  options: {
    env?: Record<string, string>
    via?: string
    args?: string[]
    uid?: number
    node?: string[]
  } = {},
) {
  const command = options.node ?? [join(place, options.via ?? 'bin/tarsier')]
  const child = spawn(command[0]!, [...command.slice(1), ...PROBE_ARGS, ...(options.args ?? [])], {
    env: { PATH: '/usr/bin:/bin', ...options.env },
    ...(options.uid === undefined ? {} : { uid: options.uid, gid: options.uid }),
  })
  children.push(child)
  let errors = ''
  child.stderr.on('data', (chunk) => {
    errors += chunk
  })
  const lines = createInterface({ input: child.stdout })[Symbol.asyncIterator]()
  const line = async (): Promise<unknown> => {
    const next = await lines.next()
    if (next.done) throw new Error(`the probe ended: ${errors}`)
    return JSON.parse(next.value)
  }
  const told = (await line()) as Told
  const ask = async (): Promise<unknown> => {
    child.stdin.write('\n')
    return line()
  }
  return { told, child, ask, errors: () => errors }
}

const HOSTILE = {
  NODE_OPTIONS: '--inspect=127.0.0.1:0 --require /nonexistent.cjs',
  NODE_PATH: '/nonexistent',
  NODE_EXTRA_CA_CERTS: '/nonexistent.pem',
  NODE_TLS_REJECT_UNAUTHORIZED: '0',
  NODE_V8_COVERAGE: '/tmp/nonexistent-coverage',
  NODE_SOMETHING_NEW: 'first\nNODE_SECOND_LINE=x',
  LD_PRELOAD: '/nonexistent.so',
  LD_LIBRARY_PATH: '/nonexistent',
  OPENSSL_CONF: '/nonexistent.cnf',
  SSLKEYLOGFILE: '/tmp/nonexistent-keys',
  GLIBC_TUNABLES: 'glibc.malloc.check=1',
}

test('nothing hostile in the environment arrives', async () => {
  const { told } = await launch({ env: { ...HOSTILE, HARMLESS: 'kept' } })
  for (const name of Object.keys(HOSTILE)) assert.equal(told.env[name], undefined, name)
  assert.equal(told.env['HARMLESS'], 'kept')
  assert.equal(told.refusal, undefined)
})

test('Node is started with exactly the flags that the agent insists on', async () => {
  const { told } = await launch()
  assert.deepEqual(told.flags, LAUNCH_FLAGS)
})

test('code cannot be made from strings, prototypes not be reached through data', async () => {
  const { told } = await launch()
  assert.equal(told.codeFromString, 'EvalError')
  assert.equal(told.hasProto, false)
})

test('SIGUSR1 opens no debugger and does not end the process', async () => {
  const { child, ask, errors } = await launch()
  child.kill('SIGUSR1')
  await sleep(200)
  assert.deepEqual(await ask(), { inspector: 'closed' })
  assert.doesNotMatch(errors(), /Debugger/)
})

test('without the launcher SIGUSR1 does open one: the test above can fail', async () => {
  const { child, told, errors } = await launch({
    node: [process.execPath, '--inspect-port=127.0.0.1:0', join(place, 'dist/src/cli/main.js')],
  })
  assert.match(told.refusal ?? '', /not started by its launcher/)
  child.kill('SIGUSR1')
  for (let tries = 0; tries < 500 && !errors().includes('Debugger'); tries++) await sleep(20)
  assert.match(errors(), /Debugger listening/)
})

test('the process is not dumpable and makes private files', async () => {
  const { told } = await launch()
  assert.deepEqual([told.dumpableBefore, told.dumpableAfter], [1, 0])
  assert.equal(told.umask, 0o077)
})

test('others of the same user cannot read its memory map', {
  skip: !isRoot && 'needs root to become nobody',
}, async (t) => {
  const asNobody = { uid: NOBODY, gid: NOBODY, encoding: 'utf8' } as const
  if (spawnSync('/usr/bin/test', ['-r', PROBE_ARGS[0]!], asNobody).status !== 0)
    return t.skip('the checkout is not readable by nobody')
  const { told, child } = await launch({ uid: NOBODY })
  assert.equal(told.mapsOwner, 0)
  const read = spawnSync('/bin/cat', [`/proc/${child.pid}/maps`], asNobody)
  assert.match(read.stderr, /Permission denied/)

  const ordinary = spawn('/bin/sleep', ['20'], { uid: NOBODY, gid: NOBODY })
  await once(ordinary, 'spawn')
  assert.equal(spawnSync('/bin/cat', [`/proc/${ordinary.pid}/maps`], asNobody).status, 0)
  ordinary.kill('SIGKILL')
})

test('the launcher finds its place through links, and hands over arguments as they are', async () => {
  const args = ['', 'two words', '-o', 'a=$HOME', "quo'te"]
  const { told } = await launch({ via: 'elsewhere/second', args })
  assert.deepEqual(told.rest, args)
})

test('without its Node the launcher says how to mend that', () => {
  const bare = mkdtempSync(join(tmpdir(), 'tarsier-bare-'))
  mkdirSync(join(bare, 'bin'))
  copyFileSync(`${ROOT}/bin/tarsier`, join(bare, 'bin/tarsier'))
  const { status, stderr } = spawnSync(join(bare, 'bin/tarsier'), ['run'], { encoding: 'utf8' })
  rmSync(bare, { recursive: true })
  assert.equal(status, 1)
  assert.match(stderr, /pinned Node is missing/)
  assert.match(stderr, /to mend it: cd .*tarsier-bare-.* && npm run build/)
})

const faults = (flags: readonly string[], env: Record<string, string> = {}) => launchFaults({ flags, env })

test('a launch by the launcher has no faults', () =>
  assert.deepEqual(faults(LAUNCH_FLAGS, { PATH: '/bin' }), []))
test('a missing flag is named', () =>
  assert.deepEqual(faults(LAUNCH_FLAGS.slice(1)), ['Node runs without --disable-sigusr1']))
test('an added flag is named', () =>
  assert.deepEqual(faults([...LAUNCH_FLAGS, '--inspect']), ['Node runs with --inspect']))
test('a foreign variable is named, without its value', () =>
  assert.deepEqual(faults(LAUNCH_FLAGS, { LD_PRELOAD: 'x', GCONV_PATH: 'y', NODES: 'z' }), [
    'LD_PRELOAD is set',
    'GCONV_PATH is set',
  ]))
