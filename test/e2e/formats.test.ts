/** What alerts look like, on standard output and in a file, and that event text never gets there raw. */
import assert from 'node:assert/strict'
import { spawnSync } from 'node:child_process'
import { readFileSync, statSync, writeFileSync } from 'node:fs'
import { hostname } from 'node:os'
import { join } from 'node:path'
import { suite, test } from 'node:test'
import { program } from '../kernel/support/programs.ts'
import { AT_FDCWD, script } from '../kernel/support/raw.ts'
import { marker, NEEDS_ROOT, openFolder, opensOf, said, withAgent, writeRules } from './support/agent.ts'

const OUTPUT = 'file=%fd.name pid=%proc.pid write=%evt.is_open_write none=%fd.sip'
const RULE = { tags: ['b', 'a'], priority: 'CRITICAL' }

suite('formats of alerts', { skip: NEEDS_ROOT }, () => {
  const folder = NEEDS_ROOT ? '' : openFolder('formats')

  /** The one line an open of `<folder>/<word>` leads to. */
  const oneLine = async (set: readonly string[]): Promise<{ line: string; pid: number; file: string }> => {
    const word = marker()
    const file = join(folder, word)
    writeFileSync(file, '')
    const rules = [writeRules(folder, { ...opensOf(word, OUTPUT), ...RULE })]
    let pid = 0
    let lines: string[] = []
    await withAgent({ rules, set }, async (agent) => {
      lines = await agent.alerts(word, () => {
        pid = spawnSync(program('raw'), script([['openat', AT_FDCWD, file, 0]])).pid
      })
    })
    assert.equal(lines.length, 1)
    return { line: lines[0]!, pid, file }
  }
  const iso = /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{9}Z$/
  const isNow = (time: string): void =>
    assert.ok(Math.abs(Date.parse(time) - Date.now()) < 60_000, `${time} is not now`)

  test('text as Falco writes it', async () => {
    const { line, pid, file } = await oneLine([])
    assert.match(line, /^\d\d:\d\d:\d\d\.\d{9}: Critical /)
    assert.equal(said(line), `file=${file} pid=${pid} write=false none=<NA>`)
  })
  test('text with ISO 8601 times', async () => {
    const { line } = await oneLine(['time_format_iso_8601=true'])
    const time = /^(\S+)\+0000: Critical file=/.exec(line)?.[1]
    isNow(`${time}Z`)
  })

  test('JSON with the keys and types of Falco', async () => {
    const { line, pid, file } = await oneLine(['json_output=true'])
    const alert = JSON.parse(line)
    assert.deepEqual(Object.keys(alert), [
      ...['hostname', 'output', 'output_fields', 'priority', 'rule', 'source', 'tags', 'time'],
    ])
    const { output, time, output_fields, rule, ...rest } = alert
    assert.deepEqual(rest, {
      hostname: hostname(),
      priority: 'Critical',
      source: 'syscall',
      tags: ['a', 'b'],
    })
    assert.match(rule, /^Opens of mark/)
    assert.match(output, /^\d\d:\d\d:\d\d\.\d{9}: Critical file=/)
    assert.match(time, iso)
    isNow(time)
    const { 'evt.time': ns, ...fields } = output_fields
    assert.deepEqual(Object.keys(output_fields), Object.keys(output_fields).sort())
    assert.deepEqual(fields, { 'fd.name': file, 'proc.pid': pid, 'evt.is_open_write': false, 'fd.sip': null })
    // More than a double holds: the digits are in the text.
    assert.equal(typeof ns, 'number')
    const digits = /"evt\.time":(\d+)/.exec(line)?.[1] ?? ''
    assert.equal(
      `${new Date(Number(BigInt(digits) / 1_000_000n)).toISOString().slice(0, 23)}`,
      time.slice(0, 23),
    )
    assert.equal(digits.slice(-9), time.slice(20, 29))
  })
  test('JSON properties can be left out', async () => {
    const { line } = await oneLine([
      'json_output=true',
      'json_include_output_property=false',
      'json_include_output_fields_property=false',
      'json_include_tags_property=false',
      'json_include_message_property=true',
    ])
    const alert = JSON.parse(line)
    assert.deepEqual(Object.keys(alert), ['hostname', 'message', 'priority', 'rule', 'source', 'time'])
    assert.match(alert.message, /^file=/)
  })

  test("Tarsier's own JSON", async () => {
    const { line, pid, file } = await oneLine(['output.format=tarsier'])
    const { id, time, rule, message, ...rest } = JSON.parse(line)
    assert.match(id, /^[0-9a-f]{32}$/)
    assert.match(time, iso)
    isNow(time)
    assert.match(rule, /^Opens of mark/)
    assert.equal(message, `file=${file} pid=${pid} write=false none=<NA>`)
    assert.deepEqual(rest, {
      v: 1,
      kind: 'alert',
      host: hostname(),
      priority: 'Critical',
      source: 'syscall',
      tags: ['a', 'b'],
      fields: { 'fd.name': file, 'proc.pid': pid, 'evt.is_open_write': false, 'fd.sip': null },
    })
  })

  test('a file is appended to, private, and gets the same lines', async () => {
    const word = marker()
    const log = join(folder, 'alerts.log')
    const rules = [writeRules(folder, opensOf(word, 'file=%fd.name'))]
    const set = ['file_output.enabled=true', `file_output.filename=${log}`]
    const open = (): void => writeFileSync(join(folder, word), '')
    const first = await withAgent({ rules, set }, async (agent) => void (await agent.alerts(word, open)))
    assert.equal(statSync(log).mode & 0o7777, 0o600)
    assert.equal(readFileSync(log, 'utf8'), first.stdout)
    assert.match(first.stdout, /file=/)
    const second = await withAgent({ rules, set: [...set, 'stdout_output.enabled=false'] }, async (agent) => {
      open()
      await agent.until(() => statSync(log).size > first.stdout.length, 1000)
    })
    const text = readFileSync(log, 'utf8')
    assert.ok(text.startsWith(first.stdout) && text.length > first.stdout.length)
    assert.equal(second.stdout, '')
  })

  for (const format of ['falco-text', 'falco', 'tarsier'])
    test(`hostile file names in ${format}`, async () => {
      const word = marker()
      const rules = [writeRules(folder, opensOf(word, 'file=%fd.name by=%proc.cmdline'))]
      const names = [
        '\n00:00:00.0: Emergency forged',
        '\u001b]0;title\u0007\u001b[2J',
        '\u202egnp.exe',
        '\r',
        '\u0085',
        '\u2066x\u2028',
      ]
      // Not UTF-8: a lone continuation byte, an overlong slash, a surrogate.
      const bytes = ['\\x80\\xff', '\\xc0\\xaf', '\\xed\\xa0\\x80']
      const calls = [...names, ...bytes].map(
        (name) => ['openat', AT_FDCWD, `/tmp/${word}${name}`, 0] as const,
      )
      const end = await withAgent({ rules, set: [`output.format=${format}`] }, async (agent) => {
        const lines = await agent.alerts(word, () => spawnSync(program('raw'), script(calls)))
        assert.equal(lines.length, names.length + bytes.length)
        const raw = agent.bytes
        assert.doesNotThrow(() => new TextDecoder('utf-8', { fatal: true }).decode(raw))
        assert.doesNotMatch(raw.toString('utf8'), UNSAFE)
        if (format !== 'falco-text') for (const line of lines) JSON.parse(line)
        assert.ok(lines.some((line) => line.includes('u202egnp.exe')))
        assert.ok(lines.some((line) => line.includes('x80') && line.includes('xff')))
        if (format === 'tarsier') {
          const exact = lines.map((line) => JSON.parse(line).fields['fd.name_b64']).filter(Boolean)
          assert.deepEqual(
            exact.map((text) =>
              Buffer.from(text, 'base64')
                .subarray(5 + word.length)
                .toString('hex'),
            ),
            ['80ff', 'c0af', 'eda080'],
          )
        }
      })
      assert.equal(end.status, 0)
    })
})

/** What must not reach a terminal: controls but the line feed, and what changes the direction of text. */
const UNSAFE = /[\x00-\x09\x0b-\x1f\x7f-\x9f\u061c\u200e\u200f\u2028-\u202e\u2066-\u2069]/
