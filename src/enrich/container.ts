/**
 * Which container a cgroup belongs to, from the cgroup's path alone.
 *
 * Runtimes name a container's cgroup after its id: 64 hexadecimal digits, bare (`/docker/ID`, `/kubepods/.../podUID/ID`)
 * or in a scope or directory of their own (`docker-ID.scope`, `crio-ID.scope`, `cri-containerd-ID.scope`,
 * `libpod-ID.scope/container`, `libpod-payload-ID`, `nerdctl-ID.scope`, `SLICE:cri-containerd:ID`). LXC uses the
 * container's name (`/lxc/NAME`, `/lxc.payload.NAME`). Anything else is the host: a path that merely has two components,
 * such as that of a containerd namespace, proves nothing. The runtimes' monitors (`crio-conmon-ID.scope`) are no
 * containers either.
 */

const ID = '([0-9a-f]{64})'
const COMPONENTS: readonly RegExp[] = [
  new RegExp(`^${ID}$`),
  new RegExp(`^(?:docker|crio|cri-containerd|containerd|nerdctl|libpod|libpod-payload)-${ID}(?:\\.scope)?$`),
  new RegExp(`^[^:]*:(?:cri-containerd|crio|docker|nerdctl|libpod):${ID}$`),
  /^lxc\.payload\.(.+)$/,
]

/** LXC below cgroup v1: the directory `lxc` holds one directory for each container. */
const isLxcParent = (component: string | undefined): boolean => component === 'lxc'

/** Full id of the container that a cgroup path belongs to, by its deepest telling component; undefined for the host. */
export function containerIdOf(cgroupPath: string): string | undefined {
  const components = cgroupPath.split('/')
  for (let i = components.length - 1; i >= 0; i--) {
    const component = components[i]!
    if (component === '') continue
    for (const pattern of COMPONENTS) {
      const id = pattern.exec(component)?.[1]
      if (id !== undefined) return id
    }
    if (isLxcParent(components[i - 1])) return component
  }
  return undefined
}
