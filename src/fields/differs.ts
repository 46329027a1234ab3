/** Is what the caller gave what the kernel acted on? The record has the former as it was when the call returned. */
import { OPEN_FLAGS, PATH_FLAGS } from '../../schema/enums/index.ts'
import { RECORD_FLAGS } from '../../schema/index.ts'
import type { EventView } from '../decode/event-view.ts'

const DELETED = PATH_FLAGS.names['PATH_DELETED']!
const DELETED_TEXT = ' (deleted)'
const NAMELESS = OPEN_FLAGS.names['O_TMPFILE']!

/** Undefined without both names, when the one given ends in `/`, `.` or `..`, or is that of a directory to make a file without a name in. */
function openedDiffers(event: EventView): boolean | undefined {
  const name = event.string('name')
  const path = event.string('path')
  if (name === undefined || path === undefined || !path.text.startsWith('/')) return undefined
  if (event.cutFrom('name') !== undefined || event.cutFrom('path') !== undefined) return undefined
  const given = name.base.text
  if (given === '' || given === '.' || given === '..') return undefined
  if (((event.number('flags') ?? 0) & NAMELESS) === NAMELESS) return undefined
  const opened = path.base.text
  if (given === opened) return false
  return !(((event.number('path_flags') ?? 0) & DELETED) !== 0 && opened === given + DELETED_TEXT)
}

const EINPROGRESS = -115
const STREAM = 1
const DATAGRAM = 2
const V4_MAPPED = 10

/** `0.0.0.0` and `::` stand for other addresses. */
const isAny = (address: Uint8Array): boolean =>
  address.every((byte, i) => byte === 0 || (byte === 0xff && (i === V4_MAPPED || i === V4_MAPPED + 1)))

/** A port of 0 is one that the kernel has none of, or has chosen. */
function internetDiffers(event: EventView, end: 'l' | 'r'): boolean | undefined {
  const type = event.number('type')
  const [given, kernel] = [event.ip('addr_ip'), event.ip(`${end}addr`)]
  const [asked, port] = [event.number('addr_port'), event.number(`${end}port`)]
  if ((type !== STREAM && type !== DATAGRAM) || given === undefined || kernel === undefined) return undefined
  if (!port || (end === 'r' && !asked)) return undefined
  return (asked !== 0 && asked !== port) || !(isAny(given) || given.every((byte, i) => byte === kernel[i]))
}

/** The name of a unix socket that others connect to may have been reached by a link: its last component is compared. */
function unixDiffers(event: EventView, bound: boolean): boolean | undefined {
  const [given, kernel] = [event.string('addr_path'), event.string('unix_path')]
  if (given === undefined || kernel === undefined) return undefined
  return bound ? given.text !== kernel.text : given.base.text !== kernel.base.text
}

/** The address that a socket is connected or bound to by now, and the one that the caller passed. */
function addressDiffers(event: EventView): boolean | undefined {
  const bound = event.name === 'bind'
  const res = event.number('res')
  if (res !== 0 && (bound || res !== EINPROGRESS)) return undefined
  return event.string('addr_path') === undefined
    ? internetDiffers(event, bound ? 'l' : 'r')
    : unixDiffers(event, bound)
}

/**
 * Has the file that was opened another name, or the socket another address, than the caller gave? Then that was a symbolic
 * link, the kernel was told to redirect the connection, or somebody changed it while the call ran. So did somebody, where
 * names are compared with those that the call began with. Undefined where there is nothing to compare.
 */
export function nameDiffers(event: EventView): boolean | undefined {
  if ((event.flags & RECORD_FLAGS.NAME_CHANGED) !== 0) return true
  return event.name === 'connect' || event.name === 'bind' ? addressDiffers(event) : openedDiffers(event)
}
