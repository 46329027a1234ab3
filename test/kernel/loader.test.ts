/** Loading on this kernel: one refused program does not harm the rest, and what is refused is explained. */
import assert from 'node:assert/strict'
import { execFileSync } from 'node:child_process'
import { cpSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { after, before, suite, test } from 'node:test'
import { tracingPrograms } from '../../src/bench/tracers.ts'
import { formatFailure, type ProgramFailure } from '../../src/kernel/errors.ts'
import { loadLibbpf } from '../../src/kernel/libbpf.ts'
import { openTracefs, possibleCpus, type Tracefs, v1ControllerBits } from '../../src/kernel/machine.ts'
import { AbiMismatchError, Loader, PROGRAM_SPECS, type ProgramSpec } from '../../src/kernel/objects.ts'
import { planPrograms } from '../../src/sources/kernel/plan.ts'
import { scratchFolder } from '../../src/testing/scratch.ts'
import { generateHeader } from '../../tools/bpf-header.ts'
import { NEEDS_ROOT, only, openLive } from './support/live.ts'
import { compileObject } from './support/objects.ts'
import { OBJECTS, ROOT } from './support/programs.ts'
import { AT_FDCWD } from './support/raw.ts'

const CAP_SYS_RESOURCE = 24n

/** Programs of which this kernel can take two: the others have a hook, a type or code that it refuses. */
const MIXED = `
#include "kernel.h"
SEC("tp/syscalls/sys_exit_getpid")
int good(void *ctx) { return 0; }
SEC("tp_btf/sched_process_exit")
int also_good(__u64 *ctx) { return 0; }
SEC("tp/syscalls/sys_exit_no_such_call")
int no_tracepoint(void *ctx) { return 0; }
SEC("tp_btf/no_such_tracepoint")
int no_target(__u64 *ctx) { return 0; }
SEC("fentry/do_unlinkat")
int trampoline(__u64 *ctx) { return 0; }
SEC("tp/syscalls/sys_exit_getuid")
int rejected(struct sys_exit_ctx *ctx) { return *(volatile int *)(ctx->ret & 0xfff); }
char LICENSE[] SEC("license") = "Dual BSD/GPL";
`
const spec = (name: string, section: string): ProgramSpec => ({ name, section, object: 'mixed', index: 0 })
const SPECS = [
  spec('good', 'tp/syscalls/sys_exit_getpid'),
  spec('also_good', 'tp_btf/sched_process_exit'),
  spec('no_tracepoint', 'tp/syscalls/sys_exit_no_such_call'),
  spec('no_target', 'tp_btf/no_such_tracepoint'),
  spec('trampoline', 'fentry/do_unlinkat'),
  spec('rejected', 'tp/syscalls/sys_exit_getuid'),
]

suite('loader', { skip: NEEDS_ROOT }, () => {
  const dir = NEEDS_ROOT ? '' : scratchFolder('loader')
  let tracefs: Tracefs
  const loaders: Loader[] = []

  const newLoader = (directory: string): Loader => {
    const loader = new Loader({
      lib: loadLibbpf(),
      tracefs,
      directory,
      mapEntries: {
        counters: PROGRAM_SPECS.length * possibleCpus(),
        sequences: 2 * possibleCpus(),
        exec_scratch_map: possibleCpus() + 1,
      },
      constants: { have_rdonly_cast: 1, v1_controllers: v1ControllerBits() },
    })
    loaders.push(loader)
    return loader
  }

  before(() => {
    tracefs = openTracefs()
    compileObject(dir, 'mixed', MIXED)
  })
  after(() => {
    for (const loader of loaders) loader.close()
    tracefs.close()
  })

  test('programs that the kernel refuses are named with hook and reason, the others work', () => {
    const loader = newLoader(dir)
    const loaded = loader.load('mixed', SPECS)
    const attached = loaded.map((program) => loader.attach(program)).filter((a) => a !== undefined)
    for (const link of attached) link.detach()
    const failed = new Map<string, ProgramFailure>(loader.failures.map((f) => [f.program, f]))
    const trampolines = !failed.has('trampoline')
    assert.deepEqual(
      attached.map((a) => a.spec.name),
      trampolines ? ['good', 'also_good', 'trampoline'] : ['good', 'also_good'],
    )
    const told = (name: string): unknown[] => {
      const { hook, step, reason } = failed.get(name)!
      return [hook, step, reason]
    }
    assert.deepEqual(told('no_tracepoint'), [
      'tp/syscalls/sys_exit_no_such_call',
      'attach',
      "this kernel has no hook 'tp/syscalls/sys_exit_no_such_call'",
    ])
    assert.deepEqual(told('no_target'), [
      'tp_btf/no_such_tracepoint',
      'load',
      "this kernel's BTF does not know the target of 'tp_btf/no_such_tracepoint'",
    ])
    if (!trampolines)
      assert.deepEqual(told('trampoline'), [
        'fentry/do_unlinkat',
        'load',
        'this kernel refuses fentry programs, which need a BPF trampoline',
      ])
    const rejected = failed.get('rejected')!
    assert.deepEqual(told('rejected').slice(1), ['load', 'the kernel rejected the program'])
    assert.match(rejected.log.at(-1)!, /invalid mem access/)
    assert.ok(rejected.log.length <= 4 && rejected.logLines > rejected.log.length)
    for (const failure of loader.failures) {
      const text = formatFailure(failure)
      assert.ok(
        text.includes(failure.program) && text.includes(failure.hook) && text.includes(failure.reason),
      )
    }
  })

  test('an object that was built from another schema is refused', () => {
    const folder = join(dir, 'changed')
    const include = join(folder, 'include')
    mkdirSync(include, { recursive: true })
    const header = generateHeader()
      .replace(/^_Static_assert.*$/gm, '')
      .replace('__s32 dirfd;\n\t__u32 flags;', '__u32 flags;\n\t__s32 dirfd;')
    assert.notEqual(header, generateHeader())
    writeFileSync(join(include, 'tarsier_abi.gen.h'), header)
    // Quoted includes look beside the including file first, so the project's headers go along.
    cpSync(join(ROOT, 'bpf', 'include'), include, { recursive: true })
    compileObject(
      folder,
      'file/open',
      readFileSync(join(ROOT, 'bpf/programs/file/open.bpf.c'), 'utf8'),
      include,
    )
    const plan = planPrograms(new Set(['openat'])).find((p) => p.object === 'file/open')!
    assert.throws(
      () => newLoader(folder).load(plan.object, plan.programs),
      (error: Error) =>
        error instanceof AbiMismatchError && /ev_open\.(dirfd|flags) is at \d+, not \d+/.test(error.message),
    )
  })

  test('an object that is missing is told with the way to build it', () => {
    assert.throws(() => newLoader(dir).load('file/open', []), /AbiMismatchError: .* npm run build/)
  })

  test('an object that is no object is refused with an error, not a crash', () => {
    const folder = join(dir, 'garbage')
    mkdirSync(join(folder, 'file'), { recursive: true })
    writeFileSync(join(folder, 'file', 'open.bpf.o'), 'no ELF')
    const plan = planPrograms(new Set(['openat'])).find((p) => p.object === 'file/open')!
    assert.throws(
      () => newLoader(folder).load(plan.object, plan.programs),
      /AbiMismatchError: BPF object .*open\.bpf\.o cannot be read \(.+\); build it with: npm run build/,
    )
  })

  test('works without CAP_SYS_RESOURCE', () => {
    const script = join(import.meta.dirname, 'support', 'start-without.ts')
    const output = execFileSync('setpriv', ['--bounding-set', '-sys_resource', process.execPath, script], {
      encoding: 'utf8',
    })
    const { capabilities, failures, programs, seen } = JSON.parse(output)
    assert.equal((BigInt(capabilities) >> CAP_SYS_RESOURCE) & 1n, 0n)
    assert.deepEqual(failures, [])
    assert.ok(programs.includes('exit_openat') && programs.includes('on_sched_process_exec'))
    assert.deepEqual(seen, [['openat', '/etc/hostname']])
  })

  test('nothing that is not wanted is attached', () => {
    const live = openLive({ events: ['unlink'] })
    const { records } = live.raw([
      ['openat', AT_FDCWD, '/etc/hostname', 0],
      ['unlink', '/no/such/file'],
      ['unlinkat', AT_FDCWD, '/no/such/file', 0],
    ])
    live.stop()
    const bulk = live.source.programs.filter(
      (name) => name.startsWith('exit_') && !name.startsWith('exit_exec'),
    )
    assert.deepEqual(bulk, ['exit_unlink'])
    assert.deepEqual(
      only(records, 'openat', 'unlink', 'unlinkat').map((r) => r.event),
      ['unlink'],
    )
  })

  test('load time of everything', (t) => {
    const loader = newLoader(OBJECTS)
    let total = 0
    for (const { object, programs } of planPrograms('*')) {
      const begin = performance.now()
      const loaded = loader.load(object, programs)
      const ms = performance.now() - begin
      total += ms
      t.diagnostic(`${object}: ${ms.toFixed(0)} ms for ${loaded.length} programs`)
      assert.equal(loaded.length, programs.length)
    }
    t.diagnostic(`all: ${total.toFixed(0)} ms`)
    assert.deepEqual(loader.failures, [])
  })

  test('tracing programs of anybody are found', () => {
    const live = openLive({ events: ['openat'] })
    try {
      const found = tracingPrograms()!.filter(({ name }) => name === 'exit_openat')
      assert.ok(found.some(({ kind }) => kind === 'tracepoint'))
    } finally {
      live.stop()
    }
  })
})
