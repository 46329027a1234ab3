/** Cgroups that a child makes, enters and leaves. */
import assert from 'node:assert/strict'
import { readFileSync, rmdirSync, statSync } from 'node:fs'
import { join } from 'node:path'
import { after, before, suite, test } from 'node:test'
import { type Live, NEEDS_ROOT, only, openLive, pick } from './support/live.ts'

/** Hierarchies of this machine: where they are mounted, and their numbers. */
function hierarchies(): readonly { readonly mount: string; readonly id: number }[] {
  const numbers = readFileSync('/proc/self/cgroup', 'utf8').trim().split('\n')
  const mounts = readFileSync('/proc/mounts', 'utf8').split('\n')
  const numberOf = (options: string): number => {
    const line = numbers.find((one) => options.split(',').includes(one.split(':')[1]!))
    return line === undefined ? -1 : Number(line.split(':')[0])
  }
  return mounts.flatMap((line) => {
    const [, mount = '', type, options = ''] = line.split(' ')
    if (type === 'cgroup2') return [{ mount, id: 0 }]
    // A new cpuset has no processors, and takes no processes.
    return type === 'cgroup' && !options.includes('cpuset') && numberOf(options) >= 0
      ? [{ mount, id: numberOf(options) }]
      : []
  })
}

suite('cgroups', { skip: NEEDS_ROOT }, () => {
  const name = `tarsier-cgroup-${process.pid}`
  let live: Live

  before(() => {
    live = openLive({ events: ['cgroup_mkdir', 'cgroup_rmdir', 'cgroup_attach_task'] })
  })
  after(() => live?.stop())

  for (const { mount, id } of NEEDS_ROOT ? [] : hierarchies().filter(({ id }, i) => id === 0 || i < 4))
    test(`made, entered, left and removed in hierarchy ${id}`, (t) => {
      const path = join(mount, name)
      const make = live.run('mkdir', [path])
      if (make.status !== 0) return t.skip(`${mount} takes no cgroups: ${make.stderr.trim()}`)
      const inode = statSync(path).ino
      const enter = live.run('/bin/sh', [
        '-c',
        `echo $$ > ${path}/cgroup.procs; read x < ${path}/cgroup.procs; echo $$ > ${mount}/cgroup.procs`,
      ])
      const remove = live.run('rmdir', [path])
      const made = { cgroup_id: inode, cgroup_path: `/${name}`, hierarchy_id: id }
      assert.deepEqual(pick(only(make.records, 'cgroup_mkdir'), ...Object.keys(made)), [
        { event: 'cgroup_mkdir', ...made },
      ])
      assert.deepEqual(pick(only(remove.records, 'cgroup_rmdir'), ...Object.keys(made)), [
        { event: 'cgroup_rmdir', ...made },
      ])
      assert.deepEqual(
        pick(
          only(enter.records, 'cgroup_attach_task'),
          'cgroup_path',
          'comm',
          'pid',
          'threadgroup',
          'hierarchy_id',
        ),
        [`/${name}`, '/'].map((cgroup_path) => ({
          event: 'cgroup_attach_task',
          cgroup_path,
          comm: 'sh',
          pid: enter.pid,
          threadgroup: 1,
          hierarchy_id: id,
        })),
      )
      return undefined
    })

  test('a long path, and a hostile one', (t) => {
    const { mount } = hierarchies()[0]!
    const parts = Array.from({ length: 10 }, (_, i) => `${name}-${i}-${'x'.repeat(220)}`)
    const paths = [...parts.map((_, i) => join(mount, ...parts.slice(0, i + 1))), join(mount, `${name} \x1b`)]
    const { records, status, stderr } = live.run('mkdir', paths)
    for (const path of paths.toReversed())
      try {
        rmdirSync(path)
      } catch {
        // It was not made.
      }
    if (status !== 0) return t.skip(stderr)
    const made = only(records, 'cgroup_mkdir')
    const whole = made.map(({ f, cut }) => cut['cgroup_path'] ?? String(f['cgroup_path']).length)
    assert.deepEqual(
      whole.slice(0, 9),
      paths.slice(0, 9).map((path) => Math.min(path.length - mount.length, 1023)),
    )
    assert.equal(made.at(-1)!.f['cgroup_path'], `/${name} \x1b`)
    return undefined
  })
})
