/** What is reported is what happened, whatever the program does to hide it. */
import assert from 'node:assert/strict'
import { once } from 'node:events'
import { copyFileSync, mkdirSync, readFileSync, statSync, writeFileSync } from 'node:fs'
import { type AddressInfo, createServer } from 'node:net'
import { join } from 'node:path'
import { after, suite, test } from 'node:test'
import { scratchFolder } from '../../src/testing/scratch.ts'
import { NEEDS_ROOT, only, openLive, pick, undisturbed } from './support/live.ts'
import { program } from './support/programs.ts'
import { AT_FDCWD } from './support/raw.ts'

const CLONE_NEWNS = 0x20000
const MS_PRIVATE_ALL = 0x44000
const MS_BIND = 0x1000
const EXDEV = -18
const ROUNDS = 20

suite('truth', { skip: NEEDS_ROOT }, () => {
  const folder = NEEDS_ROOT ? '' : scratchFolder('truth')
  const live = openLive({ events: ['open', 'openat', 'renameat2', 'rename'], bulk: 16 << 20 })
  after(() => live.stop())

  test('a path that another thread changes: the file is the one that was opened', async (t) => {
    const one = join(folder, 'first-name')
    const other = join(folder, 'other-name')
    const output = join(folder, 'inodes')
    for (const file of [one, other]) writeFileSync(file, '')
    const names = new Map([one, other].map((path) => [statSync(path).ino, path]))
    let opened = 0
    let lied = 0
    for (let round = 0; round < ROUNDS && lied === 0; round++) {
      const { records, pid } = await undisturbed(live, () =>
        live.follow('/bin/sh', ['-c', `exec ${program('race')} ${one} ${other} 5000 > ${output}`]),
      )
      const told = readFileSync(output, 'utf8').trim().split('\n').map(Number)
      const opens = only(records, 'openat').filter(
        (r) => r.pid === pid && String(r.f['name']).endsWith('-name'),
      )
      assert.equal(opens.length, told.length)
      for (const [i, ino] of told.entries()) {
        const open = opens[i]!
        assert.equal(open.f['ino'], ino)
        assert.equal(open.f['path'], names.get(ino))
        if (ino === 0) continue
        opened++
        assert.equal(open.differs, open.f['name'] !== open.f['path'])
        if (open.differs) lied++
      }
    }
    t.diagnostic(`${lied} of ${opened} names were not those of the file that was opened; each is marked`)
    assert.ok(lied > 0, 'the threads never met')
  })

  test('a path of a program that another thread changes: the one that runs is the one that is told', (t) => {
    const [one, other] = [join(folder, 'first-prog'), join(folder, 'other-prog')]
    for (const file of [one, other]) copyFileSync('/bin/true', file)
    const { records } = live.run(program('race'), [one, other, '200', 'exec'])
    const execs = only(records, 'execve').filter(({ f }) => String(f['filename']).startsWith(folder))
    const ran = execs.filter(({ f }) => f['res'] === 0)
    for (const { f } of ran) assert.equal(f['filename'], f['exe_path'])
    t.diagnostic(`${ran.length} programs ran, ${execs.length - ran.length} names led nowhere`)
    assert.ok(ran.length > 0)
  })

  test('a rename across a bind mount fails, and across it is told as the process sees it', () => {
    const [from, to] = [join(folder, 'from'), join(folder, 'to')]
    for (const at of [from, to]) mkdirSync(at)
    writeFileSync(join(from, 'file'), '')
    const { records, results } = live.raw([
      ['unshare', CLONE_NEWNS],
      ['mount', 'none', '/', 0, MS_PRIVATE_ALL, 0],
      ['mount', from, to, 0, MS_BIND, 0],
      ['rename', join(to, 'file'), join(from, 'other')],
      ['chdir', to],
      ['renameat2', AT_FDCWD, 'file', AT_FDCWD, 'inside', 0],
      ['openat', AT_FDCWD, 'inside', 0],
    ])
    assert.deepEqual(results.slice(3, 6), [EXDEV, 0, 0])
    assert.deepEqual(pick(records, 'res', 'oldpath', 'newpath', 'olddir', 'newdir', 'path'), [
      { event: 'rename', res: EXDEV, oldpath: join(to, 'file'), newpath: join(from, 'other') },
      { event: 'renameat2', res: 0, oldpath: 'file', newpath: 'inside', olddir: to, newdir: to },
      { event: 'openat', path: join(to, 'inside') },
    ])
  })

  test('a path of 4,000 bytes, whole from both sides', () => {
    const deep = join(folder, ...Array.from({ length: 15 }, (_, i) => `${i}`.padStart(250, 'd')))
    mkdirSync(deep, { recursive: true })
    const name = 'f'.repeat(4000 - deep.length - 1)
    writeFileSync(join(deep, name), '')
    const whole = join(deep, name)
    assert.equal(whole.length, 4000)
    const { records } = live.raw([
      ['openat', AT_FDCWD, whole, 0],
      ['chdir', deep],
      ['open', name, 0],
    ])
    assert.deepEqual(pick(records, 'name', 'path'), [
      { event: 'openat', name: whole, path: whole },
      { event: 'open', name, path: whole },
    ])
    for (const { cut, partial } of records) assert.deepEqual([cut, partial], [{}, false])
  })

  test('arguments of 100 KB: cut at 32 KiB, with the length they had', () => {
    const args = Array.from({ length: 100 }, (_, i) => `${i}`.padStart(1023, '.'))
    const { records } = live.run('/bin/true', args)
    const seen = only(records, 'execve')[0]!
    const whole = `${['/bin/true', ...args].join('\0')}\0`
    assert.deepEqual(seen.cut, { argv: whole.length })
    assert.equal((seen.f['argv'] as string[]).join('\0'), whole.slice(0, 32768).replace(/\0$/, ''))
  })

  test('execveat of a file in memory', () => {
    const { records } = live.run(program('tasks'), ['fexec', program('raw'), 'memfd', 'name', 'getpid'])
    const [seen] = only(records, 'execveat')
    assert.equal(seen?.f['exe_path'], 'memfd:hidden')
  })
})

/** What the program told of each call: a number a line. */
const told = (output: string): number[] => readFileSync(output, 'utf8').trim().split('\n').map(Number)

suite('names that another thread changes, compared with those that calls began with', {
  skip: NEEDS_ROOT,
}, () => {
  const folder = NEEDS_ROOT ? '' : scratchFolder('race')
  const output = join(folder, 'told')
  const names = ['first-name', 'other-name'] as const
  const live = openLive({
    events: ['unlink', 'rename', 'openat'],
    syscalls: ['chown', 'mkdirat', 'security_inode_rename'],
    compareNames: true,
    bulk: 16 << 20,
  })
  after(() => live.stop())

  test('everything is attached', () => assert.deepEqual(live.source.failures, []))

  for (const [call, ...events] of [
    ['unlink', 'unlink'],
    ['rename', 'rename', 'security_inode_rename'],
    ['open', 'openat'],
  ] as const)
    test(`${call}: marked when it was another name`, async (t) => {
      for (const name of names) writeFileSync(join(folder, name), '')
      const inodes = new Map(names.map((name, i) => [statSync(join(folder, name)).ino, i + 1]))
      const counts = { calls: 0, lies: 0, marked: 0, missed: 0 }
      for (let round = 0; round < ROUNDS && counts.marked === 0; round++) {
        const { records, pid } = await undisturbed(live, () =>
          live.follow(
            '/bin/sh',
            ['-c', `exec ${program('race')} ${names.join(' ')} 2000 ${call} > ${output}`],
            {
              cwd: folder,
            },
          ),
        )
        const about = told(output).map((which) => names[(inodes.get(which) ?? which) - 1])
        for (const event of events) {
          const calls = records.filter(
            ({ pid: by, event: name, f }) =>
              by === pid && name === event && isRaced(f['name'] ?? f['oldpath'] ?? f['old_path']),
          )
          // Hooks tell of calls that succeeded.
          const happened = event.startsWith('security_') ? about.filter((name) => name !== undefined) : about
          assert.equal(calls.length, happened.length)
          for (const [i, { f, nameChanged }] of calls.entries()) {
            const lie =
              happened[i] !== undefined && (f['name'] ?? f['oldpath'] ?? f['old_path']) !== happened[i]
            counts.calls++
            if (lie) counts.lies++
            if (nameChanged) counts.marked++
            if (lie && !nameChanged) counts.missed++
          }
        }
      }
      t.diagnostic(`${call}: ${JSON.stringify(counts)}`)
      assert.ok(counts.marked > 0, 'the threads never met')
    })
  const isRaced = (name: unknown): boolean => /^[fo][it][rh][se][tr]-name$/.test(String(name))

  test('nothing is marked when nobody changes a name', () => {
    const { records } = live.raw(
      [
        ['openat', AT_FDCWD, 'x'.repeat(200), 0o101, 0o600],
        ['rename', 'x'.repeat(200), 'y'],
        ['unlink', 'y'],
        ['unlink', 'y'],
        ['openat', AT_FDCWD, `${'./'.repeat(2040)}none`, 0],
        ['openat', AT_FDCWD, '', 0],
        ['openat', AT_FDCWD, 0, 0],
        ['execve', 'not-there', 0, 0],
      ],
      { cwd: folder },
    )
    assert.equal(only(records, 'openat').length, 4)
    assert.deepEqual(
      records.filter(({ nameChanged }) => nameChanged),
      [],
    )
  })
})

test('an address that another thread changes: the one that the kernel used, marked when it is not what was given', {
  skip: NEEDS_ROOT,
}, async (t) => {
  const live = openLive({ events: ['connect'], bulk: 16 << 20 })
  const output = join(scratchFolder('race-connect'), 'told')
  const servers = [0, 1].map(() => createServer((socket) => void socket.on('error', () => {}).destroy()))
  t.after(() => {
    live.stop()
    for (const server of servers) server.close()
  })
  const ports: string[] = []
  for (const server of servers) {
    server.listen({ port: 0, host: '127.0.0.1', backlog: 4096 })
    await once(server, 'listening')
    ports.push(String((server.address() as AddressInfo).port))
  }
  const counts = { calls: 0, lies: 0 }
  for (let round = 0; round < ROUNDS && counts.lies === 0; round++) {
    const { records, pid } = await undisturbed(live, () =>
      live.follow('/bin/sh', ['-c', `exec ${program('race')} ${ports.join(' ')} 1000 connect > ${output}`]),
    )
    const calls = only(records, 'connect').filter((record) => record.pid === pid)
    const peers = told(output)
    assert.equal(calls.length, peers.length)
    for (const [i, { f, differs }] of calls.entries()) {
      if (f['res'] !== 0 || peers[i] === 0) continue
      assert.equal(f['rport'], peers[i])
      assert.equal(differs, f['addr_port'] !== peers[i])
      counts.calls++
      if (differs) counts.lies++
    }
  }
  t.diagnostic(`connect: ${JSON.stringify(counts)}; each lie is marked`)
  assert.ok(counts.lies > 0, 'the threads never met')
})

/** 100 KB of arguments, and what an exec with `bytes` of room tells of them. */
const longArguments = Array.from({ length: 100 }, (_, i) => `${i}`.padStart(1023, '.'))
const wholeArguments = `${['/bin/true', ...longArguments].join('\0')}\0`

suite('long arguments', { skip: NEEDS_ROOT }, () => {
  for (const [argv, env] of [
    [1024, 131072],
    [131072, 131072],
    [65536, 1024],
  ] as const)
    test(`room for ${argv} bytes of argv and ${env} of env`, (t) => {
      const live = openLive({
        events: ['sched_process_exec'],
        syscalls: ['sched_process_exec'],
        env: true,
        argsBytes: { argv, env },
      })
      t.after(() => live.stop())
      const value = 'v'.repeat(100_000)
      const { records } = live.run('/bin/true', longArguments, { env: { VALUE: value } })
      for (const event of ['execve', 'sched_process_exec']) {
        const seen = only(records, event)[0]!
        assert.equal(
          (seen.f['argv'] as string[]).join('\0'),
          wholeArguments.slice(0, argv).replace(/\0$/, ''),
        )
        assert.equal((seen.f['env'] as string[]).join('\0'), `VALUE=${value}`.slice(0, env))
        assert.deepEqual(seen.cut, {
          ...(argv < wholeArguments.length && { argv: wholeArguments.length }),
          ...(env < value.length && { env: `VALUE=${value}`.length + 1 }),
        })
      }
    })
})
