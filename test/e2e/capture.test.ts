/** Captures of a running agent: what was live comes again from the file, to the byte. */
import assert from 'node:assert/strict'
import { spawn, spawnSync } from 'node:child_process'
import { randomBytes } from 'node:crypto'
import { once } from 'node:events'
import { mkdirSync, readFileSync, renameSync, rmdirSync, statSync, writeFileSync } from 'node:fs'
import { type AddressInfo, connect, createServer, type Socket } from 'node:net'
import { join } from 'node:path'
import { after, before, suite, test } from 'node:test'
import { fakeDocker } from '../../src/testing/runtimes.ts'
import { program } from '../kernel/support/programs.ts'
import { AT_FDCWD, bytes, type Call, ref, script, zeros } from '../kernel/support/raw.ts'
import {
  type Ended,
  marker,
  NEEDS_ROOT,
  openFolder,
  opensOf,
  type Running,
  startAgent,
  tarsier,
  writeRules,
} from './support/agent.ts'

/** Alerts are due within this time, on a machine that others keep busy. */
const LATE_MS = 20_000

/** Where cgroups of this machine are. */
function hierarchy(): string | undefined {
  const mounts = readFileSync('/proc/mounts', 'utf8')
  return /^\S+ (\S+) cgroup2 /m.exec(mounts)?.[1] ?? /^\S+ (\S+) cgroup \S*\bmemory\b/m.exec(mounts)?.[1]
}

/** Lines about what happened: those that the agent writes about itself are of the live run alone. */
const events = ({ stdout }: Pick<Ended, 'stdout'>): string[] =>
  stdout.split('\n').filter((line) => !/^\{"event_type":"health"|Falco internal: /.test(line))

suite('captures', { skip: NEEDS_ROOT }, () => {
  const folder = NEEDS_ROOT ? '' : openFolder('capture')
  const word = marker()
  const above = join(hierarchy() ?? folder, `tarsier-capture-${process.pid}`)
  const id = randomBytes(32).toString('hex')
  const cgroup = join(above, `docker-${id}.scope`)
  /** A container that begins and ends while the agent runs. */
  const other = randomBytes(32).toString('hex')
  const socket = join(folder, 'docker.sock')
  let close = (): unknown => undefined
  const rules =
    folder === ''
      ? ''
      : writeRules(
          folder,
          opensOf(
            word,
            'opens num=%evt.num t=%evt.time by %proc.cmdline of %proc.pname opened %fd.name as %user.name',
          ),
          {
            rule: 'Runs it',
            condition: `evt.type in (execve, execveat) and proc.cmdline contains ${word}`,
            output: 'runs %proc.cmdline %proc.exepath %proc.aname[2] %evt.args',
          },
          {
            rule: 'Renames it',
            condition: `evt.type in (rename, renameat, renameat2) and evt.arg.newpath contains ${word}`,
            output: 'renames %evt.args %evt.rawtime',
          },
          {
            rule: 'Connects',
            condition: `evt.type = connect and proc.pid = ${process.pid} and fd.sip = 127.0.0.66`,
            output: 'connects %fd.name %fd.sport %evt.res',
          },
          {
            rule: 'Life of a container',
            condition: `evt.type in (container_create, container_remove) and evt.arg.container_id = ${other}`,
            output: 'container %evt.type %evt.args',
          },
          {
            rule: 'In a container that is not ours',
            condition: `evt.type in (open, openat) and fd.name contains ${word} and container.id != host and not container.image.repository in (team/other)`,
            output: 'inside %container.id %container.name %container.image.repository %fd.name',
          },
        )

  before(async () => {
    if (folder === '') return
    mkdirSync(cgroup, { recursive: true })
    const facts = {
      Name: '/quiet',
      Config: { Image: 'team/app:1' },
      State: { StartedAt: '2026-01-02T03:04:05Z' },
    }
    const docker = await fakeDocker(socket, { [`/containers/${id}/json`]: facts }, { delayMs: 40 })
    close = docker.close
  })
  after(() => {
    close()
    for (const dir of [cgroup, above]) rmdirSync(dir)
  })

  /** Exec, file, rename, network and a container, then an open that ends it. */
  const act = async (agent: Running, label: string): Promise<void> => {
    const file = join(folder, `${word}-${label}`)
    spawnSync('/bin/sh', ['-c', `/bin/echo ${word} > ${file}; cat ${file}`])
    renameSync(file, `${file}-2`)
    const socketTo = connect({ host: '127.0.0.66', port: 9 })
    await once(socketTo, 'error')
    const inside = spawn('/bin/sh', ['-c', `echo $$ > ${cgroup}/cgroup.procs && exec cat ${file}-2`], {
      stdio: 'ignore',
    })
    await once(inside, 'exit')
    mkdirSync(join(above, `docker-${other}.scope`))
    rmdirSync(join(above, `docker-${other}.scope`))
    const said = (text: string) => (): boolean => agent.lines.some((line) => line.includes(text))
    assert.ok(await agent.until(said('inside '), LATE_MS), agent.lines.join('\n').slice(-3000))
    writeFileSync(`${file}-last`, '')
    assert.ok(await agent.until(said(`${file}-last`), LATE_MS), agent.stderr)
  }

  const shapes: readonly (readonly string[])[] = [
    ['output.format=tarsier', 'telemetry.process=true', 'telemetry.file=true', 'telemetry.network=true'],
    ['json_output=true', 'buffer_format_base64=true'],
    ['throttle.alerts=1', 'throttle.interval=1', 'throttle.by=fd.name'],
    [],
  ]
  for (const [i, shape] of shapes.entries())
    test(`a live run and its replay say the same, to the byte: ${shape[0] ?? 'text'}`, async () => {
      const file = join(folder, `${i}.cap`)
      const set = [
        ...shape,
        'rule_matching=all',
        'integrity.enabled=false',
        `telemetry.watch_paths=${folder}`,
        `containers.docker_sockets=${socket}`,
      ]
      const agent = await startAgent({ rules: [rules], set, args: ['--record', file] })
      await act(agent, String(i))
      const live = await agent.stop()
      assert.equal(live.status, 0, live.stderr)
      assert.equal(statSync(file).mode & 0o777, 0o600)
      const options = ['-r', rules, ...set.flatMap((setting) => ['-o', setting])]
      const [first, again] = [0, 1].map(() => tarsier(['replay', file, ...options]))
      assert.equal(first!.status, 0, first!.stderr)
      assert.deepEqual(events(first!), events(live))
      assert.equal(again!.stdout, first!.stdout)
      if (shape.some((setting) => setting.startsWith('throttle.')))
        assert.match(live.stdout, /suppressed \d+ like this within 1 s/)
      for (const name of [
        'opens ',
        'runs ',
        'renames ',
        'connects ',
        'inside ',
        'container container_create ',
      ])
        assert.ok(first!.stdout.includes(name), name)
      const info = JSON.parse(tarsier(['capture', 'info', '--json', file]).stdout)
      assert.equal(info.ending, 'closed')
      assert.ok(info.events.execve >= 3 && info.events.connect >= 1)
    })

  test('descriptors that were opened before the recording have the names they have live', async () => {
    const server = createServer().listen(0, '127.0.0.1')
    await once(server, 'listening')
    const { port } = server.address() as AddressInfo
    const address = new Uint8Array([2, 0, port >> 8, port & 255, 127, 0, 0, 1, 0, 0, 0, 0, 0, 0, 0, 0])
    const held = join(folder, `${word}-held`)
    const calls: readonly Call[] = [
      ['openat', AT_FDCWD, held, 0o101, 0o600],
      ['socket', 2, 1, 0],
      ['connect', ref(1), bytes(address), 16],
      // Until the server says so.
      ['recvfrom', ref(1), zeros(1), 1, 0, 0, 0],
      ['write', ref(0), bytes(new Uint8Array(3)), 3],
      ['sendto', ref(1), bytes(new Uint8Array(5)), 5, 0, 0, 0],
      ['dup', ref(0)],
      ['ftruncate', ref(0), 1],
    ]
    const holder = spawn(program('raw'), script(calls), { stdio: ['ignore', 'pipe', 'inherit'] })
    const [client] = (await once(server, 'connection')) as [Socket]
    const names = writeRules(folder, {
      rule: 'Uses what it has',
      condition: 'evt.type in (write, sendto, recvfrom, dup, ftruncate, close) and proc.name = raw',
      output: 'has %evt.type %fd.num %fd.name %fd.type %fd.sip %fd.sport %proc.stdin.name',
    })
    const file = join(folder, 'held.cap')
    const agent = await startAgent({
      rules: [names],
      set: ['integrity.enabled=false'],
      args: ['--record', file],
    })
    client.end('x')
    await once(holder, 'exit')
    server.close()
    const has = (text: string) => (): boolean => agent.lines.some((line) => line.includes(text))
    assert.ok(await agent.until(has('has ftruncate'), LATE_MS), agent.stderr)
    const live = await agent.stop()
    const state = JSON.parse(tarsier(['capture', 'state', '--json', file]).stdout)
    const open = state.files.find(({ pid }: { pid: number }) => pid === holder.pid).files
    assert.deepEqual(open.find(({ fd }: { fd: number }) => fd === 3).name, held)
    assert.match(
      open.find(({ fd }: { fd: number }) => fd === 4).name,
      new RegExp(`^socket:\\[\\d+\\]( tcp .*:${port})?$`),
    )
    assert.ok(state.mounts.some(({ place }: { place: string }) => place === '/proc'))
    assert.ok(
      state.processes.some(
        ({ pid, name }: { pid: number; name: string }) => pid === holder.pid && name.endsWith('raw'),
      ),
    )
    const replayed = tarsier(['replay', file, '-r', names])
    assert.deepEqual(events(replayed), events(live))
    const peer = new RegExp(
      `has sendto 4 127\\.0\\.0\\.1:\\d+->127\\.0\\.0\\.1:${port} ipv4 127\\.0\\.0\\.1 ${port} /dev/null`,
    )
    assert.match(replayed.stdout, peer)
    for (const call of ['write', 'dup', 'ftruncate'])
      assert.match(replayed.stdout, new RegExp(`has ${call} \\d+ ${held} file <NA> <NA> /dev/null`))
  })

  for (const [what, asked] of [
    ['a condition', ['-f', `evt.type in (open, openat, openat2) and fd.name contains ${word}`]],
    ['names of events', ['open*']],
    ['a filter', [`openat.pathname=${folder}/*`, 'event=openat']],
  ] as const)
    test(`record asks the kernel for what its expression names: ${what}`, async () => {
      const file = join(folder, `${what.replaceAll(' ', '-')}.cap`)
      const agent = await startAgent({ command: 'record', args: [file, ...asked] })
      const name = join(folder, `${word}-recorded`)
      spawnSync('/bin/sh', ['-c', `: > ${name}`])
      const ended = await agent.stop()
      assert.deepEqual([ended.status, ended.stdout], [0, ''], ended.stderr)
      const replayed = tarsier(['replay', file, '-r', rules, '-o', 'json_output=true'])
      const alerts = replayed.stdout
        .split('\n')
        .filter((line) => line.includes('opens ') && line.includes(name))
      assert.equal(alerts.length, 1, replayed.stderr)
    })

  test('lines of trace are played as the events they were', async () => {
    const file = join(folder, `traced-${marker()}.json`)
    const events = 'execve,openat,connect,unlinkat,sched_process_fork,sched_process_exec,sched_process_exit'
    const output = ['-o', 'json', '-o', 'option:parse-arguments']
    const agent = await startAgent({
      command: 'trace',
      args: [`event=${events}`, `tree=${process.pid}`, ...output],
    })
    const last = join(folder, `${word}-last-${marker()}`)
    spawnSync('/bin/sh', [
      '-c',
      `/bin/echo x > ${last} & wait; cat ${last} /nonexistent; rm ${last}; exec /bin/true ü`,
    ])
    const ended = (): boolean =>
      agent.lines.some((line) => line.includes('/bin/true') || line.includes('bin/true'))
    assert.ok(await agent.until(ended, LATE_MS), agent.stderr)
    const { stdout } = await agent.stop()
    writeFileSync(file, stdout)
    const again = tarsier(['trace', '--replay', file, `event=${events}`, ...output])
    assert.equal(again.status, 0, again.stderr)
    const whole = (text: string): string[] =>
      text.split('\n').filter((line) => !line.includes('end_of_stream'))
    assert.deepEqual(whole(again.stdout), whole(stdout))
    const judged = tarsier(['replay', '--format', 'tracee', file, '-r', rules, '-o', 'json_output=true'])
    const opened = judged.stdout.split('\n').filter((line) => line.includes('opens ') && line.includes(last))
    assert.ok(opened.length >= 2, judged.stderr)
  })

  test('a capture in the way is not written over, and nothing is attached', async () => {
    const file = join(folder, 'there.cap')
    writeFileSync(file, 'mine')
    const { status, stderr } = tarsier(['record', file, '-o', `agent.lock_file=${join(folder, 'lock')}`])
    assert.equal(status, 1)
    assert.match(stderr, /cannot make the capture/)
    assert.equal(readFileSync(file, 'utf8'), 'mine')
  })
})
