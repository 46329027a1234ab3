/** Programs being run: what the kernel says of each, and one event for one call. */
import assert from 'node:assert/strict'
import { execFileSync } from 'node:child_process'
import {
  chmodSync,
  copyFileSync,
  existsSync,
  mkdirSync,
  readFileSync,
  readlinkSync,
  renameSync,
  rmdirSync,
  statSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs'
import { type AddressInfo, createServer } from 'node:net'
import { hostname } from 'node:os'
import { dirname, join } from 'node:path'
import { after, before, suite, test } from 'node:test'
import { scratchFolder } from '../../src/testing/scratch.ts'
import { type Live, NEEDS_ROOT, type Outcome, only, openLive, pick, type Seen } from './support/live.ts'
import { program } from './support/programs.ts'
import { AT_FDCWD, type Call, ref, script } from './support/raw.ts'

const WRITABLE = 1
const UPPER_LAYER = 2
const LOWER_LAYER = 8
const FROM_MEMFD = 4
const DELETED = 16
const PATH_KERNEL = 1
const AT_EMPTY_PATH = 0x1000
const PATH_DELETED = 8
const NOBODY = { uid: 65534, gid: 65534 }

suite('exec', { skip: NEEDS_ROOT }, () => {
  const dir = NEEDS_ROOT ? '' : scratchFolder('exec')
  const raw = NEEDS_ROOT ? '' : program('raw')
  const tasks = NEEDS_ROOT ? '' : program('tasks')
  let live: Live

  before(() => {
    chmodSync(dir, 0o755)
    live = openLive({ events: ['execve', 'execveat'] })
  })
  after(() => live?.stop())

  const execs = (outcome: Outcome): Seen[] => only(outcome.records, 'execve', 'execveat')
  /** The one exec of the program itself. */
  const first = (outcome: Outcome): Seen => {
    const own = execs(outcome).filter((r) => r.pid === outcome.pid)
    assert.equal(own.length, 1)
    return own[0]!
  }
  const last = (outcome: Outcome): Seen => execs(outcome).at(-1)!
  const status = (key: string, file = '/proc/self/status'): string[] =>
    new RegExp(`^${key}:\\s*(.*)$`, 'm').exec(readFileSync(file, 'utf8'))![1]!.split('\t')

  test('what the standard descriptors are open on', async () => {
    const server = createServer()
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
    const { port } = server.address() as AddressInfo
    try {
      const words = `exec 0<>/dev/tcp/127.0.0.1/${port} 1>/dev/null 2>&-; exec ${raw} getpid`
      const { f } = last(live.run('bash', ['-c', words]))
      assert.equal((f['stdin_mode'] as number) & 0o170000, 0o140000)
      assert.match(f['stdin_path'] as string, /^socket:\[\d+\]$/)
      assert.deepEqual(
        [f['stdin_family'], f['stdin_rport'], f['stdin_laddr'], f['stdin_raddr']],
        [2, port, '127.0.0.1', '127.0.0.1'],
      )
      assert.deepEqual([f['stdout_path'], f['stdout_family']], ['/dev/null', 0])
      assert.equal(f['stderr_path'], undefined)
    } finally {
      server.close()
    }
  })
  test('layers of an overlay file system', () => {
    const words = [
      'set -e; cd "$1"; mkdir lower upper merged; cp "$2" lower/old; mount -t tmpfs none upper; mkdir upper/u upper/w',
      'mount -t overlay none -o lowerdir=lower,upperdir=upper/u,workdir=upper/w merged',
      'cp "$2" merged/new; merged/old getpid; merged/new getpid',
    ]
    const folder = scratchFolder('overlay')
    const outcome = live.run('unshare', ['-m', 'sh', '-c', words.join('; '), 'sh', folder, raw])
    assert.equal(outcome.status, 0, outcome.stderr)
    const layers = execs(outcome).filter((seen) => seen.f['comm'] === 'old' || seen.f['comm'] === 'new')
    assert.deepEqual(
      layers.map((seen) => [seen.f['comm'], (seen.f['exe_flags'] as number) & (UPPER_LAYER | LOWER_LAYER)]),
      [
        ['old', LOWER_LAYER],
        ['new', UPPER_LAYER],
      ],
    )
  })

  test('every field of an ordinary one', () => {
    const outcome = live.run(raw, ['getpid'], { cwd: dir })
    const seen = first(outcome)
    const file = statSync(raw, { bigint: true })
    const cap = (key: string): number => Number(`0x${status(key)[0]}`)
    const ns = (kind: string): number => Number(/\d+/.exec(readlinkSync(`/proc/self/ns/${kind}`))![0])
    const stat = readFileSync('/proc/self/stat', 'latin1').split(') ')[1]!.split(' ').map(Number)
    const { parent_start, tty, cgroup_path, cgroup_v1_path, exe_dev, ...rest } = seen.f
    const { pgft_maj, pgft_min, vm_size, vm_rss, vm_swap, pidns_init_start_ts, fdlimit, ...more } = rest
    const f = Object.fromEntries(Object.entries(more).filter(([name]) => !/^std(?:in|out|err)_/.test(name)))
    assert.ok((pgft_min as number) > 0 && (vm_size as number) > 0)
    // What single CPUs have counted is not in vm_rss yet, so it may be 0.
    for (const memory of [vm_rss, vm_swap] as readonly number[])
      assert.ok(memory >= 0 && memory <= (vm_size as number), String(memory))
    assert.equal(typeof pgft_maj, 'number')
    assert.equal(
      fdlimit,
      Number(/^Max open files\s+(\d+)/m.exec(readFileSync('/proc/self/limits', 'utf8'))![1]),
    )
    assert.ok((pidns_init_start_ts as number) < seen.start)
    assert.deepEqual(f, {
      res: 0,
      exe_ino: Number(file.ino),
      exe_ctime: file.ctimeNs,
      exe_mtime: file.mtimeNs,
      cap_inheritable: cap('CapInh'),
      cap_permitted: cap('CapPrm'),
      cap_effective: cap('CapEff'),
      exe_flags: WRITABLE,
      path_flags: PATH_KERNEL,
      uid: 0,
      gid: 0,
      loginuid: Number(readFileSync('/proc/self/loginuid', 'utf8')) | 0,
      ppid: process.pid,
      vpid: outcome.pid,
      vppid: process.pid,
      pgid: stat[2],
      vpgid: stat[2],
      sid: stat[3],
      vsid: stat[3],
      pidns: ns('pid'),
      mntns: ns('mnt'),
      dirfd: AT_FDCWD,
      at_flags: 0,
      comm: 'raw',
      uts: hostname(),
      filename: raw,
      exe_path: raw,
      cwd: dir,
      argv: [raw, 'getpid'],
    })
    assert.deepEqual(
      [seen.pid, seen.tid, seen.uid, seen.partial, seen.cut],
      [outcome.pid, outcome.pid, 0, false, {}],
    )
    // /proc tells the start in ticks of 10 ms.
    assert.equal(BigInt(parent_start as bigint) / 10_000_000n, BigInt(stat[19]!))
    assert.equal(tty, stat[4])
    const groups = readFileSync('/proc/self/cgroup', 'utf8').split('\n')
    assert.ok(groups.includes(`0::${cgroup_path}`))
    assert.ok(cgroup_v1_path === undefined || groups.some((line) => line.endsWith(`:${cgroup_v1_path}`)))
    assert.ok(Number(exe_dev) > 0)
    assert.deepEqual(
      outcome.records.map((r) => r.event),
      ['execve', 'procexit'],
    )
  })

  test('arguments: empty ones, control characters, bytes that are not UTF-8', () => {
    const args = ['', 'a b', '\n\u001b[31m', 'ü', '']
    assert.deepEqual(first(live.run('/bin/true', args)).f['argv'], ['/bin/true', ...args])
    const odd = live.run('/bin/sh', ['-c', `exec /bin/true "$(printf 'x\\377y')"`])
    assert.deepEqual(last(odd).f['argv'], ['/bin/true', 'x\udcffy'])
  })

  test('arguments longer than the cap are cut and tell their length', () => {
    const args = Array.from({ length: 400 }, (_, i) => `${i}`.padStart(200, '.'))
    const seen = first(live.run('/bin/true', args))
    const whole = ['/bin/true', ...args].join('\0') + '\0'
    assert.deepEqual(seen.cut, { argv: whole.length })
    assert.equal((seen.f['argv'] as string[]).join('\0'), whole.slice(0, 32768).replace(/\0$/, ''))
    assert.equal(seen.partial, false)
  })

  test('standard descriptors only on request', () => {
    const other = openLive({ events: ['execve', 'execveat'], streams: false })
    try {
      const seen = first(other.run(raw, ['getpid']))
      assert.deepEqual(
        [seen.f['stdin_path'], seen.f['stdin_mode'], seen.f['stdout_path']],
        [undefined, 0, undefined],
      )
      assert.equal(seen.f['exe_path'], raw)
    } finally {
      other.stop()
    }
  })

  test('the environment only on request', () => {
    const options = { env: { A: '1', B: 'two words' } }
    assert.equal(first(live.run(raw, ['getpid'], options)).f['env'], undefined)
    const other = openLive({ events: ['execve', 'execveat'], env: true })
    try {
      assert.deepEqual(first(other.run(raw, ['getpid'], options)).f['env'], ['A=1', 'B=two words'])
      const args = Array.from({ length: 400 }, () => 'a'.repeat(199))
      const env = { BIG: 'e'.repeat(60000) }
      const both = first(other.run(raw, ['getpid', ',', ...args], { env }))
      assert.deepEqual(Object.keys(both.cut), ['argv', 'env'])
      assert.equal(both.cut['env'], 60005)
      assert.equal((both.f['env'] as string[])[0]!.length, 32768)
    } finally {
      other.stop()
    }
  })

  test('who runs it', () => {
    const seen = first(live.run(raw, ['getpid'], NOBODY))
    assert.deepEqual(pick([seen], 'uid', 'gid', 'cap_permitted', 'cap_effective', 'exe_flags'), [
      { event: 'execve', uid: 65534, gid: 65534, cap_permitted: 0, cap_effective: 0, exe_flags: 0 },
    ])
    assert.equal(seen.uid, 65534)
  })

  test('an executable that its user may write', () => {
    const copy = join(dir, 'own')
    copyFileSync(raw, copy)
    chmodSync(copy, 0o757)
    assert.equal(first(live.run(copy, ['getpid'], NOBODY)).f['exe_flags'], WRITABLE)
  })

  test('a terminal', () => {
    const outcome = live.run('script', ['-qec', raw + ' getpid', '/dev/null'])
    const seen = last(outcome)
    assert.equal(seen.f['exe_path'], raw)
    // Pseudo terminals have the majors 136 to 143.
    const tty = Number(seen.f['tty'])
    assert.ok(tty >>> 8 >= 136 && tty >>> 8 <= 143, String(tty))
  })

  test('through a symbolic link and with a relative name', () => {
    symlinkSync(raw, join(dir, 'link'))
    const seen = last(live.run('/bin/sh', ['-c', 'exec ./link getpid'], { cwd: dir }))
    assert.deepEqual(pick([seen], 'filename', 'exe_path', 'comm', 'cwd', 'argv'), [
      {
        event: 'execve',
        comm: 'link',
        filename: './link',
        exe_path: raw,
        cwd: dir,
        argv: ['./link', 'getpid'],
      },
    ])
  })

  test('a script: one event, with the interpreter as the executable', () => {
    const file = join(dir, 'script.sh')
    writeFileSync(file, '#!/bin/sh -e\nexit 4\n')
    chmodSync(file, 0o755)
    const outcome = live.run(file, ['arg'])
    assert.equal(outcome.status, 4)
    const seen = first(outcome)
    assert.deepEqual(pick([seen], 'filename', 'exe_path', 'comm', 'argv'), [
      {
        event: 'execve',
        comm: 'script.sh',
        filename: file,
        exe_path: execFileSync('readlink', ['-f', '/bin/sh'], { encoding: 'utf8' }).trim(),
        argv: ['/bin/sh', '-e', file, 'arg'],
      },
    ])
  })

  test('from memory', () => {
    const seen = last(live.run(tasks, ['fexec', raw, 'memfd', 'name', 'getpid']))
    assert.deepEqual(pick([seen], 'res', 'exe_path', 'exe_flags', 'argv'), [
      {
        event: 'execveat',
        res: 0,
        exe_path: 'memfd:hidden',
        exe_flags: WRITABLE | FROM_MEMFD,
        argv: ['name', 'getpid'],
      },
    ])
  })

  test('a deleted file', () => {
    const seen = last(live.run(tasks, ['fexec', raw, 'deleted', 'name', 'getpid'], { cwd: dir }))
    assert.match(String(seen.f['exe_path']), new RegExp(`^${dir}/tasks-\\w{6} \\(deleted\\)$`))
    assert.deepEqual(
      [seen.f['exe_flags'], seen.f['path_flags']],
      [WRITABLE | DELETED, PATH_KERNEL | PATH_DELETED],
    )
  })

  test('by descriptor', () => {
    const seen = last(live.run(tasks, ['fexec', raw, 'path', 'other name', 'getpid']))
    assert.deepEqual(pick([seen], 'exe_path', 'exe_flags', 'argv'), [
      { event: 'execveat', exe_path: raw, exe_flags: WRITABLE, argv: ['other name', 'getpid'] },
    ])
    assert.match(String(seen.f['filename']), /^\/dev\/fd\/\d+$/)
    assert.equal(seen.f['filename'], `/dev/fd/${seen.f['dirfd']}`)
    assert.equal(seen.f['at_flags'], AT_EMPTY_PATH)
  })

  test('relative to a descriptor', () => {
    const calls: Call[] = [
      ['openat', AT_FDCWD, '/bin', 0o200000],
      ['execveat', ref(0), 'true', 0, 0, 0x100],
    ]
    const seen = last(live.run(raw, script(calls)))
    assert.deepEqual(pick([seen], 'res', 'filename', 'dirfd', 'at_flags'), [
      { event: 'execveat', res: 0, filename: '/dev/fd/3/true', dirfd: 3, at_flags: 0 },
    ])
  })

  test('execveat without a descriptor is what the kernel makes of it', () => {
    const outcome = live.run(raw, script([['execveat', AT_FDCWD, '/bin/true', 0, 0, 0]]))
    const seen = execs(outcome)
    // On x86 the kernel turns the number of the call into that of execve while it loads the program.
    const name = process.arch === 'x64' ? 'execve' : 'execveat'
    assert.deepEqual(
      seen.map((r) => [r.event, r.f['res'], r.f['filename']]),
      [
        ['execve', 0, raw],
        [name, 0, '/bin/true'],
      ],
    )
  })

  test('failed ones carry the name and the errno', () => {
    const plain = join(dir, 'plain')
    writeFileSync(plain, 'no program')
    const secret = join(dir, 'secret-program')
    copyFileSync(raw, secret)
    chmodSync(secret, 0o700)
    const calls: Call[] = [
      ['openat', AT_FDCWD, dir, 0o200000],
      ['execve', '/no/such', 0, 0],
      ['execve', plain, 0, 0],
      ['execve', secret, 0, 0],
      ['chdir', dir],
      ['execve', 'missing', 0, 0],
      ['execveat', ref(0), 'missing', 0, 0, 0],
      ['execveat', 66, 'missing', 0, 0, 0],
      ['execveat', 66, '', 0, 0, AT_EMPTY_PATH],
    ]
    const { records, results } = live.raw(calls, NOBODY)
    assert.deepEqual(pick(records, 'res', 'dirfd', 'filename', 'dir', 'exe_path', 'argv', 'comm'), [
      { event: 'execve', res: -2, dirfd: AT_FDCWD, filename: '/no/such', comm: 'raw' },
      { event: 'execve', res: -13, dirfd: AT_FDCWD, filename: plain, comm: 'raw' },
      { event: 'execve', res: -13, dirfd: AT_FDCWD, filename: secret, comm: 'raw' },
      { event: 'execve', res: -2, dirfd: AT_FDCWD, filename: 'missing', dir, comm: 'raw' },
      { event: 'execveat', res: -2, dirfd: 3, filename: 'missing', dir, comm: 'raw' },
      { event: 'execveat', res: -9, dirfd: 66, filename: 'missing', comm: 'raw' },
      { event: 'execveat', res: -9, dirfd: 66, filename: '', comm: 'raw' },
    ])
    assert.deepEqual(
      records.map((r) => r.f['at_flags']),
      [0, 0, 0, 0, 0, 0, AT_EMPTY_PATH],
    )
    assert.deepEqual(
      records.map((r) => r.f['res']),
      calls.flatMap(([name], i) => (name.startsWith('exec') ? [results[i]] : [])),
    )
    for (const record of records) assert.equal(record.uid, 65534)
  })

  test('by a thread that is not the leader', () => {
    const outcome = live.run(tasks, ['exec', raw, 'getpid'])
    const own = outcome.records.filter((r) => r.pid === outcome.pid)
    assert.deepEqual(
      own.map((r) => [r.event, r.tid, r.f['exe_path']]),
      [
        ['execve', outcome.pid, tasks],
        ['execve', outcome.pid, raw],
        ['procexit', outcome.pid, undefined],
      ],
    )
    // It is still the same process.
    assert.equal(new Set(own.map((r) => r.start)).size, 1)
  })

  test('in a pid namespace of its own', () => {
    const outcome = live.run('unshare', ['-pf', raw, 'getpid'])
    const seen = last(outcome)
    assert.deepEqual(pick([seen], 'vpid', 'vppid', 'exe_path', 'ppid'), [
      { event: 'execve', ppid: outcome.pid, vpid: 1, vppid: 0, exe_path: raw },
    ])
    assert.notEqual(seen.f['pidns'], Number(/\d+/.exec(readlinkSync('/proc/self/ns/pid'))![0]))
    assert.equal(outcome.stdout.trim(), '1')
  })

  /** A program that enters a cgroup first. */
  const inCgroup = (folder: string): Seen => {
    const outcome = live.run('/bin/sh', ['-c', `echo $$ > ${folder}/cgroup.procs && exec ${raw} getpid`])
    assert.equal(outcome.status, 0, outcome.stderr)
    return last(outcome)
  }
  const container = `${'0123456789abcdef'.repeat(4)}`
  for (const [label, base, field] of [
    ['v2', '/sys/fs/cgroup/unified', 'cgroup_path'],
    ['v1', '/sys/fs/cgroup/memory', 'cgroup_v1_path'],
  ] as const)
    test(`in a ${label} cgroup named like a container`, { skip: !existsSync(`${base}/cgroup.procs`) }, () => {
      const name = `tarsier-test-${process.pid}`
      const folder = join(base, name, `docker-${container}.scope`)
      mkdirSync(folder, { recursive: true })
      try {
        // The second time it is looked up.
        for (let turn = 0; turn < 2; turn++) {
          const seen = inCgroup(folder)
          assert.equal(seen.f[field], `/${name}/docker-${container}.scope`)
          const id = label === 'v2' ? seen.cgroup : seen.cgroupV1
          assert.equal(id, statSync(folder).ino)
        }
      } finally {
        rmdirSync(folder)
        rmdirSync(join(base, name))
      }
    })

  const memory = '/sys/fs/cgroup/memory'
  test('a cgroup and the one above it get other names', {
    skip: !existsSync(`${memory}/cgroup.procs`),
  }, () => {
    const top = `tarsier-names-${process.pid}`
    let folder = join(memory, top, 'first')
    mkdirSync(folder, { recursive: true })
    const rename = (from: string, to: string): string => {
      renameSync(join(memory, from), join(memory, to))
      return join(memory, to)
    }
    const told = (): unknown => inCgroup(folder).f['cgroup_v1_path']
    try {
      assert.equal(told(), `/${top}/first`)
      folder = rename(`${top}/first`, `${top}/other`)
      assert.equal(told(), `/${top}/other`)
      folder = join(rename(top, `${top}-b`), 'other')
      assert.equal(told(), `/${top}-b/other`)
      folder = join(rename(`${top}-b`, top), 'other')
      assert.equal(told(), `/${top}/other`)
    } finally {
      rmdirSync(folder)
      rmdirSync(dirname(folder))
    }
  })

  test('one event a call: a hundred that succeed, a hundred that fail', () => {
    const loop = `i=0; while [ $i -lt 100 ]; do ${raw} getpid > /dev/null; i=$((i+1)); done`
    const good = execs(live.run('/bin/sh', ['-c', loop]))
    assert.equal(good.filter((r) => r.f['exe_path'] === raw).length, 100)
    assert.equal(good.length, 101, 'and the shell')
    assert.equal(new Set(good.map((r) => r.pid)).size, 101)
    const bad = execs(live.run(tasks, ['failing-exec', '/no/such', '100']))
    assert.deepEqual(
      bad.map((r) => r.f['res']),
      [0, ...new Array(100).fill(-2)],
    )
  })
})
