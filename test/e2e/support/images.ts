/** Images for containers of tests, made of local files, and what containers leave behind. */
import { createHash } from 'node:crypto'
import {
  copyFileSync,
  existsSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  rmdirSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { run } from './run.ts'

const BUSYBOX = ['/bin/busybox', '/usr/bin/busybox'].find((file) => existsSync(file))
const APPLETS = ['sh', 'cat', 'sleep', 'true']
const CGROUPS = '/sys/fs/cgroup'

/** Reason why there can be no image. */
export const NEEDS_BUSYBOX: string | false = BUSYBOX === undefined ? 'needs busybox' : false

/** An archive of a root with a shell in it, made below a folder. Returns its path. */
export async function makeRoot(folder: string): Promise<string> {
  const root = join(folder, 'image')
  for (const name of ['bin', 'tmp']) mkdirSync(join(root, name), { recursive: true })
  copyFileSync(BUSYBOX!, join(root, 'bin/busybox'))
  for (const applet of APPLETS) symlinkSync('busybox', join(root, 'bin', applet))
  const tar = join(folder, 'layer.tar')
  await run('tar', ['-C', root, '-cf', tar, '.'])
  return tar
}

/** An image with these names, in the form that `docker save` writes. Returns the path of the archive. */
export async function makeArchive(folder: string, names: readonly string[]): Promise<string> {
  const layer = readFileSync(await makeRoot(folder))
  const digest = createHash('sha256').update(layer).digest('hex')
  const write = (name: string, value: unknown): void =>
    writeFileSync(join(folder, name), JSON.stringify(value))
  write('config.json', {
    architecture: process.arch === 'arm64' ? 'arm64' : 'amd64',
    os: 'linux',
    config: { Cmd: ['sleep', '600'], Env: ['PATH=/bin'] },
    rootfs: { type: 'layers', diff_ids: [`sha256:${digest}`] },
  })
  write('manifest.json', [{ Config: 'config.json', RepoTags: names, Layers: ['layer.tar'] }])
  const archive = join(folder, 'archive.tar')
  await run('tar', ['-C', folder, '-cf', archive, 'manifest.json', 'config.json', 'layer.tar'])
  return archive
}

/** Remove a cgroup and those below it, in every hierarchy, once the last process has left. */
export async function removeCgroups(name: string): Promise<void> {
  for (const hierarchy of ['', ...readdirSync(CGROUPS)]) {
    const path = join(CGROUPS, hierarchy, name)
    for (let tries = 0; existsSync(path) && !removed(path) && tries < 100; tries++) await sleep(20)
  }
}

/** A service manager in a container leaves cgroups of its own behind. */
function removed(path: string): boolean {
  try {
    for (const entry of readdirSync(path, { withFileTypes: true }))
      if (entry.isDirectory() && !removed(join(path, entry.name))) return false
    rmdirSync(path)
    return true
  } catch {
    return false
  }
}
