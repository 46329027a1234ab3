/** Webhook: a request with one record, or with several as lines or a JSON array. */
import type { EntryOf } from '../../config/output-entries.ts'
import { type Message, TAKEN, type Transport } from '../delivery/message.ts'
import { printable } from '../escape.ts'
import { createPoster, verdict } from './http-post.ts'

/** Ids of the alerts in a request, separated by commas. */
const ID_HEADER = 'X-Tarsier-Alert-Id'

/** Servers take headers of 8 KB, not more: a request has as many alerts as ids fit in half of that. */
const ID_CHARACTERS = 4000
/** Characters of an answer that are logged. */
const ECHO_MOST = 200

/**
 * `json`: is a line of this output an object of JSON? `onInfo`: a message for the log. Throws when a certificate cannot be
 * read.
 */
export function httpTransport(
  entry: EntryOf<'http'>,
  json: boolean,
  onInfo: (message: string) => void = () => {},
): Transport {
  const poster = createPoster({
    url: entry.url,
    method: entry.method === 'put' ? 'PUT' : 'POST',
    headers: { 'User-Agent': entry.user_agent, ...entry.headers },
    gzip: entry.gzip,
    keepAlive: entry.keep_alive,
    tls: entry,
  })
  return {
    idCharacters: ID_CHARACTERS,
    async send(batch, signal) {
      const ids = batch.flatMap(({ id }) => (id === '' ? [] : [id]))
      const { status, text } = await poster.post(
        bodyOf(batch, entry),
        {
          'Content-Type': entry.content_type || contentType(batch.length, entry, json),
          ...(ids.length === 0 ? {} : { [ID_HEADER]: ids.join(',') }),
        },
        signal,
      )
      if (entry.echo)
        onInfo(`Output ${entry.name}: ${status} ${printable(text.slice(0, ECHO_MOST))}`.trimEnd())
      switch (verdict(status)) {
        case 'taken':
          return TAKEN
        case 'refused':
          return { refused: batch.length, reason: `the receiver answers ${status}` }
        case 'later':
          throw new Error(`the receiver answers ${status}`)
      }
    },
    close: () => poster.close(),
  }
}

function bodyOf(batch: readonly Message[], { batch: most, batch_as }: EntryOf<'http'>): string {
  const texts = batch.map(({ text }) => text)
  if (most === 1) return texts.join('\n')
  return batch_as === 'array' ? `[${texts.join(',')}]` : `${texts.join('\n')}\n`
}

function contentType(count: number, { batch, batch_as }: EntryOf<'http'>, json: boolean): string {
  if (!json) return 'text/plain; charset=utf-8'
  return batch === 1 || (batch_as === 'array' && count > 0) ? 'application/json' : 'application/x-ndjson'
}
