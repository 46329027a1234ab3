/** What `npm run package` makes: it holds what an installation needs, installs below any root, and runs from there. */
import assert from 'node:assert/strict'
import { execFileSync, spawnSync } from 'node:child_process'
import { createHash } from 'node:crypto'
import { existsSync, readdirSync, readFileSync, readlinkSync, statSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { before, suite, test } from 'node:test'
import { scratchFolder } from '../../src/testing/scratch.ts'
import {
  marker,
  NEEDS_ROOT,
  openFolder,
  opensOf,
  ROOT,
  startAgent,
  writeRules,
} from '../e2e/support/agent.ts'
import { NEEDS_PODMAN } from '../e2e/support/podman.ts'
import { imageSuite } from './support/image.ts'
import { DebianMachine } from './support/machine.ts'
import { serviceSuite } from './support/service.ts'

const FOLDER = scratchFolder('packages')
const OUT = join(FOLDER, 'out')
const INSTALLED = join(FOLDER, 'installed')
const DEB = join(FOLDER, 'deb')

/** Made while the packages are. */
const machine = NEEDS_ROOT || NEEDS_PODMAN ? Promise.reject(new Error('skipped')) : DebianMachine.make()
machine.catch(() => {})

const run = (file: string, ...args: readonly string[]) => {
  const { status, stdout, stderr } = spawnSync(file, args, { encoding: 'utf8', timeout: 120_000 })
  return { status, stdout, stderr }
}
const { version } = JSON.parse(readFileSync(join(ROOT, 'package.json'), 'utf8')) as { version: string }
const ARCH = process.arch === 'arm64' ? ['arm64', 'arm64'] : ['x64', 'amd64']
const NAME = `tarsier-${version}-linux-${ARCH[0]}`
const missing = (program: string): string | false =>
  run('sh', '-c', `command -v ${program}`).status === 0 ? false : `${program} is missing`

suite('packages', () => {
  let source: string
  before(() => {
    const { status, stderr } = run(process.execPath, join(ROOT, 'tools/package.ts'), '--out', OUT)
    assert.equal(status, 0, stderr)
    execFileSync('tar', ['-xzf', join(OUT, `${NAME}.tar.gz`), '-C', FOLDER])
    source = join(FOLDER, NAME)
  })
  const install = (...args: readonly string[]) => run('sh', join(source, 'install.sh'), ...args)

  test('what is made, with its checksums', () => {
    assert.deepEqual(readdirSync(OUT).sort(), [
      'SHA256SUMS',
      `${NAME}.sbom.cdx.json`,
      `${NAME}.tar.gz`,
      `tarsier_${version}_${ARCH[1]}.deb`,
    ])
    const sums = readFileSync(join(OUT, 'SHA256SUMS'), 'utf8').trimEnd().split('\n')
    assert.equal(sums.length, 3)
    for (const line of sums) {
      const [sum, name] = line.split('  ')
      assert.equal(
        createHash('sha256')
          .update(readFileSync(join(OUT, name!)))
          .digest('hex'),
        sum,
      )
    }
  })
  test('the list of what is inside names every package, and no tool', () => {
    const sbom = JSON.parse(readFileSync(join(OUT, `${NAME}.sbom.cdx.json`), 'utf8'))
    const names = sbom.components.map(({ name }: { name: string }) => name)
    const { dependencies, devDependencies } = JSON.parse(readFileSync(join(ROOT, 'package.json'), 'utf8'))
    for (const name of Object.keys(dependencies)) assert.ok(names.includes(name), name)
    for (const name of Object.keys(devDependencies)) assert.ok(!names.includes(name), name)
    assert.ok(names.includes(`node-linux-${ARCH[0]}`))
  })

  test('a link in the archive leads to what is in it', () =>
    assert.equal(run(join(source, 'usr/bin/tarsier'), '--version').stdout, `tarsier ${version}\n`))

  test('installer: wrong usage and missing files', () => {
    assert.equal(install('--what').status, 2)
    assert.equal(install('--root').status, 2)
    assert.match(install('--help').stdout, /^usage: install\.sh/)
    const { status, stderr } = install('--source-dir', FOLDER, '--root', INSTALLED)
    assert.equal(status, 1)
    assert.match(stderr, /missing in .*usr\/lib\/tarsier\/bin\/tarsier/)
  })
  test('installer: a dry run does nothing', () => {
    const { status, stdout } = install('--root', INSTALLED, '--dry-run')
    assert.equal(status, 0)
    assert.match(stdout, /^would run: mkdir -p/)
    assert.ok(!existsSync(INSTALLED))
  })
  test('installer: again and again, configuration is kept', () => {
    const config = join(INSTALLED, 'etc/tarsier/tarsier.yaml')
    assert.equal(install('--root', INSTALLED).status, 0)
    assert.equal(readlinkSync(join(INSTALLED, 'usr/bin/tarsier')), '../lib/tarsier/bin/tarsier')
    const mode = (path: string): number => statSync(join(INSTALLED, path)).mode & 0o777
    assert.deepEqual([mode('usr/lib/tarsier/bin/tarsier'), mode('etc/tarsier/tarsier.yaml')], [0o755, 0o644])
    writeFileSync(config, 'json_output: false\n')
    writeFileSync(join(INSTALLED, 'usr/lib/tarsier/dist/old.js'), '')
    const again = install('--root', INSTALLED)
    assert.match(again.stdout, new RegExp(`^kept: ${config}$`, 'm'))
    assert.match(again.stdout, /systemctl enable --now tarsier/)
    assert.equal(readFileSync(config, 'utf8'), 'json_output: false\n')
    assert.ok(!existsSync(join(INSTALLED, 'usr/lib/tarsier/dist/old.js')))
    assert.equal(install('--root', INSTALLED, '--force').status, 0)
    const copies = readdirSync(join(INSTALLED, 'etc/tarsier')).filter((name) =>
      /^tarsier\.yaml\.\d{8}T\d{6}Z\.bak$/.test(name),
    )
    assert.equal(copies.length, 1)
    assert.equal(readFileSync(join(INSTALLED, 'etc/tarsier', copies[0]!), 'utf8'), 'json_output: false\n')
  })

  test('the Debian package holds the same, and scripts that dpkg can run', {
    skip: missing('dpkg-deb'),
  }, () => {
    const deb = join(OUT, `tarsier_${version}_${ARCH[1]}.deb`)
    assert.equal(run('dpkg-deb', '-x', deb, DEB).status, 0)
    assert.equal(run('dpkg-deb', '-e', deb, join(DEB, 'DEBIAN')).status, 0)
    for (const script of ['postinst', 'prerm', 'postrm'])
      assert.equal(run('sh', '-n', join(DEB, 'DEBIAN', script)).status, 0)
    assert.match(run('dpkg-deb', '-f', deb, 'Depends').stdout, /libbpf1/)
    for (const file of readFileSync(join(DEB, 'DEBIAN/conffiles'), 'utf8').trimEnd().split('\n'))
      assert.ok(existsSync(join(DEB, file)), file)
    const sums = spawnSync('md5sum', ['-c', '--quiet', 'DEBIAN/md5sums'], { cwd: DEB, encoding: 'utf8' })
    assert.equal(sums.status, 0, sums.stdout)
    assert.ok(existsSync(join(DEB, 'usr/share/man/man1/tarsier.1.gz')))
  })
  test('completion is a script that bash reads, and knows commands and options', () => {
    const script = join(INSTALLED, 'usr/share/bash-completion/completions/tarsier')
    const complete = (...words: readonly string[]): readonly string[] =>
      run(
        'bash',
        '-c',
        `. ${script}; COMP_WORDS=(${words.join(' ')} ''); COMP_CWORD=${words.length}; _tarsier; echo "\${COMPREPLY[@]}"`,
      )
        .stdout.trim()
        .split(' ')
    assert.ok(complete('tarsier').includes('rules'))
    assert.ok(complete('tarsier', 'rules').includes('check'))
    assert.ok(complete('tarsier', 'run').includes('--rules'))
  })
  test('the unit: hardened', { skip: missing('systemd-analyze') }, () => {
    const { stdout } = run(
      'systemd-analyze',
      'security',
      '--offline=yes',
      join(INSTALLED, 'lib/systemd/system/tarsier.service'),
    )
    const level = Number(/exposure level .*: ([\d.]+)/.exec(stdout)?.[1])
    assert.ok(level <= 4, stdout.slice(-300))
  })
  test('it runs from where it was installed, with the configuration that is shipped', {
    skip: NEEDS_ROOT,
  }, async () => {
    const launcher = join(INSTALLED, 'usr/bin/tarsier')
    assert.equal(run(launcher, '--version').stdout, `tarsier ${version}\n`)
    const config = readFileSync(join(source, 'etc/tarsier/tarsier.yaml'), 'utf8')
    const file = join(FOLDER, 'tarsier.yaml')
    writeFileSync(
      file,
      config
        .replaceAll('/usr/lib/tarsier', join(INSTALLED, 'usr/lib/tarsier'))
        .replaceAll('/etc/tarsier', join(INSTALLED, 'etc/tarsier'))
        .replaceAll('/var/log/tarsier', FOLDER),
    )
    assert.equal(run(launcher, 'config', 'check', file).status, 0)
    const word = marker()
    const folder = openFolder('packages')
    const agent = await startAgent({
      launcher,
      args: ['-c', file, '-r', writeRules(folder, opensOf(word, 'file=%fd.name'))],
    })
    const lines = await agent.alerts(word, () => writeFileSync(join(folder, word), ''))
    assert.equal(lines.length, 1)
    assert.equal(JSON.parse(lines[0]!).priority, 'Warning')
    assert.equal((await agent.stop()).status, 0)
  })
})

imageSuite(() => join(OUT, `${NAME}.tar.gz`))
serviceSuite(
  () => machine,
  () => join(OUT, `tarsier_${version}_${ARCH[1]}.deb`),
)
