/** What DNS messages ask and answer, under OpenTelemetry's and ECS's names for it. */
import type { SyscallContext } from '../context.ts'
import { field, once, only, type SyscallField, textOf } from '../syscall-field.ts'
import { type DnsMessage, parseDns, RCODES } from './message.ts'

const EVENTS = ['net_packet_dns_request', 'net_packet_dns_response']

/** The message of the event; undefined for other events and for bytes that are none. */
export const dnsMessage = (ctx: SyscallContext): DnsMessage | undefined =>
  once(ctx, 'dns', () => {
    const bytes = EVENTS.includes(ctx.event.name) ? ctx.event.bytes('payload') : undefined
    return bytes && parseDns(bytes)
  })

/** `NOERROR`, `NXDOMAIN`, `RCODE17`; undefined for requests. */
export const responseCode = (message: DnsMessage | undefined): string | undefined =>
  message?.response ? (RCODES[message.rcode] ?? `RCODE${message.rcode}`) : undefined

const dnsText = (
  name: string,
  doc: string,
  examples: readonly string[],
  of: (message: DnsMessage) => string | undefined,
): SyscallField =>
  field({
    name,
    type: 'string',
    cost: 'derived',
    doc,
    examples,
    get: (ctx) => {
      const message = dnsMessage(ctx)
      return message && textOf(ctx, of(message))
    },
  })

export const dnsFields: readonly SyscallField[] = only(EVENTS, [
  dnsText(
    'dns.question.name',
    'Name that is asked for, in lower case, without the last dot. Bytes that are no printable ASCII appear as \\DDD.',
    ['example.com'],
    ({ question }) => question?.name.toLowerCase(),
  ),
  dnsText(
    'dns.question.type',
    'Type that is asked for; TYPE and its number where it has no common name.',
    ['A', 'AAAA', 'TXT', 'TYPE1234'],
    ({ question }) => question?.type,
  ),
  dnsText('dns.response_code', 'Response code; absent in requests.', ['NOERROR', 'NXDOMAIN'], (message) =>
    responseCode(message),
  ),
  field({
    name: 'dns.answers',
    type: 'string',
    list: true,
    cost: 'derived',
    doc: 'Addresses and names that are answered, at most 64; absent in requests.',
    examples: ['93.184.216.34', 'edge.example.net'],
    get: (ctx) => {
      const message = dnsMessage(ctx)
      return message?.response ? answersOf(message).map((text) => ctx.lookup.intern(text)) : undefined
    },
  }),
  field({
    name: 'dns.id',
    type: 'uint',
    cost: 'derived',
    doc: 'Id that an answer shares with its request.',
    get: (ctx) => dnsMessage(ctx)?.id,
  }),
])

/** Addresses and names as text. */
export const answersOf = ({ answers }: DnsMessage): readonly string[] =>
  answers.flatMap(({ address, target }) => address?.text ?? target?.toLowerCase() ?? [])
