/** Lines that rule files of earlier years print: the summary of the container, and events with a direction. */
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { type ContainerFacts, UNTOLD } from '../../src/decode/answers.ts'
import { createAlert } from '../../src/detect/alert.ts'
import { createEngine } from '../../src/detect/engine.ts'
import type { SyscallContext } from '../../src/fields/context.ts'
import { SOURCES } from '../../src/fields/index.ts'
import { falcoText } from '../../src/outputs/formats/falco.ts'
import type { CompiledRule } from '../../src/rules/ir.ts'
import { loadRules } from '../../src/rules/load.ts'
import { ContainerTable } from '../../src/state/containers.ts'
import { execve, INIT, openat, SHELL, snapshot } from '../../src/testing/events.ts'
import { createWorld } from '../../src/testing/world.ts'

const RULES = `
- macro: container
  condition: (container.id != host)
- macro: spawned_process
  condition: (evt.type in (execve, execveat) and evt.dir = <)
- macro: open_write
  condition: (evt.type in (open, openat) and evt.is_open_write = true and fd.typechar = f and fd.num >= 0)
- macro: root_dir
  condition: (fd.directory = / or fd.name startswith /root/)
- rule: Terminal shell in container
  desc: a shell with a terminal inside a container
  condition: spawned_process and container and proc.name in (bash, sh) and proc.tty != 0
  output: >
    A shell was spawned in a container with an attached terminal (user=%user.name user_loginuid=%user.loginuid %container.info
    shell=%proc.name parent=%proc.pname cmdline=%proc.cmdline terminal=%proc.tty container_id=%container.id image=%container.image.repository)
  priority: NOTICE
- rule: Write below root
  desc: a file directly below / or /root is written
  condition: root_dir and evt.dir = < and open_write
  output: "File below / or /root opened for writing (user=%user.name user_loginuid=%user.loginuid command=%proc.cmdline parent=%proc.pname file=%fd.name program=%proc.name container_id=%container.id image=%container.image.repository)"
  priority: ERROR
`
const ID = '796130fc3acc'.padEnd(64, '7')
const FACTS: ContainerFacts = {
  ...UNTOLD,
  type: 'docker',
  name: 'unruffled_sinoussi',
  image: 'citizenstig/dvwa',
  repository: 'citizenstig/dvwa',
  tag: 'latest',
  privileged: false,
}
const OPTIONS = {
  iso8601: true,
  includeOutput: true,
  includeMessage: false,
  includeFields: true,
  includeTags: true,
}
const RUNC = { pid: 70, start: 5_000_000 }

/** Lines of a host with a container of that name. */
function lines(): readonly string[] {
  const { rules, files } = loadRules([{ path: 'old.yaml', text: RULES }], { sources: SOURCES })
  assert.deepEqual(files[0]?.errors, [])
  const containers = new ContainerTable()
  containers.answer({ status: 'known', fullId: ID, facts: FACTS })
  const world = createWorld({ containers })
  const engine = createEngine(rules as unknown as readonly CompiledRule<SyscallContext>[], {
    matching: 'all',
    timeOf: ({ event }) => event.time,
  })
  world.feed(snapshot({ by: RUNC, path: '/usr/sbin/runc', parent: INIT }))
  const inside = { by: { ...SHELL, uid: 0 }, parent: RUNC, cgroup: `/docker/${ID}`, fields: { tty: 34816 } }
  const events = [
    execve({ ...inside, path: '/bin/bash', argv: ['/bin/bash'], time: 6_000_000_000 }),
    execve({ ...inside, path: '/bin/sh', argv: ['sh', '/root/test.sh'], time: 7_000_000_000 }),
    openat({ by: inside.by, path: '/root/x', flags: 1, time: 8_000_000_000 }),
  ]
  return events.flatMap((record) => {
    const ctx = world.feed(record)
    const found: string[] = []
    engine.run(ctx.event.name, ctx, (rule) => {
      found.push(falcoText(createAlert(rule, ctx, { hostname: 'box', hostId: 'h', bootId: 'b' }), OPTIONS))
    })
    return found
  })
}

test('old rules print the lines they always did', () =>
  assert.deepEqual(lines(), [
    '2026-01-01T00:00:06.000000000+0000: Notice A shell was spawned in a container with an attached terminal (user=root user_loginuid=-1 unruffled_sinoussi (id=796130fc3acc) shell=bash parent=runc cmdline=bash terminal=34816 container_id=796130fc3acc image=citizenstig/dvwa)',
    '2026-01-01T00:00:07.000000000+0000: Notice A shell was spawned in a container with an attached terminal (user=root user_loginuid=-1 unruffled_sinoussi (id=796130fc3acc) shell=sh parent=runc cmdline=sh /root/test.sh terminal=34816 container_id=796130fc3acc image=citizenstig/dvwa)',
    '2026-01-01T00:00:08.000000000+0000: Error File below / or /root opened for writing (user=root user_loginuid=-1 command=sh /root/test.sh parent=runc file=/root/x program=sh container_id=796130fc3acc image=citizenstig/dvwa)',
  ]))
