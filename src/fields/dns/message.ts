/**
 * DNS messages (RFC 1035, with types of RFC 3596 and RFC 9460) as far as they say who is asked for and what was answered.
 * Messages come from the network: nothing in them is trusted, everything is bounded.
 */
import { Ip } from '../ip.ts'

export interface DnsMessage {
  readonly id: number
  readonly response: boolean
  /** 0 in requests. */
  readonly rcode: number
  /** The answer did not fit the datagram. */
  readonly truncated: boolean
  /** Name in its presentation form without the last dot, and type; undefined when there is no question that can be read. */
  readonly question: { readonly name: string; readonly type: string } | undefined
  /** Answers that can be read, at most 64. */
  readonly answers: readonly DnsAnswer[]
}

export interface DnsAnswer {
  readonly name: string
  readonly type: string
  /** Seconds. */
  readonly ttl: number
  /** Of A and AAAA. */
  readonly address: Ip | undefined
  /** The name it stands for: of CNAME, NS and PTR. */
  readonly target: string | undefined
}

const HEADER = 12
const MAX_ANSWERS = 64
/** Longest name on the wire (RFC 1035, 2.3.4); each pointer must lead backwards, so this many bytes end every walk. */
const MAX_NAME = 255

const TYPES: Readonly<Record<number, string>> = {
  1: 'A',
  2: 'NS',
  5: 'CNAME',
  6: 'SOA',
  12: 'PTR',
  15: 'MX',
  16: 'TXT',
  28: 'AAAA',
  33: 'SRV',
  35: 'NAPTR',
  43: 'DS',
  46: 'RRSIG',
  48: 'DNSKEY',
  64: 'SVCB',
  65: 'HTTPS',
  252: 'AXFR',
  255: 'ANY',
  257: 'CAA',
}
/** Types whose data is one name. */
const NAMES: ReadonlySet<string> = new Set(['NS', 'CNAME', 'PTR'])

/** Names of response codes (IANA DNS parameters). */
export const RCODES: Readonly<Record<number, string>> = {
  0: 'NOERROR',
  1: 'FORMERR',
  2: 'SERVFAIL',
  3: 'NXDOMAIN',
  4: 'NOTIMP',
  5: 'REFUSED',
}

const typeName = (type: number): string => TYPES[type] ?? `TYPE${type}`

/** Undefined when the bytes are no DNS message. A message that was cut gives what is there. */
export function parseDns(bytes: Uint8Array): DnsMessage | undefined {
  if (bytes.length < HEADER) return undefined
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.length)
  const flags = view.getUint16(2)
  const response = (flags & 0x8000) !== 0
  const reader = new Reader(bytes, view)
  const question = view.getUint16(4) > 0 ? reader.question() : undefined
  const answers: DnsAnswer[] = []
  // With several questions, which nobody sends, nobody knows where the answers begin.
  if (question !== undefined && view.getUint16(4) === 1)
    for (let left = Math.min(view.getUint16(6), MAX_ANSWERS); left > 0; left--) {
      const answer = reader.answer()
      if (answer === undefined) break
      answers.push(answer)
    }
  return {
    id: view.getUint16(0),
    response,
    rcode: response ? flags & 15 : 0,
    truncated: (flags & 0x0200) !== 0,
    question,
    answers,
  }
}

class Reader {
  readonly #bytes: Uint8Array
  readonly #view: DataView
  #at = HEADER

  constructor(bytes: Uint8Array, view: DataView) {
    this.#bytes = bytes
    this.#view = view
  }

  question(): DnsMessage['question'] {
    const name = this.#name()
    if (name === undefined || this.#at + 4 > this.#bytes.length) return undefined
    const type = typeName(this.#view.getUint16(this.#at))
    this.#at += 4
    return { name, type }
  }

  answer(): DnsAnswer | undefined {
    const name = this.#name()
    if (name === undefined || this.#at + 10 > this.#bytes.length) return undefined
    const type = typeName(this.#view.getUint16(this.#at))
    const ttl = this.#view.getUint32(this.#at + 4)
    const length = this.#view.getUint16(this.#at + 8)
    const start = this.#at + 10
    if (start + length > this.#bytes.length) return undefined
    this.#at = start
    const address = this.#address(type, length)
    const target = NAMES.has(type) ? this.#name() : undefined
    // A name that does not end with the data of the answer is none of it.
    const whole = this.#at === start + length
    this.#at = start + length
    return { name, type, ttl, address, target: whole ? target : undefined }
  }

  #address(type: string, length: number): Ip | undefined {
    const bytes = new Uint8Array(16)
    if (type === 'AAAA' && length === 16) {
      bytes.set(this.#bytes.subarray(this.#at, this.#at + 16))
      return new Ip(bytes, 6)
    }
    if (type !== 'A' || length !== 4) return undefined
    bytes.fill(0xff, 10, 12)
    bytes.set(this.#bytes.subarray(this.#at, this.#at + 4), 12)
    return new Ip(bytes, 4)
  }

  /** The name here; the position moves behind it. */
  #name(): string | undefined {
    const labels: string[] = []
    let at = this.#at
    let left = MAX_NAME
    let behind: number | undefined
    for (;;) {
      const length = this.#bytes[at]
      if (length === undefined) return undefined
      if (length >= 0xc0) {
        const low = this.#bytes[at + 1]
        if (low === undefined) return undefined
        behind ??= at + 2
        const target = ((length & 0x3f) << 8) | low
        // A pointer that does not lead backwards could lead in a circle.
        if (target >= at) return undefined
        at = target
        left -= 2
      } else if (length > 63 || at + 1 + length > this.#bytes.length) return undefined
      else if (length === 0) {
        this.#at = behind ?? at + 1
        return labels.join('.')
      } else {
        labels.push(labelText(this.#bytes.subarray(at + 1, at + 1 + length)))
        at += 1 + length
        left -= 1 + length
      }
      if (left < 0) return undefined
    }
  }
}

/** Printable ASCII as it is, a dot or backslash within a label with a backslash, the rest as \DDD (RFC 4343, 2.1). */
function labelText(label: Uint8Array): string {
  let text = ''
  for (const byte of label)
    if (byte === 0x2e || byte === 0x5c) text += `\\${String.fromCharCode(byte)}`
    else if (byte > 0x20 && byte < 0x7f) text += String.fromCharCode(byte)
    else text += `\\${String(byte).padStart(3, '0')}`
  return text
}
