/** What alerts say about the process beyond its name: the container it runs in, and its environment only when asked for. */
import assert from 'node:assert/strict'
import { spawn, spawnSync } from 'node:child_process'
import { randomBytes } from 'node:crypto'
import { closeSync, mkdirSync, openSync, readFileSync, readSync, rmdirSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { suite, test } from 'node:test'
import { setTimeout as sleep } from 'node:timers/promises'
import { marker, NEEDS_ROOT, openFolder, opensOf, said, withAgent, writeRules } from './support/agent.ts'

/** Mount points of a cgroup hierarchy: of version 2, or of a controller of version 1. */
function cgroupMount(type: 'cgroup' | 'cgroup2', option = ''): string | undefined {
  const mounts = readFileSync('/proc/mounts', 'utf8')
    .split('\n')
    .map((line) => line.split(' '))
  return mounts.find(
    ([, , kind, options]) => kind === type && (options ?? '').split(',').join(' ').includes(option),
  )?.[1]
}

suite('containers', { skip: NEEDS_ROOT }, () => {
  const folder = NEEDS_ROOT ? '' : openFolder('container')
  const word = marker()
  const file = join(folder, word)
  const rules = NEEDS_ROOT
    ? []
    : [writeRules(folder, opensOf(word, 'container=%container.id by=%proc.name file=%fd.name'))]

  /** What is said of a read in a new cgroup. The shell enters the cgroup; `cat` is a new process there. */
  const readIn = async (cgroup: string): Promise<string[]> => {
    writeFileSync(file, '')
    mkdirSync(cgroup)
    try {
      let lines: string[] = []
      await withAgent({ rules }, async (agent) => {
        lines = await agent.alerts(word, () => {
          const { status } = spawnSync('sh', [
            '-c',
            'echo $$ > "$0/cgroup.procs" && cat "$1"; :',
            cgroup,
            file,
          ])
          assert.equal(status, 0)
        })
      })
      return lines.map(said)
    } finally {
      for (let tries = 0; !removed(cgroup) && tries < 500; tries++) await sleep(10)
    }
  }
  const removed = (cgroup: string): boolean => {
    try {
      rmdirSync(cgroup)
      return true
    } catch {
      return false
    }
  }
  const id = randomBytes(32).toString('hex')

  test('the host', async () => {
    writeFileSync(file, '')
    await withAgent({ rules }, async (agent) => {
      const lines = await agent.alerts(word, () => spawnSync('cat', [file]))
      assert.deepEqual(lines.map(said), [`container=host by=cat file=${file}`])
    })
  })
  test('a cgroup of version 2', async (t) => {
    const mount = cgroupMount('cgroup2')
    if (mount === undefined) return t.skip('no cgroup2 is mounted')
    assert.deepEqual(await readIn(join(mount, `docker-${id}.scope`)), [
      `container=${id.slice(0, 12)} by=cat file=${file}`,
    ])
    assert.deepEqual(await readIn(join(mount, `crio-conmon-${id}.scope`)), [
      `container=host by=cat file=${file}`,
    ])
  })
  test('a cgroup of version 1', async (t) => {
    const mount = cgroupMount('cgroup', 'memory') ?? cgroupMount('cgroup', 'pids')
    if (mount === undefined) return t.skip('no cgroup of version 1 is mounted')
    assert.deepEqual(await readIn(join(mount, id)), [`container=${id.slice(0, 12)} by=cat file=${file}`])
  })
  test('a container that was there before the agent', async (t) => {
    const mount = cgroupMount('cgroup2')
    if (mount === undefined) return t.skip('no cgroup2 is mounted')
    const cgroup = join(mount, `cri-containerd-${id}.scope`)
    writeFileSync(file, '')
    mkdirSync(cgroup)
    const shell = spawn('sh', ['-c', 'read line; read text < "$0"; read line', file])
    try {
      writeFileSync(join(cgroup, 'cgroup.procs'), String(shell.pid))
      await withAgent({ rules }, async (agent) => {
        const lines = await agent.alerts(word, async () => {
          shell.stdin.write('\n')
          await agent.until(() => agent.lines.length > 0, 10_000)
        })
        assert.deepEqual(lines.map(said), [`container=${id.slice(0, 12)} by=sh file=${file}`])
      })
    } finally {
      shell.kill('SIGKILL')
      for (let tries = 0; !removed(cgroup) && tries < 500; tries++) await sleep(10)
    }
  })
})

suite('environments', { skip: NEEDS_ROOT }, () => {
  const folder = NEEDS_ROOT ? '' : openFolder('env')
  const word = marker()
  const exec = (output: string) => ({
    rule: 'Exec',
    condition: `(evt.type in (execve, execveat) and proc.cmdline contains "${word}") or (evt.type in (open, openat) and fd.name contains "${word}")`,
    output: `${output} file=%fd.name by=%proc.cmdline`,
  })
  /** A value in the environment of a program, and whether it is anywhere in the agent's memory afterwards. */
  const capture = async (
    output: string,
    set: string[] = [],
  ): Promise<{ line: string | undefined; held: boolean }> => {
    const secret = marker()
    const rules = [writeRules(folder, exec(output))]
    let result = { line: undefined as string | undefined, held: false }
    await withAgent({ rules, set }, async (agent) => {
      const lines = await agent.alerts(word, () =>
        spawnSync('/bin/true', [word], { env: { TARSIER_TEST: secret } }),
      )
      result = {
        line:
          lines[0] &&
          said(lines[0])
            .replace(secret, 'SECRET')
            .replace(/ file=.*/, ''),
        held: memoryHas(agent.pid, secret),
      }
    })
    return result
  }

  test('captured when a rule prints them', async () =>
    assert.deepEqual(await capture('exec env=%proc.env[TARSIER_TEST]'), {
      line: 'exec env=SECRET',
      held: true,
    }))
  test('never in the memory of the agent otherwise', async () =>
    assert.deepEqual(await capture('exec %proc.name'), { line: 'exec true', held: false }))
  test('not when switched off', async () =>
    assert.deepEqual(await capture('exec env=%proc.env[TARSIER_TEST]', ['kernel.env=off']), {
      line: 'exec env=<NA>',
      held: false,
    }))
  test('always when switched on', async () =>
    assert.deepEqual(await capture('exec %proc.name', ['kernel.env=on']), { line: 'exec true', held: true }))
})

const CHUNK = 1 << 20

/** Whether the writable memory of a process, BPF rings among it, holds these characters. */
function memoryHas(pid: number, text: string): boolean {
  const needle = Buffer.from(text)
  const mem = openSync(`/proc/${pid}/mem`, 'r')
  const chunk = Buffer.alloc(CHUNK + needle.length)
  try {
    for (const line of readFileSync(`/proc/${pid}/maps`, 'utf8').split('\n')) {
      const area = /^([0-9a-f]+)-([0-9a-f]+) r\S+ \S+ \S+ (\d+) *(.*)$/.exec(line)
      if (area === null || (area[3] !== '0' && !area[4]!.includes('bpf-map'))) continue
      const end = Number.parseInt(area[2]!, 16)
      for (let at = Number.parseInt(area[1]!, 16); at < end; at += CHUNK) {
        const length = Math.min(chunk.length, end - at)
        if (chunk.subarray(0, readAt(mem, chunk, length, at)).includes(needle)) return true
      }
    }
    return false
  } finally {
    closeSync(mem)
  }
}

/** Bytes read; none where the kernel refuses, as for its own pages. */
function readAt(fd: number, buffer: Buffer, length: number, position: number): number {
  try {
    return readSync(fd, buffer, 0, length, position)
  } catch {
    return 0
  }
}
