/** Which programs, maps and links of BPF a process holds, and whether the kernel still has them (bpf(2)). */
import { readdirSync, readFileSync } from 'node:fs'
import koffi from 'koffi'

export type Kind = 'prog' | 'map' | 'link'
export interface KernelObject {
  readonly kind: Kind
  readonly id: number
}

/** What the descriptors of a process stand for, from /proc/PID/fdinfo. */
export function objectsOf(pid: number): KernelObject[] {
  const found: KernelObject[] = []
  for (const fd of readdirSync(`/proc/${pid}/fdinfo`)) {
    const text = readInfo(`/proc/${pid}/fdinfo/${fd}`)
    // A link's entry has the id of its program, too.
    const kind = /^link_id:/m.test(text) ? 'link' : /^map_id:/m.test(text) ? 'map' : 'prog'
    const id = new RegExp(`^${kind}_id:\\s*(\\d+)`, 'm').exec(text)?.[1]
    if (id !== undefined) found.push({ kind, id: Number(id) })
  }
  return found
}

function readInfo(file: string): string {
  try {
    return readFileSync(file, 'utf8')
  } catch {
    return ''
  }
}

/** Objects out of these that the kernel still has. */
export function alive(objects: readonly KernelObject[]): KernelObject[] {
  const libbpf = koffi.load('libbpf.so.1')
  const libc = koffi.load(null)
  const close = libc.func('int close(int fd)')
  const open = {
    prog: libbpf.func('int bpf_prog_get_fd_by_id(uint32_t id)'),
    map: libbpf.func('int bpf_map_get_fd_by_id(uint32_t id)'),
    link: libbpf.func('int bpf_link_get_fd_by_id(uint32_t id)'),
  }
  return objects.filter(({ kind, id }) => {
    const fd = open[kind](id)
    if (fd >= 0) close(fd)
    return fd >= 0
  })
}
