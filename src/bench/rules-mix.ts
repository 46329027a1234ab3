/**
 * The events `tarsier bench rules` judges: a busy developer machine with some servers, as records the kernel would have
 * written. The same every time, but for the strings nobody has seen before, which a given share of the events carries.
 *
 * Made up, not recorded: a recording would carry other people's names. What it is made of: of each step, 80 % are opens
 * (a quarter of those libraries, the rest files that are opened again and again, one in five by a relative name, one in
 * ten in vain), 10 % connections, 5 % removals, and 5 % a command: fork, exec, nine opens, exit.
 */
import { PATH_FLAGS } from '../../schema/enums/index.ts'
import { encodeRecord, type RecordInit } from '../decode/encode.ts'
import {
  type Actor,
  accept,
  connect,
  event,
  execve,
  exit,
  fork,
  openat,
  snapshot,
} from '../testing/events.ts'

export interface Mix {
  readonly memory: ArrayBuffer
  /** By event, in bytes. */
  readonly offsets: Uint32Array
  readonly lengths: Uint32Array
  /** Events at the beginning that only tell which processes there are: they are not measured. */
  readonly warmup: number
  /** Types of the others. */
  readonly types: readonly string[]
  /** Bring in strings that were never there before. */
  freshen(): void
}

/** Place of the digits of a fresh string. */
const TOKEN = '~fresh~~'
/** What stands there where nothing is to be fresh. */
const USUAL = '00000000'

/** Numbers from 0 up to 1, always the same for a seed (mulberry32). */
export function randomOf(seed: number): () => number {
  let state = seed | 0
  return () => {
    state = (state + 0x6d2b79f5) | 0
    let t = Math.imul(state ^ (state >>> 15), state | 1)
    t ^= t + Math.imul(t ^ (t >>> 7), t | 61)
    return ((t ^ (t >>> 14)) >>> 0) / 2 ** 32
  }
}

/** `events` measured events, of which the share `fresh` (0 to 1) carries a string that was never seen. */
export function createMix(events: number, fresh: number): Mix {
  const { warmup, inits } = workload(events, fresh)
  const records = inits.map(encodeRecord)
  const memory = new ArrayBuffer(records.reduce((sum, { length }) => sum + length, 0))
  const bytes = Buffer.from(memory)
  const offsets = new Uint32Array(records.length)
  const lengths = new Uint32Array(records.length)
  let end = 0
  for (const [i, record] of records.entries()) {
    bytes.set(record, end)
    offsets[i] = end
    lengths[i] = record.length
    end += record.length
  }
  const places = placesOf(bytes, offsets, lengths)
  let number = 0
  const freshen = (): void => {
    for (const place of places) {
      // The name and the path of one event are the same string.
      const digits = String(++number).padStart(TOKEN.length, '0')
      for (const at of place) bytes.write(digits, at, 'latin1')
    }
  }
  return { memory, offsets, lengths, warmup, types: inits.slice(warmup).map(({ event }) => event), freshen }
}

/** By event with fresh strings: where their digits are. */
function placesOf(bytes: Buffer, offsets: Uint32Array, lengths: Uint32Array): number[][] {
  const places: number[][] = []
  for (const [i, offset] of offsets.entries()) {
    const own: number[] = []
    const end = offset + lengths[i]!
    for (let at = bytes.indexOf(TOKEN, offset); at >= 0 && at < end; at = bytes.indexOf(TOKEN, at + 1))
      own.push(at)
    if (own.length > 0) places.push(own)
  }
  return places
}

interface Program {
  readonly path: string
  readonly argv: readonly string[]
}

/** Programs that run all the time, with what they call themselves. */
const SERVERS: readonly Program[] = [
  { path: '/usr/lib/systemd/systemd', argv: ['/sbin/init'] },
  { path: '/usr/sbin/sshd', argv: ['sshd: alice [priv]'] },
  { path: '/usr/bin/bash', argv: ['-bash'] },
  { path: '/usr/sbin/nginx', argv: ['nginx: worker process'] },
  { path: '/usr/lib/postgresql/16/bin/postgres', argv: ['postgres', '-D', '/var/lib/postgresql/16/main'] },
  { path: '/usr/sbin/cron', argv: ['/usr/sbin/cron', '-f'] },
  { path: '/usr/bin/node', argv: ['node', '/srv/shop/server.js', '--port', '8080'] },
  { path: '/usr/bin/python3.12', argv: ['python3', '/opt/monitor/collect.py', '--interval=15'] },
  { path: '/usr/lib/systemd/systemd-journald', argv: ['/usr/lib/systemd/systemd-journald'] },
  { path: '/usr/bin/containerd', argv: ['containerd', '--config', '/etc/containerd/config.toml'] },
  { path: '/usr/bin/make', argv: ['make', '-j8', 'all'] },
  { path: '/usr/bin/git', argv: ['git', 'fetch', '--quiet', 'origin'] },
]

/** Programs that come and go. */
const TOOLS: readonly Program[] = [
  { path: '/usr/bin/gcc', argv: ['gcc', '-O2', '-Wall', '-c', `src/unit-${TOKEN}.c`, '-o', 'unit.o'] },
  { path: '/usr/lib/gcc/x86_64-linux-gnu/14/cc1', argv: ['cc1', '-quiet', `/tmp/cc${TOKEN}.i`] },
  { path: '/usr/bin/sh', argv: ['sh', '-c', `test -f .stamp-${TOKEN} && echo fresh`] },
  { path: '/usr/bin/grep', argv: ['grep', '-rn', `needle-${TOKEN}`, 'src', 'include'] },
  { path: '/usr/bin/cat', argv: ['cat', `/var/lib/app/item-${TOKEN}`] },
  { path: '/usr/bin/ls', argv: ['ls', '-la', `/home/alice/project-${TOKEN}`] },
  { path: '/usr/bin/sed', argv: ['sed', '-i', `s/a/${TOKEN}/`, 'Makefile'] },
  { path: '/usr/bin/curl', argv: ['curl', '-sS', `https://example.org/v1/items/${TOKEN}`] },
]

/** What a dynamic program opens first. */
const LIBRARIES: readonly string[] = [
  '/etc/ld.so.cache',
  '/usr/lib/x86_64-linux-gnu/libc.so.6',
  '/usr/lib/x86_64-linux-gnu/libm.so.6',
  '/usr/lib/x86_64-linux-gnu/libz.so.1.3.1',
  '/usr/lib/locale/locale-archive',
]

/** Files that are opened again and again: path, open flags. */
const USUAL_FILES: readonly (readonly [string, number])[] = [
  ['/proc/self/status', 0],
  ['/proc/meminfo', 0],
  ['/proc/loadavg', 0],
  ['/sys/fs/cgroup/memory.pressure', 0],
  ['/etc/passwd', 0],
  ['/etc/nsswitch.conf', 0],
  ['/etc/resolv.conf', 0],
  ['/etc/hosts', 0],
  ['/etc/localtime', 0],
  ['/dev/null', 2],
  ['/dev/urandom', 0],
  ['/var/log/nginx/access.log', 0o2001],
  ['/var/log/journal/system.journal', 2],
  ['/var/lib/postgresql/16/main/base/16384/2619', 2],
  ['/srv/shop/public/index.html', 0],
  ['/srv/shop/node_modules/express/package.json', 0],
  ['/home/alice/.bashrc', 0],
  ['/home/alice/.gitconfig', 0],
  ['/home/alice/project/.git/HEAD', 0],
  ['/home/alice/project/Makefile', 0],
]

/** Files whose names are made up as one goes. */
const MADE_FILES: readonly string[] = [
  `/tmp/cc${TOKEN}.s`,
  `/home/alice/project/build/unit-${TOKEN}.o`,
  `/var/lib/app/spool/${TOKEN}.msg`,
  `/srv/shop/cache/${TOKEN}/page.html`,
  `/var/lib/postgresql/16/main/pg_wal/${TOKEN}`,
  `/proc/${TOKEN}/stat`,
]

const O_CREATE = 0o1101
const IN_DIR = PATH_FLAGS.names['PATH_KERNEL']! | PATH_FLAGS.names['PATH_IN_DIR']!

/** The story, event by event, with TOKEN where something fresh belongs. */
function workload(events: number, share: number): { warmup: number; inits: RecordInit[] } {
  const random = randomOf(1)
  const luck = randomOf(2)
  let time = 1e12
  const stamp = () => (time += 2000)
  const servers = SERVERS.map(
    (_, i): Actor => ({ pid: 1 + i * 100, start: 5e9 + i * 7 + 1, uid: i % 3 ? 1000 : 0 }),
  )
  const inits: RecordInit[] = SERVERS.map((program, i) =>
    snapshot({ ...program, by: servers[i]!, parent: parentOf(servers, i), time: stamp() }),
  )
  const warmup = inits.length
  const pick = <T>(items: readonly T[]): T => items[Math.floor(random() * items.length)]!
  /** Fresh or usual: decided for each event. */
  const dress = (texts: readonly string[]): string[] => {
    const text = luck() < share ? TOKEN : USUAL
    return texts.map((one) => one.replace(TOKEN, text))
  }
  const open = (by: Actor): RecordInit => {
    // A fresh open has a fresh name; the others mostly open what has been opened before.
    if (luck() < share)
      return openat({ by, path: pick(MADE_FILES), flags: pick([0, O_CREATE]), time: stamp() })
    const [path, flags] = random() < 0.25 ? [pick(LIBRARIES), 0] : pick(USUAL_FILES)
    if (random() < 0.2) return relativeOpen(by, path, flags, stamp())
    return openat({ by, path, flags, fd: random() < 0.1 ? -2 : 3, time: stamp() })
  }
  let pid = 5000
  const command = (): void => {
    const by = servers[pick([2, 10, 5])]!
    const child: Actor = { pid: ++pid, start: 6e9 + pid * 3 + 1, uid: by.uid ?? 0 }
    const tool = pick(TOOLS)
    inits.push(fork({ by, child, time: stamp() }))
    inits.push(
      execve({
        ...tool,
        by: child,
        argv: dress(tool.argv),
        parent: by,
        cwd: '/home/alice/project',
        time: stamp(),
      }),
    )
    for (const path of LIBRARIES) inits.push(openat({ by: child, path, time: stamp() }))
    for (let i = 0; i < 4; i++) inits.push(open(child))
    inits.push(exit({ by: child, time: stamp() }))
  }
  const network = (by: Actor): void => {
    const host = Math.floor(random() * 20)
    const port = luck() < share ? Math.floor(luck() * 2 ** 16) : 40000 + host
    const local = `10.0.0.2 ${port}`
    inits.push(
      random() < 0.5
        ? connect({ by, local, remote: `93.184.216.${host} 443`, time: stamp() })
        : accept({ by, local: '10.0.0.2 443', remote: `10.0.1.${host} ${port}`, time: stamp() }),
    )
  }
  const change = (by: Actor): void => {
    const [name = ''] = dress([pick(MADE_FILES)])
    inits.push(event('unlinkat', { by, time: stamp() }, { res: 0, dirfd: -100, flags: 0, name }))
  }
  while (inits.length < warmup + events) {
    const by = pick(servers)
    const what = random()
    if (what < 0.05) command()
    else if (what < 0.15) network(by)
    else if (what < 0.2) change(by)
    else inits.push(open(by))
  }
  return { warmup, inits: inits.slice(0, warmup + events) }
}

/** init is nobody's child, the shell that of sshd, make and git of the shell, the others of init. */
const parentOf = (servers: readonly Actor[], i: number): Actor =>
  i === 0 ? { pid: 0, start: 0 } : servers[i === 2 ? 1 : i > 9 ? 2 : 0]!

/** The same file by a name that starts from its directory, which the kernel tells by a bit. */
function relativeOpen(by: Actor, path: string, flags: number, time: number): RecordInit {
  const name = path.slice(path.lastIndexOf('/') + 1)
  return openat({ by, path: name, resolved: path, flags, time, fields: { path_flags: IN_DIR } })
}
