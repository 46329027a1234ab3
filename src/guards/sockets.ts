/** Tests of the ends of a socket as branches: ports, addresses and networks of either end. */
import { Ip, type IpNet } from '../fields/ip.ts'
import type { Literal } from '../rules/ir.ts'
import { ALWAYS, type Branches, type Items } from './branches.ts'
import type { LiteralTest } from './facts.ts'
import { valuesOf } from './values.ts'

const PORT = /^fd\.[csrl]?port$/
const ADDRESS = /^fd\.[csrl]?(ip|net)$/

/** Is it a test of an end of a socket? */
export const isSocketTest = (name: string): boolean => PORT.test(name) || ADDRESS.test(name)

/**
 * What a test leaves of an event on a socket, by either end. An end that is missing makes every negation true, that of `!=`
 * and `>` as well; it counts as a value that no list has, so a negation may only exclude. Undefined for a test of something
 * else.
 */
export function socketTest<C>(test: LiteralTest<C>, negated: boolean): Branches | undefined {
  const { left } = test
  if (left.kind !== 'field' || left.arg !== undefined) return undefined
  if (PORT.test(left.def.name)) return branch('ports', valuesOf(test, negated), negated)
  return ADDRESS.test(left.def.name) ? branch('nets', nets(test, negated), negated) : undefined
}

const branch = (dimension: 'ports' | 'nets', items: Items | undefined, negated: boolean): Branches =>
  items === undefined || (negated && !items.except) ? ALWAYS : [{ [dimension]: items }]

function nets<C>({ op, modifier, right }: LiteralTest<C>, negated: boolean): Items | undefined {
  const equality = op === '=' || op === '!=' || op === 'in' || op === 'intersects'
  if (!equality || modifier !== undefined) return undefined
  const negative = (op === '!=') !== negated
  const items = right.flatMap((literal) => netOf(literal, negative))
  return negative && items.length === 0 ? undefined : { except: negative, of: new Set(items) }
}

/** `HEX/BITS`. */
function netOf({ value }: Literal, negative: boolean): readonly string[] {
  const { ip, bits } = value instanceof Ip ? { ip: value, bits: 128 } : (value as IpNet)
  // An IPv6 literal that covers mapped IPv4 addresses does not mean them: as an exception it is left out.
  if (negative && ip.version === 6 && coversMapped(ip.bytes, bits)) return []
  return [netText(ip.bytes, bits)]
}

export const netText = (bytes: Uint8Array, bits: number): string =>
  `${Buffer.from(bytes).toString('hex')}/${bits}`

const MAPPED = new Uint8Array(16).fill(0xff, 10, 12)

function coversMapped(bytes: Uint8Array, bits: number): boolean {
  return leading(bytes, MAPPED) >= Math.min(bits, 96)
}

/** Bits that two addresses begin with alike. */
function leading(a: Uint8Array, b: Uint8Array): number {
  for (let i = 0; i < 16; i++) if (a[i] !== b[i]) return 8 * i + Math.clz32(a[i]! ^ b[i]!) - 24
  return 128
}

/** Does the network of one text hold the other? */
export function netHolds(outer: string, inner: string): boolean {
  const [a = '', m = '0'] = outer.split('/')
  const [b = '', n = '0'] = inner.split('/')
  return Number(m) <= Number(n) && leading(Buffer.from(a, 'hex'), Buffer.from(b, 'hex')) >= Number(m)
}
