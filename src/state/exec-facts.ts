/** The part of an exec record that never changes until the next exec. */
import type { EventView } from '../decode/event-view.ts'
import type { Endpoint, ExecFacts, StandardStream } from '../fields/context.ts'
import { Ip } from '../fields/ip.ts'

/** Names of their fields in the record. */
const STREAMS = ['stdin', 'stdout', 'stderr'].map((name) => ({
  ...{ path: `${name}_path`, mode: `${name}_mode`, family: `${name}_family` },
  ...{ laddr: `${name}_laddr`, lport: `${name}_lport`, raddr: `${name}_raddr`, rport: `${name}_rport` },
}))
type StreamNames = (typeof STREAMS)[number]
/** Of most processes: nobody asked for them. */
const UNKNOWN: ExecFacts['streams'] = STREAMS.map(() => undefined)

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
  streams: streamsOf(event),
})

function streamsOf(event: EventView): ExecFacts['streams'] {
  const streams = STREAMS.map((names) => streamOf(event, names))
  return streams.every((stream) => stream === undefined) ? UNKNOWN : streams
}

function streamOf(event: EventView, names: StreamNames): StandardStream | undefined {
  const path = event.string(names.path)
  if (path === undefined) return undefined
  return {
    mode: event.number(names.mode)!,
    family: event.number(names.family)!,
    path,
    local: endOf(event, names.laddr, names.lport),
    remote: endOf(event, names.raddr, names.rport),
  }
}

function endOf(event: EventView, addr: string, port: string): Endpoint | undefined {
  const bytes = event.ip(addr)
  const number = event.number(port)!
  return bytes === undefined || number === 0 ? undefined : { ip: new Ip(bytes), port: number }
}
