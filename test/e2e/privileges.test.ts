/**
 * The agent of a user who is not root, with the capabilities it needs and no other one, on a machine where tracefs is mounted as
 * on most; and what it says without each of them.
 */
import assert from 'node:assert/strict'
import { spawnSync } from 'node:child_process'
import { chownSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { suite, test } from 'node:test'
import { CAPABILITIES } from '../../schema/enums/index.ts'
import {
  marker,
  NEEDS_ROOT,
  openFolder,
  opensOf,
  ROOT,
  type Rule,
  refused,
  startAgent,
  tarsier,
  writeRules,
} from './support/agent.ts'

const UID = 65_534
/** Enough on kernels of the last years, and measured: each is missed below. */
const ENOUGH = ['bpf', 'perfmon', 'dac_read_search', 'net_admin', 'sys_ptrace', 'sys_nice']

const canRead = (): boolean =>
  spawnSync('setpriv', [`--reuid=${UID}`, '--clear-groups', 'test', '-r', join(ROOT, 'dist/src/cli/main.js')])
    .status === 0

/** A command that runs another one as nobody with these capabilities, among mounts of its own. */
const asNobody = (capabilities: readonly string[], tracefs = true): readonly string[] => {
  const set = ['-all', ...capabilities.map((name) => `+${name}`)].join(',')
  const mount = tracefs ? 'mount -t tracefs tracefs /sys/kernel/tracing && ' : ''
  return [
    ...['unshare', '--mount', '--propagation', 'private', 'sh', '-c', `${mount}exec "$@"`, 'sh'],
    ...['setpriv', `--reuid=${UID}`, `--regid=${UID}`, '--clear-groups'],
    ...[`--inh-caps=${set}`, `--ambient-caps=${set}`, `--bounding-set=${set}`],
  ]
}
const without = (name: string): readonly string[] => ENOUGH.filter((one) => one !== name)

suite('privileges', {
  skip: NEEDS_ROOT || (canRead() ? false : 'the checkout is closed to others'),
}, () => {
  const folder = NEEDS_ROOT ? '' : openFolder('privileges')
  const word = marker()
  const packets: Rule = {
    rule: 'Questions',
    condition: `evt.type = net_packet_dns_request and fd.name contains ${word}`,
    output: 'asked',
  }
  const rules = NEEDS_ROOT
    ? []
    : [writeRules(folder, opensOf(word, 'exe=%proc.exepath file=%fd.name'), packets)]
  /** A lock in a folder of its own. */
  const start = (via: readonly string[]) => {
    const own = join(openFolder('own'), 'run')
    mkdirSync(own, { mode: 0o700 })
    chownSync(own, UID, UID)
    return { rules, via, lock: join(own, 'agent.lock') }
  }
  /** The agent's log after it alerted, and what it held. */
  const runsWith = async (capabilities: readonly string[]): Promise<{ log: string; status: string }> => {
    const agent = await startAgent(start(asNobody(capabilities)))
    const lines = await agent.alerts(word, () => writeFileSync(join(folder, word), ''))
    assert.equal(lines.length, 1)
    assert.ok(lines[0]!.includes(`exe=${process.execPath} file=`), lines[0])
    const status = readFileSync(`/proc/${agent.pid}/status`, 'utf8')
    const ended = await agent.stop()
    assert.equal(ended.status, 0)
    return { log: ended.stderr, status }
  }
  const doctor = (
    via: readonly string[],
  ): ReadonlyMap<string, { verdict: string; instead?: string; detail: string }> => {
    const { findings } = JSON.parse(tarsier(['doctor', '--json'], via).stdout)
    return new Map(findings.map((finding: { name: string }) => [finding.name, finding]))
  }

  test('a user who is not root, with six capabilities: nothing is missing', async () => {
    const { log, status } = await runsWith(ENOUGH)
    assert.doesNotMatch(log, /warning|Cannot|error:/)
    assert.match(status, new RegExp(`^Uid:\\s+${UID}\\s`, 'm'))
    const mask = ENOUGH.reduce(
      (bits, name) => bits | (1n << BigInt(CAPABILITIES.indexOf(`CAP_${name.toUpperCase()}` as 'CAP_BPF'))),
      0n,
    )
    assert.equal(BigInt(`0x${/^CapEff:\s+(\w+)$/m.exec(status)?.[1]}`), mask)
    const said = doctor(asNobody(ENOUGH))
    assert.deepEqual(
      ['CAP_SYS_ADMIN', 'CAP_BPF', 'tracefs'].map((name) => said.get(name)?.verdict),
      ['ok', 'ok', 'ok'],
    )
    assert.match(said.get('CAP_SYS_ADMIN')!.detail, /not needed: tracefs and cgroup v2 are mounted/)
  })
  test('without those that are vital it says which one, and so does doctor', () => {
    for (const [name, needs] of [
      ['bpf', /the agent needs CAP_BPF, which/],
      ['perfmon', /the agent needs CAP_PERFMON, which/],
      [
        'dac_read_search',
        /tracefs at \/sys\/kernel\/tracing is for root alone\n.*give the agent CAP_DAC_READ_SEARCH/,
      ],
    ] as const) {
      const { status, stderr } = refused(start(asNobody(without(name))))
      assert.equal(status, 1)
      assert.match(stderr, needs)
      const found = doctor(asNobody(without(name))).get(`CAP_${name.toUpperCase()}`)!
      assert.notEqual(found.verdict, 'ok', name)
      assert.ok(found.instead, name)
    }
  })
  test('without the others it works, and says what is missing', async () => {
    const left = await runsWith(['bpf', 'perfmon', 'dac_read_search'])
    assert.match(left.log, /Cannot attach dns_egress .*it takes CAP_NET_ADMIN/)
    assert.match(left.log, /the priority stays at \d+ \(EACCES\): agent\.nice takes CAP_SYS_NICE/)
    const said = doctor(asNobody(['bpf', 'perfmon', 'dac_read_search']))
    for (const name of ['CAP_NET_ADMIN', 'CAP_SYS_PTRACE', 'CAP_SYS_NICE'])
      assert.equal(said.get(name)?.verdict, 'degraded', name)
  })
  test('where tracefs is not mounted it takes CAP_SYS_ADMIN as well', (t) => {
    if (/ tracefs /.test(readFileSync('/proc/self/mounts', 'utf8'))) return t.skip('tracefs is mounted here')
    const { status, stderr } = refused(start(asNobody(ENOUGH, false)))
    assert.equal(status, 1)
    assert.match(stderr, /tracefs is not mounted.*\n.*mount -t tracefs .*CAP_SYS_ADMIN/)
    assert.equal(doctor(asNobody(ENOUGH, false)).get('CAP_SYS_ADMIN')?.verdict, 'degraded')
  })
})
