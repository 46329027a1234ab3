/** IP addresses and networks as values: parse, print, compare. */
import { isIPv4, isIPv6 } from 'node:net'

/** An address: 16 bytes in network order, IPv4 mapped as ::ffff:a.b.c.d. */
export class Ip {
  readonly bytes: Uint8Array
  readonly version: 4 | 6
  #text: string | undefined

  constructor(bytes: Uint8Array, version?: 4 | 6) {
    this.bytes = bytes
    this.version = version ?? (isMapped(bytes) ? 4 : 6)
  }

  /** Canonical text: dotted for IPv4, RFC 5952 for IPv6. */
  get text(): string {
    this.#text ??= this.version === 4 ? this.bytes.subarray(12).join('.') : formatV6(this.bytes)
    return this.#text
  }

  equals(other: Ip): boolean {
    if (this.version !== other.version) return false
    for (let i = 0; i < 16; i++) if (this.bytes[i] !== other.bytes[i]) return false
    return true
  }
}

/** An IPv4 address from its four bytes. */
export const mappedIp = (four: Uint8Array): Ip =>
  new Ip(Uint8Array.of(0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0xff, 0xff, ...four), 4)

/** A CIDR network. */
export interface IpNet {
  readonly ip: Ip
  /** Prefix bits counted in the 16-byte form: 96 + n for IPv4. */
  readonly bits: number
  readonly text: string
}

/** Parse an address; undefined when the text is none. */
export function parseIp(text: string): Ip | undefined {
  const bytes = new Uint8Array(16)
  if (isIPv4(text)) {
    bytes.fill(0xff, 10, 12)
    bytes.set(text.split('.').map(Number), 12)
    return new Ip(bytes, 4)
  }
  if (!isIPv6(text) || text.includes('%')) return undefined
  const [head = '', tail] = withHexTail(text).split('::')
  const groups = (part: string): number[] =>
    part === '' ? [] : part.split(':').map((g) => Number.parseInt(g, 16))
  const left = groups(head)
  const right = tail === undefined ? [] : groups(tail)
  const all = [...left, ...new Array<number>(8 - left.length - right.length).fill(0), ...right]
  all.forEach((group, i) => {
    bytes[2 * i] = group >> 8
    bytes[2 * i + 1] = group & 0xff
  })
  return new Ip(bytes, 6)
}

/** The usual address of the loopback interface. */
export const LOOPBACK: Readonly<Record<4 | 6, Ip>> = { 4: parseIp('127.0.0.1')!, 6: parseIp('::1')! }

/** Is this an address of the loopback interface? */
export const isLoopback = (ip: Ip): boolean =>
  ip.version === 4 ? ip.bytes[12] === 127 : ip.equals(LOOPBACK[6])

/** Parse `address/bits`; undefined when the text is none. */
export function parseNet(text: string): IpNet | undefined {
  const [address, bits, ...rest] = text.split('/')
  const ip = parseIp(address ?? '')
  if (!ip || bits === undefined || rest.length > 0 || !/^\d{1,3}$/.test(bits)) return undefined
  const max = ip.version === 4 ? 32 : 128
  if (Number(bits) > max) return undefined
  return { ip, bits: Number(bits) + (128 - max), text }
}

export function netContains(net: IpNet, ip: Ip): boolean {
  if (net.ip.version !== ip.version) return false
  const whole = net.bits >> 3
  for (let i = 0; i < whole; i++) if (net.ip.bytes[i] !== ip.bytes[i]) return false
  const rest = net.bits & 7
  if (rest === 0) return true
  const mask = (0xff << (8 - rest)) & 0xff
  return (net.ip.bytes[whole]! & mask) === (ip.bytes[whole]! & mask)
}

function isMapped(bytes: Uint8Array): boolean {
  for (let i = 0; i < 10; i++) if (bytes[i] !== 0) return false
  return bytes[10] === 0xff && bytes[11] === 0xff
}

/** `::ffff:1.2.3.4` to `::ffff:102:304`. */
function withHexTail(text: string): string {
  const match = /^(.*:)(\d+)\.(\d+)\.(\d+)\.(\d+)$/.exec(text)
  if (!match) return text
  const [a = 0, b = 0, c = 0, d = 0] = match.slice(2).map(Number)
  return `${match[1]}${((a << 8) | b).toString(16)}:${((c << 8) | d).toString(16)}`
}

function formatV6(bytes: Uint8Array): string {
  const groups = Array.from({ length: 8 }, (_, i) => (bytes[2 * i]! << 8) | bytes[2 * i + 1]!)
  let best = { from: -1, length: 1 }
  for (let i = 0; i < 8; i++) {
    let length = 0
    while (i + length < 8 && groups[i + length] === 0) length++
    if (length > best.length) best = { from: i, length }
    if (length > 0) i += length - 1
  }
  const hex = (part: number[]): string => part.map((g) => g.toString(16)).join(':')
  if (best.from < 0) return hex(groups)
  return `${hex(groups.slice(0, best.from))}::${hex(groups.slice(best.from + best.length))}`
}
