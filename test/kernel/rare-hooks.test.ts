/** Events called after functions of the kernel that are rare, or that this kernel cannot make at all. */
import assert from 'node:assert/strict'
import { spawnSync } from 'node:child_process'
import { statSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { suite, test } from 'node:test'
import type { EventView } from '../../src/decode/event-view.ts'
import { Interner } from '../../src/decode/interner.ts'
import { tellFromProc } from '../../src/sources/kernel/namespaces.ts'
import { planPrograms, withoutHooks } from '../../src/sources/kernel/plan.ts'
import { scratchFolder } from '../../src/testing/scratch.ts'
import { recordsElsewhere } from './support/elsewhere.ts'
import { copyRecord, NEEDS_ROOT, only, openLive, pick, type Seen } from './support/live.ts'
import { program } from './support/programs.ts'
import { type Call, ref, script, zeros } from './support/raw.ts'

const READS = ['security_kernel_read_file', 'security_kernel_post_read_file']

const ofRaw = (calls: readonly Call[]) => (): number => {
  const { pid, status } = spawnSync(program('raw'), script(calls))
  assert.equal(status, 0)
  return pid
}

/** Entries as getdents64 returns them: `u64 ino; s64 off; u16 reclen; u8 type; char name[]`. */
const listing = (entries: Readonly<Record<string, bigint>>): Buffer =>
  Buffer.concat(
    Object.entries(entries).map(([name, ino]) => {
      const entry = Buffer.alloc((19 + name.length + 8) & ~7)
      entry.writeBigUInt64LE(ino, 0)
      entry.writeUInt16LE(entry.length, 16)
      entry.write(name, 19)
      return entry
    }),
  )

suite('rare hooks', { skip: NEEDS_ROOT }, () => {
  const folder = NEEDS_ROOT ? '' : scratchFolder('rare-hooks')
  const image = join(folder, 'image')
  const other = join(folder, 'initrd')
  writeFileSync(image, 'image'.repeat(100))
  writeFileSync(other, 'x')
  const opened: readonly Call[] = [
    ['open', image, 0],
    ['open', other, 0],
  ]

  test('files of modules and of kernels to start, read from calls with the same arguments', () => {
    const records = recordsElsewhere(
      {
        kernel_read_finit_module: 'fdatasync',
        kernel_post_read_finit_module: 'fdatasync',
        kernel_read_kexec_file_load: 'readahead',
        kernel_post_read_kexec_file_load: 'readahead',
      },
      ofRaw([...opened, ['fdatasync', ref(0)], ['readahead', ref(0), ref(1), 0, 0, 0], ['fdatasync', 99]]),
    )
    assert.deepEqual(pick(only(records, READS[0]!), 'pathname', 'type', 'inode'), [
      { event: READS[0], pathname: image, type: 2, inode: statSync(image).ino },
      { event: READS[0], pathname: image, type: 3, inode: statSync(image).ino },
      { event: READS[0], pathname: other, type: 4, inode: statSync(other).ino },
    ])
    assert.deepEqual(pick(only(records, READS[1]!), 'pathname', 'type', 'size'), [
      { event: READS[1], pathname: image, type: 2, size: 500 },
      { event: READS[1], pathname: image, type: 3, size: 500 },
      { event: READS[1], pathname: other, type: 4, size: 1 },
    ])
  })

  test('entries without an inode number, in what a read returns as getdents64 would', () => {
    const directory = join(folder, 'directory')
    const bytes = listing({ '.': 7n, hidden: 0n, 'well known': 8n, '4711': 0n })
    writeFileSync(directory, bytes)
    const records = recordsElsewhere(
      { hidden_inodes_getdents64: 'read' },
      ofRaw([
        ['open', directory, 0],
        ['read', ref(0), zeros(bytes.length), bytes.length],
      ]),
    )
    assert.deepEqual(
      records.filter(({ f }) => f['hidden_process'] !== undefined).map(({ f }) => f['hidden_process']),
      ['4711', 'hidden'],
    )
  })

  test('namespaces of process 1, from the kernel and from /proc', (t) => {
    const told: Seen[] = []
    const tell = (view: EventView): void => {
      assert.equal(view.name, 'init_namespaces')
      told.push(copyRecord(view))
    }
    const live = openLive({ syscalls: ['init_namespaces'], event: tell })
    assert.deepEqual(live.source.failures, [])
    live.stop()
    assert.equal(told.length, 1)
    tellFromProc(new Interner(), '/proc', tell)
    const [kernel, proc] = told as [Seen, Seen]
    for (const [kind, inode] of Object.entries(kernel.f)) assert.ok(Number(inode) > 0, kind)
    assert.deepEqual([kernel.pid, kernel.partial], [1, false])
    // A sandbox may keep /proc/1/ns from us.
    if (proc.partial) return t.diagnostic('/proc/1/ns is kept from us')
    assert.deepEqual(proc.f, kernel.f)
  })
})

test('events of calls that a kernel does not have are left out, and named', () => {
  const without =
    (...gone: string[]) =>
    (name: string): boolean =>
      !gone.some((call) => name.endsWith(call))
  const programs = (hasTracepoint: (name: string) => boolean): readonly string[] =>
    planPrograms(new Set(), new Set(READS), hasTracepoint)
      .flatMap((plan) => plan.programs.map(({ name }) => name))
      .filter((name) => name.startsWith('kernel_'))
  const none = without('finit_module', 'kexec_file_load')
  assert.deepEqual(programs(none), [])
  assert.deepEqual(withoutHooks(new Set([...READS, 'vfs_write']), none), READS)
  assert.deepEqual(programs(without('kexec_file_load')), [
    'kernel_read_finit_module',
    'kernel_post_read_finit_module',
  ])
  assert.deepEqual(withoutHooks(new Set(READS), without('kexec_file_load')), [])
})
