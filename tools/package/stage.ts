/** The files of an installation, laid out below a folder that stands for `/`. */
import { execFileSync } from 'node:child_process'
import {
  chmodSync,
  existsSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs'
import { dirname, join } from 'node:path'
import { gzipSync } from 'node:zlib'
import { bashCompletion } from './completion.ts'
import { manPage } from './man.ts'

export interface Release {
  /** Folder of the checkout, built. */
  readonly root: string
  readonly version: string
  readonly arch: 'x64' | 'arm64'
  /** Seconds since the epoch that every file gets. */
  readonly time: number
}

/** A package of the lock file that belongs into an installation. */
export interface NpmPackage {
  /** Folder below the checkout: `node_modules/koffi`. */
  readonly path: string
  readonly name: string
  readonly version: string
  readonly integrity: string | undefined
  readonly license: string | undefined
}

interface LockEntry {
  readonly version: string
  readonly dev?: boolean
  readonly os?: readonly string[]
  readonly cpu?: readonly string[]
  readonly libc?: readonly string[]
  readonly integrity?: string
  readonly license?: string
}

/** What runs, without what only builds and tests. The Node of the architecture is among them. */
export function productionPackages({ root, arch }: Pick<Release, 'root' | 'arch'>): readonly NpmPackage[] {
  const lock = JSON.parse(readFileSync(join(root, 'package-lock.json'), 'utf8')) as {
    packages: Readonly<Record<string, LockEntry>>
  }
  const fits = ({ os, cpu, libc }: LockEntry): boolean =>
    (os?.includes('linux') ?? true) && (cpu?.includes(arch) ?? true) && (libc?.includes('glibc') ?? true)
  return Object.entries(lock.packages)
    .filter(
      ([path, entry]) => path !== '' && entry.dev !== true && fits(entry) && existsSync(join(root, path)),
    )
    .map(([path, { version, integrity, license }]) => ({
      path,
      name: path.slice(path.lastIndexOf('node_modules/') + 'node_modules/'.length),
      version,
      integrity,
      license,
    }))
}

/** Sources and documentation of packages that nothing reads at run time. */
const NEEDLESS =
  /^(vendor|browser|musl_\w+|docs?|tests?|examples?|include|share)\/|\.(d\.[cm]?ts|map|md|ts|cc|hh|cpp|[chs]|asm|inc|def|py)$/i
const LICENSE = /^(licen[cs]e|copying|notice)[^/]*$/i

/** Where the program lives. */
const HOME = 'usr/lib/tarsier'
const DOCS = 'usr/share/doc/tarsier'

/** Lay everything out below `to`, and let more be added. Throws when the checkout is not built. */
export function stage(
  release: Release,
  to: string,
): { add(path: string, content: string | Uint8Array): void } {
  const { root } = release
  const add = (path: string, content: string | Uint8Array, mode = 0o644): void => {
    const file = join(to, path)
    mkdirSync(dirname(file), { recursive: true })
    writeFileSync(file, content)
    chmodSync(file, mode)
  }
  const copy = (from: string, path: string, mode = 0o644): void =>
    add(path, readFileSync(join(root, from)), mode)
  const copyAll = (from: string, path: string, wanted: (name: string) => boolean = () => true): void => {
    for (const name of filesBelow(join(root, from)))
      if (wanted(name)) copy(join(from, name), join(path, name))
  }
  copyAll(
    'dist',
    `${HOME}/dist`,
    (name) => !name.startsWith('.') && !/^src\/testing\/.*(?<!\.js)$/.test(name),
  )
  copyAll('build/bpf', `${HOME}/build/bpf`, (name) => name.endsWith('.bpf.o'))
  copyAll('rules', `${HOME}/rules`, (name) => !name.endsWith('.ts'))
  copy('package.json', `${HOME}/package.json`)
  copy('bin/tarsier', `${HOME}/bin/tarsier`, 0o755)
  copyPackages(release, copy, copyAll)
  mkdirSync(join(to, 'usr/bin'), { recursive: true })
  symlinkSync('../lib/tarsier/bin/tarsier', join(to, 'usr/bin/tarsier'))

  copy('packaging/tarsier.service', 'lib/systemd/system/tarsier.service')
  copy('packaging/tarsier.yaml', 'etc/tarsier/tarsier.yaml')
  copy('packaging/own-rules.yaml', 'etc/tarsier/rules.d/own.yaml')
  copy('LICENSE', `${DOCS}/copyright`)
  copy('README.md', `${DOCS}/README.md`)
  add(`${DOCS}/changelog.gz`, gzip(readFileSync(join(root, 'CHANGELOG.md'))))
  copyAll('docs', `${DOCS}/docs`)
  copyAll('schema/records', `${DOCS}/schemas`)
  copyAll('packaging/prometheus', `${DOCS}/prometheus`)
  const help = helpOf(root)
  add('usr/share/man/man1/tarsier.1.gz', gzip(manPage(release, help)))
  add('usr/share/bash-completion/completions/tarsier', bashCompletion(help))
  return { add }
}

function copyPackages(
  release: Release,
  copy: (from: string, path: string, mode?: number) => void,
  copyAll: (from: string, path: string, wanted: (name: string) => boolean) => void,
): void {
  for (const { path, name } of productionPackages(release))
    if (name.startsWith('node-linux-')) {
      copy(`${path}/bin/node`, `${HOME}/node/bin/node`, 0o755)
      copyAll(path, `${HOME}/node`, (file) => !file.includes('/') && LICENSE.test(file))
    } else copyAll(path, `${HOME}/${path}`, (file) => LICENSE.test(file) || !NEEDLESS.test(file))
}

/** Names of the files below a folder, sorted. */
export const filesBelow = (folder: string): readonly string[] =>
  readdirSync(folder, { recursive: true, withFileTypes: true })
    .filter((entry) => entry.isFile())
    .map((entry) => join(entry.parentPath, entry.name).slice(folder.length + 1))
    .sort()

/** gzip writes no time of its own here, so that equal content gives equal bytes. */
const gzip = (content: string | Uint8Array): Uint8Array => gzipSync(content, { level: 9 })

/** Text of `--help` by command line: of the program under the empty name, then of each command and subcommand. */
export type HelpTexts = ReadonlyMap<string, string>

function helpOf(root: string): HelpTexts {
  const help = (...words: readonly string[]): string =>
    execFileSync(join(root, 'bin/tarsier'), [...words, '--help'], {
      encoding: 'utf8',
      env: { PATH: process.env['PATH'] ?? '', COLUMNS: '80' },
    })
  const texts = new Map([['', help()]])
  for (const command of commandsIn(texts.get('')!)) {
    texts.set(command, help(command))
    for (const below of commandsIn(texts.get(command)!))
      texts.set(`${command} ${below}`, help(command, below))
  }
  return texts
}

/** Commands that a help text lists. */
export const commandsIn = (help: string): readonly string[] =>
  [...(/^Commands:\n((?: .*\n?)*)/m.exec(help)?.[1] ?? '').matchAll(/^ {2}([a-z][\w-]*)/gm)].map(
    ([, name]) => name!,
  )

/** Options that a help text lists. */
export const optionsIn = (help: string): readonly string[] => [
  ...new Set(
    [...help.matchAll(/^ {2}(-\w(?:, )?)?(--[\w-]+)?/gm)]
      .flatMap(([, short, long]) => [short?.replace(', ', ''), long])
      .filter((name): name is string => name !== undefined && name !== ''),
  ),
]
