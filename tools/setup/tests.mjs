/** All checks of the project, in order; every one runs, and the result is bad when any was. */
import { packageBin, pinnedNode } from './npm.mjs'
import { elevated, noWayToRoot, say, spawnInherited } from './process.mjs'
import { filesUnder } from './stamp.mjs'

const UNIT_FOLDERS = ['schema', 'src', 'rules', 'tools']
const SYSTEM_FOLDER = 'test'
const UNIT_PROCESSES = 2

const isTest = (path) => path.endsWith('.test.ts')

/** Runs lint, type check, unit tests and system tests, or only the test files given. Returns the exit code. */
export async function runTests(root, only) {
  const failed = []
  for (const { name, command } of only.length > 0 ? [testFiles(root, 'tests', only, 1)] : allSteps(root)) {
    say(`${name} ...`)
    const { code } = await spawnInherited(command, { cwd: root })
    if (code !== 0) failed.push(name)
  }
  if (failed.length > 0) say(`failed: ${failed.join(', ')}`)
  return failed.length > 0 ? 1 : 0
}

function allSteps(root) {
  const units = UNIT_FOLDERS.flatMap((folder) => filesUnder(`${root}/${folder}`, isTest))
  const system = testFiles(root, 'system tests', filesUnder(`${root}/${SYSTEM_FOLDER}`, isTest), 1)
  return [
    { name: 'lint', command: [...packageBin(root, '@biomejs/biome/bin/biome'), 'check', '.'] },
    { name: 'type check', command: [...packageBin(root, 'typescript/bin/tsc'), '-p', 'tsconfig.json'] },
    testFiles(root, 'unit tests', units, UNIT_PROCESSES),
    { ...system, command: asRootIfPossible(system.command) },
  ].filter(({ command }) => command !== undefined)
}

/** System tests measure and attach to the one kernel there is, so their files run one after the other. */
function testFiles(root, name, files, processes) {
  const command = [
    pinnedNode(root),
    '--test',
    '--test-reporter=spec',
    `--test-concurrency=${processes}`,
    ...files,
  ]
  return { name, command: files.length > 0 ? command : undefined }
}

function asRootIfPossible(command) {
  if (command === undefined) return undefined
  const asRoot = elevated(command)
  if (asRoot === undefined) say(`${noWayToRoot()}: system tests that need root will be skipped`)
  return asRoot ?? command
}
