/**
 * The container of the process: its id from the cgroup, everything else from what its runtime told. Until a runtime has
 * answered, and where none does, those are absent.
 */

import type { ContainerFacts } from '../../decode/answers.ts'
import type { SyscallContext } from '../context.ts'
import { namespaceTime } from '../proc/image.ts'
import { field, processField, type SyscallField, textOf } from '../syscall-field.ts'
import { factField, factsOf } from './fact-field.ts'
import { mountFields } from './mounts.ts'

/** What the fields say of a process outside containers. */
const HOST = 'host'

/** Characters of an image id that are shown. */
export const SHORT_ID = 12

const text = (
  name: string,
  doc: string,
  of: (facts: ContainerFacts) => string | undefined,
  examples: readonly string[],
) => factField({ name, type: 'string', doc, examples, of: (facts, ctx) => textOf(ctx, of(facts)) })

const flag = (name: string, doc: string, of: (facts: ContainerFacts) => boolean | undefined) =>
  factField({ name, type: 'bool', doc, of })

const identityFields: readonly SyscallField[] = [
  processField({
    name: 'container.id',
    type: 'string',
    doc: 'First 12 characters of the id of the container, from the cgroup path; the name of an LXC container; `host` outside containers. Absent when the process is unknown.',
    examples: [HOST, '3ad7b26ded6d'],
    of: (process, ctx) => textOf(ctx, process.containerId ?? HOST),
  }),
  processField({
    name: 'container.full_id',
    type: 'string',
    doc: 'Whole id of the container, from the cgroup path; `host` outside containers.',
    examples: [HOST],
    of: (process, ctx) => textOf(ctx, process.container?.fullId ?? HOST),
  }),
  processField({
    name: 'container.type',
    type: 'string',
    needs: 'containers',
    doc: 'Runtime of the container, by what its socket or the name of its cgroup says; `host` outside containers.',
    values: [HOST, 'docker', 'podman', 'containerd', 'cri-o', 'cri', 'lxc', 'libvirt-lxc', 'bpm'],
    of({ container }, ctx) {
      if (container === undefined) return textOf(ctx, HOST)
      return textOf(ctx, ctx.lookup.container(container.fullId)?.type ?? container.type)
    },
  }),
  processField({
    name: 'container.name',
    type: 'string',
    needs: 'containers',
    doc: 'Name of the container; `host` outside containers.',
    examples: [HOST, 'web'],
    of({ container }, ctx) {
      if (container === undefined) return textOf(ctx, HOST)
      // LXC and its like give their containers names instead of ids.
      const named = container.id === container.fullId ? container.id : undefined
      return textOf(ctx, ctx.lookup.container(container.fullId)?.name ?? named)
    },
  }),
]

const imageFields: readonly SyscallField[] = [
  text('container.image', 'Image of the container as it was asked for.', (facts) => facts.image, [
    'docker.io/library/nginx:1.27',
  ]),
  text(
    'container.image.id',
    'First 12 digits of the id of the image.',
    (facts) => facts.imageId?.slice(0, SHORT_ID),
    ['6f7e2741b66b'],
  ),
  text('container.image.repository', 'Image without tag and digest.', (facts) => facts.repository, [
    'docker.io/library/nginx',
  ]),
  text(
    'container.image.tag',
    'Tag of the image; absent when it was asked for by digest.',
    (facts) => facts.tag,
    ['latest'],
  ),
  text('container.image.digest', 'Digest of the image in its repository.', (facts) => facts.digest, [
    'sha256:d9bb…',
  ]),
]

const settingFields: readonly SyscallField[] = [
  flag('container.privileged', 'The container runs privileged.', (facts) => facts.privileged),
  flag('container.host_pid', 'The container shares the process ids of the host.', (facts) => facts.hostPid),
  flag(
    'container.host_network',
    'The container shares the network of the host.',
    (facts) => facts.hostNetwork,
  ),
  flag(
    'container.host_ipc',
    'The container shares System V and POSIX IPC with the host.',
    (facts) => facts.hostIpc,
  ),
  text(
    'container.ip',
    'Address of the container, of its pod where it has one.',
    (facts) => facts.ip ?? facts.pod?.ip,
    ['172.17.0.2'],
  ),
  text(
    'container.cni.json',
    'Result of the network plug-ins for the pod, as its runtime keeps it.',
    (facts) => facts.cniJson,
    [],
  ),
  factField({
    name: 'container.label',
    type: 'string',
    arg: { form: 'key', required: true, doc: 'name of a label' },
    doc: 'A label of the container; absent when it has none of that name.',
    examples: ['container.label[maintainer]'],
    of: (facts, ctx, label) => textOf(ctx, facts.labels.get(label!)),
  }),
  text(
    'container.labels',
    'All labels of the container: `name:value`, separated by commas.',
    (facts) => labelsText(facts.labels),
    ['app:web,tier:front'],
  ),
]

/** Inode number of the initial pid namespace (PROC_PID_INIT_INO in linux/proc_ns.h). */
const HOST_PIDNS = 4_026_531_836

/** Start of the first process of the container's pid namespace, ns since the epoch; undefined where it has that of the host. */
export function firstStarted(ctx: SyscallContext): bigint | undefined {
  const { process } = ctx
  return process?.container === undefined || process.pidns === HOST_PIDNS
    ? undefined
    : namespaceTime(process, ctx)
}

/** When the container was started: what its runtime says, else the start of its first process. */
const started = (ctx: SyscallContext): bigint | undefined => factsOf(ctx)?.started ?? firstStarted(ctx)

const timeFields: readonly SyscallField[] = [
  field({
    name: 'container.start_ts',
    type: 'time',
    cost: 'state',
    needs: 'containers',
    doc: 'When the container was started: by its runtime, else by the first process of its pid namespace.',
    get: started,
  }),
  field({
    name: 'container.duration',
    type: 'duration',
    cost: 'derived',
    needs: 'containers',
    doc: 'Time since container.start_ts.',
    get(ctx) {
      const start = started(ctx)
      return start === undefined ? undefined : ctx.lookup.wallClock(ctx.event.timeNs) - start
    },
  }),
]

/** Labels as one text, in the order of their names. */
export const labelsText = (labels: ReadonlyMap<string, string>): string | undefined =>
  labels.size === 0
    ? undefined
    : [...labels]
        .sort(([a], [b]) => (a < b ? -1 : 1))
        .map(([name, value]) => `${name}:${value}`)
        .join(',')

export const containerFields: readonly SyscallField[] = [
  ...identityFields,
  ...imageFields,
  ...settingFields,
  ...mountFields,
  ...timeFields,
]
