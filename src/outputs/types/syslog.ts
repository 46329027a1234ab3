/** Syslog as RFC 5424 has it: to the socket of this host, over UDP (RFC 5426), TCP (RFC 6587) or TLS (RFC 5425). */
import { createSocket, type Socket } from 'node:dgram'
import { isIPv6 } from 'node:net'
import { type EntryOf, type SyslogAddress, syslogAddress } from '../../config/output-entries.ts'
import { type Entry, type Message, TAKEN, type Taken, type Transport } from '../delivery/message.ts'
import { printable } from '../escape.ts'
import { isoTime } from '../formats/time.ts'
import { syslogSeverity } from './severity.ts'
import { createStream, type Stream, type StreamTarget } from './stream.ts'

const FACILITIES: Readonly<Record<string, number>> = {
  kern: 0,
  user: 1,
  daemon: 3,
  auth: 4,
  authpriv: 10,
  ...Object.fromEntries(Array.from({ length: 8 }, (_, i) => [`local${i}`, 16 + i])),
}

/**
 * The private enterprise number of the structured data: the one set aside for examples, as Tarsier has none of its own.
 */
const SD_ID = 'tarsier@32473'

/** One of the header's words: printable ASCII, `-` for none. */
const word = (text: string, most: number): string => text.replace(/[^\x21-\x7e]/g, '_').slice(0, most) || '-'
const param = (name: string, value: string): string =>
  `${name}="${printable(value).replace(/["\\\]]/g, (char) => `\\${char}`)}"`

/** A whole message. `now`: ns since the epoch, for records without a time of their own. */
export function syslogMessage(entry: Entry, { facility, host, now }: SyslogFacts): string {
  const { alert, kind, line } = entry
  const priority = FACILITIES[facility]! * 8 + syslogSeverity(entry)
  // RFC 5424 has room for microseconds.
  const time = isoTime(alert?.time ?? now).replace(/\d{3}Z$/, 'Z')
  const facts =
    alert === undefined
      ? [param('kind', kind)]
      : [
          param('kind', kind),
          param('id', alert.id),
          param('rule', alert.rule),
          param('tags', alert.tags.join(',')),
        ]
  return `<${priority}>1 ${time} ${word(host, 255)} tarsier ${process.pid} ${kind} [${SD_ID} ${facts.join(' ')}] ${line}`
}

export interface SyslogFacts {
  readonly facility: string
  readonly host: string
  readonly now: bigint
}

/** Sends datagrams to a socket of this host, at once. */
export interface Datagrams {
  /** Throws an error with a `code`: EAGAIN when the receiver's queue is full, EMSGSIZE when it is too long. */
  send(bytes: Uint8Array): void
  close(): void
}
export type OpenDatagrams = (path: string) => Datagrams

/** Throws when a certificate cannot be read. */
export function syslogTransport(entry: EntryOf<'syslog'>, openDatagrams: OpenDatagrams): Transport {
  const address = syslogAddress(entry.address) as SyslogAddress
  if (address.by === 'udp') return udpTransport(address.host, address.port)
  if (address.by === 'unix') return localTransport(address.path, entry, openDatagrams)
  return streamTransport(address as StreamTarget, entry)
}

function streamTransport(target: StreamTarget, entry: EntryOf<'syslog'>): Transport {
  const stream = createStream(target, entry)
  return {
    async send(batch, signal) {
      await stream.write(Buffer.concat(batch.map(({ text }) => framed(text, entry.framing))), signal)
      return TAKEN
    },
    close: () => stream.close(),
  }
}

const framed = (text: string, framing: string): Buffer => {
  if (framing === 'lines') return Buffer.from(`${text.replaceAll('\n', ' ')}\n`)
  const bytes = Buffer.from(text)
  return Buffer.concat([Buffer.from(`${bytes.length} `), bytes])
}

function udpTransport(host: string, port: number): Transport {
  let socket: Socket | undefined
  const open = (): Socket => {
    const one = createSocket(isIPv6(host) ? 'udp6' : 'udp4')
    one.on('error', () => {
      if (socket === one) socket = undefined
      one.close()
    })
    one.unref()
    return one
  }
  const send = (bytes: Buffer): Promise<void> =>
    new Promise((resolve, reject) => {
      socket ??= open()
      socket.send(bytes, port, host, (error) => (error ? reject(error) : resolve()))
    })
  return {
    send: (batch) => oneByOne(batch, ({ text }) => send(Buffer.from(text))),
    close() {
      socket?.close()
      socket = undefined
    },
  }
}

/** /dev/log takes datagrams; where it is a stream socket that is what it gets. */
function localTransport(path: string, entry: EntryOf<'syslog'>, openDatagrams: OpenDatagrams): Transport {
  const datagrams = datagramTransport(path, openDatagrams, ({ text }) => Buffer.from(text))
  let stream: Stream | undefined
  return {
    async send(batch, signal) {
      if (stream === undefined)
        try {
          return await datagrams.send(batch, signal)
        } catch (error) {
          if ((error as NodeJS.ErrnoException).code !== 'EPROTOTYPE') throw error
          stream = createStream({ by: 'unix', path }, entry)
        }
      await stream.write(Buffer.concat(batch.map(({ text }) => framed(text, 'lines'))), signal)
      return TAKEN
    },
    close() {
      datagrams.close()
      stream?.close()
    },
  }
}

/** Datagrams to a socket of this host; the socket is opened anew after an error, as its owner may have been started again. */
export function datagramTransport(
  path: string,
  open: OpenDatagrams,
  encode: (message: Message) => Uint8Array,
): Transport {
  let socket: Datagrams | undefined
  const close = (): void => {
    socket?.close()
    socket = undefined
  }
  return {
    send: (batch) =>
      oneByOne(batch, (message) => {
        try {
          socket ??= open(path)
          socket.send(encode(message))
        } catch (error) {
          if ((error as NodeJS.ErrnoException).code !== 'EAGAIN') close()
          throw error
        }
      }),
    close,
  }
}

/** What is too long is refused; any other error ends the batch, whose beginning may then come twice. */
async function oneByOne(
  batch: readonly Message[],
  send: (message: Message) => void | Promise<void>,
): Promise<Taken> {
  let refused = 0
  for (const message of batch)
    try {
      await send(message)
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code !== 'EMSGSIZE') throw error
      refused++
    }
  return refused === 0 ? TAKEN : { refused, reason: 'too long for a datagram' }
}
