/**
 * Docker and Podman: the Engine API, HTTP with JSON over a Unix socket (docs.docker.com/reference/api/engine, "Inspect a
 * container" and "Inspect an image"). Podman serves the same under the same paths and says in its headers that it is Podman.
 */
import type { IncomingMessage } from 'node:http'
import type { ContainerFacts, Mount, PodFacts } from '../../decode/answers.ts'
import {
  at,
  bareId,
  flagIn,
  isImageId,
  LIMITS,
  labelsIn,
  listIn,
  POD_LABELS,
  parseJson,
  type Runtime,
  RuntimeError,
  splitImage,
  textIn,
} from './runtime.ts'

type Json = ReturnType<typeof parseJson>

interface Answer {
  readonly body: Json
  readonly podman: boolean
}

export const dockerRuntime = (socket: string, type: 'docker' | 'podman'): Runtime => ({
  type,
  socket,
  async inspect(fullId, signal) {
    const container = await get(socket, `/containers/${fullId}/json`, signal)
    if (container === undefined) return undefined
    const image = await imageOf(socket, container.body, signal)
    return factsOf(container.body, image, container.podman ? 'podman' : type)
  },
})

/** The image, for its digest, and for its name where the container was started by id. A container outlives its image. */
async function imageOf(socket: string, container: Json, signal: AbortSignal): Promise<Json | undefined> {
  const id = textIn(at(container, 'Image'))
  if (id === undefined || !isImageId(id)) return undefined
  try {
    return (await get(socket, `/images/${id}/json`, signal))?.body
  } catch {
    return undefined
  }
}

/** Undefined for 404. Throws RuntimeError for every other answer that is none. */
async function get(socketPath: string, path: string, signal: AbortSignal): Promise<Answer | undefined> {
  const { request } = await import('node:http')
  const response = await new Promise<IncomingMessage>((resolve, reject) => {
    const call = request(
      { socketPath, path, signal, headers: { host: 'localhost', connection: 'close' } },
      resolve,
    )
    call.on('error', reject)
    call.end()
  })
  const body = await read(response)
  if (response.statusCode === 404) return undefined
  if (response.statusCode !== 200) throw new RuntimeError(`the answer has status ${response.statusCode}`)
  return { body: parseJson(body), podman: response.headers['libpod-api-version'] !== undefined }
}

async function read(response: IncomingMessage): Promise<string> {
  const chunks: Buffer[] = []
  let size = 0
  // Leaving the loop ends the connection.
  for await (const chunk of response as AsyncIterable<Buffer>) {
    size += chunk.length
    if (size > LIMITS.response) throw new RuntimeError(`the answer is longer than ${LIMITS.response} bytes`)
    chunks.push(chunk)
  }
  return Buffer.concat(chunks).toString('utf8')
}

function factsOf(container: Json, image: Json | undefined, type: string): ContainerFacts {
  const labels = labelsIn(at(container, 'Config', 'Labels'))
  const host = (key: string): Json | undefined => at(container, 'HostConfig', key)
  const mode = (key: string): boolean | undefined => {
    const value = host(key)
    return typeof value === 'string' ? value === 'host' : undefined
  }
  return {
    type,
    name: textIn(at(container, 'Name'))?.replace(/^\//, ''),
    ...imageFacts(container, image),
    privileged: flagIn(host('Privileged')),
    hostPid: mode('PidMode'),
    hostNetwork: mode('NetworkMode'),
    hostIpc: mode('IpcMode'),
    mounts: mountsOf(container),
    labels,
    ip: addressOf(container),
    cniJson: undefined,
    started: timeOf(textIn(at(container, 'State', 'StartedAt'))),
    pod: podOf(labels),
  }
}

/** A container started by the id of its image has the first name the image goes by. */
function imageFacts(
  container: Json,
  image: Json | undefined,
): Pick<ContainerFacts, 'image' | 'imageId' | 'repository' | 'tag' | 'digest'> {
  const given = textIn(at(container, 'Config', 'Image'))
  const known = textIn(listIn(at(image, 'RepoTags'))[0])
  const name = given === undefined || isImageId(given) ? (known ?? given) : given
  const { repository, tag, digest } = splitImage(name ?? '')
  const digests = listIn(at(image, 'RepoDigests')).flatMap((item) => textIn(item) ?? [])
  // Of several repositories the image is in, the one that was named.
  const own = digests.find((item) => splitImage(item).repository === repository) ?? digests[0]
  return {
    image: name,
    imageId: bareId(textIn(at(container, 'Image'))),
    repository: repository === '' ? undefined : repository,
    // What Docker means when no tag is given.
    tag: tag ?? (digest === undefined && repository ? 'latest' : undefined),
    digest: digest ?? (own === undefined ? undefined : splitImage(own).digest),
  }
}

const mountsOf = (container: Json): readonly Mount[] =>
  listIn(at(container, 'Mounts'))
    .slice(0, LIMITS.mounts)
    .map((mount) => ({
      source: textIn(at(mount, 'Source')) ?? '',
      dest: textIn(at(mount, 'Destination')) ?? '',
      mode: textIn(at(mount, 'Mode')) ?? '',
      writable: flagIn(at(mount, 'RW')) ?? false,
      propagation: textIn(at(mount, 'Propagation')) ?? '',
    }))

function addressOf(container: Json): string | undefined {
  const own = textIn(at(container, 'NetworkSettings', 'IPAddress'))
  if (own !== undefined) return own
  const networks = at(container, 'NetworkSettings', 'Networks')
  if (typeof networks !== 'object' || networks === null) return undefined
  for (const network of Object.values(networks)) {
    const address = textIn(at(network as Json, 'IPAddress'))
    if (address !== undefined) return address
  }
  return undefined
}

function podOf(labels: ReadonlyMap<string, string>): PodFacts | undefined {
  const name = labels.get(POD_LABELS.name)
  if (name === undefined) return undefined
  return {
    name,
    namespace: labels.get(POD_LABELS.namespace),
    uid: labels.get(POD_LABELS.uid),
    sandboxId: labels.get(POD_LABELS.sandbox),
    ip: undefined,
    labels,
    cniJson: undefined,
  }
}

const TIME = /^(\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d)(?:\.(\d{1,9}))?(Z|[+-]\d\d:\d\d)$/

/** RFC 3339 in ns since the epoch; undefined for the year 1, by which Go says "never". */
export function timeOf(text: string | undefined): bigint | undefined {
  const [, seconds, fraction = '', zone] = TIME.exec(text ?? '') ?? []
  if (seconds === undefined) return undefined
  const ms = Date.parse(`${seconds}${zone}`)
  return Number.isNaN(ms) || ms <= 0 ? undefined : BigInt(ms) * 1_000_000n + BigInt(fraction.padEnd(9, '0'))
}
