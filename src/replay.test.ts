import assert from 'node:assert/strict'
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { suite, test } from 'node:test'
import { openCapture } from './capture/open.ts'
import { configFrom } from './config/options.ts'
import { Interner } from './decode/interner.ts'
import { type ReplayOptions, replay } from './replay.ts'
import { inFolder, recordTo } from './testing/captures.ts'
import { execve, exit, fork, openat, snapshot } from './testing/events.ts'
import { rulesOf } from './testing/rules.ts'
import { EPOCH } from './testing/world.ts'

const CHILD = { pid: 20, start: 9_000_000_001 }
const ID = 'c'.repeat(64)
const SECOND = 1_000_000_000

const RULES = rulesOf(
  'replay.yaml',
  JSON.stringify([
    {
      rule: 'opened',
      desc: 'Opens below /tmp.',
      condition: 'evt.type = openat and fd.name startswith /tmp',
      output: '%evt.num %proc.name<%proc.pname %fd.name %user.uid',
      priority: 'INFO',
    },
    {
      rule: 'image',
      desc: 'Not of our image.',
      condition: 'evt.type = openat and container.id != host and not container.image.repository in (ours)',
      output: 'image=%container.image.repository %fd.name',
      priority: 'INFO',
    },
  ]),
)

const FACTS = {
  ...{ type: 'docker', name: 'n', image: 'ours:1', imageId: undefined, repository: 'ours', tag: '1' },
  ...{ digest: undefined, privileged: false, hostPid: false, hostNetwork: false, hostIpc: false },
  ...{
    mounts: [],
    labels: new Map<string, string>(),
    ip: undefined,
    cniJson: undefined,
    started: 1n,
    pod: undefined,
  },
}

/** A shell starts a command in a container, which opens a file each second. */
function incident(file: string, { rotate = false, answered = true, flushed = false } = {}): void {
  recordTo(file, (sink, feed, recorder) => {
    sink.clock({ wall: EPOCH, boot: 0n })
    sink.users('root:x:0:0::/root:/bin/sh\nalice:x:1000:1000::/:/bin/sh\n', '')
    feed(snapshot({ path: '/bin/bash', time: 1000 }))
    feed(fork({ child: CHILD, time: SECOND }))
    recorder.asked(ID, true)
    feed(
      execve({
        by: { ...CHILD, uid: 1000 },
        path: '/usr/bin/tool',
        cgroup: `/docker/${ID}`,
        time: SECOND + 1,
        parent: { pid: 100, start: 5_000_000_007 },
      }),
    )
    for (let i = 2; i < 6; i++) {
      feed(openat({ by: { ...CHILD, uid: 1000 }, path: `/tmp/${i}`, time: i * SECOND }))
      if (i === 3 && answered) sink.container({ status: 'known', fullId: ID, facts: FACTS })
      if (i === 4) sink.gap({ ring: 'bulk', cpu: 0, lost: 7, from: 3 * SECOND, to: 4 * SECOND }, [])
      if (i === 4 && rotate) recorder.rotate()
      if (flushed) recorder.flush()
    }
    feed(exit({ by: CHILD, time: 7 * SECOND }))
  })
}

/** Lines a replay writes. */
async function linesOf(
  folder: string,
  file: string,
  options: Partial<ReplayOptions> & { readonly set?: readonly string[] } = {},
): Promise<string[]> {
  const out = join(folder, `out-${Math.random()}`)
  const interner = new Interner(256)
  const capture = await openCapture(file, interner)
  const settings = ['stdout_output.enabled=false', 'file_output.enabled=true', `file_output.filename=${out}`]
  try {
    await replay({
      ...{ capture, interner, rules: RULES, onClosed: () => {} },
      log: (_level, message) => assert.fail(message),
      config: configFrom([...settings, 'rule_matching=all', ...(options.set ?? [])]),
      ...options,
    })
  } finally {
    capture.close()
  }
  return readFileSync(out, 'utf8').trimEnd().split('\n')
}

/** What is said, without time and priority. */
const said = (lines: readonly string[]): string[] => lines.map((line) => line.replace(/^[\d:.]+: \w+ /, ''))

suite('replay', () => {
  test('rules see processes, users and containers as they were, and losses are announced', () =>
    inFolder(async (folder) => {
      const file = join(folder, 'a.cap')
      incident(file)
      const lines = said(await linesOf(folder, file))
      assert.deepEqual(
        lines.filter((line) => line.includes('/tmp')),
        [
          '3 tool<bash /tmp/2 1000',
          '4 tool<bash /tmp/3 1000',
          '5 tool<bash /tmp/4 1000',
          '6 tool<bash /tmp/5 1000',
        ],
      )
      assert.equal(lines.filter((line) => /\b7\b.*lost|lost.*\b7\b/i.test(line)).length, 1, lines.join('\n'))
    }))

  test('a question that nobody answered is judged as it was live: at the end, and marked', () =>
    inFolder(async (folder) => {
      const file = join(folder, 'a.cap')
      incident(file, { answered: false })
      const lines = await linesOf(folder, file, { set: ['json_output=true'] })
      assert.equal(lines.filter((line) => line.includes('container_pending')).length, 4)
    }))

  test('it gives the same bytes each time', () =>
    inFolder(async (folder) => {
      const file = join(folder, 'a.cap')
      incident(file)
      for (const set of [
        ['json_output=true'],
        ['output.format=tarsier', 'telemetry.process=true', 'telemetry.file=true'],
      ])
        assert.deepEqual(await linesOf(folder, file, { set }), await linesOf(folder, file, { set }))
    }))

  test('throttling goes by the time of events, however fast they are played', () =>
    inFolder(async (folder) => {
      const file = join(folder, 'a.cap')
      incident(file, { flushed: true })
      const template = '[{"type":"file","path":"FILE","format":"template","template":"{{now}} {{.message}}"}]'
      const play = async (waitMs: number): Promise<string[]> => {
        const other = join(folder, `template-${waitMs}`)
        const set = ['throttle.alerts=1', 'throttle.interval=2', `outputs=${template.replace('FILE', other)}`]
        const pause = (): void => void Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, waitMs)
        const lines = await linesOf(folder, file, { set, progress: pause })
        return [...lines, ...readFileSync(other, 'utf8').split('\n')]
      }
      const lines = await play(0)
      const [first, second] = ['3 tool<bash /tmp/2 1000', '5 tool<bash /tmp/4 1000']
      const [held, again] = ['4 tool<bash /tmp/3 1000', '6 tool<bash /tmp/5 1000'].map(
        (line) => `suppressed 1 like this within 2 s: ${line}`,
      )
      assert.deepEqual(
        said(lines).filter((line) => line.includes('<bash')),
        [
          ...[first, held, second, again],
          `2026-01-01T00:00:02.000Z ${first}`,
          `2026-01-01T00:00:04.000Z ${held}`,
          `2026-01-01T00:00:04.000Z ${second}`,
          `2026-01-01T00:00:07.000Z ${again}`,
        ],
      )
      assert.deepEqual(await play(600), lines)
    }))

  for (const [what, from, to, expected] of [
    ['from', 4, undefined, ['/tmp/4', '/tmp/5']],
    ['to', undefined, 3, ['/tmp/2', '/tmp/3']],
    ['from and to', 3, 4, ['/tmp/3', '/tmp/4']],
  ] as const)
    test(`${what}: the rest is taken note of and not reported`, () =>
      inFolder(async (folder) => {
        const file = join(folder, 'a.cap')
        incident(file)
        const at = (seconds: number | undefined): bigint | undefined =>
          seconds === undefined ? undefined : EPOCH + BigInt(seconds * SECOND)
        const lines = said(await linesOf(folder, file, { from: at(from), to: at(to) }))
        assert.deepEqual(
          lines
            .filter((line) => line.includes('/tmp'))
            .map((line) => line.replace(/^\d tool<bash (\S+) 1000$/, '$1')),
          expected,
        )
      }))

  test('the second file of a rotated capture says what the whole one would have said', () =>
    inFolder(async (folder) => {
      const [whole, cut] = [join(folder, 'a.cap'), join(folder, 'b.cap')]
      incident(whole)
      incident(cut, { rotate: true })
      const lines = await linesOf(folder, whole, { set: ['json_output=true'] })
      const second = await linesOf(folder, `${cut}.1`, { set: ['json_output=true'] })
      assert.deepEqual(second, lines.slice(-1))
    }))
})
