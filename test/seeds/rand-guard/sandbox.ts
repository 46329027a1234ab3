/**
 * Where the commands of rand-guard's documents run as they stand: a mount namespace with a copy of /etc that may be
 * written to, empty /run, /var/log and /usr/local/lib, and a network of its own. The machine's own files are never touched.
 */
import assert from 'node:assert/strict'
import { execFileSync, type SpawnSyncReturns, spawn, spawnSync } from 'node:child_process'
import { once } from 'node:events'
import { readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { type JsonSchema, validate } from '../../../src/outputs/json-schema.ts'
import { openFolder, ROOT, type Running, type Start, startAgent } from '../../e2e/support/agent.ts'

/** The example configuration. */
export const CONFIG: string = join(import.meta.dirname, 'config.toml')

/** A record of the agent. */
export type Line = Readonly<Record<string, unknown>>

const PREPARE = `set -e
mount -t tmpfs none "$0"
cp -a /etc/. "$0"
mount --bind "$0" /etc
mkdir -p /etc/systemd/system /etc/cron.d /etc/cron.daily
: > /etc/crontab
for place in /run /var/log /usr/local/lib; do mount -t tmpfs none $place; done
mkdir -p /run/systemd/system
ip link set lo up
echo prepared
exec sleep 600`

export interface Sandbox {
  /** What runs a command in it. */
  readonly via: readonly string[]
  /** Run shell lines, in which `sudo` stands for nothing and `nc` for ours. */
  run(lines: string): SpawnSyncReturns<string>
  /** Command line of a shell for these lines. */
  shell(lines: string): readonly string[]
}

export async function openSandbox(): Promise<Sandbox> {
  const bin = openFolder('bin')
  execFileSync('cc', ['-O1', '-Wall', '-Wextra', join(import.meta.dirname, 'nc.c'), '-o', join(bin, 'nc')])
  const holder = spawn('unshare', ['-m', '-n', 'sh', '-c', PREPARE, openFolder('etc')], {
    stdio: ['ignore', 'pipe', 'inherit'],
  })
  process.once('exit', () => holder.kill('SIGKILL'))
  await once(holder.stdout, 'data')
  holder.unref()
  holder.stdout.destroy()
  const via = ['nsenter', '-t', String(holder.pid), '-m', '-n']
  const shell = (lines: string): readonly string[] => [
    ...via,
    'sh',
    '-c',
    `sudo() { "$@"; }; PATH=${bin}:$PATH\n${lines}`,
  ]
  return {
    via,
    shell,
    run(lines) {
      const [file, ...args] = shell(lines)
      const ended = spawnSync(file!, args, { encoding: 'utf8' })
      assert.equal(ended.status, 0, `${lines}: ${ended.stderr}`)
      return ended
    },
  }
}

/** The example configuration with some of its text replaced. */
export function variant(changes: readonly (readonly [from: string, to: string])[]): string {
  const file = join(openFolder('config'), 'config.toml')
  const text = changes.reduce(
    (whole, [from, to]) => {
      assert.ok(whole.includes(from), `the example has ${from}`)
      return whole.replace(from, to)
    },
    readFileSync(CONFIG, 'utf8'),
  )
  writeFileSync(file, text)
  return file
}

const schema = (kind: string): JsonSchema =>
  JSON.parse(readFileSync(join(ROOT, 'schema/records', `${kind}.schema.json`), 'utf8'))
const SCHEMAS = new Map(['event', 'alert', 'health', 'gap'].map((kind) => [kind, schema(kind)]))

/** The lines as records, each of which must fit its published schema. */
function recordsOf(stdout: string): readonly Line[] {
  const lines = stdout.split('\n').slice(0, -1)
  return lines.map((text) => {
    const line = JSON.parse(text) as Line
    const kind = SCHEMAS.get(String(line['event_type'])) ?? SCHEMAS.get('event')!
    assert.deepEqual(validate(kind, line), [], text)
    return line
  })
}

interface Watched {
  readonly lines: readonly Line[]
  readonly stderr: string
}

const TRIES = 4

/**
 * Run the agent with a configuration (or that of its environment), do something, end it; everything it wrote. A run in
 * which the kernel had no room for events, because another program floods the machine, proves nothing: once more.
 */
export async function watch(
  config: string | undefined,
  act: (agent: Running) => unknown,
  more: Start = {},
): Promise<Watched> {
  for (let left = TRIES; ; left--) {
    const watched = await watchOnce(config, act, more)
    const lost = watched.lines.filter((line) => line['event_type'] === 'gap' && line['reason'] === 'lost')
    if (lost.length === 0) return watched
    assert.ok(left > 1, `events were lost in each of ${TRIES} runs: ${lost[0]!['message']}`)
  }
}

async function watchOnce(
  config: string | undefined,
  act: (agent: Running) => unknown,
  more: Start,
): Promise<Watched> {
  const set = ['integrity.enabled=false', ...(more.set ?? [])]
  const agent = await startAgent({ ...more, set, args: config === undefined ? [] : ['-c', config] })
  try {
    await act(agent)
  } finally {
    agent.child.kill('SIGINT')
  }
  const { status, stdout, stderr } = await agent.end()
  assert.equal(status, 0, stderr)
  return { lines: recordsOf(stdout), stderr }
}

/** Event records about a file: under any of the names that they give it. */
export const about = (lines: readonly Line[], file: string): readonly Line[] =>
  lines.filter(
    (line) =>
      line['event_type'] !== 'alert' &&
      ['filename', 'path', 'resolved_path', 'old_filename', 'new_filename'].some((key) => line[key] === file),
  )

/** Alert records about a file. */
export const alertsOf = (lines: readonly Line[], file: string): readonly Line[] =>
  lines.filter((line) => line['event_type'] === 'alert' && line['path'] === file)

/** The fields of a record that a document quotes. */
export const quoted = (line: Line | undefined, quote: Line): Line =>
  Object.fromEntries(Object.keys(quote).map((key) => [key, line?.[key]]))
