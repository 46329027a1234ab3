import assert from 'node:assert/strict'
import { writeFileSync } from 'node:fs'
import { createServer, type Socket } from 'node:net'
import { join } from 'node:path'
import { describe, test } from 'node:test'
import fc from 'fast-check'
import type { ContainerAnswer, ContainerRef } from '../../decode/answers.ts'
import { fakeCri, fakeDocker } from '../../testing/runtimes.ts'
import { scratchFolder } from '../../testing/scratch.ts'
import { timeOf } from './docker.ts'
import { bytesField, Message, numberField, ProtobufError } from './protobuf.ts'
import { type ImageName, LIMITS, splitImage } from './runtime.ts'
import { ContainerSource, type ContainerSourceOptions } from './source.ts'

const folder = scratchFolder('runtimes')

const A = 'a1'.repeat(32)
const B = 'b2'.repeat(32)
const IMAGE = 'c3'.repeat(32)
const refOf = (fullId: string, type?: string): ContainerRef => ({
  id: fullId.slice(0, 12),
  fullId,
  type,
  podUid: undefined,
})

/** A source with one socket, and what it answers. */
function open(options: Partial<ContainerSourceOptions>) {
  const answers: ContainerAnswer[] = []
  const troubles: string[] = []
  let wake = (): void => undefined
  const source = new ContainerSource({
    sockets: { docker: [], podman: [], cri: [], ...options.sockets },
    hostRoot: '',
    waitMs: 2000,
    timeoutMs: 4000,
    trouble: (message) => troubles.push(message),
    ...options,
    answer(answer) {
      answers.push(answer)
      wake()
    },
  })
  const next = async (): Promise<ContainerAnswer> => {
    while (answers.length === 0) await new Promise<void>((resolve) => (wake = resolve))
    return answers.shift()!
  }
  return { source, next, answers, troubles }
}

const sockets = (type: 'docker' | 'podman' | 'cri', socket: string): ContainerSourceOptions['sockets'] => ({
  docker: [],
  podman: [],
  cri: [],
  [type]: [socket],
})

/** The facts a runtime has of a container. */
async function factsFrom(type: 'docker' | 'podman' | 'cri', socket: string, id = A) {
  const { source, next } = open({ sockets: sockets(type, socket) })
  assert.ok(source.ask(refOf(id)))
  const answer = await next()
  source.close()
  return answer.status === 'known' ? answer.facts : answer.status
}

describe('Docker', () => {
  const container = {
    Id: A,
    Name: '/web',
    Image: `sha256:${IMAGE}`,
    State: { StartedAt: '2026-01-02T03:04:05.000000006Z' },
    Config: {
      Image: 'localhost:5000/team/web:1.2',
      Labels: { app: 'web', 'io.kubernetes.pod.name': 'web-0' },
    },
    HostConfig: { Privileged: true, PidMode: 'host', NetworkMode: 'bridge', IpcMode: 'private' },
    Mounts: [
      {
        Type: 'bind',
        Source: '/etc',
        Destination: '/host/etc',
        Mode: 'ro',
        RW: false,
        Propagation: 'rprivate',
      },
    ],
    NetworkSettings: { IPAddress: '', Networks: { net: { IPAddress: '172.18.0.2' } } },
  }
  const image = {
    RepoTags: ['web:1.2'],
    RepoDigests: ['other@sha256:aa', 'localhost:5000/team/web@sha256:bb'],
  }
  test('everything it tells', async () => {
    const docker = await fakeDocker(join(folder, 'docker'), {
      [`/containers/${A}/json`]: container,
      [`/images/sha256:${IMAGE}/json`]: image,
    })
    const labels = new Map(Object.entries(container.Config.Labels))
    assert.deepEqual(await factsFrom('docker', docker.socket), {
      type: 'docker',
      name: 'web',
      image: 'localhost:5000/team/web:1.2',
      imageId: IMAGE,
      repository: 'localhost:5000/team/web',
      tag: '1.2',
      digest: 'sha256:bb',
      privileged: true,
      hostPid: true,
      hostNetwork: false,
      hostIpc: false,
      mounts: [{ source: '/etc', dest: '/host/etc', mode: 'ro', writable: false, propagation: 'rprivate' }],
      labels,
      ip: '172.18.0.2',
      cniJson: undefined,
      started: BigInt(Date.parse('2026-01-02T03:04:05Z')) * 1_000_000n + 6n,
      pod: {
        name: 'web-0',
        namespace: undefined,
        uid: undefined,
        sandboxId: undefined,
        ip: undefined,
        labels,
        cniJson: undefined,
      },
    })
    await docker.close()
  })
  test('an image given by id goes by its name', async () => {
    const docker = await fakeDocker(join(folder, 'by-id'), {
      [`/containers/${A}/json`]: { ...container, Config: { Image: IMAGE } },
      [`/images/sha256:${IMAGE}/json`]: image,
    })
    const facts = await factsFrom('docker', docker.socket)
    assert.ok(typeof facts === 'object')
    assert.deepEqual([facts.image, facts.repository, facts.tag], ['web:1.2', 'web', '1.2'])
    await docker.close()
  })
  test('an image that is gone leaves the name', async () => {
    const docker = await fakeDocker(join(folder, 'no-image'), {
      [`/containers/${A}/json`]: { ...container, Config: { Image: 'nginx' } },
    })
    const facts = await factsFrom('docker', docker.socket)
    assert.ok(typeof facts === 'object')
    assert.deepEqual([facts.repository, facts.tag, facts.digest], ['nginx', 'latest', undefined])
    await docker.close()
  })
  test('Podman behind the socket of Docker says so', async () => {
    const podman = await fakeDocker(
      join(folder, 'podman'),
      { [`/containers/${A}/json`]: container },
      { podman: true },
    )
    const facts = await factsFrom('docker', podman.socket)
    assert.equal(typeof facts === 'object' && facts.type, 'podman')
    await podman.close()
  })
  test('a container it does not know', async () => {
    const docker = await fakeDocker(join(folder, 'unknown'), {})
    assert.equal(await factsFrom('docker', docker.socket), 'unknown')
    await docker.close()
  })
})

describe('CRI', () => {
  const sandbox = {
    name: 'web-0',
    namespace: 'shop',
    uid: 'u-1',
    ip: '10.1.2.3',
    labels: { app: 'web' },
    hostNetwork: true,
  }
  const container = {
    name: 'nginx',
    image: 'docker.io/library/nginx:1.27',
    imageRef: 'docker.io/library/nginx@sha256:dd',
    labels: { 'io.kubernetes.container.name': 'nginx' },
    mounts: [{ host: '/var/lib/x', container: '/x', readonly: true }],
    startedAt: 1_767_225_600_000_000_007n,
    sandbox: B,
    privileged: true,
  }
  for (const version of ['v1', 'v1alpha2'] as const)
    test(`everything it tells, ${version}`, async () => {
      const cri = await fakeCri(join(folder, version), {
        containers: { [A]: container },
        sandboxes: { [B]: sandbox },
        version,
      })
      const facts = await factsFrom('cri', cri.socket)
      const cniJson = '{"Interfaces":{"eth0":{}}}'
      assert.deepEqual(facts, {
        type: 'containerd',
        name: 'nginx',
        image: 'docker.io/library/nginx:1.27',
        imageId: undefined,
        repository: 'docker.io/library/nginx',
        tag: '1.27',
        digest: 'sha256:dd',
        privileged: true,
        hostPid: false,
        hostNetwork: true,
        hostIpc: false,
        mounts: [{ source: '/var/lib/x', dest: '/x', mode: '', writable: false, propagation: 'private' }],
        labels: new Map(Object.entries(container.labels)),
        ip: undefined,
        cniJson,
        started: 1_767_225_600_000_000_007n,
        pod: {
          name: 'web-0',
          namespace: 'shop',
          uid: 'u-1',
          sandboxId: B,
          ip: '10.1.2.3',
          labels: new Map([['app', 'web']]),
          cniJson,
        },
      })
      await cri.close()
    })
  const asked: readonly (readonly [string, string])[] = [
    ['team/web', 'docker.io/team/web:latest'],
    ['nginx:1.27', 'docker.io/library/nginx:1.27'],
    ['localhost/web@sha256:dd', 'localhost/web@sha256:dd'],
    ['registry:5000/web:2', 'registry:5000/web:2'],
    [`sha256:${IMAGE}`, 'docker.io/other/name:1'],
  ]
  for (const [name, image] of asked)
    test(`containerd tells any name of an image: the one asked for is ${name.slice(0, 24)}`, async () => {
      const cri = await fakeCri(join(folder, 'asked'), {
        containers: { [A]: { ...container, image: 'docker.io/other/name:1', asked: name } },
      })
      const facts = await factsFrom('cri', cri.socket)
      assert.equal(typeof facts === 'object' && facts.image, image)
      await cri.close()
    })
  test('a sandbox has its pod', async () => {
    const cri = await fakeCri(join(folder, 'sandbox'), { sandboxes: { [A]: sandbox }, runtime: 'cri-o' })
    const facts = await factsFrom('cri', cri.socket)
    assert.ok(typeof facts === 'object')
    assert.deepEqual(
      [facts.type, facts.name, facts.pod?.name, facts.pod?.sandboxId],
      ['cri-o', undefined, 'web-0', A],
    )
    await cri.close()
  })
  test('a container it does not know', async () => {
    const cri = await fakeCri(join(folder, 'cri-unknown'), {})
    assert.equal(await factsFrom('cri', cri.socket), 'unknown')
    await cri.close()
  })
  test('a runtime without the interface', async () => {
    const cri = await fakeCri(join(folder, 'cri-none'), { version: 'v9' as 'v1' })
    const { source, next, troubles } = open({ sockets: sockets('cri', cri.socket) })
    source.ask(refOf(A))
    assert.equal((await next()).status, 'unknown')
    assert.match(troubles[0]!, /does not serve the container runtime interface/)
    source.close()
    await cri.close()
  })
})

describe('trouble', () => {
  test('a socket that never answers: late, then unknown, and the next in line is asked', async () => {
    const hung = createServer(() => undefined).listen(join(folder, 'hung'))
    const docker = await fakeDocker(join(folder, 'after-hung'), {
      [`/containers/${A}/json`]: { Name: '/web', Config: { Image: 'nginx' } },
    })
    const { source, next, troubles } = open({
      sockets: { docker: [docker.socket], podman: [join(folder, 'hung')], cri: [] },
      waitMs: 20,
      timeoutMs: 60,
    })
    source.ask(refOf(A, 'podman'))
    assert.deepEqual(await next(), { status: 'late', fullId: A })
    assert.equal((await next()).status, 'known')
    assert.match(troubles[0]!, /no answer in time/)
    assert.deepEqual({ ...source.counts }, { asked: 1, known: 1, unknown: 0, late: 1, failed: 1, refused: 0 })
    source.close()
    hung.close()
    await docker.close()
  })
  test('a runtime that failed is asked after those that work', async () => {
    let calls = 0
    const failing = createServer((socket) => {
      calls++
      socket.destroy()
    }).listen(join(folder, 'failing'))
    const known = { Name: '/web', State: { StartedAt: '2026-01-02T03:04:05Z' } }
    const docker = await fakeDocker(join(folder, 'beside'), {
      [`/containers/${A}/json`]: known,
      [`/containers/${B}/json`]: known,
    })
    const { source, next } = open({
      sockets: { docker: [docker.socket], podman: [], cri: [join(folder, 'failing')] },
    })
    for (const id of [A, B]) {
      source.ask(refOf(id))
      assert.equal((await next()).status, 'known')
    }
    assert.deepEqual([calls, source.counts.failed], [1, 1])
    source.close()
    failing.close()
    await docker.close()
  })
  test('a gRPC socket that never answers', async () => {
    const hung = createServer((socket) => socket.on('error', () => undefined)).listen(
      join(folder, 'hung-cri'),
    )
    const { source, next } = open({ sockets: sockets('cri', join(folder, 'hung-cri')), timeoutMs: 60 })
    source.ask(refOf(A))
    assert.equal((await next()).status, 'unknown')
    assert.equal(source.counts.failed, 1)
    source.close()
    hung.close()
  })
  const bad: readonly [string, string][] = [
    ['no JSON', 'hello'],
    ['too much', `"${'x'.repeat(LIMITS.response)}"`],
  ]
  for (const [what, text] of bad)
    test(`an answer that is ${what}`, async () => {
      const docker = await fakeDocker(join(folder, `bad-${what.length}`), { [`/containers/${A}/json`]: text })
      const { source, next, troubles } = open({ sockets: sockets('docker', docker.socket) })
      source.ask(refOf(A))
      assert.equal((await next()).status, 'unknown')
      assert.equal(troubles.length, 1)
      source.close()
      await docker.close()
    })
  const shapes: readonly [string, unknown][] = [
    ['null', null],
    ['a list', [1, 2]],
    ['wrong types', { Name: 7, Config: [], Mounts: { x: 1 }, State: 'x', HostConfig: { PidMode: 3 } }],
    ['names of the prototype', { __proto__: { Name: '/x' }, Config: { Labels: { constructor: 'c' } } }],
  ]
  for (const [what, shape] of shapes)
    test(`an answer that is ${what} says nothing`, async () => {
      const socket = join(folder, `shape-${what.length}`)
      const docker = await fakeDocker(socket, { [`/containers/${A}/json`]: JSON.stringify(shape) })
      const facts = await factsFrom('docker', docker.socket)
      assert.ok(typeof facts === 'object')
      assert.deepEqual(
        [facts.name, facts.image, facts.mounts, facts.hostPid],
        [undefined, undefined, [], undefined],
      )
      await docker.close()
    })
  /** A server that writes what it likes, and what became of a question to it. */
  const hostile = async (
    type: 'docker' | 'cri',
    name: string,
    serve: (socket: Socket) => void,
  ): Promise<string | undefined> => {
    const opened = new Set<Socket>()
    const server = createServer((socket) => {
      opened.add(socket)
      socket.on('error', () => undefined)
      serve(socket)
    }).listen(join(folder, name))
    const { source, next, troubles } = open({ sockets: sockets(type, join(folder, name)), timeoutMs: 200 })
    source.ask(refOf(A))
    assert.equal((await next()).status, 'unknown')
    source.close()
    for (const socket of opened) socket.destroy()
    server.close()
    return troubles[0]
  }
  /** Bytes without end, as fast as they are taken. */
  const endless = (socket: Socket, chunk: string): void => {
    const more = (): void => {
      while (!socket.destroyed && socket.write(chunk));
    }
    socket.on('drain', more)
    more()
  }
  test('an answer without end', async () => {
    const trouble = await hostile('docker', 'endless', (socket) => {
      socket.write('HTTP/1.1 200 OK\r\n\r\n')
      endless(socket, 'x'.repeat(65_536))
    })
    assert.match(trouble!, /longer than/)
  })
  test('an answer that trickles', async () => {
    const trouble = await hostile('docker', 'trickle', (socket) => {
      socket.write('HTTP/1.1 200 OK\r\n\r\n')
      const timer = setInterval(() => socket.write('{'), 10)
      socket.on('close', () => clearInterval(timer))
    })
    assert.match(trouble!, /no answer in time/)
  })
  test('headers without end', async () => {
    const trouble = await hostile('docker', 'headers', (socket) => {
      socket.write('HTTP/1.1 200 OK\r\n')
      endless(socket, `x: ${'y'.repeat(1000)}\r\n`)
    })
    assert.match(trouble!, /Header/)
  })
  test('gRPC: bytes that are no frames', async () => {
    assert.ok(
      await hostile('cri', 'noise', (socket) => endless(socket, 'HTTP/1.1 200 OK\r\n\r\n'.repeat(1000))),
    )
  })
  test('JSON nested without reason', async () => {
    const docker = await fakeDocker(join(folder, 'nested'), {
      [`/containers/${A}/json`]: `{"Name":"/x","Mounts":${'['.repeat(400_000)}${']'.repeat(400_000)}}`,
    })
    const facts = await factsFrom('docker', docker.socket)
    assert.equal(typeof facts === 'object' && facts.name, 'x')
    await docker.close()
  })
  test('long texts and many labels are cut', async () => {
    const labels = Object.fromEntries(Array.from({ length: 1000 }, (_, i) => [`k${i}`, 'v']))
    const docker = await fakeDocker(join(folder, 'long'), {
      [`/containers/${A}/json`]: { Name: `/${'é'.repeat(9000)}`, Config: { Labels: labels } },
    })
    const facts = await factsFrom('docker', docker.socket)
    assert.ok(typeof facts === 'object')
    assert.equal(facts.name, 'é'.repeat(LIMITS.text - 1))
    assert.equal(facts.labels.size, LIMITS.labels)
    await docker.close()
  })
  test('thousands of containers are each asked about once', async () => {
    const ids = Array.from({ length: 1500 }, (_, i) => i.toString(16).padStart(64, '0'))
    const told = { Name: '/x', State: { StartedAt: '2026-01-02T03:04:05Z' } }
    const docker = await fakeDocker(
      join(folder, 'many'),
      Object.fromEntries(ids.map((id) => [`/containers/${id}/json`, told])),
    )
    const { source, next } = open({ sockets: sockets('docker', docker.socket), waitMs: 60_000 })
    for (const id of ids) for (let i = 0; i < 2; i++) assert.ok(source.ask(refOf(id)))
    for (const _ of ids) assert.equal((await next()).status, 'known')
    source.close()
    assert.equal(docker.asked.length, ids.length)
    assert.deepEqual([source.counts.asked, source.counts.refused], [ids.length, 0])
    await docker.close()
  })
  test('a file where a socket should be', async () => {
    const file = join(folder, 'file')
    writeFileSync(file, '')
    assert.equal(await factsFrom('docker', file), 'unknown')
    assert.equal(await factsFrom('cri', file), 'unknown')
  })
  test('without a socket nobody is asked', () => {
    const { source } = open({ sockets: sockets('docker', join(folder, 'nothing')) })
    assert.equal(source.ask(refOf(A)), false)
    assert.equal(source.counts.unknown, 1)
    source.close()
  })
  test('a container with a name is nobody’s to know', () => {
    const { source } = open({})
    assert.equal(source.ask(refOf('../../x')), false)
    source.close()
  })
  test('more containers at once than can be asked about', () => {
    const { source } = open({ sockets: sockets('docker', folder) })
    for (let i = 0; i < 4200; i++) source.ask(refOf(i.toString(16).padStart(64, '0')))
    assert.equal(source.counts.refused, 4200 - 4096)
    source.close()
  })
  test('nothing comes after the end', async () => {
    const docker = await fakeDocker(join(folder, 'end'), {}, { delayMs: 30 })
    const { source, answers } = open({ sockets: sockets('docker', docker.socket) })
    source.ask(refOf(A))
    source.close()
    await new Promise((resolve) => setTimeout(resolve, 60))
    assert.deepEqual(answers, [])
    assert.equal(source.ask(refOf(B)), false)
    await docker.close()
  })
  test('sockets lie below the root of the host', async () => {
    const docker = await fakeDocker(join(folder, 'rooted'), { [`/containers/${A}/json`]: { Name: '/x' } })
    const { source, next } = open({ sockets: sockets('docker', '/rooted'), hostRoot: folder })
    source.ask(refOf(A))
    assert.equal((await next()).status, 'known')
    source.close()
    await docker.close()
  })
  test('what nobody knew is asked about again', async () => {
    const known: Record<string, object> = {}
    const docker = await fakeDocker(join(folder, 'again'), known)
    const { source, next } = open({ sockets: sockets('docker', docker.socket) })
    source.ask(refOf(A))
    assert.equal((await next()).status, 'unknown')
    known[`/containers/${A}/json`] = { Name: '/x', State: { StartedAt: '2026-01-02T03:04:05Z' } }
    const waiting = setTimeout(() => undefined, 10_000)
    assert.equal((await next()).status, 'known')
    clearTimeout(waiting)
    source.close()
    await docker.close()
  })
})

describe('names of images', () => {
  const cases: readonly [string, Partial<ImageName>][] = [
    ['nginx', { repository: 'nginx' }],
    ['nginx:1', { repository: 'nginx', tag: '1' }],
    ['localhost:5000/a/b', { repository: 'localhost:5000/a/b' }],
    ['localhost:5000/a/b:t', { repository: 'localhost:5000/a/b', tag: 't' }],
    ['a/b@sha256:cc', { repository: 'a/b', digest: 'sha256:cc' }],
    ['a/b:t@sha256:cc', { repository: 'a/b', tag: 't', digest: 'sha256:cc' }],
    [`sha256:${A}`, {}],
    [A, {}],
  ]
  for (const [image, parts] of cases)
    test(image, () =>
      assert.deepEqual(splitImage(image), {
        repository: undefined,
        tag: undefined,
        digest: undefined,
        ...parts,
      }),
    )
})

test('times', () => {
  assert.equal(timeOf('1970-01-01T00:00:01.5+00:00'), 1_500_000_000n)
  for (const never of ['0001-01-01T00:00:00Z', '', 'soon', undefined]) assert.equal(timeOf(never), undefined)
})

describe('protobuf', () => {
  test('what is written is read', () => {
    const message = new Message(
      Buffer.concat([bytesField(1, 'one'), numberField(2, 300), numberField(3, -1n), bytesField(1, 'two')]),
    )
    assert.deepEqual([message.text(1), message.number(2), message.int64(3)], ['two', 300, -1n])
    assert.deepEqual([message.text(9), message.number(9), message.bool(9)], [undefined, 0, false])
  })
  test('a message of too many fields is refused', () =>
    assert.throws(() => new Message(new Uint8Array(100_000)), ProtobufError))
  test('any bytes are read or refused', () => {
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 64 }), (bytes) => {
        try {
          const message = new Message(bytes)
          message.messages(1, 4)
          message.map(2, 4)
        } catch (error) {
          assert.ok(error instanceof ProtobufError)
        }
      }),
    )
  })
})
