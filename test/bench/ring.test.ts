/** `tarsier bench ring` as a user runs it: the shape of what it says and that its counts add up. Never its times. */
import assert from 'node:assert/strict'
import { spawnSync } from 'node:child_process'
import { chmodSync, copyFileSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import test from 'node:test'
import { buildConsumer } from '../../src/bench/consumer.ts'
import type { Comparison, Sustained } from '../../src/bench/ring.ts'
import { UserError } from '../../src/user-error.ts'

const ROOT = join(import.meta.dirname, '../..')
const isRoot = process.geteuid?.() === 0
const needsRoot = isRoot ? {} : { skip: 'loads a BPF program: needs root' }

interface Ran {
  readonly code: number | null
  readonly out: string
  readonly err: string
}
function tarsier(args: readonly string[], uid?: number): Ran {
  const { status, stdout, stderr } = spawnSync(process.execPath, [join(ROOT, 'src/cli/main.ts'), ...args], {
    encoding: 'utf8',
    timeout: 60_000,
    ...(uid === undefined ? {} : { uid, gid: uid }),
  })
  return { code: status, out: stdout, err: stderr }
}

function inFolder<T>(body: (folder: string) => T): T {
  const folder = mkdtempSync(join(tmpdir(), 'tarsier-bench-'))
  const clean = (): void => rmSync(folder, { recursive: true })
  const result = body(folder)
  if (result instanceof Promise) return result.finally(clean) as T
  clean()
  return result
}

const RECORDS = 20_000
const ROUNDS = 3

function checkComparisons(rows: readonly Comparison[]): void {
  assert.deepEqual(
    rows.map(({ reader, paths }) => `${reader}, ${paths}`),
    [
      'C, libbpf callback, 16',
      'framing, 16',
      'framing + seek, 16',
      'full decode, 16',
      'C, libbpf callback, 2000',
      'full decode, 2000',
    ],
  )
  for (const { reader, ns, ratio, bestRatio, records } of rows) {
    assert.equal(records, ROUNDS * RECORDS, reader)
    assert.equal(ns.rounds, ROUNDS)
    assert.ok(0 < ns.best && ns.best <= ns.median && ns.median <= ns.worst, reader)
    assert.ok(ratio > 0 && bestRatio > 0)
    if (reader.startsWith('C,')) assert.deepEqual([ratio, bestRatio], [1, 1])
  }
}

function checkSustained(rows: readonly Sustained[], highest: number): void {
  assert.ok(rows.length >= 1 && rows.length <= 2)
  assert.equal(rows[0]!.asked, 20_000)
  for (const { seen, submitted, delivered, dropped, fullest } of rows) {
    assert.ok(seen > 0)
    assert.equal(seen, submitted + dropped)
    assert.equal(delivered, submitted)
    assert.ok(fullest >= 0 && fullest <= 1)
  }
  assert.equal(highest, Math.max(0, ...rows.filter(({ dropped }) => dropped === 0).map(({ tried }) => tried)))
}

test('bench ring --quick --json', needsRoot, () =>
  inFolder((folder) => {
    const { code, out, err } = tarsier(['bench', 'ring', '--quick', '--json', '--out', folder])
    assert.equal(code, 0, err)
    const report = JSON.parse(out)
    checkComparisons(report.results.comparisons)
    checkSustained(report.results.sustained, report.results.highestRateWithoutDrops)
    assert.deepEqual(
      report.goals.map(({ what, limit, kind }: { what: string; limit: number; kind: string }) => [
        what,
        kind,
        limit,
      ]),
      [
        ['framing, 16 paths', 'most', 2.5],
        ['full decode, 16 paths', 'most', 12],
      ],
    )
    assert.equal(report.machine.node, process.versions.node)
    assert.equal(readFileSync(join(folder, 'ring.json'), 'utf8'), out)
    assert.match(readFileSync(join(folder, 'ring.md'), 'utf8'), /^# Ring reader and decoder\n/)
    assert.match(err, /^written: .*ring\.md .*ring\.json$/m)
  }),
)

test('bench ring -q for people', needsRoot, () =>
  inFolder((folder) => {
    const { code, out, err } = tarsier(['bench', 'ring', '--quick', '-q', '--out', folder])
    assert.equal(code, 0, err)
    assert.equal(err, '')
    assert.match(out, /Linux \d+\.\d+.*Node 24/)
    assert.match(out, /^full decode +16 +[\d.]+ +[\d.]+ +\d+% +[\d.]+ +[\d.]+$/m)
    assert.match(out, /records a second without a drop/)
    assert.match(out, /goal at most 12 times C: (met|MISSED)$/m)
  }),
)

test('without privileges', needsRoot, () =>
  inFolder((folder) => {
    chmodSync(folder, 0o777)
    const { code, out, err } = tarsier(['bench', 'ring', '--quick', '-q', '--out', folder], 65534)
    assert.equal(code, 1)
    assert.equal(out, '')
    assert.match(err, /^error: Cannot load fill_ring \(syscall\): not permitted.*\n {2}hint: run it as root/)
  }),
)

test('a folder that cannot be made is refused before anything is measured', () => {
  const { code, out, err } = tarsier(['bench', 'ring', '--quick', '--out', '/proc/no/such'])
  assert.equal(code, 1)
  assert.equal(out, '')
  assert.equal(
    err,
    'error: cannot write /proc/no: no such file or directory\n  hint: name another folder with --out DIR\n',
  )
})

/** A checkout with nothing but what the C program is made of. */
const checkout = (folder: string): string => {
  for (const file of ['test/bench/ring-consumer.c', 'build/bpf/include/tarsier_abi.gen.h']) {
    mkdirSync(dirname(join(folder, file)), { recursive: true })
    copyFileSync(join(ROOT, file), join(folder, file))
  }
  return folder
}
const refusesToBuild = (
  what: string,
  prepare: (folder: string) => Readonly<Record<string, string>>,
  message: RegExp,
  hint: string | undefined,
) =>
  test(`no C program: ${what}`, () =>
    inFolder((folder) =>
      assert.rejects(buildConsumer(folder, prepare(folder)), (error) => {
        assert.ok(error instanceof UserError)
        assert.match(error.message, message)
        assert.equal(error.hint, hint)
        return true
      }),
    ))
/** A compiler that only says something. */
const compilerThatSays = (text: string) => (folder: string) => {
  writeFileSync(join(checkout(folder), 'cc'), `#!/bin/sh\necho '${text}' >&2\nexit 1\n`, { mode: 0o755 })
  return { PATH: folder }
}

refusesToBuild('not a checkout', () => ({}), /ring-consumer\.c is missing/, 'npm run build')
refusesToBuild(
  'no compiler',
  (folder) => ({ PATH: checkout(folder) }),
  /there is no C compiler/,
  'apt-get install gcc libbpf-dev',
)
refusesToBuild(
  'no headers',
  compilerThatSays('x.c:9:10: fatal error: bpf/bpf.h: No such file or directory'),
  /libbpf's headers are missing/,
  'apt-get install libbpf-dev',
)
refusesToBuild(
  'a broken source',
  compilerThatSays('x.c:9:10: error: expected a semicolon'),
  /does not compile: x\.c:9:10: error: expected/,
  undefined,
)
