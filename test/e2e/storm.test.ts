/**
 * A fork bomb with a storm of opens and one of names, in a cgroup of its own that bounds processes and memory: whatever
 * happens to the bulk ring, no fork, exec, exit or change of credentials is lost, and what is lost or held back is counted and
 * told. TARSIER_LONG=1 makes it 20 s.
 */
import assert from 'node:assert/strict'
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { existsSync, mkdirSync, readFileSync, rmdirSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { suite, type TestContext, test } from 'node:test'
import { setTimeout as sleep } from 'node:timers/promises'
import { program } from '../kernel/support/programs.ts'
import { marker, NEEDS_ROOT, openFolder, startAgent } from './support/agent.ts'

const SECONDS = process.env['TARSIER_LONG'] === '1' ? 20 : 3
const PIDS_MAX = 256
const MEMORY_MAX = 512 << 20
const PATIENCE_MS = 60_000

/** Hierarchies that bound processes or memory, or name the cgroup; on a v2 host they are one. */
const HIERARCHIES = ['pids', 'memory', 'unified', '.'].map((name) => join('/sys/fs/cgroup', name))

/** A cgroup in each hierarchy there is, removed at the end of the test. */
function makeCgroup(t: TestContext): readonly string[] {
  const name = `tarsier-test-storm-${marker()}`
  const made = HIERARCHIES.filter((root) => existsSync(join(root, 'cgroup.procs'))).map((root) =>
    join(root, name),
  )
  const limit = (folder: string, file: string, value: number): void => {
    if (existsSync(join(folder, file))) writeFileSync(join(folder, file), String(value))
  }
  for (const folder of made) {
    mkdirSync(folder)
    limit(folder, 'pids.max', PIDS_MAX)
    limit(folder, 'memory.max', MEMORY_MAX)
    limit(folder, 'memory.limit_in_bytes', MEMORY_MAX)
  }
  t.after(async () => {
    for (const folder of made) for (let tries = 0; tries < 500 && !removed(folder); tries++) await sleep(20)
  })
  return made
}

function removed(folder: string): boolean {
  try {
    rmdirSync(folder)
    return true
  } catch {
    return !existsSync(folder)
  }
}

interface Storm {
  readonly forks: number
  readonly execs: number
  readonly opens: number
  readonly exits: number
  /** Processes that changed their user, their groups and their capabilities. */
  readonly changes: number
}

interface Result extends Storm {
  /** Events of the storm that were told, by name. */
  readonly told: ReadonlyMap<string, number>
  /** Whatever else stands in the stream. */
  readonly notes: readonly Note[]
  readonly stderr: string
}

interface Note {
  readonly eventName: string
  readonly args: readonly { readonly name: string; readonly value: unknown }[]
}

const argumentOf = ({ args }: Note, name: string): unknown => args.find((one) => one.name === name)?.value

/** Trace a storm with some configuration. */
async function traceStorm(t: TestContext, set: readonly string[]): Promise<Result> {
  const cgroup = makeCgroup(t)
  const folder = openFolder('storm')
  const file = join(openFolder('storm-events'), 'events.json')
  const storm = spawn(program('storm'), [String(SECONDS), folder, '1'], {
    stdio: ['pipe', 'pipe', 'inherit'],
  })
  t.after(() => storm.kill('SIGKILL'))
  for (const one of cgroup) writeFileSync(join(one, 'cgroup.procs'), String(storm.pid))
  const trace = await startAgent({
    command: 'trace',
    set,
    args: [
      'event=sched_process_fork,sched_process_exec,sched_process_exit,openat,setresuid,setgroups,capset,commit_creds',
      `tree=${storm.pid}`,
      '-o',
      'json',
      '-o',
      `out-file:${file}`,
    ],
  })
  let stdout = ''
  storm.stdout.setEncoding('utf8').on('data', (text: string) => {
    stdout += text
  })
  storm.stdin.end('go\n')
  const signal = AbortSignal.timeout(PATIENCE_MS)
  await once(storm, 'close', { signal })
  const ended = await trace.stop()
  assert.equal(ended.status, 0, ended.stderr)
  const [forks, execs, opens, exits, changes] = stdout.trim().split(' ').map(Number)
  const told = new Map<string, number>()
  const notes: Note[] = []
  for (const line of readFileSync(file, 'utf8').trimEnd().split('\n')) {
    const record = JSON.parse(line) as Note & { readonly eventId: string }
    if (record.eventId === '-1') notes.push(record)
    else told.set(record.eventName, (told.get(record.eventName) ?? 0) + 1)
  }
  const { stderr } = ended
  return {
    forks: forks!,
    execs: execs!,
    opens: opens!,
    exits: exits!,
    changes: changes!,
    told,
    notes,
    stderr,
  }
}

/** The life of processes and their credentials are told whole, and nothing of the critical ring was lost. */
function assertLifeIsWhole({ forks, execs, exits, changes, told, notes }: Result): void {
  assert.ok(forks > 100 && execs > 10, `a storm of ${forks} forks and ${execs} execs`)
  assert.equal(exits, forks)
  assert.deepEqual(
    ['sched_process_fork', 'sched_process_exec', 'sched_process_exit'].map((name) => told.get(name)),
    // The storm itself ends as well.
    [forks, execs, exits + 1],
  )
  assert.ok(changes > 10)
  assert.deepEqual(
    ['setresuid', 'setgroups', 'capset', 'commit_creds'].map((name) => told.get(name)),
    [changes, changes, changes, 3 * changes],
  )
  const rings = notes
    .filter(({ eventName }) => eventName === 'lost_events')
    .map((note) => argumentOf(note, 'ring'))
  assert.ok(rings.every((ring) => ring === 'bulk'))
}

const sum = (notes: readonly Note[], name: string, value: string): number =>
  notes
    .filter(({ eventName }) => eventName === name)
    .reduce((total, note) => total + Number(argumentOf(note, value)), 0)

const report = ({ forks, execs, opens, changes, told }: Result): string =>
  `${SECONDS} s: ${forks} forks, ${execs} execs, ${changes} changes of credentials, ${opens} opens, of which ${told.get('openat')} were told`

suite('a fork bomb and a storm of opens', { skip: NEEDS_ROOT, concurrency: false }, () => {
  test('into a small bulk ring: losses are counted and told, the life of processes is whole', async (t) => {
    const result = await traceStorm(t, ['kernel.ring_bytes.bulk=64k'])
    const { notes, stderr, told, opens } = result
    t.diagnostic(report(result))
    assertLifeIsWhole(result)
    const lost = sum(notes, 'lost_events', 'count')
    t.diagnostic(`${lost} events announced as lost`)
    assert.equal(lost, Number(/^lost (\d+),/m.exec(stderr)?.[1]))
    assert.equal(lost, argumentOf(notes.at(-1)!, 'lost'))
    assert.ok((told.get('openat') ?? 0) + lost >= opens, 'an open is neither told nor lost')
  })
  test('with a limit for cgroups: what is held back is told, from when to when', async (t) => {
    const result = await traceStorm(t, ['kernel.throttle=500'])
    const { notes, told, opens } = result
    t.diagnostic(report(result))
    assertLifeIsWhole(result)
    const held = notes.filter(({ eventName }) => eventName === 'events_held_back')
    const states = held.map((note) => argumentOf(note, 'state'))
    const count = held
      .filter((note) => argumentOf(note, 'state') === 'stop')
      .reduce((total, note) => total + Number(argumentOf(note, 'count')), 0)
    t.diagnostic(`${count} events held back, in ${states.length / 2} stretches`)
    assert.ok(states.length >= 2, 'nothing was held back')
    assert.equal(states.filter((state) => state === 'start').length, states.length / 2)
    assert.ok((told.get('openat') ?? 0) < opens)
    assert.ok((told.get('openat') ?? 0) + count + sum(notes, 'lost_events', 'count') >= opens)
  })
})
