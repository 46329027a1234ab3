#!/usr/bin/env node
/**
 * Sets up a checkout, builds it, and starts or tests what was built.
 *
 *   setup.mjs start [ARGS...]     set up, build, run the agent (`bin/tarsier run ARGS`)
 *   setup.mjs test [FILES...]     set up, build, run all tests (or only FILES)
 *   setup.mjs build               set up and build
 *   setup.mjs run FILE [ARGS...]  run a TypeScript tool with the pinned Node
 *
 * Plain JavaScript without dependencies: it must run on any Node from 18 up, before anything is installed. Everything
 * it does is skipped when already done, so it is safe and cheap to call again.
 */
import { existsSync } from 'node:fs'
import { dirname, resolve } from 'node:path'
import { fileURLToPath } from 'node:url'
import { buildFiles, inspectFiles, markLooked } from './setup/build.mjs'
import {
  installPackages,
  missingPackages,
  packagesToUnpack,
  probeSystem,
  unpackPackages,
} from './setup/debian.mjs'
import { pinnedNode } from './setup/npm.mjs'
import {
  asRootText,
  elevated,
  environmentOf,
  exitLike,
  noWayToRoot,
  ownerOf,
  replaceWith,
  SetupError,
  say,
  shellWord,
  spawnInherited,
} from './setup/process.mjs'
import { runTests } from './setup/tests.mjs'

const ROOT = resolve(dirname(fileURLToPath(import.meta.url)), '..')

const COMMANDS = {
  async start(args) {
    await setUp({ forRunning: true })
    const command = [`${ROOT}/bin/tarsier`, 'run', ...args]
    const agent = elevated(command)
    if (agent === undefined)
      throw new SetupError(
        `the agent loads BPF programs and needs root: ${noWayToRoot()}`,
        asRootText(command.map(shellWord).join(' ')),
      )
    await replaceWith(agent, ROOT)
  },
  async test(args) {
    await setUp({ forRunning: true, forTests: true })
    process.exitCode = await runTests(ROOT, args)
  },
  async build() {
    await setUp({ forRunning: false })
  },
  async run([file, ...args]) {
    if (file === undefined) throw new SetupError('run needs a file', 'node tools/setup.mjs run tools/NAME.ts')
    await setUp({ forRunning: false })
    await replaceWith([pinnedNode(ROOT), resolve(ROOT, file), ...args], ROOT)
  },
  /** Internal: the part of the set-up that writes into the checkout, run as the checkout's owner. */
  async 'build-files'(packages) {
    if (packages.length > 0) await unpackPackages(ROOT, packages)
    await buildFiles(ROOT)
  },
}

/**
 * Brings the checkout into working order: Debian packages first (as root), then everything that writes into the
 * checkout (as its owner). `forRunning` asks for what is needed to load BPF programs, `forTests` for
 * what the tests call, not only for what building takes.
 */
async function setUp({ forRunning, forTests = false }) {
  const work = inspectFiles(ROOT)
  const packages = missingPackages(probeSystem(process.env), { forRunning, forTests, forBpf: work.bpf })
  if (packages.length > 0) await installPackages(packages)
  const unpack = forTests ? packagesToUnpack(ROOT) : []
  if (!work.npm && !work.dist && !work.bpf && unpack.length === 0) return markLooked(ROOT)
  const owner = ownerOf(ROOT)
  if (owner === undefined) return COMMANDS['build-files'](unpack)
  say(`the checkout belongs to ${owner.name}: building as that user`)
  const build = [process.execPath, fileURLToPath(import.meta.url), 'build-files', ...unpack]
  const ended = await spawnInherited(build, {
    cwd: ROOT,
    uid: owner.uid,
    gid: owner.gid,
    env: environmentOf(owner, process.env),
  })
  if (ended.code !== 0) exitLike(ended)
}

async function main([name, ...args]) {
  const command = Object.hasOwn(COMMANDS, name ?? '') ? COMMANDS[name] : undefined
  if (command === undefined) {
    console.error(
      'usage: node tools/setup.mjs start [ARGS...] | test [FILES...] | build | run FILE [ARGS...]',
    )
    process.exitCode = 2
    return
  }
  if (process.platform !== 'linux') throw new SetupError(`Tarsier runs on Linux, this is ${process.platform}`)
  if (!existsSync(`${ROOT}/package-lock.json`)) throw new SetupError(`${ROOT} is not a complete checkout`)
  await command(args)
}

try {
  await main(process.argv.slice(2))
} catch (error) {
  if (error instanceof SetupError) {
    say(`error: ${error.message}`)
    if (error.fix !== undefined) say(`  to mend it: ${error.fix}`)
  } else say(`error: ${process.env['TARSIER_DEBUG'] ? error.stack : error.message}`)
  process.exitCode = 1
}
