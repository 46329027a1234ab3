/** What a container runtime is to the source: somebody who may know a container. */
import type { ContainerFacts } from '../../decode/answers.ts'

export interface Runtime {
  /** For messages and for the choice whom to ask first. */
  readonly type: 'docker' | 'podman' | 'cri'
  readonly socket: string
  /**
   * What it knows of a container, undefined when it does not know it. Rejects with RuntimeError, or whatever the socket
   * has to say, when it cannot be asked. The signal ends everything at once.
   */
  inspect(fullId: string, signal: AbortSignal): Promise<ContainerFacts | undefined>
}

/** A runtime answered, and not as it should. */
export class RuntimeError extends Error {
  override readonly name = 'RuntimeError'
}

/** Limits of one answer: a runtime that is broken, or is none, must cost neither memory nor time. */
export const LIMITS = {
  /** Bytes of a response. */
  response: 1 << 20,
  /** Characters of one text. */
  text: 4096,
  labels: 256,
  mounts: 256,
} as const

type Json = null | boolean | number | string | readonly Json[] | { readonly [key: string]: Json }

/** Parse JSON. Throws RuntimeError. */
export function parseJson(text: string): Json {
  try {
    return JSON.parse(text) as Json
  } catch {
    throw new RuntimeError('the answer is not JSON')
  }
}

/** What stands under a path of keys, undefined where there is none. */
export function at(value: Json | undefined, ...keys: readonly string[]): Json | undefined {
  let here = value
  for (const key of keys) {
    if (typeof here !== 'object' || here === null || Array.isArray(here) || !Object.hasOwn(here, key))
      return undefined
    here = (here as { readonly [key: string]: Json })[key]
  }
  return here
}

/** The beginning of a text, as one of its own: a part of a long one would keep all of it in memory. */
export const bounded = (text: string): string =>
  text.length <= LIMITS.text ? text : Buffer.from(text.slice(0, LIMITS.text), 'utf16le').toString('utf16le')

/** Text that is there: an empty one means nothing in these protocols. */
export const textIn = (value: Json | undefined): string | undefined =>
  typeof value === 'string' && value !== '' ? bounded(value) : undefined

export const flagIn = (value: Json | undefined): boolean | undefined =>
  typeof value === 'boolean' ? value : undefined

export const listIn = (value: Json | undefined): readonly Json[] => (Array.isArray(value) ? value : [])

/** A map of texts, as labels are. */
export function labelsIn(value: Json | undefined): ReadonlyMap<string, string> {
  const labels = new Map<string, string>()
  if (typeof value !== 'object' || value === null || Array.isArray(value)) return labels
  for (const [name, label] of Object.entries(value)) {
    if (labels.size >= LIMITS.labels) break
    if (typeof label === 'string') labels.set(bounded(name), bounded(label))
  }
  return labels
}

/** Labels that the kubelet gives every container of a pod. */
export const POD_LABELS = {
  name: 'io.kubernetes.pod.name',
  namespace: 'io.kubernetes.pod.namespace',
  uid: 'io.kubernetes.pod.uid',
  sandbox: 'io.kubernetes.sandbox.id',
} as const

export interface ImageName {
  readonly repository: string | undefined
  readonly tag: string | undefined
  readonly digest: string | undefined
}

/** `[host[:port]/]path[:tag][@digest]` in its parts. An id is no name. */
export function splitImage(image: string): ImageName {
  if (isImageId(image)) return { repository: undefined, tag: undefined, digest: undefined }
  const at = image.indexOf('@')
  const name = at < 0 ? image : image.slice(0, at)
  const digest = at < 0 ? undefined : image.slice(at + 1)
  const colon = name.lastIndexOf(':')
  // A colon before the last slash belongs to the port of the host.
  const tagged = colon > name.lastIndexOf('/')
  return {
    repository: tagged ? name.slice(0, colon) : name,
    tag: tagged ? name.slice(colon + 1) : undefined,
    digest,
  }
}

export const isImageId = (image: string): boolean => /^(?:sha256:)?[0-9a-f]{64}$/.test(image)

/** An image id without the name of its hash. */
export const bareId = (id: string | undefined): string | undefined => id?.replace(/^sha256:/, '')
