/** The npm packages, the pinned Node among them. */
import { existsSync, readFileSync } from 'node:fs'
import { mustRunStep, SetupError, which } from './process.mjs'

const ARCHITECTURES = ['x64', 'arm64']

/** Path of the Node that the project pins: it comes as an npm package of its own. */
export function pinnedNode(root, arch = process.arch) {
  if (!ARCHITECTURES.includes(arch))
    throw new SetupError(`Tarsier runs on ${ARCHITECTURES.join(' and ')}, this is ${arch}`)
  return `${root}/node_modules/node-linux-${arch}/bin/node`
}

/** A script of an installed package as a command line for the pinned Node: no shebang, no PATH. */
export const packageBin = (root, script) => [pinnedNode(root), `${root}/node_modules/${script}`]

/** Whether `node_modules` is what `package-lock.json` asks for. */
export function npmIsFresh(root) {
  if (!existsSync(pinnedNode(root))) return false
  const installed = readJson(`${root}/node_modules/.package-lock.json`)
  return installed !== undefined && installedMatches(readJson(`${root}/package-lock.json`), installed)
}

/**
 * Compares the lock file with npm's own record of what it installed. Packages for other platforms are optional and
 * absent; one that is present must be of the locked content.
 */
export function installedMatches(lock, installed) {
  const wanted = Object.entries(lock?.packages ?? {}).filter(([path]) => path !== '')
  const have = installed.packages ?? {}
  const known = new Set(wanted.map(([path]) => path))
  return (
    wanted.every(([path, locked]) => {
      const found = have[path]
      if (found === undefined) return locked.optional === true
      return found.version === locked.version && found.integrity === locked.integrity
    }) && Object.keys(have).every((path) => known.has(path))
  )
}

function readJson(path) {
  try {
    return JSON.parse(readFileSync(path, 'utf8'))
  } catch {
    return undefined
  }
}

/**
 * Installs exactly what the lock file says. The npm that started us is used where there is one, with a Node that does
 * not lie in the `node_modules` that is about to be replaced.
 */
export async function installNpmPackages(root) {
  const { command, env } = npmCommand(root, process.env, process.execPath)
  const fix = `cd ${root} && npm ci`
  await mustRunStep(
    'installing npm packages, Node 24 among them (about 60 MB to fetch, up to a few minutes)',
    [...command, 'ci', '--loglevel=error'],
    { cwd: root, env },
    fix,
  )
  if (!existsSync(pinnedNode(root)))
    throw new SetupError(
      `npm did not install the pinned Node (${pinnedNode(root)})`,
      `${fix} --include=optional`,
    )
}

/** How to call npm, and with which environment: what an outer `npm start` set for its own script is taken out. */
export function npmCommand(root, env, execPath) {
  const inner = Object.fromEntries(
    Object.entries(env).filter(
      ([name]) => !/^npm_(package|lifecycle|command)/.test(name) && name !== 'NODE_OPTIONS',
    ),
  )
  const path = (env['PATH'] ?? '')
    .split(':')
    .filter((directory) => !directory.startsWith(`${root}/node_modules`))
  inner['PATH'] = path.join(':')
  const script = env['npm_execpath']
  const node = execPath.startsWith(`${root}/node_modules/`) ? which('node', inner['PATH']) : execPath
  if (script?.endsWith('npm-cli.js') && node !== undefined && existsSync(script))
    return { command: [node, script], env: inner }
  const npm = which('npm', inner['PATH'])
  if (npm === undefined) throw new SetupError('npm is not in PATH', 'install Node.js 20 or later with npm')
  return { command: [npm], env: inner }
}
