/**
 * Makes the container image: `npm run image [-- --archive FILE] [--tag NAME] [--engine podman] [--save FILE]`. It holds what
 * the archive of `npm run package` does, with the libraries of this machine and a busybox beside it; nothing is fetched.
 */
import { execFileSync } from 'node:child_process'
import {
  chmodSync,
  copyFileSync,
  existsSync,
  globSync,
  mkdirSync,
  mkdtempSync,
  readFileSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs'
import { tmpdir } from 'node:os'
import { dirname, join, resolve } from 'node:path'
import { parseArgs } from 'node:util'
import { findBusybox, findLibbpf, librariesOf } from './image/libraries.ts'

const ROOT = resolve(import.meta.dirname, '..')
const HOME = 'usr/lib/tarsier'
/** What the launcher and the entry point call. */
const APPLETS = ['sh', 'env', 'sed', 'readlink', 'uname', 'find', 'cat', 'ls']
/** Of a machine, not of a container. */
const NEEDLESS = [
  'install.sh',
  'lib',
  'usr/share/man',
  'usr/share/bash-completion',
  'usr/share/doc/tarsier/docs',
]
/** Where the agent writes. */
const FOLDERS = [
  'tmp',
  'root',
  'host',
  'proc',
  'sys',
  'dev',
  'var/lib/tarsier',
  'var/log/tarsier',
  'run/tarsier',
]

function main(): void {
  const { version } = JSON.parse(readFileSync(join(ROOT, 'package.json'), 'utf8')) as { version: string }
  const arch = process.arch === 'arm64' ? 'arm64' : 'x64'
  const { values } = parseArgs({
    options: {
      archive: {
        type: 'string',
        default: join(ROOT, `.local/packages/tarsier-${version}-linux-${arch}.tar.gz`),
      },
      tag: { type: 'string', default: `localhost/tarsier:${version}` },
      engine: { type: 'string', default: 'podman' },
      save: { type: 'string' },
    },
  })
  if (!existsSync(values.archive)) throw new Error(`${values.archive} is missing: npm run package makes it`)
  const context = mkdtempSync(join(tmpdir(), 'tarsier-image-'))
  try {
    fill(join(context, 'root'), values.archive)
    const file = join(ROOT, 'packaging/Containerfile')
    execFileSync(values.engine, ['build', '--quiet', '--tag', values.tag, '--file', file, context], {
      stdio: ['ignore', 'ignore', 'inherit'],
    })
    if (values.save !== undefined)
      execFileSync(values.engine, ['save', '--output', values.save, values.tag], { stdio: 'inherit' })
    process.stdout.write(`${values.tag}\n`)
  } finally {
    rmSync(context, { recursive: true })
  }
}

/** Everything that is in the image. */
function fill(root: string, archive: string): void {
  mkdirSync(root)
  execFileSync('tar', ['-xzf', archive, '-C', root, '--strip-components=1'])
  for (const path of NEEDLESS) rmSync(join(root, path), { recursive: true, force: true })
  for (const folder of FOLDERS) mkdirSync(join(root, folder), { recursive: true })
  chmodSync(join(root, 'tmp'), 0o1777)
  const libbpf = findLibbpf()
  const natives = globSync('**/*.node', { cwd: join(root, HOME) }).map((name) => join(root, HOME, name))
  for (const library of [libbpf, ...librariesOf([join(root, HOME, 'node/bin/node'), libbpf, ...natives])])
    add(root, library, library)
  add(root, findBusybox(), '/bin/busybox')
  for (const applet of APPLETS) symlinkSync('busybox', join(root, 'bin', applet))
  add(root, join(ROOT, 'packaging/entrypoint.sh'), `/${HOME}/entrypoint`)
  for (const [name, line] of [
    ['passwd', 'root:x:0:0:root:/root:/bin/sh'],
    ['group', 'root:x:0:'],
  ] as const)
    writeFileSync(join(root, 'etc', name), `${line}\n`)
}

/** A copy of what a path leads to, at the same place or another one. */
function add(root: string, from: string, path: string): void {
  const to = join(root, path)
  mkdirSync(dirname(to), { recursive: true })
  copyFileSync(from, to)
  chmodSync(to, 0o755)
}

try {
  main()
} catch (error) {
  process.stderr.write(`image: ${(error as Error).message}\n`)
  process.exitCode = 1
}
