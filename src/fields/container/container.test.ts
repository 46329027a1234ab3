import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import type { ContainerFacts } from '../../decode/answers.ts'
import { ContainerTable } from '../../state/containers.ts'
import { accept, connect, execve, SHELL } from '../../testing/events.ts'
import { bindField, createWorld, EPOCH, type World } from '../../testing/world.ts'
import { FieldArgumentError } from '../field.ts'
import { unservedReason } from '../unserved.ts'
import { wildcard } from './mounts.ts'

const ID = 'a1'.repeat(32)
const SANDBOX = 'b2'.repeat(32)
const UID = '3e41dc6b-08a8-44db-bc2a-3724b18ab19a'

const FACTS: ContainerFacts = {
  type: 'containerd',
  name: 'web',
  image: 'team/web:1@sha256:dd',
  imageId: 'c3'.repeat(32),
  repository: 'team/web',
  tag: '1',
  digest: 'sha256:dd',
  privileged: false,
  hostPid: false,
  hostNetwork: true,
  hostIpc: undefined,
  mounts: [
    { source: '/etc', dest: '/host/etc', mode: 'ro', writable: false, propagation: 'rprivate' },
    { source: '/proc/sys', dest: '/p', mode: '', writable: true, propagation: '' },
  ],
  labels: new Map([
    ['b', '2'],
    ['a.x', '1'],
  ]),
  ip: undefined,
  cniJson: '{}',
  started: EPOCH + 1_000n,
  pod: {
    name: 'web-0',
    namespace: 'shop',
    uid: UID,
    sandboxId: SANDBOX,
    ip: '10.1.1.1',
    labels: new Map([['app', 'w']]),
    cniJson: undefined,
  },
}

function inContainer(cgroup: string, facts?: ContainerFacts): World {
  const containers = new ContainerTable()
  if (facts) containers.answer({ status: 'known', fullId: ID, facts })
  const world = createWorld({ containers })
  world.feed(execve({ cgroup }))
  return world
}

describe('what a runtime told', () => {
  const world = inContainer(`/docker/${ID}`, FACTS)
  const cases: readonly [string, unknown][] = [
    ['container.id', ID.slice(0, 12)],
    ['container.full_id', ID],
    ['container.type', 'containerd'],
    ['container.name', 'web'],
    ['container.image', 'team/web:1@sha256:dd'],
    ['container.image.id', 'c3c3c3c3c3c3'],
    ['container.image.repository', 'team/web'],
    ['container.image.tag', '1'],
    ['container.image.digest', 'sha256:dd'],
    ['container.privileged', false],
    ['container.host_pid', false],
    ['container.host_network', true],
    ['container.host_ipc', undefined],
    ['container.mounts', '/etc:/host/etc:ro:false:rprivate,/proc/sys:/p::true:'],
    ['container.mount[0]', '/etc:/host/etc:ro:false:rprivate'],
    ['container.mount[/proc*]', '/proc/sys:/p::true:'],
    ['container.mount.source[/p]', '/proc/sys'],
    ['container.mount.dest[/etc]', '/host/etc'],
    ['container.mount.dest[/e*]', '/host/etc'],
    ['container.mount.dest[/none]', undefined],
    ['container.mount.dest[7]', undefined],
    ['container.mount.mode[0]', 'ro'],
    ['container.mount.rdwr[1]', 'true'],
    ['container.mount.propagation[/etc]', 'rprivate'],
    ['container.label[b]', '2'],
    ['container.label.a.x', '1'],
    ['container.label[none]', undefined],
    ['container.labels', 'a.x:1,b:2'],
    ['container.ip', '10.1.1.1'],
    ['container.cni.json', '{}'],
    ['container.start_ts', EPOCH + 1_000n],
    ['container.duration', BigInt(SHELL.start) + 1_000_000n - 1_000n],
    ['k8s.pod.name', 'web-0'],
    ['k8s.ns.name', 'shop'],
    ['k8s.pod.uid', UID],
    ['k8s.pod.id', UID],
    ['k8s.pod.sandbox_id', SANDBOX.slice(0, 12)],
    ['k8s.pod.full_sandbox_id', SANDBOX],
    ['k8s.pod.label[app]', 'w'],
    ['k8s.pod.labels', 'app:w'],
    ['k8s.pod.ip', '10.1.1.1'],
    ['k8s.pod.cni.json', undefined],
  ]
  for (const [field, value] of cases) test(field, () => assert.deepEqual(world.plain(field), value))
})

describe('what the cgroup tells alone', () => {
  test('of a Docker container', () => {
    const world = inContainer(`/docker/${ID}`)
    assert.deepEqual(
      ['id', 'type', 'name', 'image', 'mounts', 'start_ts'].map((name) => world.plain(`container.${name}`)),
      [ID.slice(0, 12), 'docker', undefined, undefined, undefined, undefined],
    )
  })
  test('of a pod', () => {
    const world = inContainer(
      `/kubepods.slice/kubepods-pod${UID.replaceAll('-', '_')}.slice/crio-${ID}.scope`,
    )
    assert.deepEqual([world.plain('container.type'), world.plain('k8s.pod.uid')], ['cri-o', UID])
  })
  test('of an LXC container', () => {
    const world = inContainer('/lxc/a-long-name-of-a-container')
    assert.deepEqual(
      ['id', 'full_id', 'name', 'type'].map((name) => world.plain(`container.${name}`)),
      [...new Array(3).fill('a-long-name-of-a-container'), 'lxc'],
    )
  })
  test('of the host', () => {
    const world = inContainer('/user.slice')
    for (const name of ['id', 'full_id', 'name', 'type'])
      assert.equal(world.plain(`container.${name}`), 'host')
    for (const name of ['container.image', 'container.start_ts', 'k8s.pod.name', 'k8s.pod.uid'])
      assert.equal(world.plain(name), undefined)
  })
  test('a pid namespace of its own tells when a container was started', () => {
    const world = createWorld()
    world.feed(execve({ cgroup: `/docker/${ID}`, fields: { vpid: 1, pidns: 4_026_539_999 } }))
    assert.equal(world.plain('container.start_ts'), EPOCH + BigInt(SHELL.start))
  })
})

describe('arguments', () => {
  for (const field of ['container.mount[x]', 'container.mount.dest[]', 'container.mount.dst'])
    test(`${field} makes no sense`, () => assert.throws(() => bindField(field), FieldArgumentError))
  const patterns: readonly [string, string, boolean][] = [
    ['/a', '/a', true],
    ['/a', '/ab', false],
    ['/a*', '/a', true],
    ['/a*c', '/abbc', true],
    ['/a*c', '/abbcd', false],
    ['/?', '/a', true],
    ['/?', '/', false],
    ['*', '', true],
    ['*a*b', 'xaxaxb', true],
    ['', '', true],
  ]
  for (const [pattern, text, fits] of patterns)
    test(`'${pattern}' and '${text}'`, () => assert.equal(wildcard(pattern, text), fits))
  test('a pattern of stars does not take long', () =>
    assert.equal(wildcard(`${'*a'.repeat(50)}b`, 'a'.repeat(4096)), false))
})

describe('names of addresses', () => {
  const names = { 'a.example': ['192.0.2.1', '2001:DB8::1'], 'b.example': ['192.0.2.1'] }
  const world = createWorld({ names })
  test('of the server', () => {
    world.feed(connect({ local: '10.0.0.1 40000', remote: '192.0.2.1 443' }))
    assert.deepEqual(world.candidates('fd.sip.name'), ['a.example', 'b.example'])
    assert.equal(world.plain('fd.rip.name'), 'a.example')
    assert.deepEqual(world.candidates('fd.cip.name'), [])
    assert.equal(world.plain('fd.lip.name'), undefined)
  })
  test('of the client', () => {
    world.feed(accept({ local: '10.0.0.1 22', remote: '192.0.2.1 40000' }))
    assert.equal(world.plain('fd.cip.name'), 'a.example')
  })
  test('of IPv6', () => {
    world.feed(connect({ local: '2001:db8::2 1', remote: '2001:db8::1 2' }))
    assert.equal(world.plain('fd.sip.name'), 'a.example')
  })
  const services: readonly [string, number, string][] = [
    ['192.0.2.1 443', 6, 'https'],
    ['192.0.2.1 514', 6, 'shell'],
    ['192.0.2.1 514', 17, 'syslog'],
    ['192.0.2.1 40001', 6, '40001'],
  ]
  for (const [remote, protocol, service] of services)
    test(`${remote} of protocol ${protocol} is ${service}`, () => {
      world.feed(connect({ local: '10.0.0.1 1', remote, protocol }))
      assert.equal(world.plain('fd.sproto'), service)
      assert.equal(world.plain('fd.rproto'), service)
      assert.equal(world.plain('fd.cproto'), '1')
    })
})

test('fields of Falco that are not served say why', () => {
  assert.match(unservedReason('k8s.rc.name', 'syscall')!, /API server/)
  assert.match(unservedReason('ka.verb', 'syscall')!, /source 'k8s_audit'/)
  assert.equal(unservedReason('ka.nonsense', 'k8s_audit'), undefined)
  assert.match(unservedReason('k8smeta.pod.name', 'syscall')!, /plugin/)
  assert.equal(unservedReason('proc.nmae', 'syscall'), undefined)
  assert.equal(unservedReason('nodot', 'syscall'), undefined)
})
