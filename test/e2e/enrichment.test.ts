/**
 * What the agent asks others for: container runtimes and a resolver of the test's own, on sockets in its folder and on
 * loopback. A cgroup with the name of a container makes a process one.
 */
import assert from 'node:assert/strict'
import { spawn } from 'node:child_process'
import { randomBytes } from 'node:crypto'
import { once } from 'node:events'
import { mkdirSync, readFileSync, rmdirSync, writeFileSync } from 'node:fs'
import { connect, createServer } from 'node:net'
import { join } from 'node:path'
import { after, before, suite, test } from 'node:test'
import { setTimeout as sleep } from 'node:timers/promises'
import { testResolver } from '../../src/testing/resolver.ts'
import { fakeCri, fakeDocker } from '../../src/testing/runtimes.ts'
import { marker, NEEDS_ROOT, openFolder, type Running, startAgent, writeRules } from './support/agent.ts'

/** containers.wait_ms: a runtime of this test answers sooner even on a busy machine. */
const WAIT_MS = 3000

const id = (): string => randomBytes(32).toString('hex')

/** Where cgroups of this machine are. */
function hierarchy(): string | undefined {
  const mounts = readFileSync('/proc/mounts', 'utf8')
  return /^\S+ (\S+) cgroup2 /m.exec(mounts)?.[1] ?? /^\S+ (\S+) cgroup \S*\bmemory\b/m.exec(mounts)?.[1]
}

suite('asking others', { skip: NEEDS_ROOT }, () => {
  const folder = NEEDS_ROOT ? '' : openFolder('enrich')
  const word = marker()
  const file = join(folder, word)
  const above = join(hierarchy() ?? folder, `tarsier-enrich-${process.pid}`)
  const cgroups: string[] = []
  const closers: (() => unknown)[] = []
  const ids = { good: id(), bad: id(), pod: id(), sandbox: id(), hung: id(), unknown: id() }
  let agent: Running

  /** A new process enters the cgroup of a container and reads the file at once. */
  const readIn = async (scope: string): Promise<void> => {
    const cgroup = join(above, scope)
    mkdirSync(cgroup)
    cgroups.push(cgroup)
    const child = spawn('/bin/sh', ['-c', `echo $$ > ${cgroup}/cgroup.procs && exec cat ${file}`], {
      stdio: 'ignore',
    })
    const [code] = await once(child, 'exit')
    assert.equal(code, 0)
  }
  /** Wait until the agent has said something about the container. */
  const heard = (id: string): Promise<boolean> =>
    agent.until(() => agent.lines.some((line) => line.includes(id.slice(0, 12))), WAIT_MS * 10)
  const readAndHear = async (id: string, scope: string): Promise<void> => {
    await readIn(scope)
    await heard(id)
  }
  interface Said {
    readonly output_fields: Readonly<Record<string, unknown>>
  }
  const fieldsOf = async (act: () => Promise<void>): Promise<readonly Said['output_fields'][]> => {
    const lines = await agent.alerts(word, act)
    return lines.map((line) => {
      // When it was is no matter here.
      const { 'evt.time': _, ...fields } = (JSON.parse(line) as Said).output_fields
      return fields
    })
  }

  before(async () => {
    writeFileSync(file, 'x')
    mkdirSync(above)
    const containerOf = (name: string, image: string): object => ({
      Name: `/${name}`,
      Config: { Image: image },
      HostConfig: { Privileged: true },
      Mounts: [{ Source: '/etc', Destination: '/host', Mode: '', RW: true, Propagation: 'rprivate' }],
      State: { StartedAt: '2026-01-02T03:04:05Z' },
    })
    const docker = await fakeDocker(
      join(folder, 'docker.sock'),
      {
        [`/containers/${ids.good}/json`]: containerOf('quiet', 'team/good:1'),
        [`/containers/${ids.bad}/json`]: containerOf('loud', 'team/bad:2'),
      },
      { delayMs: 60 },
    )
    const cri = await fakeCri(join(folder, 'cri.sock'), {
      containers: {
        [ids.pod]: {
          name: 'app',
          image: 'team/app:3',
          sandbox: ids.sandbox,
          startedAt: 1_767_225_600_000_000_000n,
        },
      },
      sandboxes: {
        [ids.sandbox]: { name: 'app-0', namespace: 'shop', uid: 'u', ip: '10.1.1.1', labels: { app: 'x' } },
      },
    })
    const hung = createServer((socket) => socket.on('error', () => undefined)).listen(
      join(folder, 'podman.sock'),
    )
    const dns = await testResolver({ 'friend.test': ['127.0.0.77'], 'other.test': ['127.0.0.78', '::1'] })
    closers.push(docker.close, cri.close, () => hung.close(), dns.close)
    const rules = writeRules(
      folder,
      {
        rule: 'Read in a container',
        condition: `evt.type in (open, openat) and fd.name contains ${word} and container.id != host and proc.name = cat and not container.image.repository in (team/good)`,
        output:
          'at %fd.name id=%container.id name=%container.name image=%container.image.repository tag=%container.image.tag privileged=%container.privileged mount=%container.mount.dest[/etc] pod=%k8s.pod.name ns=%k8s.ns.name label=%k8s.pod.label[app] ip=%container.ip type=%container.type start=%container.start_ts',
      },
      {
        rule: 'The last act',
        condition: `evt.type in (open, openat) and fd.name contains ${word}-last`,
        output: '%fd.name',
      },
      {
        rule: 'Connects elsewhere',
        condition: `evt.type = connect and proc.pid = ${process.pid} and fd.snet in (127.0.0.64/26) and not fd.sip.name in (friend.test, missing.test)`,
        output: `${word} %fd.sip %fd.sip.name`,
      },
      {
        rule: 'Connects to other',
        condition: `evt.type = connect and proc.pid = ${process.pid} and fd.sip.name = other.test`,
        output: `${word} %fd.sip %fd.sip.name %fd.sproto`,
      },
    )
    agent = await startAgent({
      rules: [rules],
      set: [
        'json_output=true',
        `containers.docker_sockets=${docker.socket}`,
        `containers.podman_sockets=${join(folder, 'podman.sock')}`,
        `containers.cri_sockets=${cri.socket}`,
        `containers.wait_ms=${WAIT_MS}`,
        'containers.timeout_ms=5000',
        `names.servers=${dns.server}`,
      ],
    })
  })
  after(async () => {
    await agent?.stop()
    for (const close of closers) await close()
    for (const cgroup of cgroups) rmdirSync(cgroup)
    rmdirSync(above)
  })

  test('an image that is excepted stays silent, though its runtime answers late', async () => {
    // By then the runtime has answered, or the agent has given up.
    const readAndWait = async (): Promise<void> => {
      await readIn(`docker-${ids.good}.scope`)
      await sleep(WAIT_MS * 1.5)
    }
    assert.deepEqual(await fieldsOf(readAndWait), [])
  })
  test('another image is reported with what Docker tells', async () => {
    const [fields, ...more] = await fieldsOf(() => readAndHear(ids.bad, `docker-${ids.bad}.scope`))
    assert.deepEqual(more, [])
    assert.deepEqual(fields, {
      'fd.name': file,
      'container.id': ids.bad.slice(0, 12),
      'container.name': 'loud',
      'container.image.repository': 'team/bad',
      'container.image.tag': '2',
      'container.privileged': true,
      'container.mount.dest[/etc]': '/host',
      'k8s.pod.name': null,
      'k8s.ns.name': null,
      'k8s.pod.label[app]': null,
      'container.ip': null,
      'container.type': 'docker',
      'container.start_ts': Date.parse('2026-01-02T03:04:05Z') * 1_000_000,
    })
  })
  test('a pod is reported with what the container runtime interface tells', async () => {
    const [fields] = await fieldsOf(() => readAndHear(ids.pod, `cri-containerd-${ids.pod}.scope`))
    assert.equal(fields?.['container.name'], 'app')
    assert.equal(fields['k8s.pod.name'], 'app-0')
    assert.equal(fields['k8s.ns.name'], 'shop')
    assert.equal(fields['k8s.pod.label[app]'], 'x')
    assert.equal(fields['container.ip'], '10.1.1.1')
  })
  test('a runtime that hangs costs the time to wait and a mark', async () => {
    const [fields] = await fieldsOf(() => readAndHear(ids.hung, `libpod-${ids.hung}.scope`))
    assert.equal(fields?.['container_pending'], true)
    assert.equal(fields['container.id'], ids.hung.slice(0, 12))
    assert.equal(fields['container.name'], null)
  })

  test('a process that is moved and executes nothing is seen where it is', async () => {
    const cgroup = join(above, `docker-${ids.unknown}.scope`)
    mkdirSync(cgroup)
    cgroups.push(cgroup)
    // Opens without executing: the first ones come before the answer.
    const opens = `let i; for (i = 0; i < 40; i++) { fs.closeSync(fs.openSync(${JSON.stringify(file)})); Atomics.wait(cell, 0, 0, 10) }`
    const text = `const fs = require('fs'); const cell = new Int32Array(new SharedArrayBuffer(4)); process.title = 'cat'; fs.writeFileSync(${JSON.stringify(join(cgroup, 'cgroup.procs'))}, String(process.pid)); ${opens}`
    const fields = await fieldsOf(async () => {
      await once(spawn(process.execPath, ['-e', text], { stdio: 'ignore' }), 'exit')
      await heard(ids.unknown)
    })
    assert.ok(fields.length > 0)
    for (const one of fields) assert.equal(one['container.id'], ids.unknown.slice(0, 12))
  })

  const connectTo = async (host: string): Promise<void> => {
    const socket = connect({ host, port: 443 })
    await once(socket, 'error')
  }
  test('an address with a name that the rule allows stays silent', async () => {
    assert.deepEqual(await fieldsOf(() => connectTo('127.0.0.77')), [])
  })
  test('another address is reported, by its name where a rule has it', async () => {
    const [fields] = await fieldsOf(() => connectTo('127.0.0.79'))
    assert.deepEqual(fields, { 'fd.sip': '127.0.0.79', 'fd.sip.name': null })
    assert.equal((await fieldsOf(() => connectTo('127.0.0.78')))[0]?.['fd.sip.name'], 'other.test')
  })
})
