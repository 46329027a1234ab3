/** Docker and containerd, real ones: shells are run in their containers, and the agent says whose they are. */
import assert from 'node:assert/strict'
import { readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { after, before, suite, test } from 'node:test'
import {
  marker,
  NEEDS_ROOT,
  openFolder,
  ROOT,
  type Running,
  startAgent,
  writeRules,
} from './support/agent.ts'
import { Engines, NEEDS_ENGINES, type Pod } from './support/engines.ts'

const WAIT_MS = 5000
const IMAGE = 'team/shell'
const FIELDS = [
  ...['id', 'full_id', 'type', 'name', 'image', 'image.id', 'image.repository', 'image.tag', 'privileged'],
  ...['host_network', 'label[team]', 'mount.dest[/etc/hostname]', 'mount.rdwr[/etc/hostname]'],
].map((name) => `container.${name}`)
const POD_FIELDS = ['pod.name', 'ns.name', 'pod.uid', 'pod.sandbox_id', 'pod.label[app]'].map(
  (name) => `k8s.${name}`,
)

suite('containers of Docker and containerd', { skip: NEEDS_ROOT || NEEDS_ENGINES }, () => {
  const folder = NEEDS_ROOT || NEEDS_ENGINES ? '' : openFolder('engines')
  const word = marker()
  const pod: Pod = {
    name: `cart-${word}`,
    namespace: 'shop',
    uid: '0b1c2d3e-0000-4000-8000-000000000001',
    labels: { app: 'cart' },
    container: {
      name: 'web',
      image: `${IMAGE}:1`,
      command: ['sleep', '600'],
      labels: { team: 'shop' },
      mount: ['/etc/hostname', '/shared'],
    },
  }
  let engines: Engines
  let agent: Running
  let id: string
  let inPod: { readonly sandbox: string; readonly container: string }

  before(async () => {
    engines = new Engines(folder)
    await engines.start()
    // The container's image has another name, too.
    await engines.load(['team/pause:1', `${IMAGE}:1`])
    const entrypoint = join(folder, 'entrypoint.yaml')
    writeFileSync(
      entrypoint,
      '[{ "macro": "container_entrypoint", "condition": "or proc.pname = containerd-shim", "append": true }]',
    )
    const opens = `evt.type in (open, openat) and fd.name contains ${word}`
    const rules = writeRules(
      folder,
      { rule: 'The last act', condition: `${opens}-last`, output: '%fd.name' },
      {
        rule: 'What is known of a container',
        condition: `${opens}-tell and container.id != host`,
        output: `${word} known ${[...FIELDS, ...POD_FIELDS].map((name) => `%${name}`).join(' ')}`,
      },
    )
    agent = await startAgent({
      rules: [join(ROOT, 'test/falco/old-rules.yaml'), entrypoint, rules],
      set: [
        'rule_matching=all',
        'time_format_iso_8601=true',
        'json_output=false',
        `containers.docker_sockets=${engines.docker}`,
        'containers.podman_sockets=',
        `containers.cri_sockets=${engines.containerd}`,
        `containers.wait_ms=${WAIT_MS}`,
      ],
    })
    const mount = ['--label', 'team=shop', '--volume', '/etc/hostname:/shared:ro']
    id = await engines.run(`web-${word}`, mount, `${IMAGE}:1`, 'sleep', '600')
    inPod = await engines.runPod(pod)
  })
  after(async () => {
    await agent?.stop()
    await engines?.close()
  })

  /** The only line with a text that an act leads to, from the text on. */
  const line = async (text: string, act: () => Promise<unknown>): Promise<string> => {
    const before = agent.lines.length
    await act()
    const found = (): readonly string[] => agent.lines.slice(before).filter((one) => one.includes(text))
    await agent.until(() => found().length > 0, WAIT_MS * 4)
    const [only = '', ...more] = found()
    assert.deepEqual(more, [])
    return only.slice(only.indexOf(text))
  }
  const SPAWNED = 'A shell was spawned in a container with an attached terminal'
  const spawned = (name: string, id: string, image: string): readonly string[] =>
    // runc may have gone when its child becomes the shell: then that belongs to the shim.
    ['runc', 'containerd-shim'].map(
      (parent) =>
        `${SPAWNED} (user=root user_loginuid=${loginuid()} ${name} (id=${id.slice(0, 12)}) shell=sh parent=${parent} cmdline=sh -c exit 0 terminal=34816 container_id=${id.slice(0, 12)} image=${image})`,
    )
  const known = async (act: () => Promise<unknown>): Promise<Readonly<Record<string, string>>> => {
    const words = (await line(`${word} known`, act)).split(' ').slice(2)
    return Object.fromEntries([...FIELDS, ...POD_FIELDS].map((name, i) => [name, words[i]!]))
  }
  const TELL = ['sh', '-c', `echo > /tmp/${word}-tell`] as const

  test('docker exec -ti prints the line that it always printed', async () => {
    const told = await line(SPAWNED, () => engines.exec(id, 'sh', '-c', 'exit 0'))
    assert.ok(spawned(`web-${word}`, id, IMAGE).includes(told), told)
  })

  test('a shell in the container of a pod prints it, too', async () => {
    const told = await line(SPAWNED, () => engines.execInPod(inPod.container, 'sh', '-c', 'exit 0'))
    assert.ok(spawned('web', inPod.container, `docker.io/${IMAGE}`).includes(told), told)
  })

  test('everything known of a container is what Docker itself prints', async () => {
    const told = await known(() => engines.command('exec', id, ...TELL))
    const [said] = JSON.parse(await engines.command('inspect', id)) as readonly {
      readonly Id: string
      readonly Name: string
      readonly Image: string
      readonly Config: { readonly Image: string; readonly Labels: Readonly<Record<string, string>> }
      readonly HostConfig: { readonly Privileged: boolean; readonly NetworkMode: string }
      readonly Mounts: readonly { readonly Destination: string; readonly RW: boolean }[]
    }[]
    const { Id, Name, Image, Config, HostConfig, Mounts } = said!
    assert.equal(Id, id)
    assert.deepEqual(told, {
      'container.id': Id.slice(0, 12),
      'container.full_id': Id,
      'container.type': 'docker',
      'container.name': Name.slice(1),
      'container.image': Config.Image,
      'container.image.id': Image.slice('sha256:'.length, 'sha256:'.length + 12),
      'container.image.repository': IMAGE,
      'container.image.tag': '1',
      'container.privileged': String(HostConfig.Privileged),
      'container.host_network': String(HostConfig.NetworkMode === 'host'),
      'container.label[team]': Config.Labels['team'],
      'container.mount.dest[/etc/hostname]': Mounts[0]!.Destination,
      'container.mount.rdwr[/etc/hostname]': String(Mounts[0]!.RW),
      ...Object.fromEntries(POD_FIELDS.map((name) => [name, '<NA>'])),
    })
  })

  test('everything known of a pod is what the runtime was asked for', async () => {
    const told = await known(() => engines.execInPod(inPod.container, ...TELL))
    const { 'container.image.id': image, ...rest } = told
    assert.match(image!, /^[0-9a-f]{12}$/)
    assert.deepEqual(rest, {
      'container.id': inPod.container.slice(0, 12),
      'container.full_id': inPod.container,
      'container.type': 'containerd',
      'container.name': 'web',
      'container.image': `docker.io/${IMAGE}:1`,
      'container.image.repository': `docker.io/${IMAGE}`,
      'container.image.tag': '1',
      'container.privileged': 'false',
      'container.host_network': 'true',
      'container.label[team]': 'shop',
      'container.mount.dest[/etc/hostname]': '/shared',
      'container.mount.rdwr[/etc/hostname]': 'false',
      'k8s.pod.name': pod.name,
      'k8s.ns.name': 'shop',
      'k8s.pod.uid': pod.uid,
      'k8s.pod.sandbox_id': inPod.sandbox.slice(0, 12),
      'k8s.pod.label[app]': 'cart',
    })
  })
})

/** Audit login uid of this process and so of its children. */
function loginuid(): number {
  const text = Number(readFileSync('/proc/self/loginuid', 'utf8'))
  return text === 0xffffffff ? -1 : text
}
