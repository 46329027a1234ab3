/** Sockets that an event finds as they are: duplicated, sent through, or just made. */
import assert from 'node:assert/strict'
import { suite, test } from 'node:test'
import { SOCKET_FACTS } from '../../../schema/enums/index.ts'
import type { FieldValue, RecordInit } from '../../decode/encode.ts'
import { address, event } from '../../testing/events.ts'
import { createWorld } from '../../testing/world.ts'

const { SOCKET_CONNECTED, SOCKET_ACCEPTED, SOCKET_LISTENS, SOCKET_BOUND } = SOCKET_FACTS.names as Readonly<
  Record<string, number>
> & { [name: string]: number }
const STREAM = 1
const DATAGRAM = 2

type Ends = readonly [local: string, lport: number, remote: string, rport: number]

/** Fields of an inet socket. */
const inet = (
  type: number,
  facts: number,
  [local, lport, remote, rport]: Ends,
): Record<string, FieldValue> => ({
  family: 2,
  type,
  protocol: type === STREAM ? 6 : 17,
  socket_facts: facts,
  laddr: address(local),
  lport,
  raddr: address(remote),
  rport,
})
const passed = (ip: string, port: number): Record<string, FieldValue> => ({
  addr_family: 2,
  addr_ip: address(ip),
  addr_port: port,
})
const dup = (fields: Record<string, FieldValue>, res = 1): RecordInit =>
  event('dup2', {}, { res, oldfd: 5, newfd: 1, i_mode: 0o140777, ...fields })
const message = (name: string, fields: Record<string, FieldValue>, res = 4): RecordInit =>
  event(name, {}, { res, fd: 5, size: 4, ...fields })

const CLIENT: Ends = ['10.0.0.2', 40000, '203.0.113.7', 443]
const UNCONNECTED: Ends = ['0.0.0.0', 40000, '0.0.0.0', 0]

/** Fields of one event as they are printed; null for what is absent. */
const CASES: readonly (readonly [what: string, RecordInit, Readonly<Record<string, unknown>>])[] = [
  [
    'a connection onto standard output',
    dup(inet(STREAM, SOCKET_CONNECTED!, CLIENT)),
    {
      'fd.num': 1,
      'fd.type': 'ipv4',
      'fd.typechar': '4',
      'fd.name': '10.0.0.2:40000->203.0.113.7:443',
      'fd.sip': '203.0.113.7',
      'fd.lport': 40000,
      'fd.rport': 443,
      'fd.l4proto': 'tcp',
      'fd.connected': true,
      'fd.name_changed': false,
      'fd.is_server': false,
      'evt.rawres': 1,
      'evt.args':
        'res=1(<4t>10.0.0.2:40000->203.0.113.7:443) oldfd=5(<4t>10.0.0.2:40000->203.0.113.7:443) newfd=1(<4t>10.0.0.2:40000->203.0.113.7:443)',
    },
  ],
  [
    'an accepted connection has its client at the other side',
    dup(inet(STREAM, SOCKET_CONNECTED! | SOCKET_ACCEPTED!, ['10.0.0.2', 22, '10.0.0.9', 50000])),
    { 'fd.name': '10.0.0.9:50000->10.0.0.2:22', 'fd.sport': 22, 'fd.is_server': true },
  ],
  [
    'a listening socket',
    dup(inet(STREAM, SOCKET_LISTENS! | SOCKET_BOUND!, ['0.0.0.0', 80, '0.0.0.0', 0])),
    { 'fd.name': '0.0.0.0:80', 'fd.is_server': true, 'fd.connected': false, 'fd.sport': 80 },
  ],
  [
    'a client that chose its port is a client all the same',
    dup(inet(STREAM, SOCKET_CONNECTED! | SOCKET_BOUND!, ['10.0.0.2', 400, '10.0.0.9', 514])),
    { 'fd.is_server': false, 'fd.sport': 514 },
  ],
  [
    'a file',
    event('dup', {}, { res: 4, oldfd: 3, newfd: -1, i_mode: 0o100644, ino: 77, path: '/var/log/syslog' }),
    {
      'fd.num': 4,
      'fd.type': 'file',
      'fd.name': '/var/log/syslog',
      'fd.ino': 77,
      'fd.sip': null,
      'fd.connected': null,
    },
  ],
  [
    'a duplicate that failed',
    event('dup2', {}, { res: -9, oldfd: 88, newfd: 1 }),
    {
      'fd.num': -1,
      'fd.type': null,
      'fd.name': null,
      'evt.res': 'EBADF',
      'evt.args': 'res=-9(EBADF) oldfd=88 newfd=1',
    },
  ],
  [
    'a datagram has the address it goes to',
    message('sendto', { ...inet(DATAGRAM, 0, UNCONNECTED), ...passed('8.8.8.8', 53) }),
    {
      'fd.name': '0.0.0.0:40000->8.8.8.8:53',
      'fd.sip': '8.8.8.8',
      'fd.ip': '8.8.8.8',
      'fd.rport': 53,
      'fd.l4proto': 'udp',
      'fd.connected': false,
      'fd.name_changed': true,
      'fd.is_server': false,
      'evt.arg.tuple': '0.0.0.0:40000->8.8.8.8:53',
    },
  ],
  [
    'one that a server answers',
    message('sendto', {
      ...inet(DATAGRAM, SOCKET_BOUND!, ['10.0.0.2', 53, '0.0.0.0', 0]),
      ...passed('10.0.0.9', 40000),
    }),
    { 'fd.name': '10.0.0.9:40000->10.0.0.2:53', 'fd.is_server': true, 'fd.sip': '10.0.0.2' },
  ],
  [
    'one from a client that chose its port',
    message('sendto', {
      ...inet(DATAGRAM, SOCKET_BOUND!, ['10.0.0.2', 68, '0.0.0.0', 0]),
      ...passed('10.0.0.1', 67),
    }),
    { 'fd.is_server': false, 'fd.sport': 67 },
  ],
  [
    'one that a connected socket sends elsewhere',
    message('sendmsg', { ...inet(DATAGRAM, SOCKET_CONNECTED!, CLIENT), ...passed('9.9.9.9', 53) }),
    { 'fd.sip': '9.9.9.9', 'fd.connected': true, 'fd.name_changed': true },
  ],
  [
    'one to the peer itself',
    message('sendmsg', { ...inet(DATAGRAM, SOCKET_CONNECTED!, CLIENT), ...passed('203.0.113.7', 443) }),
    { 'fd.name_changed': false },
  ],
  [
    'a stream ignores an address',
    message('sendto', { ...inet(STREAM, SOCKET_CONNECTED!, CLIENT), ...passed('9.9.9.9', 53) }),
    { 'fd.sip': '203.0.113.7', 'fd.name_changed': false },
  ],
  [
    'a received datagram has the address it came from',
    message('recvfrom', { ...inet(DATAGRAM, 0, UNCONNECTED), ...passed('8.8.8.8', 53) }),
    { 'fd.name': '0.0.0.0:40000->8.8.8.8:53', 'fd.name_changed': true },
  ],
  [
    'a socket is what it is when nothing came',
    message('recvfrom', inet(STREAM, SOCKET_CONNECTED!, CLIENT), -11),
    { 'fd.name': '10.0.0.2:40000->203.0.113.7:443', 'evt.res': 'EAGAIN', 'fd.connected': true },
  ],
  [
    'a datagram to a unix name',
    message('sendto', {
      family: 1,
      type: DATAGRAM,
      unix_path: '/run/me',
      addr_family: 1,
      addr_path: '/dev/log',
    }),
    { 'fd.type': 'unix', 'fd.name': '/dev/log', 'fd.sockfamily': 'unix', 'fd.sip': null },
  ],
  [
    'what is no socket',
    message('sendto', passed('8.8.8.8', 53), -88),
    { 'fd.name': '', 'fd.sip': null, 'fd.connected': false },
  ],
  [
    'a new socket has no name yet',
    event(
      'socket',
      {},
      { res: 3, fd: 3, fd2: -1, domain: 2, type: STREAM, proto: 0, protocol: 6, flags: 0o2000000 },
    ),
    {
      'fd.num': 3,
      'fd.type': 'ipv4',
      'fd.l4proto': 'tcp',
      'fd.name': '',
      'fd.sip': null,
      'fd.connected': false,
      'fd.name_changed': false,
      'evt.rawres': 3,
      'evt.arg.domain': 'AF_INET',
      'evt.arg.flags': 'SOCK_CLOEXEC',
    },
  ],
  [
    'a packet socket',
    event('socket', {}, { res: 3, fd: 3, fd2: -1, domain: 17, type: 3, proto: 768, flags: 0 }),
    { 'fd.type': 'other', 'evt.arg.domain': 'AF_PACKET', 'evt.arg.proto': '768', 'fd.l4proto': null },
  ],
  [
    'a socket that was refused',
    event('socket', {}, { res: -97, fd: -97, fd2: -1, domain: 2, type: STREAM, proto: 0, flags: 0 }),
    { 'fd.num': -1, 'fd.type': null, 'evt.res': 'EAFNOSUPPORT' },
  ],
  [
    'two sockets joined',
    event('socketpair', {}, { res: 0, fd: 5, fd2: 6, domain: 1, type: STREAM, proto: 0 }),
    { 'fd.num': 5, 'fd.type': 'unix', 'evt.rawres': 0, 'evt.arg.fd1': '<u>', 'evt.arg.domain': 'AF_UNIX' },
  ],
]

suite('what the socket of an event is', () => {
  for (const [what, init, wanted] of CASES)
    test(what, () => {
      const world = createWorld()
      world.feed(init)
      const found = Object.fromEntries(Object.keys(wanted).map((name) => [name, world.plain(name) ?? null]))
      assert.deepEqual(found, wanted)
    })
})
