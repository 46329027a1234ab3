import { address, atUring, defineFamily, fd, flags, result, s32, syscallEvent, u32, u64 } from '../dsl.ts'
import { MSG_FLAGS } from '../enums/index.ts'
import { passedAddress, socketFacts } from './socket-facts.ts'

const URING = atUring('message', 'net/uring')

/**
 * Data went through a socket. An unconnected datagram socket has no peer of its own: the address is that of the message.
 */
export const message = defineFamily({
  name: 'message',
  object: 'net/message',
  doc: 'Data was sent or received through a socket',
  ring: 'bulk',
  sets: ['net'],
  events: [
    syscallEvent('sendto', 57, 'sendto(2), also what the C library makes of send(3).', URING),
    syscallEvent('sendmsg', 58, 'sendmsg(2).', URING),
    syscallEvent('sendmmsg', 59, 'sendmmsg(2): several messages; address and size are those of the first.'),
    syscallEvent('recvfrom', 60, 'recvfrom(2), also what the C library makes of recv(3).', URING),
    syscallEvent('recvmsg', 61, 'recvmsg(2).', URING),
    syscallEvent('recvmmsg', 62, 'recvmmsg(2): several messages; address and size are those of the first.'),
  ],
  fields: {
    res: result('bytes sent or received, the number of messages for the mmsg calls, or a negative errno'),
    size: u64('bytes the caller gave or had room for'),
    buf: address('where the data lies, or the header of the message or of the first of them', {
      argumentOf: {
        sendto: 'buf',
        recvfrom: 'buf',
        sendmsg: 'msg',
        recvmsg: 'msg',
        sendmmsg: 'msgvec',
        recvmmsg: 'msgvec',
      },
    }),
    last: address('where the length of the address lies (recvfrom), or the time limit (recvmmsg)', {
      argumentOf: { recvfrom: 'addrlen', recvmmsg: 'timeout' },
    }),
    fd: fd('the socket'),
    flags: flags('how to send or receive; 0 through io_uring', MSG_FLAGS),
    vlen: u32('number of messages (sendmmsg, recvmmsg); 0 otherwise'),
    addrlen: s32('bytes of the address passed; 0 through io_uring', { argumentOf: { sendto: 'addrlen' } }),
    ...socketFacts,
    ...passedAddress,
  },
  limits:
    'write and read on a socket, sendfile and splice are not seen. A request of io_uring that goes on receiving is an event for each message and one for its end. An unconnected datagram socket knows its local address only when it was bound to one. Sizes count the first 16 buffers of a message; of several messages (sendmmsg, recvmmsg) the first is told.',
})
