/** The part of an exec record that never changes until the next exec. */
import type { EventView } from '../decode/event-view.ts'
import type { Endpoint, ExecFacts, StandardStream } from '../fields/context.ts'
import { Ip } from '../fields/ip.ts'

const STREAMS = ['stdin', 'stdout', 'stderr'] as const

/** Facts of an exec or of a snapshot. */
export const execFacts = (event: EventView): ExecFacts => ({
  fdLimit: event.number('fdlimit')!,
  majorFaults: event.number('pgft_maj')!,
  minorFaults: event.number('pgft_min')!,
  vmSize: event.number('vm_size')!,
  vmRss: event.number('vm_rss')!,
  vmSwap: event.number('vm_swap')!,
  pidnsStart: event.number('pidns_init_start_ts')!,
  cgroup: event.string('cgroup_path'),
  cgroupV1: event.string('cgroup_v1_path'),
  streams: STREAMS.map((name) => streamOf(event, name)),
})

function streamOf(event: EventView, name: string): StandardStream | undefined {
  const path = event.string(`${name}_path`)
  if (path === undefined) return undefined
  return {
    mode: event.number(`${name}_mode`)!,
    family: event.number(`${name}_family`)!,
    path,
    local: endOf(event, `${name}_laddr`, `${name}_lport`),
    remote: endOf(event, `${name}_raddr`, `${name}_rport`),
  }
}

function endOf(event: EventView, addr: string, port: string): Endpoint | undefined {
  const bytes = event.ip(addr)
  const number = event.number(port)!
  return bytes === undefined || number === 0 ? undefined : { ip: new Ip(bytes), port: number }
}
