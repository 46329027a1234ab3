/** Which files make up the agent: what it runs, loads and obeys. */
import { readdirSync, readFileSync, statSync } from 'node:fs'
import { join } from 'node:path'

export type FileKind = 'executable' | 'library' | 'code' | 'object' | 'rules' | 'configuration'

/** A file, or every file below a directory whose name ends in one of these. */
export interface FileRoot {
  readonly kind: FileKind
  readonly path: string
  /** Endings with the dot, for a directory. */
  readonly endings?: readonly string[]
  /** Look into directories below it. */
  readonly deep?: boolean
}

export interface AgentFile {
  readonly kind: FileKind
  readonly path: string
}

/** Where the parts of the agent lie. */
export interface AgentPlaces {
  /** Folder of the package. */
  readonly root: string
  /** Folder with the compiled BPF objects. */
  readonly objects: string
  /** Rule files and directories. */
  readonly rules: readonly string[]
  readonly configuration: readonly string[]
}

const CODE = ['.js', '.mjs', '.cjs', '.node']

/** What is looked after: launcher, Node, native libraries, compiled code, dependencies, objects, rules, configuration. */
export function agentRoots({ root, objects, rules, configuration }: AgentPlaces): FileRoot[] {
  return [
    { kind: 'executable', path: process.execPath },
    { kind: 'executable', path: join(root, 'bin', 'tarsier') },
    ...mappedLibraries().map((path) => ({ kind: 'library' as const, path })),
    { kind: 'code', path: join(root, 'package.json') },
    { kind: 'code', path: join(root, 'dist'), endings: CODE, deep: true },
    ...dependenciesOf(root).map((path) => ({ kind: 'code' as const, path, endings: CODE, deep: true })),
    { kind: 'object', path: objects, endings: ['.bpf.o'], deep: true },
    ...rules.map((path) => ({ kind: 'rules' as const, path, endings: ['.yaml', '.yml', '.toml'] })),
    ...configuration.map((path) => ({ kind: 'configuration' as const, path })),
  ]
}

/** Folders of the packages the agent needs, as package.json names them. */
function dependenciesOf(root: string): string[] {
  try {
    const text = readFileSync(join(root, 'package.json'), 'utf8')
    const { dependencies } = JSON.parse(text) as { dependencies?: Record<string, string> }
    return Object.keys(dependencies ?? {}).map((name) => join(root, 'node_modules', name))
  } catch {
    return []
  }
}

/** Files that this process has mapped as code, from /proc/self/maps (proc_pid_maps(5)); none when it may not read that. */
export function mappedLibraries(maps = readMaps()): string[] {
  const found = new Set<string>()
  for (const line of maps.split('\n')) {
    const [, permissions, path] = /^\S+ (\S+) \S+ \S+ \d+ +(\/.*)$/.exec(line) ?? []
    if (path === undefined || !permissions!.includes('x') || path.endsWith(' (deleted)')) continue
    const name = path.replace(/\\([0-7]{3})/g, (_, octal: string) =>
      String.fromCharCode(Number.parseInt(octal, 8)),
    )
    if (name !== process.execPath) found.add(name)
  }
  return [...found]
}

function readMaps(): string {
  try {
    return readFileSync('/proc/self/maps', 'utf8')
  } catch {
    return ''
  }
}

/** The files of a root as they are now, sorted by path. A single file is listed even when it is not there. */
export function expand(root: FileRoot): AgentFile[] {
  if (!isDirectory(root.path)) return [{ kind: root.kind, path: root.path }]
  return listed(root.path, root)
    .sort()
    .map((path) => ({ kind: root.kind, path }))
}

/** Would a file of this name belong to the directory, whether it is there or not? */
export function belongs(root: FileRoot, path: string): boolean {
  if (root.endings === undefined || !path.startsWith(`${root.path}/`)) return false
  const rest = path.slice(root.path.length + 1)
  const folders = rest.split('/').slice(0, -1)
  if (folders.length > 0 && (root.deep !== true || folders.includes('node_modules'))) return false
  return root.endings.some((ending) => path.endsWith(ending))
}

function listed(folder: string, root: FileRoot): string[] {
  return entries(folder).flatMap((entry) => {
    const path = join(folder, entry.name)
    if (entry.isDirectory())
      return root.deep === true && entry.name !== 'node_modules' ? listed(path, root) : []
    return root.endings?.some((ending) => entry.name.endsWith(ending)) === true ? [path] : []
  })
}

function entries(folder: string): ReturnType<typeof readEntries> {
  try {
    return readEntries(folder)
  } catch {
    return []
  }
}
const readEntries = (folder: string) => readdirSync(folder, { withFileTypes: true })

function isDirectory(path: string): boolean {
  try {
    return statSync(path).isDirectory()
  } catch {
    return false
  }
}
