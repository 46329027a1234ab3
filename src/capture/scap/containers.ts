/** What captures say of containers: JSON that a runtime's answers became. */
import { type ContainerAnswer, UNTOLD } from '../../decode/answers.ts'

/** Runtimes by the number they have there. */
const TYPES: Readonly<Record<number, string>> = {
  0: 'docker',
  1: 'lxc',
  2: 'libvirt-lxc',
  6: 'cri',
  7: 'containerd',
  8: 'cri-o',
  9: 'bpm',
  11: 'podman',
}

type Json = Readonly<Record<string, unknown>>
const isObject = (value: unknown): value is Json => typeof value === 'object' && value !== null

/** Undefined for what does not say which container it is about. */
export function containerAnswer(text: string): ContainerAnswer | undefined {
  let json: unknown
  try {
    json = JSON.parse(text)
  } catch {
    return undefined
  }
  const found = isObject(json) && isObject(json['container']) ? json['container'] : json
  if (!isObject(found)) return undefined
  const word = (key: string): string | undefined => {
    const value = found[key]
    return typeof value === 'string' && value !== '' ? value : undefined
  }
  const flag = (key: string): boolean | undefined =>
    typeof found[key] === 'boolean' ? (found[key] as boolean) : undefined
  const fullId = word('full_id') ?? word('id')
  if (fullId === undefined) return undefined
  return {
    status: 'known',
    fullId,
    facts: {
      ...UNTOLD,
      type: TYPES[Number(found['type'])] ?? 'cri',
      name: word('name'),
      image: word('image'),
      imageId: word('imageid'),
      repository: word('imagerepo'),
      tag: word('imagetag'),
      digest: word('imagedigest'),
      privileged: flag('privileged'),
      hostPid: flag('host_pid'),
      hostNetwork: flag('host_network'),
      hostIpc: flag('host_ipc'),
      ip: word('ip'),
      labels: labelsOf(found['labels']),
    },
  }
}

const labelsOf = (labels: unknown): ReadonlyMap<string, string> =>
  new Map(
    Object.entries(isObject(labels) ? labels : {}).filter(
      (label): label is [string, string] => typeof label[1] === 'string',
    ),
  )
