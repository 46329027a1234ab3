/** `tarsier doctor`, and an agent on a machine that offers less. */
import assert from 'node:assert/strict'
import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { suite, test } from 'node:test'
import { marker, NEEDS_ROOT, openFolder, opensOf, tarsier, withAgent, writeRules } from './support/agent.ts'

interface Finding {
  readonly area: string
  readonly name: string
  readonly verdict: string
  readonly detail: string
  readonly instead?: string
}

const NO_RESOURCE = ['setpriv', '--bounding-set=-sys_resource']
const NOBODY = ['setpriv', '--reuid=65534', '--regid=65534', '--clear-groups']

/** The report as JSON, checked to say of itself what the exit code says. */
function report(via: readonly string[] = []): { findings: ReadonlyMap<string, Finding>; ok: boolean } {
  const { status, stdout, stderr } = tarsier(['doctor', '--json'], via)
  assert.equal(stderr, '')
  const { v, ok, findings } = JSON.parse(stdout) as { v: number; ok: boolean; findings: Finding[] }
  assert.equal(v, 1)
  assert.equal(status, ok ? 0 : 1)
  for (const { verdict, instead, name } of findings) {
    assert.match(verdict, /^(ok|degraded|missing|unknown)$/)
    if (verdict === 'missing') assert.ok(instead, `${name} says nothing about what to do`)
  }
  return { ok, findings: new Map(findings.map((finding) => [finding.name, finding])) }
}

suite('doctor', { skip: NEEDS_ROOT }, () => {
  test('the table names what matters, and the agent can run', () => {
    const { status, stdout, stderr } = tarsier(['doctor'])
    assert.equal(status, 0)
    assert.equal(stderr, '')
    assert.match(stdout, /^area +what +verdict +found +instead$/m)
    for (const row of [
      /^kernel +BTF +ok/m,
      /^kernel +libbpf +ok/m,
      /^privileges +CAP_BPF +ok/m,
      /^programs +tp_btf +ok/m,
    ])
      assert.match(stdout, row)
    for (const name of ['BPF JIT', 'lockdown', 'RLIMIT_MEMLOCK', 'v1 controllers', 'kprobe'])
      assert.ok(stdout.includes(name))
    assert.match(stdout, /\nThe agent can run here\.\n$/)
  })
  test('the same as JSON', () => {
    const { ok, findings } = report()
    assert.equal(ok, true)
    assert.deepEqual(
      new Set([...findings.values()].map(({ area }) => area)),
      new Set(['kernel', 'privileges', 'cgroups', 'syscalls', 'programs']),
    )
  })
  test('syscalls that this kernel does not have are named', () => {
    const { detail, verdict } = report().findings.get('of this kernel')!
    assert.match(detail, /^\d+ of \d+/)
    // Linux has had no tuxcall since it was reserved, and always an openat.
    assert.equal(verdict, process.arch === 'x64' ? 'degraded' : verdict)
    if (process.arch === 'x64') assert.match(detail, /\btuxcall\b/)
    assert.doesNotMatch(detail, /\bopenat\b/)
  })
  test('without CAP_SYS_RESOURCE it says that nothing is lost', () => {
    const { ok, findings } = report(NO_RESOURCE)
    assert.equal(ok, true)
    const found = findings.get('CAP_SYS_RESOURCE')
    assert.equal(found?.verdict, 'ok')
    assert.match(found?.detail ?? '', /not needed: .* since Linux 5\.11/)
  })
  test('an ordinary user gets the table, too', (t) => {
    if (tarsier(['--version'], NOBODY).status !== 0) return t.skip('the checkout is not readable by others')
    const { ok, findings } = report(NOBODY)
    assert.equal(ok, false)
    assert.equal(findings.get('CAP_BPF')?.verdict, 'missing')
    assert.equal(findings.get('CAP_DAC_READ_SEARCH')?.verdict, 'degraded')
    const { status, stdout, stderr } = tarsier(['doctor'], NOBODY)
    assert.equal(status, 1)
    assert.equal(stderr, '')
    assert.match(stdout, /^privileges +CAP_PERFMON +missing/m)
    assert.match(stdout, /\nThe agent cannot run here\.\n$/)
  })
  test('without BTF or libbpf it says so and ends with 1', () => {
    const hidden = (from: string, over: string): readonly string[] => [
      ...['unshare', '--mount', '--propagation', 'private', 'sh', '-c'],
      'mount --bind "$0" "$1" && shift && exec "$@"',
      ...[from, over],
    ]
    const { ok, findings } = report(hidden(openFolder('empty'), '/sys/kernel/btf'))
    assert.equal(ok, false)
    assert.equal(findings.get('BTF')?.verdict, 'missing')
  })
})

suite('an agent with less', { skip: NEEDS_ROOT }, () => {
  const alertsThrough = async (via: readonly string[]): Promise<void> => {
    const folder = openFolder('less')
    const word = marker()
    const rules = [writeRules(folder, opensOf(word, 'file=%fd.name'))]
    const { status } = await withAgent({ rules, via }, async (agent) => {
      const lines = await agent.alerts(word, () => writeFileSync(join(folder, word), ''))
      assert.equal(lines.length, 1)
    })
    assert.equal(status, 0)
  }
  test('works without CAP_SYS_RESOURCE and with a small limit of locked memory', () =>
    alertsThrough(['setpriv', '--bounding-set=-sys_resource', 'prlimit', '--memlock=65536', '--']))
  test('works with the fewest capabilities that its error message asks for', () =>
    alertsThrough(['setpriv', '--bounding-set=-all,+bpf,+perfmon,+sys_admin']))
})
