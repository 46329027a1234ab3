/** Alerts of a running agent on their way to others. */
import assert from 'node:assert/strict'
import { existsSync, readFileSync, renameSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { suite, test } from 'node:test'
import { receiveDatagrams } from '../../src/testing/datagram-receiver.ts'
import { receiveHttp } from '../../src/testing/http-receiver.ts'
import { marker, NEEDS_ROOT, openFolder, opensOf, startAgent, writeRules } from './support/agent.ts'

suite('outputs', { skip: NEEDS_ROOT }, () => {
  test('the list and the keys of Falco; counters on the page, in the records and in the summary', async (t) => {
    const folder = openFolder('outputs')
    const word = marker()
    const server = await receiveHttp()
    t.after(() => server.close())
    const socket = join(folder, 'log')
    const receiver = receiveDatagrams(socket)
    const program = join(folder, 'program')
    const held = join(folder, 'held')
    const agent = await startAgent({
      rules: [writeRules(folder, opensOf(word, 'file=%fd.name'))],
      set: [
        'webserver.enabled=true',
        'webserver.listen_port=0',
        'health.interval=1',
        'program_output.enabled=true',
        `program_output.program=cat > ${program}`,
        'program_output.keep_alive=true',
        'file_output.enabled=true',
        `file_output.filename=${held}`,
        'file_output.keep_alive=true',
        `outputs=[{type: http, url: "${server.url}", format: falco, kinds: [alert, health]}, {type: syslog, address: ${socket}}, {type: otlp, name: dead, url: "http://127.0.0.1:1/"}]`,
      ],
    })
    await agent.alerts(word, () => writeFileSync(join(folder, word), ''))
    const came = (): readonly string[] => server.received.map(({ body }) => body)
    await agent.until(() => came().some((body) => body.includes('"event_type":"health"')), 20_000)
    const alerts = came().filter((body) => body.includes('"rule"'))
    assert.ok(alerts.length >= 1 && JSON.parse(alerts[0]!).output.includes(word))
    assert.match(readFileSync(program, 'utf8'), new RegExp(word))
    assert.match(receiver.take().map(String).join(), new RegExp(`^<\\d+>1 .*${word}`))
    const url = /listens on (http:\/\/127\.0\.0\.1:\d+)/.exec(agent.stderr)?.[1] ?? assert.fail(agent.stderr)
    const metrics = await (await fetch(`${url}/metrics`)).text()
    assert.match(metrics, /^tarsier_output_sent_total\{output="http",type="http"\} [1-9]/m)
    assert.match(metrics, /^tarsier_output_failed_deliveries_total\{output="dead",type="otlp"\} [1-9]/m)
    assert.match(metrics, /^tarsier_output_waiting\{output="dead",type="otlp"\} [1-9]/m)

    renameSync(held, `${held}.old`)
    process.kill(agent.child.pid!, 'SIGUSR2')
    await agent.until(() => existsSync(held), 10_000)
    const again = await agent.alerts(word, () => writeFileSync(join(folder, word), ''))
    assert.ok(again.length > 0)
    assert.match(readFileSync(held, 'utf8'), new RegExp(word))
    const { status, stderr } = await agent.stop()
    assert.equal(status, 0)
    assert.match(stderr, /^outputs: records delivered$/m)
    assert.match(stderr, /^ +0 {2}dead, \d+ deliveries failed, \d+ lost: unsent$/m)
    receiver.close()
  })
})
