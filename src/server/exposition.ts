/** Prometheus' text exposition format 0.0.4. */

export type Labels = Readonly<Record<string, string>>

export interface Metric {
  /** `[a-zA-Z_:][a-zA-Z0-9_:]*`; counters end in `_total`. */
  readonly name: string
  readonly help: string
  readonly type: 'counter' | 'gauge'
  readonly samples: readonly { readonly labels?: Labels; readonly value: number }[]
}

/** `Content-Type` of the text. */
export const CONTENT_TYPE = 'text/plain; version=0.0.4; charset=utf-8'

const escapeHelp = (text: string): string => text.replace(/\\/g, '\\\\').replace(/\n/g, '\\n')
const escapeValue = (text: string): string => escapeHelp(text).replace(/"/g, '\\"')

const labelsText = (labels: Labels): string => {
  const pairs = Object.entries(labels).map(
    ([name, value]) => `${name}="${escapeValue(value.toWellFormed())}"`,
  )
  return pairs.length === 0 ? '' : `{${pairs.join(',')}}`
}

const numberText = (value: number): string =>
  Number.isNaN(value) ? 'NaN' : Number.isFinite(value) ? String(value) : value > 0 ? '+Inf' : '-Inf'

/** A page of metrics. Those without samples are left out. */
export function expose(metrics: readonly Metric[]): string {
  const parts: string[] = []
  for (const { name, help, type, samples } of metrics) {
    if (samples.length === 0) continue
    parts.push(`# HELP ${name} ${escapeHelp(help)}\n# TYPE ${name} ${type}\n`)
    for (const { labels = {}, value } of samples)
      parts.push(`${name}${labelsText(labels)} ${numberText(value)}\n`)
  }
  return parts.join('')
}
