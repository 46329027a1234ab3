import { atTracepoint, defineFamily, str, u32, u64 } from '../dsl.ts'

const CONTEXT =
  'On hosts with several hierarchies each of them has cgroups of its own, and so events of its own. Paths are those of the initial cgroup namespace, whatever the process sees, and the kernel itself cuts them after 1,023 bytes.'

/** A cgroup was made or removed. */
export const cgroup = defineFamily({
  name: 'cgroup',
  object: 'process/cgroup',
  doc: 'A cgroup was made or removed',
  ring: 'bulk',
  sets: ['process'],
  events: [
    {
      name: 'cgroup_mkdir',
      id: 100,
      doc: 'A cgroup was made: container runtimes make one, or one in each hierarchy, for each container.',
      programs: [atTracepoint('cgroup_mkdir')],
    },
    {
      name: 'cgroup_rmdir',
      id: 101,
      doc: 'A cgroup was removed.',
      programs: [atTracepoint('cgroup_rmdir')],
    },
  ],
  fields: {
    cgroup_id: u64('id of the cgroup, which is the inode number of its directory'),
    cgroup_path: str('path of the cgroup in its hierarchy', { max: 1024 }),
    hierarchy_id: u32('number of the hierarchy as in /proc/cgroups; 0 is that of cgroup v2'),
  },
  limits: CONTEXT,
})

/** A process or thread was moved to another cgroup. */
export const cgroupAttach = defineFamily({
  name: 'cgroup_attach',
  object: 'process/cgroup',
  doc: 'A process was moved to another cgroup',
  ring: 'bulk',
  sets: ['process'],
  events: [
    {
      name: 'cgroup_attach_task',
      id: 102,
      doc: 'A process, or a single thread, was moved to another cgroup.',
      programs: [atTracepoint('cgroup_attach_task')],
    },
  ],
  fields: {
    cgroup_path: str('path of the cgroup it is in now', { max: 1024 }),
    comm: str('name of what was moved', { max: 16 }),
    pid: u32('thread that was moved, the main one when it was a process; initial namespace'),
    threadgroup: u32('1 when the whole process was moved, 0 for a single thread'),
    hierarchy_id: u32('number of the hierarchy as in /proc/cgroups; 0 is that of cgroup v2'),
  },
  limits: `The process of the event is the one that moves. A child that begins in a cgroup was not moved. ${CONTEXT}`,
})
