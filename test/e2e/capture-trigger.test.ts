/** Captures that a rule of a running agent begins. */
import assert from 'node:assert/strict'
import { spawnSync } from 'node:child_process'
import { existsSync, mkdirSync, readdirSync, rmdirSync, statSync, unlinkSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { suite, test } from 'node:test'
import { setTimeout as sleep } from 'node:timers/promises'
import { marker, NEEDS_ROOT, openFolder, opensOf, startAgent, tarsier, writeRules } from './support/agent.ts'

/** Alerts are due within this time, on a machine that others keep busy. */
const LATE_MS = 20_000
const FILE = 'tarsier.capture'

interface Alert {
  readonly rule: string
  readonly output: string
  readonly output_fields: Readonly<Record<string, unknown>>
}

suite('captures that rules begin', { skip: NEEDS_ROOT }, () => {
  const folder = NEEDS_ROOT ? '' : openFolder('trigger')
  const word = marker()
  const opens = { ...opensOf(word, '%evt.num %evt.time %proc.cmdline %fd.name'), capture: true }
  const [rules, others] = NEEDS_ROOT
    ? ['', '']
    : [
        writeRules(folder, opens),
        writeRules(
          folder,
          { ...opens },
          {
            rule: 'Removes',
            condition: `evt.type in (unlink, unlinkat) and evt.args contains before-${word}`,
            output: 'removed %fs.path.name',
          },
          {
            rule: 'Runs',
            condition: `evt.type in (execve, execveat) and proc.args contains after-${word}`,
            output: 'ran %proc.args',
          },
        ),
      ]

  const begin = (name: string, ...set: readonly string[]) => {
    const below = join(folder, name)
    mkdirSync(below)
    const settings = ['capture.enabled=true', `capture.path_prefix=${below}/c`, ...set]
    const common = ['json_output=true', 'integrity.enabled=false', ...settings]
    return startAgent({ rules: [rules!], set: common })
  }
  const alertsIn = (lines: readonly string[]): readonly Alert[] =>
    lines.filter((line) => line.startsWith('{')).map((line) => JSON.parse(line) as Alert)
  const replayed = (file: string): readonly Alert[] =>
    alertsIn(tarsier(['replay', file, '-r', others!, '-o', 'json_output=true']).stdout.split('\n'))
  const withoutFile = ({ output_fields: { [FILE]: _, ...rest }, ...alert }: Alert): object => ({
    ...alert,
    output_fields: rest,
  })

  test('the match, what was named of before it, and what follows; the alert says where', async () => {
    const removed = join(folder, `before-${word}`)
    writeFileSync(removed, '')
    const agent = await begin('one', 'capture.prebuffer=unlink,unlinkat', 'capture.prebuffer_ms=60000')
    unlinkSync(removed)
    spawnSync('/bin/sh', ['-c', `: > ${folder}/${word}-1`])
    spawnSync('/bin/echo', [`after-${word}`])
    spawnSync('/bin/sh', ['-c', `: > ${folder}/${word}-2`])
    assert.ok(await agent.until(() => agent.lines.some((line) => line.includes(`${word}-2`)), LATE_MS))
    const { status, stdout, stderr } = await agent.stop()
    assert.equal(status, 0, stderr)
    const live = alertsIn(stdout.split('\n')).filter(({ output_fields: f }) => FILE in f)
    const files = new Set(live.map(({ output_fields }) => output_fields[FILE]))
    assert.deepEqual([...files], [join(folder, 'one', readdirSync(join(folder, 'one'))[0]!)], stderr)
    const [file] = files as Set<string>
    assert.equal(statSync(file!).mode & 0o777, 0o600)
    assert.match(stderr, /captures that rules began\n(?:.*\n)*? +1 {2}files/)
    const again = replayed(file!)
    assert.deepEqual(
      again.filter(({ rule }) => rule === opens.rule),
      live.map(withoutFile),
    )
    const others = again.filter(({ rule }) => rule !== opens.rule).map(({ output }) => output)
    assert.deepEqual(
      others.map((output) => output.replace(/^.*Warning /, '')),
      [`removed ${removed}`, `ran after-${word}`],
    )
  })

  test('after its time the next match begins another, and old ones go', async () => {
    const agent = await begin('two', 'capture.default_duration=200', 'capture.max_files=2')
    for (const n of [1, 2, 3]) {
      spawnSync('/bin/sh', ['-c', `: > ${folder}/${word}-${n}`])
      const said = (): boolean => agent.lines.some((line) => line.includes(`${word}-${n}`))
      assert.ok(await agent.until(said, LATE_MS))
      await sleep(400)
    }
    const { stdout, stderr } = await agent.stop()
    const files = alertsIn(stdout.split('\n')).map(({ output_fields }) => output_fields[FILE] as string)
    assert.equal(new Set(files).size, 3, stderr)
    assert.deepEqual(
      files.map((file) => existsSync(file)),
      [false, true, true],
    )
    const alerts = replayed(files[2]!).map(({ output_fields }) => output_fields['fd.name'])
    assert.ok(alerts.includes(`${folder}/${word}-3`))
  })

  test('without a folder to write to the alerts go out all the same, and it is told', async () => {
    const agent = await begin('three')
    rmdirSync(join(folder, 'three'))
    spawnSync('/bin/sh', ['-c', `: > ${folder}/${word}-gone`])
    assert.ok(await agent.until(() => agent.lines.some((line) => line.includes(`${word}-gone`)), LATE_MS))
    const { stdout, stderr } = await agent.stop()
    assert.equal(alertsIn(stdout.split('\n')).filter(({ output_fields: f }) => FILE in f).length, 0)
    assert.match(stderr, /cannot write the capture .*ENOENT/)
    assert.match(stderr, /captures that rules began\n +1 {2}failed/)
  })

  test('a falco.yaml asks for captures of all rules', async () => {
    const below = join(folder, 'four')
    mkdirSync(below)
    const config = join(folder, 'falco.yaml')
    const plain = writeRules(folder, opensOf(word, 'opened %fd.name'))
    writeFileSync(
      config,
      `rules_files: [${plain}]\njson_output: true\ncapture:\n  enabled: true\n  path_prefix: ${below}/f\n  mode: all_rules\n  default_duration: 100\n  max_file_size_mb: 10\n`,
    )
    const agent = await startAgent({ set: ['integrity.enabled=false'], args: ['-c', config] })
    spawnSync('/bin/sh', ['-c', `: > ${folder}/${word}-all`])
    assert.ok(await agent.until(() => agent.lines.some((line) => line.includes(`${word}-all`)), LATE_MS))
    const { stdout, stderr } = await agent.stop()
    const [alert] = alertsIn(stdout.split('\n'))
    assert.ok(String(alert?.output_fields[FILE]).startsWith(`${below}/f_`), stderr)
  })
})
