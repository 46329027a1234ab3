/** The journal of systemd, in its native protocol: a datagram of fields for each record. */
import type { EntryOf } from '../../config/output-entries.ts'
import type { Entry, Transport } from '../delivery/message.ts'
import { syslogSeverity } from './severity.ts'
import { datagramTransport, type OpenDatagrams } from './syslog.ts'

type Fields = readonly (readonly [name: string, value: string])[]

/** Fields of an entry, as JSON that waits in a queue. */
export function journalFields(entry: Entry): string {
  const { alert, kind, line } = entry
  const fields: Fields = [
    ['MESSAGE', line],
    ['PRIORITY', String(syslogSeverity(entry))],
    ['SYSLOG_IDENTIFIER', 'tarsier'],
    ['TARSIER_KIND', kind],
    ...(alert === undefined
      ? []
      : ([
          ['TARSIER_ALERT_ID', alert.id],
          ['TARSIER_RULE', alert.rule],
          ['TARSIER_SOURCE', alert.source],
          ...alert.tags.map((tag) => ['TARSIER_TAG', tag] as const),
        ] as const)),
  ]
  return JSON.stringify(fields)
}

/** `NAME=value` lines; a value with a line feed has its length in front instead. */
export function journalDatagram(fields: Fields): Buffer {
  const parts: Buffer[] = []
  for (const [name, value] of fields) {
    if (!value.includes('\n')) {
      parts.push(Buffer.from(`${name}=${value}\n`))
      continue
    }
    const bytes = Buffer.from(value)
    const length = Buffer.alloc(8)
    length.writeBigUInt64LE(BigInt(bytes.length))
    parts.push(Buffer.from(`${name}\n`), length, bytes, Buffer.from('\n'))
  }
  return Buffer.concat(parts)
}

/** A way to the socket of the journal. See systemd's description of its native protocol for the form of datagrams. */
export const journaldTransport = ({ address }: EntryOf<'journald'>, open: OpenDatagrams): Transport =>
  datagramTransport(address, open, ({ text }) => journalDatagram(JSON.parse(text) as Fields))
