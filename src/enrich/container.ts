/**
 * Which container a cgroup belongs to, from the cgroup's path alone.
 *
 * Runtimes name a container's cgroup after its id: 64 hexadecimal digits, bare (`/docker/ID`, `/kubepods/.../podUID/ID`)
 * or in a scope or directory of their own (`docker-ID.scope`, `crio-ID.scope`, `cri-containerd-ID.scope`,
 * `libpod-ID.scope/container`, `libpod-payload-ID`, `nerdctl-ID.scope`, `SLICE:cri-containerd:ID`). Names instead of ids
 * have the containers of LXC (`/lxc/NAME`, `/lxc.payload.NAME`), of libvirt (`machine-lxc\x2dPID\x2dNAME.scope`,
 * `NAME.libvirt-lxc`) and of BOSH (`bpm-NAME`). Anything else is the host: a path that merely has two components, such as
 * that of a containerd namespace, proves nothing. The runtimes' monitors (`crio-conmon-ID.scope`) are no containers either.
 */
import type { ContainerRef } from '../decode/answers.ts'

/** Digits of an id that are shown. */
const SHORT_ID = 12

const ID = '([0-9a-f]{64})'

/** Prefixes of a component before the id, and the runtime that writes them. */
const RUNTIMES: Readonly<Record<string, string | undefined>> = {
  docker: 'docker',
  crio: 'cri-o',
  'cri-containerd': 'containerd',
  containerd: 'containerd',
  nerdctl: 'containerd',
  libpod: 'podman',
  'libpod-payload': 'podman',
}
const PREFIX = `(${Object.keys(RUNTIMES).join('|')})`

const BARE = new RegExp(`^${ID}$`)
const SCOPE = new RegExp(`^${PREFIX}-${ID}(?:\\.scope)?$`)
const SLICE = new RegExp(`^[^:]*:${PREFIX}:${ID}$`)

/** Containers with names, and how their component looks. */
const NAMED: readonly { readonly type: string; readonly pattern: RegExp }[] = [
  { type: 'lxc', pattern: /^lxc\.payload\.(.+)$/ },
  // systemd writes `\x2d` for a dash inside a name.
  { type: 'libvirt-lxc', pattern: /^machine-lxc\\x2d\d+\\x2d(.+)\.scope$/ },
  { type: 'libvirt-lxc', pattern: /^(.+)\.libvirt-lxc$/ },
  { type: 'bpm', pattern: /^bpm-(.+?)(?:\.scope)?$/ },
]

/** Directories that hold one directory for each container, which has its name. */
const PARENTS: Readonly<Record<string, string>> = { lxc: 'lxc', docker: 'docker', libpod_parent: 'podman' }

/** The container of a cgroup path, by its deepest telling component; undefined for the host. */
export function containerOf(cgroupPath: string): ContainerRef | undefined {
  const components = cgroupPath.split('/')
  for (let i = components.length - 1; i >= 0; i--) {
    const component = components[i]!
    if (component === '') continue
    const byId = idOf(component)
    if (byId !== undefined) {
      const { id, runtime = parentType(components, i) } = byId
      return { id: id.slice(0, SHORT_ID), fullId: id, type: runtime, podUid: podUidOf(components) }
    }
    const named = nameOf(component, components[i - 1])
    if (named !== undefined)
      return { id: named.name, fullId: named.name, type: named.type, podUid: undefined }
  }
  return undefined
}

function idOf(component: string): { readonly id: string; readonly runtime?: string } | undefined {
  const bare = BARE.exec(component)?.[1]
  if (bare !== undefined) return { id: bare }
  const [, prefix, id] = SCOPE.exec(component) ?? SLICE.exec(component) ?? []
  if (id === undefined) return undefined
  const runtime = RUNTIMES[prefix!]
  return runtime === undefined ? { id } : { id, runtime }
}

function nameOf(
  component: string,
  parent: string | undefined,
): { readonly name: string; readonly type: string } | undefined {
  for (const { type, pattern } of NAMED) {
    const name = pattern.exec(component)?.[1]
    if (name !== undefined) return { name: name.replaceAll('\\x2d', '-'), type }
  }
  return parent === 'lxc' ? { name: component, type: 'lxc' } : undefined
}

/** A bare id tells its runtime only by the directory above. */
const parentType = (components: readonly string[], i: number): string | undefined => {
  const parent = components[i - 1] ?? ''
  return Object.hasOwn(PARENTS, parent) ? PARENTS[parent] : undefined
}

const POD =
  /(?:^|-)pod([0-9a-f]{8}[-_][0-9a-f]{4}[-_][0-9a-f]{4}[-_][0-9a-f]{4}[-_][0-9a-f]{12}|[0-9a-f]{32})(?:\.slice|$)/

/** UID of a pod from a component such as `podUID` or `kubepods-burstable-podUID.slice`, where systemd has `_` for `-`. */
function podUidOf(components: readonly string[]): string | undefined {
  for (let i = components.length - 1; i >= 0; i--) {
    const uid = POD.exec(components[i]!.split(':')[0]!)?.[1]
    if (uid !== undefined) return uid.replaceAll('_', '-')
  }
  return undefined
}
