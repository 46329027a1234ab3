/** Events that do not fit are counted, announced as an alert, and told in the summary: nothing is lost silently. */
import assert from 'node:assert/strict'
import { spawnSync } from 'node:child_process'
import { readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { suite, test } from 'node:test'
import { setTimeout as sleep } from 'node:timers/promises'
import { GAP_RULE } from '../../src/detect/alert.ts'
import { program } from '../kernel/support/programs.ts'
import { marker, NEEDS_ROOT, openFolder, opensOf, startAgent, writeRules } from './support/agent.ts'

const OPENS = 60_000
const FLOODS_MAX = 5

suite('loss', { skip: NEEDS_ROOT }, () => {
  test('a flood into a small ring', async (t) => {
    const folder = openFolder('loss')
    const word = marker()
    const file = join(folder, word)
    const out = join(folder, 'alerts')
    writeFileSync(file, '')
    const flooded = opensOf(word, 'file=%fd.name')
    const agent = await startAgent({
      rules: [writeRules(folder, flooded)],
      // A pipe that is not read in time at the end loses lines, which is another loss.
      set: [
        'kernel.ring_bytes.bulk=64k',
        'json_output=true',
        'stdout_output.enabled=false',
        'file_output.enabled=true',
        `file_output.filename=${out}`,
      ],
    })
    // On a busy machine the flood may get so little of a CPU that the reader keeps up with it: then there is another.
    let opens = 0
    const told = (): boolean => readFileSync(out, 'utf8').includes(GAP_RULE)
    while (!told() && opens < FLOODS_MAX * OPENS) {
      const { stdout } = spawnSync(program('flood'), [String(OPENS), file, '0'], { encoding: 'utf8' })
      assert.match(stdout, new RegExp(`\\b${OPENS}\\b`))
      opens += OPENS
      for (let tries = 0; tries < 50 && !told(); tries++) await sleep(100)
    }
    const { status, stderr } = await agent.stop()
    assert.equal(status, 0)

    const alerts = readFileSync(out, 'utf8')
      .trimEnd()
      .split('\n')
      .map((line) => JSON.parse(line))
    const gaps = alerts.filter(({ rule }) => rule === GAP_RULE)
    const seen = alerts.filter(({ rule }) => rule === flooded.rule).length
    for (const { priority, source, output_fields: fields } of gaps) {
      assert.deepEqual([priority, source], ['Warning', 'internal'])
      assert.ok(fields.lost > 0 && fields.from <= fields.to)
    }
    assert.ok(gaps.some(({ output_fields: fields }) => fields.ring === 'bulk'))
    assert.ok(
      gaps.some(({ output_fields: fields }) =>
        fields.causes.some((cause: string) => /^exit_openat?\w*\/.+=\d+$/.test(cause)),
      ),
    )

    const announced = gaps.reduce((sum, { output_fields: fields }) => sum + fields.lost, 0)
    const number = (pattern: RegExp): number => Number(pattern.exec(stderr)?.[1] ?? 0)
    const lost = number(/^lost (\d+),/m)
    const dropped = [...stderr.matchAll(/^ +(\d+) {2}(?:kernel|reader): /gm)].reduce(
      (sum, [, n]) => sum + Number(n),
      0,
    )
    t.diagnostic(`${opens} opens: ${seen} judged, ${announced} announced as lost in ${gaps.length} alerts`)
    assert.ok(lost > 0)
    // What was announced is what the summary says, and it is what the kernel side counted.
    assert.equal(announced, lost)
    assert.equal(dropped, lost)
    // Each open of the flood was judged or is among the lost; other software's opens may be lost, too.
    assert.ok(seen <= opens && seen + lost >= opens, `${seen} + ${lost} of ${opens}`)
    assert.equal(number(/^ +(\d+) {2}Opens of /m), seen)
  })
})
