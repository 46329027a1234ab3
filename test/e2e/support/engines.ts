/**
 * containerd and Docker for tests, unpacked by the set-up and never installed. They run in namespaces of their own, so that
 * all they leave behind are cgroups: /run and /etc are theirs, there is no network, and when the first process ends, all do.
 */
import { type ChildProcess, spawn, spawnSync } from 'node:child_process'
import { once } from 'node:events'
import { existsSync, mkdirSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { openGrpc } from '../../../src/sources/containers/grpc.ts'
import { bytesField, Message, numberField } from '../../../src/sources/containers/protobuf.ts'
import { ROOT } from '../../kernel/support/programs.ts'
import { makeArchive, NEEDS_BUSYBOX, removeCgroups } from './images.ts'
import { COMMAND_MS, type Environment, run, runOnTerminal, untilListens } from './run.ts'

const UNPACKED = join(ROOT, 'build/debian/usr')
const PROGRAMS = ['bin/containerd', 'bin/ctr', 'bin/docker', 'sbin/dockerd'].map((name) =>
  join(UNPACKED, name),
)
const FOREIGN = ['runc', 'script', 'tar', 'unshare']

const MISSING = [
  ...FOREIGN.filter((name) => spawnSync(name, ['--version']).error !== undefined),
  ...PROGRAMS.filter((file) => !existsSync(file)),
]

/** Reason to skip tests of these engines, false when they can run. */
export const NEEDS_ENGINES: string | false =
  MISSING.length > 0 ? `needs ${MISSING.join(', ')}` : NEEDS_BUSYBOX

/** Namespace in which the Container Runtime Interface keeps its own. */
const OF_CRI = ['--namespace', 'k8s.io']
const SERVICE = '/runtime.v1.RuntimeService/'
/** NamespaceMode: the namespace of the host. */
const NODE = 2

/** What may be told of a pod and its container. */
export interface Pod {
  readonly name: string
  readonly namespace: string
  readonly uid: string
  readonly labels: Readonly<Record<string, string>>
  readonly container: {
    readonly name: string
    readonly image: string
    readonly command: readonly string[]
    readonly labels: Readonly<Record<string, string>>
    /** A file of the host, and where the container has it to read. */
    readonly mount: readonly [string, string]
  }
}

export class Engines {
  /** Sockets of Docker and of containerd. */
  readonly docker: string
  readonly containerd: string
  readonly #folder: string
  /** Cgroups of all containers are below it. */
  readonly #parent = `tarsier-engines-${process.pid}`
  readonly #env: Environment
  #machine: ChildProcess | undefined
  #said = ''

  /** `folder`: everything lies below it. */
  constructor(folder: string) {
    this.#folder = folder
    this.docker = join(folder, 'docker.sock')
    this.containerd = join(folder, 'containerd.sock')
    const path = [join(UNPACKED, 'bin'), join(UNPACKED, 'sbin'), process.env['PATH'] ?? ''].join(':')
    this.#env = { PATH: path, HOME: folder, DOCKER_HOST: `unix://${this.docker}` }
  }

  /** Start both. */
  async start(): Promise<void> {
    const isolated = ['--mount', '--net', '--pid', '--fork', '--kill-child=SIGKILL', '--mount-proc']
    const machine = spawn('unshare', [...isolated, 'sh', '-ec', this.#script()], {
      env: this.#env,
      stdio: ['ignore', 'ignore', 'pipe'],
    })
    this.#machine = machine
    machine.stderr.setEncoding('utf8').on('data', (text: string) => {
      this.#said = (this.#said + text).slice(-4096)
    })
    for (const socket of [this.containerd, this.docker]) await untilListens(socket, machine, () => this.#said)
  }

  #script(): string {
    const at = (name: string): string => join(this.#folder, name)
    mkdirSync(at('etc'))
    writeFileSync(at('docker.json'), '{}')
    const config = at('containerd.toml')
    writeFileSync(
      config,
      [
        'version = 2',
        `root = "${at('containerd')}"`,
        `state = "${at('containerd-state')}"`,
        `grpc.address = "${this.containerd}"`,
        `[plugins."io.containerd.internal.v1.opt"]`,
        `path = "${at('opt')}"`,
        `[plugins."io.containerd.grpc.v1.cri"]`,
        'sandbox_image = "docker.io/team/pause:1"',
        // A machine may keep root from what the kubelet does for sandboxes.
        'restrict_oom_score_adj = true',
        'containerd.snapshotter = "native"',
        `cni = { bin_dir = "${at('cni')}", conf_dir = "${at('cni')}" }`,
      ].join('\n'),
    )
    const dockerd = [
      ...['dockerd', '--config-file', at('docker.json'), '--host', `unix://${this.docker}`],
      ...['--containerd', this.containerd, '--data-root', at('docker'), '--exec-root', at('docker-state')],
      ...['--pidfile', at('docker.pid'), '--storage-driver', 'vfs', '--log-level', 'error'],
      ...['--bridge', 'none', '--iptables=false', '--ip-forward=false', '--ip-masq=false'],
      ...['--exec-opt', 'native.cgroupdriver=cgroupfs', '--cgroup-parent', `/${this.#parent}/docker`],
    ]
    return [
      `cp /etc/passwd /etc/group /etc/hosts /etc/resolv.conf ${at('etc')}`,
      'mount -t tmpfs -o mode=755 none /run',
      `mount --bind ${at('etc')} /etc`,
      `containerd --config ${config} --log-level error &`,
      `until [ -S ${this.containerd} ]; do sleep 0.05; done`,
      `exec ${dockerd.join(' ')}`,
    ].join('\n')
  }

  /** Give both an image with a shell, under these names. */
  async load(names: readonly string[]): Promise<void> {
    const archive = await makeArchive(this.#folder, names)
    await this.command('load', '--input', archive)
    await this.#ctr('images', 'import', archive)
  }

  /** Run a command of `docker` and take what it prints. */
  command(...args: readonly string[]): Promise<string> {
    return run('docker', args, this.#env)
  }

  /** Start a container of Docker in the background. Returns its id. */
  run(
    name: string,
    options: readonly string[],
    image: string,
    ...command: readonly string[]
  ): Promise<string> {
    return this.command('run', '--detach', '--network', 'none', '--name', name, ...options, image, ...command)
  }

  /** `docker exec -ti`. */
  exec(id: string, ...command: readonly string[]): Promise<void> {
    return runOnTerminal(['docker', 'exec', '-ti', id, ...command], this.#env)
  }

  /** The same in a container of containerd. */
  execInPod(id: string, ...command: readonly string[]): Promise<void> {
    const fifos = ['--fifo-dir', join(this.#folder, 'fifos')]
    const words = ['tasks', 'exec', '--tty', ...fifos, '--exec-id', `exec-${Date.now()}`, id, ...command]
    return runOnTerminal(['ctr', '--address', this.containerd, ...OF_CRI, ...words], this.#env)
  }

  #ctr(...args: readonly string[]): Promise<string> {
    return run('ctr', ['--address', this.containerd, ...OF_CRI, ...args], this.#env)
  }

  /** Start a pod with one container, as the kubelet does. Returns the ids of the sandbox and of the container. */
  async runPod(pod: Pod): Promise<{ readonly sandbox: string; readonly container: string }> {
    const client = await openGrpc(this.containerd, AbortSignal.timeout(COMMAND_MS))
    const call = async (method: string, ...fields: readonly Uint8Array[]): Promise<string> =>
      new Message(await client.call(`${SERVICE}${method}`, Buffer.concat(fields))).text(1) ?? ''
    try {
      const config = sandboxConfig(pod, `/${this.#parent}`, join(this.#folder, 'logs'))
      const sandbox = await call('RunPodSandbox', bytesField(1, config))
      const made = [bytesField(1, sandbox), bytesField(2, containerConfig(pod)), bytesField(3, config)]
      const container = await call('CreateContainer', ...made)
      await call('StartContainer', bytesField(1, container))
      return { sandbox, container }
    } finally {
      client.close()
    }
  }

  /** Ends and removes whatever there is. */
  async close(): Promise<void> {
    if (this.#machine !== undefined && this.#machine.exitCode === null) {
      const ended = once(this.#machine, 'exit')
      this.#machine.kill('SIGKILL')
      await ended
    }
    await removeCgroups(this.#parent)
  }
}

const message = (...fields: readonly Uint8Array[]): Uint8Array => Buffer.concat(fields)

const labels = (field: number, all: Readonly<Record<string, string>>): readonly Uint8Array[] =>
  Object.entries(all).map(([key, value]) =>
    bytesField(field, message(bytesField(1, key), bytesField(2, value))),
  )

/** PodSandboxConfig of kubernetes/cri-api, pkg/apis/runtime/v1/api.proto: in the network of its host. */
function sandboxConfig({ name, namespace, uid, labels: own }: Pod, parent: string, logs: string): Uint8Array {
  const metadata = message(bytesField(1, name), bytesField(2, uid), bytesField(3, namespace))
  const options = bytesField(1, numberField(1, NODE))
  const linux = message(bytesField(1, parent), bytesField(2, options))
  return message(bytesField(1, metadata), bytesField(3, logs), ...labels(6, own), bytesField(8, linux))
}

/** ContainerConfig, there. */
function containerConfig({ container }: Pod): Uint8Array {
  const [from, to] = container.mount
  return message(
    bytesField(1, bytesField(1, container.name)),
    bytesField(2, bytesField(1, container.image)),
    ...container.command.map((word) => bytesField(3, word)),
    bytesField(7, message(bytesField(1, to), bytesField(2, from), numberField(3, 1))),
    ...labels(9, container.labels),
    bytesField(11, `${container.name}.log`),
  )
}
