/**
 * containerd and CRI-O: the Container Runtime Interface of Kubernetes, gRPC over a Unix socket (kubernetes/cri-api,
 * pkg/apis/runtime/v1/api.proto). Only the fields that are read are named here, by their numbers there.
 */
import { type ContainerFacts, type Mount, type PodFacts, UNTOLD } from '../../decode/answers.ts'
import { GRPC, type GrpcClient, GrpcError, openGrpc } from './grpc.ts'
import { bytesField, Message, numberField } from './protobuf.ts'
import {
  at,
  bareId,
  bounded,
  flagIn,
  isImageId,
  LIMITS,
  POD_LABELS,
  parseJson,
  type Runtime,
  splitImage,
  textIn,
} from './runtime.ts'

type Json = ReturnType<typeof parseJson>

/** Both versions of the interface have these messages in the same layout. */
const SERVICES = ['/runtime.v1.RuntimeService/', '/runtime.v1alpha2.RuntimeService/'] as const

/** ContainerStatusRequest, PodSandboxStatusRequest: the id, and whether to tell everything. */
const request = (id: string): Uint8Array => Buffer.concat([bytesField(1, id), numberField(2, 1)])
const RESPONSE = { status: 1, info: 2 } as const
const CONTAINER = {
  metadata: 2,
  createdAt: 4,
  startedAt: 5,
  image: 8,
  imageRef: 9,
  labels: 12,
  mounts: 14,
  imageId: 17,
} as const
const MOUNT = { containerPath: 1, hostPath: 2, readonly: 3, propagation: 5 } as const
const SANDBOX = { metadata: 2, network: 5, linux: 6, labels: 7 } as const
const SANDBOX_METADATA = { name: 1, uid: 2, namespace: 3 } as const
const NAMESPACES = { network: 1, pid: 2, ipc: 3 } as const
/** VersionResponse.runtime_name */
const RUNTIME_NAME = 2
/** NamespaceMode: the namespace of the host. */
const NODE = 2
/** MountPropagation in the words of mount(8). */
const PROPAGATION = ['private', 'rslave', 'rshared'] as const

/** Largest result of the network plug-ins that is kept. */
const CNI_MAX = 16_384

export const criRuntime = (socket: string): Runtime => ({
  type: 'cri',
  socket,
  async inspect(fullId, signal) {
    const client = await openGrpc(socket, signal)
    try {
      return await inspect(client, fullId)
    } finally {
      client.close()
    }
  },
})

async function inspect(client: GrpcClient, id: string): Promise<ContainerFacts | undefined> {
  const service = await serviceOf(client)
  const container = await status(client, `${service.prefix}ContainerStatus`, id)
  if (container === undefined) {
    // The cgroup of a sandbox is named after the sandbox.
    const sandbox = await status(client, `${service.prefix}PodSandboxStatus`, id)
    return sandbox && sandboxFacts(service.type, id, sandbox)
  }
  const sandboxId = textIn(at(container.info, 'sandboxID'))
  const sandbox =
    sandboxId === undefined ? undefined : await status(client, `${service.prefix}PodSandboxStatus`, sandboxId)
  return containerFacts(service.type, container, sandboxId, sandbox)
}

interface Service {
  readonly prefix: string
  readonly type: string
}

/** Which version it speaks, and who it is. */
async function serviceOf(client: GrpcClient): Promise<Service> {
  for (const prefix of SERVICES)
    try {
      const name = new Message(await client.call(`${prefix}Version`, new Uint8Array(0))).text(RUNTIME_NAME)
      return { prefix, type: name === 'containerd' || name === 'cri-o' ? name : 'cri' }
    } catch (error) {
      if (!(error instanceof GrpcError && error.status === GRPC.unimplemented)) throw error
    }
  throw new GrpcError(GRPC.unimplemented, 'it does not serve the container runtime interface')
}

interface Status {
  readonly status: Message
  /** JSON of the runtime's own making. */
  readonly info: Json | undefined
}

/** Undefined when there is nothing of that id. */
async function status(client: GrpcClient, method: string, id: string): Promise<Status | undefined> {
  try {
    const response = new Message(await client.call(method, request(id)))
    const message = response.message(RESPONSE.status)
    if (message === undefined) return undefined
    const info = response.map(RESPONSE.info, LIMITS.labels).get('info')
    return { status: message, info: info === undefined ? undefined : parseJson(info) }
  } catch (error) {
    // CRI-O calls an id it does not know an invalid argument in some versions.
    if (
      error instanceof GrpcError &&
      (error.status === GRPC.notFound || error.status === GRPC.invalidArgument)
    )
      return undefined
    throw error
  }
}

function containerFacts(
  type: string,
  { status: container, info }: Status,
  sandboxId: string | undefined,
  sandbox: Status | undefined,
): ContainerFacts {
  const labels = textsOf(container, CONTAINER.labels)
  const started = container.int64(CONTAINER.startedAt)
  return {
    type,
    name: within(container.message(CONTAINER.metadata)?.text(1)),
    ...imageFacts(type, container, info),
    privileged:
      flagIn(at(info, 'config', 'linux', 'security_context', 'privileged')) ??
      flagIn(at(info, 'privileged')) ??
      // A flag that is false is left out of containerd's JSON.
      (at(info, 'config') === undefined ? undefined : false),
    ...namespacesOf(sandbox),
    mounts: container.messages(CONTAINER.mounts, LIMITS.mounts).map(mountOf),
    labels,
    ip: undefined,
    cniJson: cniOf(sandbox),
    started: started > 0n ? started : undefined,
    pod: podOf(sandboxId, sandbox, labels),
  }
}

/** A sandbox has no image anybody asked for and no mounts of its own. */
const sandboxFacts = (type: string, id: string, sandbox: Status): ContainerFacts => ({
  ...UNTOLD,
  type,
  ...namespacesOf(sandbox),
  labels: textsOf(sandbox.status, SANDBOX.labels),
  cniJson: cniOf(sandbox),
  pod: podOf(id, sandbox, new Map()),
})

const within = (text: string | undefined): string | undefined =>
  text === undefined ? undefined : bounded(text)

const textsOf = (message: Message, field: number): ReadonlyMap<string, string> =>
  new Map([...message.map(field, LIMITS.labels)].map(([name, value]) => [bounded(name), bounded(value)]))

/**
 * What was asked for may be an id, and `image` is any name of that image then; `image_ref` is an id or a name with digest.
 * containerd tells any of the image's names even where one was asked for, so it is asked what that was.
 */
function imageFacts(
  type: string,
  container: Message,
  info: Json | undefined,
): Pick<ContainerFacts, 'image' | 'imageId' | 'repository' | 'tag' | 'digest'> {
  const spec = container.message(CONTAINER.image)
  const ref = within(container.text(CONTAINER.imageRef)) ?? ''
  const asked = ['user_specified_image', 'image'].map((key) => textIn(at(info, 'config', 'image', key)))
  const names = [
    ...(type === 'containerd' ? asked.map((name) => name && qualified(name)) : []),
    ...[spec?.text(18), spec?.text(1), ref],
  ]
  const image = within(names.find((name) => name !== undefined && name !== '' && !isImageId(name)))
  const { repository, tag, digest } = splitImage(image ?? '')
  const ids = [container.text(CONTAINER.imageId), spec?.text(1), ref]
  return {
    image,
    imageId: bareId(ids.find((id) => id !== undefined && isImageId(id))),
    repository: repository === '' ? undefined : repository,
    tag,
    digest: digest ?? splitImage(ref).digest,
  }
}

/** A name as containerd completes it: the first part is a registry if it looks like one, and a tag is not left out. */
function qualified(name: string): string {
  if (isImageId(name)) return name
  const [first = '', ...rest] = name.split('/')
  const hasRegistry = rest.length > 0 && (/[.:]/.test(first) || first === 'localhost')
  const whole = hasRegistry ? name : `docker.io/${rest.length > 0 ? '' : 'library/'}${name}`
  const { tag, digest } = splitImage(whole)
  return tag === undefined && digest === undefined ? `${whole}:latest` : whole
}

function namespacesOf(
  sandbox: Status | undefined,
): Pick<ContainerFacts, 'hostPid' | 'hostNetwork' | 'hostIpc'> {
  // linux.namespaces.options
  const options = sandbox?.status.message(SANDBOX.linux)?.message(1)?.message(2)
  if (options === undefined) return { hostPid: undefined, hostNetwork: undefined, hostIpc: undefined }
  return {
    hostPid: options.number(NAMESPACES.pid) === NODE,
    hostNetwork: options.number(NAMESPACES.network) === NODE,
    hostIpc: options.number(NAMESPACES.ipc) === NODE,
  }
}

const mountOf = (mount: Message): Mount => ({
  source: within(mount.text(MOUNT.hostPath)) ?? '',
  dest: within(mount.text(MOUNT.containerPath)) ?? '',
  mode: '',
  writable: !mount.bool(MOUNT.readonly),
  propagation: PROPAGATION[mount.number(MOUNT.propagation)] ?? '',
})

function cniOf(sandbox: Status | undefined): string | undefined {
  const result = at(sandbox?.info, 'cniResult')
  if (result === undefined || result === null) return undefined
  const text = JSON.stringify(result)
  return text.length > CNI_MAX ? undefined : text
}

/** From the sandbox; without one from the labels that the kubelet gives a container. */
function podOf(
  sandboxId: string | undefined,
  sandbox: Status | undefined,
  labels: ReadonlyMap<string, string>,
): PodFacts | undefined {
  const metadata = sandbox?.status.message(SANDBOX.metadata)
  if (sandboxId === undefined && !labels.has(POD_LABELS.name)) return undefined
  return {
    name: within(metadata?.text(SANDBOX_METADATA.name)) ?? labels.get(POD_LABELS.name),
    namespace: within(metadata?.text(SANDBOX_METADATA.namespace)) ?? labels.get(POD_LABELS.namespace),
    uid: within(metadata?.text(SANDBOX_METADATA.uid)) ?? labels.get(POD_LABELS.uid),
    sandboxId,
    ip: within(sandbox?.status.message(SANDBOX.network)?.text(1)),
    labels: sandbox === undefined ? new Map() : textsOf(sandbox.status, SANDBOX.labels),
    cniJson: cniOf(sandbox),
  }
}
