/**
 * Makes the packages: `npm run package [-- --out DIR]`. Writes a tarball with an installer, a Debian package, the list of what
 * is inside (SBOM) and checksums. The same sources give the same bytes: times are those of the last commit, owners are root.
 */
import { execFileSync } from 'node:child_process'
import { createHash } from 'node:crypto'
import { mkdirSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { basename, join, resolve } from 'node:path'
import { parseArgs } from 'node:util'
import { makeDeb } from './package/deb.ts'
import { makeSbom } from './package/sbom.ts'
import { type Release, stage } from './package/stage.ts'
import { pack } from './package/tar.ts'

const ROOT = resolve(import.meta.dirname, '..')

/** Seconds since the epoch of the last change: of the commit, or SOURCE_DATE_EPOCH where there is no history. */
function changedAt(): number {
  const given = process.env['SOURCE_DATE_EPOCH']
  if (given !== undefined && /^\d+$/.test(given)) return Number(given)
  try {
    return Number(
      execFileSync('git', ['log', '-1', '--format=%ct'], {
        cwd: ROOT,
        encoding: 'utf8',
        stdio: ['ignore', 'pipe', 'ignore'],
      }),
    )
  } catch {
    throw new Error(
      'this is no git checkout: set SOURCE_DATE_EPOCH to the time of the release (s since the epoch)',
    )
  }
}

function main(): void {
  const { values } = parseArgs({
    options: { out: { type: 'string', default: join(ROOT, '.local/packages') } },
  })
  const out = resolve(values.out)
  const { version } = JSON.parse(readFileSync(join(ROOT, 'package.json'), 'utf8')) as { version: string }
  const release: Release = {
    root: ROOT,
    version,
    arch: process.arch === 'arm64' ? 'arm64' : 'x64',
    time: changedAt(),
  }
  rmSync(out, { recursive: true, force: true })
  mkdirSync(out, { recursive: true })
  const staged = join(out, 'stage')
  const files = stage(release, staged)
  const sbom = makeSbom(release)
  const name = `tarsier-${version}-linux-${release.arch}`
  const made = [join(out, `${name}.sbom.cdx.json`)]
  writeFileSync(made[0]!, sbom)
  files.add('usr/share/doc/tarsier/sbom.cdx.json', sbom)
  made.push(makeDeb(release, staged, out))
  made.push(
    pack({
      folder: staged,
      out: join(out, `${name}.tar.gz`),
      prefix: name,
      time: release.time,
      extra: join(ROOT, 'packaging/install.sh'),
    }),
  )
  rmSync(staged, { recursive: true })
  const sums = made.map(
    (file) => `${createHash('sha256').update(readFileSync(file)).digest('hex')}  ${basename(file)}\n`,
  )
  writeFileSync(join(out, 'SHA256SUMS'), sums.join(''))
  for (const file of readdirSync(out).sort()) process.stdout.write(`${join(out, file)}\n`)
}

try {
  main()
} catch (error) {
  process.stderr.write(`package: ${(error as Error).message}\n`)
  process.exitCode = 1
}
