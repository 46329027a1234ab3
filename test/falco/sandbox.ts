/**
 * Where the small actions of the rule tests happen: a mount namespace whose /etc, /root, /dev/shm and terminals are the
 * test's own, a network with public addresses and nobody else in it, and a cgroup that is named like a container.
 */
import { spawn } from 'node:child_process'
import { randomBytes } from 'node:crypto'
import { once } from 'node:events'
import { copyFileSync, mkdirSync, readFileSync, rmdirSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { openFolder } from '../e2e/support/agent.ts'
import { program } from '../kernel/support/programs.ts'
import { type Call, script } from '../kernel/support/raw.ts'

/** Addresses of the sandbox: one for documentation, which counts as public, and one of a cluster's services. */
export const PUBLIC_IP = '203.0.113.7'
export const SERVICE_IP = '10.96.0.1'

const PREPARE = `set -e
mkdir "$0/etc" "$0/layers" "$0/merged"
mount -t tmpfs none "$0/etc"
cp /etc/passwd /etc/group "$0/etc"
mkdir "$0/etc/pam.d"
for file in shadow sudoers pam.d/login motd; do echo secret > "$0/etc/$file"; done
mount --bind "$0/etc" /etc
for place in /root /dev/shm "$0/layers"; do mount -t tmpfs none $place; done
mount -t devpts -o newinstance,ptmxmode=0666 none /dev/pts
mount --bind /dev/pts/ptmx /dev/ptmx
cp "$0/bin/true" /dev/shm/true
mkdir "$0/layers/lower" "$0/layers/upper" "$0/layers/work"
cp "$0/bin/true" "$0/layers/lower/shipped"
mount -t overlay -o "lowerdir=$0/layers/lower,upperdir=$0/layers/upper,workdir=$0/layers/work" none "$0/merged"
cp "$0/bin/true" "$0/merged/dropped"
ip address add ${PUBLIC_IP}/32 dev lo
ip address add ${SERVICE_IP}/32 dev lo
ip link set lo up
echo prepared
exec sleep 600`

export interface Action {
  readonly file: string
  readonly args: readonly string[]
}

/** Where an action happens: in one of two containers, of which the runtime calls one privileged, or in none. */
export type Place = 'host' | 'container' | 'privileged'

export interface Sandbox {
  /** The folder of the test; every program that acts lies below. */
  readonly folder: string
  /** Ids of the containers, in full. */
  readonly containers: Readonly<Record<Exclude<Place, 'host'>, string>>
  /** A program under another name, by default one that does nothing. */
  named(name: string, source?: string): string
  /** System calls made by a program of this name. */
  raw(name: string, ...calls: readonly Call[]): Action
  /** Run it to its end; servers of the test go on answering meanwhile. */
  run(action: Action, place: Place): Promise<void>
  /** Command line that runs it. */
  commandLine(action: Action, place: Place): readonly string[]
  close(): void
}

/** No action takes this long. */
const ACTION_MS = 10_000

/** A cgroup hierarchy of this machine: v2, or one of v1 where that is all there is. */
function hierarchy(): string {
  const mounts = readFileSync('/proc/mounts', 'utf8')
    .split('\n')
    .map((line) => line.split(' '))
  const mount =
    mounts.find((words) => words[2] === 'cgroup2') ??
    mounts.find((words) => words[2] === 'cgroup' && words[3]?.split(',').includes('pids'))
  if (mount?.[1] === undefined) throw new Error('no cgroup hierarchy is mounted')
  return mount[1]
}

export async function openSandbox(word: string): Promise<Sandbox> {
  const folder = openFolder(word)
  const bin = join(folder, 'bin')
  mkdirSync(bin)
  const named: Sandbox['named'] = (name, source = '/bin/true') => {
    copyFileSync(source, join(bin, name))
    return join(bin, name)
  }
  named('true')
  const containers = {
    container: randomBytes(32).toString('hex'),
    privileged: randomBytes(32).toString('hex'),
  }
  const above = join(hierarchy(), `tarsier-test-${process.pid}`)
  const cgroupOf = (id: string): string => join(above, `docker-${id}.scope`)
  for (const place of [above, ...Object.values(containers).map(cgroupOf)]) mkdirSync(place)
  const holder = spawn('unshare', ['-m', '-n', 'sh', '-c', PREPARE, folder], {
    stdio: ['ignore', 'pipe', 'inherit'],
  })
  await Promise.race([once(holder.stdout, 'data'), once(holder, 'exit')])
  if (holder.exitCode !== null) throw new Error('the sandbox could not be prepared')
  holder.unref()
  holder.stdout.destroy()
  const via = ['nsenter', '-t', String(holder.pid), '-m', '-n']
  const enter = 'echo $$ > "$0/cgroup.procs"; exec "$@"'
  const commandLine: Sandbox['commandLine'] = ({ file, args }, place) => [
    ...via,
    ...(place === 'host' ? [] : ['sh', '-c', enter, cgroupOf(containers[place])]),
    file,
    ...args,
  ]
  return {
    folder,
    containers,
    named,
    raw: (name, ...calls) => ({ file: named(name, program('raw')), args: script(calls) }),
    commandLine,
    async run(action, place) {
      const [file, ...args] = commandLine(action, place)
      const child = spawn(file!, args, {
        cwd: '/',
        stdio: 'ignore',
        timeout: ACTION_MS,
        killSignal: 'SIGKILL',
      })
      const [, signal] = (await once(child, 'exit')) as [number | null, string | null]
      if (signal === 'SIGKILL') throw new Error(`${file} did not end within ${ACTION_MS} ms`)
    },
    close() {
      holder.kill('SIGKILL')
      for (const place of [...Object.values(containers).map(cgroupOf), above]) rmdirSync(place)
    },
  }
}

/** A file in the sandbox's folder. */
export function writeIn(sandbox: Sandbox, name: string, text = ''): string {
  const file = join(sandbox.folder, name)
  writeFileSync(file, text)
  return file
}
