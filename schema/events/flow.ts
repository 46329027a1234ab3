import { atTracepoint, defineFamily, ip, oneOf, port, u16, u64 } from '../dsl.ts'
import { FAMILIES, FLOW_DIRECTIONS } from '../enums/index.ts'

/** TCP connections as the kernel's state machine sees them (tracepoint inet_sock_set_state, Linux 4.16). */
export const flow = defineFamily({
  name: 'flow',
  object: 'net/flow',
  doc: 'A TCP connection began or ended',
  ring: 'bulk',
  byName: true,
  sets: ['net'],
  events: [
    {
      name: 'net_flow_tcp_begin',
      id: 90,
      doc: 'A TCP connection was established, whoever asked for it and however: connect(2), accept(2) or io_uring.',
      programs: [atTracepoint('inet_sock_set_state')],
    },
    {
      name: 'net_flow_tcp_end',
      id: 91,
      doc: 'A TCP connection that had been established is closed at this end.',
      programs: [atTracepoint('inet_sock_set_state')],
    },
  ],
  fields: {
    duration: u64(
      'ns since the connection was established; 0 for the begin, or when that was before the agent',
    ),
    bytes_sent: u64('bytes that the other end has acknowledged'),
    bytes_received: u64('bytes received in order'),
    laddr: ip('local address', { hidden: true }),
    raddr: ip('remote address', { hidden: true }),
    lport: port('local port', { hidden: true }),
    rport: port('remote port', { hidden: true }),
    family: oneOf('address family', FAMILIES, 'u16', { hidden: true }),
    direction: oneOf('which end asked for the connection', FLOW_DIRECTIONS, 'u16'),
    protocol: u16('protocol of the socket, TCP', { hidden: true }),
    state: u16('TCP state before the change', { hidden: true }),
  },
  limits:
    'The process of the event is the one that called connect or listen, also when another one closes the socket; it is unknown (0) for sockets older than the agent. Attempts that fail are connect events, not flows.',
})
