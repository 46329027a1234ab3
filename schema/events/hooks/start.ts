import { u32 } from '../../dsl.ts'
import { defineHook } from './hook.ts'

const inode = (what: string) => u32(`inode number of ${what}`)

/** From an iterator over processes that runs once, or from /proc where iterators are refused. */
export const initNamespaces = defineHook({
  name: 'init_namespaces',
  id: 346,
  doc: 'The agent starts: namespaces of process 1, to compare those of others with.',
  sets: [],
  object: 'hooks/namespaces',
  programs: [{ name: 'dump_namespaces', section: 'iter/task' }],
  fields: {
    cgroup: inode('its cgroup namespace'),
    ipc: inode('its ipc namespace'),
    mnt: inode('its mount namespace'),
    net: inode('its network namespace'),
    pid: inode('its pid namespace'),
    pid_for_children: inode('the pid namespace of its children'),
    time: inode('its time namespace'),
    time_for_children: inode('the time namespace of its children'),
    user: inode('its user namespace'),
    uts: inode('its uts namespace'),
  },
  limits:
    'One event when the agent starts, or when somebody first asks for it. Process 1 is that of the pid namespace the agent runs in. 0 for a kind of namespace that this kernel does not have; where iterators are refused and /proc keeps process 1 from the agent everything is 0, and the record is marked as partial.',
})
