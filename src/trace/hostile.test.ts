/** Names of files, processes, machines and containers are whatever somebody likes: nothing of them leaves a trace raw. */
import assert from 'node:assert/strict'
import { suite, test } from 'node:test'
import fc from 'fast-check'
import { isVariable, layoutOf, PUBLIC_EVENT_TYPES } from '../../schema/index.ts'
import type { FieldValue, RecordInit } from '../decode/encode.ts'
import { decodeBytes, encodeText } from '../decode/str.ts'
import { FUNCTIONS } from '../outputs/template/functions.ts'
import { event, execve } from '../testing/events.ts'
import { traced } from '../testing/tracing.ts'
import { TRACE_EVENTS } from './catalogue.ts'
import { eventTemplate } from './formats/go-template.ts'
import type { TraceRecord } from './record.ts'

const RAW = /[\x00-\x1f\x7f-\x9f\u061c\u200e\u200f\u2028-\u202e\u2066-\u2069]/
const PIECES = [
  ...[
    '\n',
    '\r',
    '\t',
    '\u001b[2J',
    '\u001b]0;x\u0007',
    '\u009b',
    '\u202e',
    '\u2066',
    '\u2028',
    '\u007f',
    '\b',
  ],
  ...[
    '%s',
    '%n',
    '{{.}}',
    '\\',
    '\\n',
    '"',
    "'",
    ',',
    '=',
    '/',
    ' ',
    'a',
    '\ud83d\ude00',
    '\udc80',
    '\udcff',
  ],
]
/** Text as the kernel has it: no zero byte, any other. */
const hostile = fc
  .oneof(
    fc.array(fc.constantFrom(...PIECES), { minLength: 1, maxLength: 8 }).map((parts) => parts.join('')),
    fc.uint8Array({ min: 1, minLength: 1, maxLength: 20 }).map(decodeBytes),
  )
  .map((text) => text.replaceAll('\0', ''))

/** An event with such text wherever there is room for text. */
function eventOf(name: string, text: string): RecordInit {
  const { slots } = layoutOf(PUBLIC_EVENT_TYPES.find((type) => type.name === name)!.family)
  const fields: Record<string, FieldValue> = {}
  for (const { name: field, decl } of slots) {
    if (!isVariable(decl.storage)) continue
    if (decl.storage === 'strv') fields[field] = [text, `--x=${text}`]
    else fields[field] = encodeText(text).subarray(0, decl.max ?? 4096)
  }
  return event(name, {}, fields)
}

type Template = (record: TraceRecord) => string

/** Lines of a trace of these events, by a process and on a machine with such names; the end is left out. */
async function linesOf(
  events: readonly RecordInit[],
  text: string,
  output: string | Template,
): Promise<string[]> {
  const template =
    typeof output !== 'string' ? output : output.includes('{{') ? eventTemplate(output) : undefined
  const format = typeof output === 'string' && template === undefined ? output : 'gotemplate=x'
  const names = [...new Set(events.map((one) => one.event))]
  const image = {
    comm: text,
    argv: [text],
    cwd: `/${text}`,
    cgroup: `/docker/${text}`,
    fields: { uts: text },
  }
  const lines = await traced(
    [`event=${names.join()}`],
    events,
    [format, 'option:exec-env', 'option:parse-arguments'],
    { first: execve({ path: `/${text}`, ...image }), warn: () => {}, ...(template && { template }) },
  )
  return lines.filter((line) => !line.includes('End of events stream'))
}

/** Those that come of a record with their name. */
const NAMES = PUBLIC_EVENT_TYPES.map(({ name }) => name).filter((name) =>
  TRACE_EVENTS.get(name)?.sources.includes(name),
)

const clean = (lines: readonly string[]): void => {
  for (const line of lines) {
    assert.doesNotMatch(line, RAW)
    assert.ok(line.isWellFormed(), line)
  }
}

suite('nothing of a hostile name comes out raw', () => {
  const all =
    '{{.}} {{range .Args}}{{.Name}}={{.Value}} {{printf "%v %s %q" .Value .Value .Value}}{{end}}{{.HostName}}'
  for (const output of ['table', 'table-verbose', 'json', 'tarsier', all])
    test(`of any event: ${output}`, () =>
      fc.assert(
        fc.asyncProperty(fc.constantFrom(...NAMES), hostile, async (name, text) => {
          const lines = await linesOf([eventOf(name, text)], text, output)
          assert.ok(lines.length > 0, name)
          clean(lines)
        }),
        { numRuns: 400 },
      ))

  test('every event is a line', async () => {
    for (const output of ['table', 'json', all])
      clean(
        await linesOf(
          NAMES.map((name) => eventOf(name, PIECES.join(''))),
          PIECES.join(''),
          output,
        ),
      )
  })

  /** These make line ends of their own. */
  const MAKES_LINES: ReadonlySet<string> = new Set(['println', 'nindent', 'toPrettyJson', 'mustToPrettyJson'])
  const names = [...FUNCTIONS.keys()].filter((name) => !MAKES_LINES.has(name))
  const VALUES = ['.ProcessName', '.Args', '(index .Args 1).Value', '.Timestamp', '2', '"x"', '"%v%c"']
  test('each function with anything', async () => {
    const text = PIECES.join('')
    const calls = names.flatMap((name) =>
      ['', ...VALUES].flatMap((a) =>
        ['', ...VALUES].flatMap((b) =>
          // Three arguments are the most that any of them looks at.
          (a === '' || b === '' ? [''] : ['', '.ProcessName', '5']).map((c) => `${name} ${a} ${b} ${c}`),
        ),
      ),
    )
    const record = await recordOf(text)
    let made = 0
    for (const call of calls) {
      const line = printed(call, record)
      if (line === undefined) continue
      made++
      clean([line])
    }
    assert.ok(made > calls.length / 4, `${made} of ${calls.length}`)
  })

  const argument: fc.Arbitrary<string> = fc.letrec<{ value: string; call: string }>((tie) => ({
    value: fc.oneof(
      { depthSize: 'small', withCrossShrink: true },
      fc.constantFrom(
        ...VALUES,
        '.HostName',
        '.',
        '0',
        '-2',
        '" "',
        '"2006-01-02"',
        '"UTC"',
        '`%[1]q %5.2x`',
      ),
      tie('call'),
    ),
    call: fc
      .tuple(fc.constantFrom(...names), fc.array(tie('value'), { maxLength: 3 }))
      .map(([name, args]) => `(${[name, ...args].join(' ')})`),
  })).call
  test('functions of functions', async () => {
    const records = await Promise.all(PIECES.map((piece) => recordOf(`a${piece}b ${piece}`)))
    fc.assert(
      fc.property(argument, fc.constantFrom(...records), (call, record) => {
        const line = printed(call, record)
        if (line !== undefined) clean([line])
      }),
      { numRuns: 20_000 },
    )
  })
})

/** What a template makes of a record; undefined where it does not fit. */
function printed(call: string, record: TraceRecord): string | undefined {
  try {
    return eventTemplate(`{{${call}}}|{{.EventName}}`)(record)
  } catch {
    return undefined
  }
}

/** An open with such names. */
async function recordOf(text: string): Promise<TraceRecord> {
  let found: TraceRecord | undefined
  await linesOf([eventOf('openat', text)], text, (record) => {
    found = record
    return ''
  })
  return found!
}
