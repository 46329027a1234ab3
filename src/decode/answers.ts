/**
 * What comes from outside the kernel: containers and names. Answers are events like any other: they have a place in the
 * order, and state changes by them alone.
 */

/** A container as its cgroup names it. */
export interface ContainerRef {
  /** As rules and tools show it: the first 12 characters of an id of digits, the whole of a name. */
  readonly id: string
  readonly fullId: string
  /** Runtime that gives cgroups names like this, undefined when several do. */
  readonly type: string | undefined
  /** UID of the pod whose cgroup it lies in. */
  readonly podUid: string | undefined
}

export interface Mount {
  readonly source: string
  readonly dest: string
  readonly mode: string
  readonly writable: boolean
  readonly propagation: string
}

/** The pod a container belongs to. */
export interface PodFacts {
  readonly name: string | undefined
  readonly namespace: string | undefined
  readonly uid: string | undefined
  /** Full id of its sandbox. */
  readonly sandboxId: string | undefined
  readonly ip: string | undefined
  readonly labels: ReadonlyMap<string, string>
  /** Result of the network plug-ins as the runtime keeps it, JSON text. */
  readonly cniJson: string | undefined
}

/** What a runtime told about a container. What it did not tell is undefined. */
export interface ContainerFacts {
  /** `docker`, `podman`, `containerd`, `cri-o` or `cri`. */
  readonly type: string
  readonly name: string | undefined
  /** Image as it was asked for: `docker.io/library/nginx:1.27`. */
  readonly image: string | undefined
  readonly imageId: string | undefined
  readonly repository: string | undefined
  readonly tag: string | undefined
  /** `sha256:...` */
  readonly digest: string | undefined
  readonly privileged: boolean | undefined
  readonly hostPid: boolean | undefined
  readonly hostNetwork: boolean | undefined
  readonly hostIpc: boolean | undefined
  readonly mounts: readonly Mount[] | undefined
  readonly labels: ReadonlyMap<string, string>
  readonly ip: string | undefined
  readonly cniJson: string | undefined
  /** Ns since the epoch. */
  readonly started: bigint | undefined
  readonly pod: PodFacts | undefined
}

/** A container of which its runtime told nothing. */
export const UNTOLD: Omit<ContainerFacts, 'type'> = {
  name: undefined,
  image: undefined,
  imageId: undefined,
  repository: undefined,
  tag: undefined,
  digest: undefined,
  privileged: undefined,
  hostPid: undefined,
  hostNetwork: undefined,
  hostIpc: undefined,
  mounts: undefined,
  labels: new Map(),
  ip: undefined,
  cniJson: undefined,
  started: undefined,
  pod: undefined,
}

/**
 * What became of the question about a container: a runtime told, none knows it, or the time that findings wait is over
 * while the question is still open.
 */
export type ContainerAnswer =
  | { readonly status: 'known'; readonly fullId: string; readonly facts: ContainerFacts }
  | { readonly status: 'late' | 'unknown'; readonly fullId: string }

/** Which addresses a name has now. */
export interface NameAnswer {
  /** As rules write it. */
  readonly name: string
  /** Canonical text; none when it has none. */
  readonly addresses: readonly string[]
}

/** A process is in a cgroup nobody has seen a process start in: which one is it? */
export interface CgroupQuestion {
  readonly pid: number
  /** CLOCK_BOOTTIME ns. */
  readonly start: number
  /** Ids as in the header of its events. */
  readonly cgroup: number
  readonly cgroupV1: number
}

/** Where the process is, in all hierarchies. */
export interface CgroupAnswer extends CgroupQuestion {
  readonly paths: readonly string[]
}
