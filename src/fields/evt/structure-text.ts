/** C structures that a syscall was given or gave back, as text. */
import { ADDRESS_FAMILIES, AF_INET, AF_INET6, AF_UNIX } from '../../../schema/enums/index.ts'
import type { Format } from '../../../schema/index.ts'
import { decodeBytes } from '../../decode/str.ts'
import { credentialsOf } from '../credentials.ts'
import { Ip, mappedIp } from '../ip.ts'

const FAMILY_NAMES: ReadonlyMap<number, string> = new Map(
  Object.entries(ADDRESS_FAMILIES.names).map(([name, value]) => [value, name]),
)

const words = (bytes: Uint8Array): DataView => new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength)

/** `127.0.0.1:80`, `[::1]:80`, a unix name (`@name` when abstract), else the family and how many bytes. */
function sockaddrText(bytes: Uint8Array): string {
  if (bytes.length < 2) return `(${bytes.length} bytes)`
  const view = words(bytes)
  const family = view.getUint16(0, true)
  if (family === AF_INET && bytes.length >= 8)
    return `${mappedIp(bytes.subarray(4, 8)).text}:${view.getUint16(2)}`
  if (family === AF_INET6 && bytes.length >= 24)
    return `[${new Ip(bytes.slice(8, 24)).text}]:${view.getUint16(2)}`
  if (family === AF_UNIX) return unixName(bytes.subarray(2))
  return `${FAMILY_NAMES.get(family) ?? `AF_${family}`} (${bytes.length} bytes)`
}

function unixName(path: Uint8Array): string {
  if (path.length === 0) return '(unnamed)'
  if (path[0] === 0) return `@${decodeBytes(path.subarray(1))}`
  const end = path.indexOf(0)
  return decodeBytes(end < 0 ? path : path.subarray(0, end))
}

/** Seconds and their fraction: nine digits for a timespec, six for a timeval. */
function timeText(bytes: Uint8Array, digits: number): string {
  const view = words(bytes)
  return `${view.getBigInt64(0, true)}.${String(view.getBigInt64(8, true)).padStart(digits, '0')}`
}

const pairText = (bytes: Uint8Array): string => {
  const view = words(bytes)
  return `[${view.getInt32(0, true)}, ${view.getInt32(4, true)}]`
}

/** `Uid=0 Gid=0 ... CapEffective=0x3fffff`: by the names of its members, capabilities hexadecimal. */
function credentialsText(bytes: Uint8Array): string | undefined {
  const members = Object.entries(credentialsOf(bytes) ?? {})
  const texts = members.map(([name, n]) => `${name}=${name.startsWith('Cap') ? `0x${n.toString(16)}` : n}`)
  return texts.length === 0 ? undefined : texts.join(' ')
}

/** Text of a copied structure; undefined when its bytes are fewer than its format has. */
export function structureText(format: Format, bytes: Uint8Array): string | undefined {
  switch (format) {
    case 'sockaddr':
      return sockaddrText(bytes)
    case 'timespec':
      return bytes.length < 16 ? undefined : timeText(bytes, 9)
    case 'timeval':
      return bytes.length < 16 ? undefined : timeText(bytes, 6)
    case 'pair':
      return bytes.length < 8 ? undefined : pairText(bytes)
    case 'creds':
      return credentialsText(bytes)
    default:
      return undefined
  }
}
