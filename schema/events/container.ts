import { atTracepoint, defineFamily, str, u64 } from '../dsl.ts'

/** Containers begin and end: what the names of cgroups say of them. Made by the agent, of events about cgroups and processes. */
export const container = defineFamily({
  name: 'container',
  object: 'process/cgroup',
  doc: 'A container begins, ends, or was there before the agent',
  ring: 'bulk',
  sets: ['process'],
  events: [
    {
      name: 'container_create',
      id: 103,
      doc: 'A container was made: the first cgroup with its id.',
      programs: [atTracepoint('cgroup_mkdir')],
    },
    {
      name: 'container_remove',
      id: 104,
      doc: 'A container is going: the first of its cgroups was removed.',
      programs: [atTracepoint('cgroup_rmdir')],
    },
    {
      name: 'existing_container',
      id: 105,
      doc: 'A container that had processes when the agent started; one event each.',
      // Besides the snapshot of processes, which is always taken.
      programs: [atTracepoint('cgroup_mkdir')],
    },
  ],
  fields: {
    runtime: str('runtime by the name of the cgroup, empty when several give such names', { max: 32 }),
    container_id: str('whole id of the container', { max: 256 }),
    ctime: u64(
      'when it was made; of one that was there before, when its first process began, 0 if that is not known',
      {
        format: 'time',
      },
    ),
  },
  limits:
    'Known by names of cgroups alone (docs/containers.md). A container without processes when the agent starts is met when it gets one, and has no event. At most 4,096 containers are told apart.',
})
