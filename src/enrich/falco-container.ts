/** Containers as Falco finds them, which is more often than there are any. */
import type { ContainerRef } from '../decode/answers.ts'
import { containerOf } from './container.ts'

/** The length of a name that Falco takes for the id of a containerd container, whatever its characters. */
const NAMESPACED = /^\/[^/]+\/([^/]{32})$/

/** Beside real containers, any cgroup whose path is two components with a second one of 32 characters. */
export function containerAsFalco(cgroupPath: string): ContainerRef | undefined {
  const found = containerOf(cgroupPath)
  if (found !== undefined) return found
  const name = NAMESPACED.exec(cgroupPath)?.[1]
  return name === undefined
    ? undefined
    : { id: name.slice(0, 12), fullId: name, type: 'containerd', podUid: undefined }
}
