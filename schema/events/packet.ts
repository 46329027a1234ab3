import { bytes, defineFamily, ip, oneOf, port, u32 } from '../dsl.ts'
import { FAMILIES, IP_PROTOCOLS } from '../enums/index.ts'

/** Data of packets as they pass the cgroup hooks of the kernel's IP output and input. */
export const packet = defineFamily({
  name: 'packet',
  object: 'net/packet',
  doc: 'A packet with data that is worth reading was sent or received',
  ring: 'bulk',
  byName: true,
  sets: ['net'],
  events: [
    {
      name: 'net_packet_dns_request',
      id: 92,
      doc: 'A DNS request to port 53.',
      programs: [{ name: 'dns_egress', section: 'cgroup_skb/egress' }],
    },
    {
      name: 'net_packet_dns_response',
      id: 93,
      doc: 'A DNS answer from port 53, for the process that sent the request.',
      programs: [{ name: 'dns_ingress', section: 'cgroup_skb/ingress' }],
    },
    {
      name: 'net_packet_first',
      id: 94,
      doc: 'The first data that a socket sends, at most telemetry.payload_bytes of it: what a connection is for.',
      programs: [{ name: 'first_egress', section: 'cgroup_skb/egress' }],
    },
  ],
  fields: {
    laddr: ip('local address', { hidden: true }),
    raddr: ip('remote address', { hidden: true }),
    size: u32('bytes of the data'),
    lport: port('local port', { hidden: true }),
    rport: port('remote port', { hidden: true }),
    family: oneOf('address family', FAMILIES, 'u16', { hidden: true }),
    protocol: oneOf('UDP or TCP', IP_PROTOCOLS, 'u16', { falco: 'proto' }),
    payload: bytes('the data, a DNS message (RFC 1035) of at most 1,024 bytes among them', { falco: 'data' }),
  },
  limits:
    'DNS on port 53 only: neither over TLS or HTTPS nor multicast DNS; over TCP, a message is seen that is whole in a segment which it begins (the first of several). What is sent through packet sockets does not pass here. Fragments and IPv6 extension headers are passed over. A datagram belongs to the process whose call sends it, a segment to the one that opened the connection.',
})
