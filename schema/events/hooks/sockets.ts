import { type FieldDecl, fd, oneOf, result, s32 } from '../../dsl.ts'
import { FAMILIES, SOCK_TYPES } from '../../enums/index.ts'
import { atExits, defineHook } from './hook.ts'

const sets = ['default', 'lsm_hooks', 'net', 'net_sock'] as const
const object = 'hooks/sockets'
const LIMITS =
  'From the end of the call, whether it succeeded or not, unless there was no socket or no address to be read: then the kernel did not come this far either. io_uring is not there.'

const address = (doc: string): FieldDecl => ({ storage: 'bytes', format: 'sockaddr', max: 128, doc })
const res = result('what the call returned, or a negative errno')

export const securitySocketCreate = defineHook({
  name: 'security_socket_create',
  id: 330,
  doc: 'A socket is made.',
  sets,
  object,
  programs: atExits('socket_create', 'socket', 'socketpair'),
  fields: {
    res,
    family: oneOf('address family', FAMILIES),
    type: oneOf('socket type without flags', SOCK_TYPES),
    protocol: s32('protocol'),
    kern: s32('always 0: sockets that the kernel makes for itself are not seen'),
  },
  limits:
    'From the end of the call, whether it succeeded or not: what the kernel refuses before it asks (no such family, unknown flags) is there, too. A pair is one event. io_uring is not there.',
})

export const securitySocketListen = defineHook({
  name: 'security_socket_listen',
  id: 331,
  doc: 'A socket is opened for connections.',
  sets,
  object,
  programs: atExits('socket_listen', 'listen'),
  fields: {
    res,
    sockfd: fd('the socket'),

    local_addr: address('address of the socket'),
    backlog: s32('queue length'),
  },
  limits: LIMITS,
})

export const securitySocketConnect = defineHook({
  name: 'security_socket_connect',
  id: 332,
  doc: 'A socket is connected.',
  sets,
  object,
  programs: atExits('socket_connect', 'connect'),
  fields: {
    res,
    sockfd: fd('the socket'),
    remote_addr: address(
      "address of the other end: the kernel's once it is connected, else what the caller gave",
    ),
  },
  limits: LIMITS,
})

export const securitySocketAccept = defineHook({
  name: 'security_socket_accept',
  id: 333,
  doc: 'A connection is taken.',
  sets,
  object,
  programs: atExits('socket_accept', 'accept', 'accept4'),
  fields: { res, sockfd: fd('the socket that listens'), local_addr: address('its address') },
  limits: LIMITS,
})

export const securitySocketBind = defineHook({
  name: 'security_socket_bind',
  id: 334,
  doc: 'A socket gets an address.',
  sets,
  object,
  programs: atExits('socket_bind', 'bind'),
  fields: {
    res,
    sockfd: fd('the socket'),
    local_addr: address("the address: the kernel's once it is bound, else what the caller gave"),
  },
  limits: LIMITS,
})

export const socketDup = defineHook({
  name: 'socket_dup',
  id: 335,
  doc: 'A descriptor of a socket was duplicated.',
  sets: [],
  object,
  programs: atExits('socket_dup', 'dup', 'dup2', 'dup3', 'fcntl'),
  fields: {
    oldfd: fd('descriptor that was duplicated'),
    newfd: fd('the new one'),
    remote_addr: address('address of the other end'),
  },
  limits:
    'From the end of the call, when it succeeded. Of fcntl, F_DUPFD and F_DUPFD_CLOEXEC. Sockets that another process gives, by pidfd_getfd or in a message, are events of these calls.',
})
