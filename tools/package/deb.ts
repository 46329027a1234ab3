/** The Debian package: an `ar` archive of a version, the control files and the files (deb(5)). */
import { createHash } from 'node:crypto'
import { cpSync, mkdirSync, mkdtempSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join, relative } from 'node:path'
import { filesBelow, type Release } from './stage.ts'
import { pack } from './tar.ts'

/** Configuration that upgrades leave as the administrator made it. */
const CONFFILES = ['/etc/tarsier/tarsier.yaml', '/etc/tarsier/rules.d/own.yaml']
/** Scripts of packaging/deb, run as root by dpkg. */
const SCRIPTS = ['postinst', 'prerm', 'postrm']

/** Write `tarsier_VERSION_ARCH.deb` into a folder; returns its name. */
export function makeDeb(release: Release, staged: string, out: string): string {
  const work = mkdtempSync(join(tmpdir(), 'tarsier-deb-'))
  try {
    const control = join(work, 'control')
    mkdirSync(control)
    writeFileSync(join(control, 'control'), controlText(release, staged))
    writeFileSync(join(control, 'conffiles'), CONFFILES.map((file) => `${file}\n`).join(''))
    writeFileSync(join(control, 'md5sums'), md5sums(staged))
    for (const name of SCRIPTS)
      cpSync(join(release.root, 'packaging/deb', name), join(control, name), { mode: 0 })
    const { time } = release
    const members = [
      pack({ folder: control, out: join(work, 'control.tar.gz'), prefix: '.', time }),
      pack({ folder: staged, out: join(work, 'data.tar.gz'), prefix: '.', time }),
    ]
    const file = join(out, `tarsier_${release.version}_${ARCH[release.arch]}.deb`)
    writeFileSync(
      file,
      ar(
        [
          ['debian-binary', Buffer.from('2.0\n')],
          ...members.map((name) => [relative(work, name), readFileSync(name)] as const),
        ],
        time,
      ),
    )
    return file
  } finally {
    rmSync(work, { recursive: true })
  }
}

const ARCH = { x64: 'amd64', arm64: 'arm64' } as const

const controlText = ({ version, arch }: Release, staged: string): string => `Package: tarsier
Version: ${version}
Architecture: ${ARCH[arch]}
Maintainer: Tarsier maintainers <tarsier@localhost>
Installed-Size: ${Math.ceil(filesBelow(staged).reduce((sum, file) => sum + statSync(join(staged, file)).size, 0) / 1024)}
Depends: libc6 (>= 2.28), libstdc++6, libbpf1 | libbpf0
Section: admin
Priority: optional
Description: eBPF runtime security agent
 Watches processes, files and the network from inside the kernel and judges
 what it sees with Falco rules. Alerts go to the journal as JSON.
`

const md5sums = (staged: string): string =>
  filesBelow(staged)
    .filter((name) => !CONFFILES.includes(`/${name}`))
    .map(
      (name) =>
        `${createHash('md5')
          .update(readFileSync(join(staged, name)))
          .digest('hex')}  ${name}\n`,
    )
    .join('')

/** A common `ar` archive: a header of 60 bytes in front of each member, which is padded to an even length. */
function ar(members: readonly (readonly [name: string, data: Uint8Array])[], time: number): Buffer {
  const parts: Uint8Array[] = [Buffer.from('!<arch>\n')]
  for (const [name, data] of members) {
    const fields = [
      name.padEnd(16),
      String(time).padEnd(12),
      '0'.padEnd(6),
      '0'.padEnd(6),
      '100644'.padEnd(8),
      String(data.length).padEnd(10),
    ]
    parts.push(Buffer.from(`${fields.join('')}\`\n`), data)
    if (data.length % 2 === 1) parts.push(Buffer.from('\n'))
  }
  return Buffer.concat(parts)
}
