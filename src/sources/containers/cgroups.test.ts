import assert from 'node:assert/strict'
import { mkdirSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { test } from 'node:test'
import { setTimeout as sleep } from 'node:timers/promises'
import type { CgroupAnswer } from '../../decode/answers.ts'
import { scratchFolder } from '../../testing/scratch.ts'
import { CgroupSource } from './cgroups.ts'

const proc = scratchFolder('cgroups')
mkdirSync(join(proc, '7'))
writeFileSync(join(proc, '7', 'cgroup'), '2:cpu,cpuacct:/a:b\n1:name=systemd:/c\n0::/d\n')
writeFileSync(join(proc, '7', 'stat'), `7 (a) b) S ${'1 '.repeat(18)}500 0`)

/** What is answered to one question. */
async function ask(pid: number, start: number, folder = proc): Promise<CgroupAnswer | undefined> {
  const question = { pid, start, cgroup: 1, cgroupV1: 2 }
  let wake = (_: CgroupAnswer): void => undefined
  const answer = new Promise<CgroupAnswer>((resolve) => (wake = resolve))
  new CgroupSource((found) => wake(found), folder).ask(question)
  return Promise.race([answer, sleep(300).then(() => undefined)])
}

test('paths of all hierarchies', async () =>
  assert.deepEqual(await ask(7, 5_000_000_003), {
    pid: 7,
    start: 5_000_000_003,
    cgroup: 1,
    cgroupV1: 2,
    paths: ['/a:b', '/c', '/d'],
  }))
test('another process of the same id', async () => assert.equal(await ask(7, 9_000_000_003), undefined))
test('a process that has gone', async () => assert.equal(await ask(8, 1), undefined))
test('more questions than may be open are dropped', () => {
  const source = new CgroupSource(() => undefined, proc)
  for (let i = 0; i < 100; i++) source.ask({ pid: 8, start: 1, cgroup: 1, cgroupV1: 1 })
  assert.equal(source.dropped, 36)
  source.close()
})
