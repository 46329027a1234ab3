import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import fc from 'fast-check'
import { containerOf } from './container.ts'

const A = 'a1'.repeat(32)
const B = 'b2'.repeat(32)
const containerIdOf = (path: string): string | undefined => containerOf(path)?.fullId

const POD = 'pod6a5f1d3e-8b1c-4f5e-9d2b-1c2d3e4f5a6b'

describe('containers', () => {
  const cases: readonly [string, string][] = [
    ['docker, cgroupfs driver', `/docker/${A}`],
    ['docker, systemd driver', `/system.slice/docker-${A}.scope`],
    ['kubepods, cgroupfs driver', `/kubepods/burstable/${POD}/${A}`],
    ['containerd below kubepods', `/kubepods.slice/kubepods-${POD}.slice/cri-containerd-${A}.scope`],
    ['containerd with colons', `/system.slice/containerd.service/kubepods-${POD}.slice:cri-containerd:${A}`],
    ['CRI-O', `/kubepods.slice/kubepods-besteffort.slice/crio-${A}.scope`],
    ['CRI-O without scope', `/kubepods/besteffort/${POD}/crio-${A}`],
    ['podman, systemd', `/machine.slice/libpod-${A}.scope`],
    ['podman with crun: nested leaf', `/machine.slice/libpod-${A}.scope/container`],
    ['podman, cgroupfs', `/libpod_parent/libpod-${A}`],
    ['podman payload', `/user.slice/user@1000.service/libpod-payload-${A}`],
    ['nerdctl', `/system.slice/nerdctl-${A}.scope`],
    ['a service inside the container', `/docker/${A}/system.slice/nginx.service`],
    ['a trailing slash', `/docker/${A}/`],
  ]
  for (const [what, path] of cases) test(what, () => assert.equal(containerIdOf(path), A))
  test('a container in a container is the inner one', () =>
    assert.equal(containerIdOf(`/docker/${B}/docker/${A}`), A))
  test('lxc has names', () => {
    assert.equal(containerIdOf('/lxc/web1'), 'web1')
    assert.equal(containerIdOf('/lxc/web1/system.slice/x.service'), 'web1')
    assert.equal(containerIdOf('/lxc.payload.web1/init.scope'), 'web1')
  })
})

describe('hosts', () => {
  const paths = [
    '/',
    '',
    '/init.scope',
    '/user.slice/user-1000.slice/session-2.scope',
    '/system.slice/docker.service',
    // Two components, the second of 32 characters: no proof of anything.
    `/default/${'c3'.repeat(16)}`,
    `/k8s.io/c1`,
    `/system.slice/crio-conmon-${A}.scope`,
    `/machine.slice/libpod-conmon-${A}.scope`,
    `/docker/${A.slice(0, 63)}`,
    `/docker/${A}f`,
    `/docker/${'G'.repeat(64)}`,
    `/evil-docker-${A}.scope`,
  ]
  for (const path of paths) test(path, () => assert.equal(containerIdOf(path), undefined))
})

test('any text is taken without error', () => {
  fc.assert(
    fc.property(fc.string(), (text) => {
      const id = containerIdOf(text)
      assert.ok(id === undefined || text.includes(id))
    }),
  )
})
