/** Files of a running agent change, and it takes over what is valid: rules, outputs, certificates. Nothing is lost meanwhile. */
import assert from 'node:assert/strict'
import { mkdirSync, readFileSync, renameSync, unlinkSync, writeFileSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { suite, test } from 'node:test'
import { connect } from 'node:tls'
import { selfSigned } from '../../src/testing/certificates.ts'
import { receiveHttp } from '../../src/testing/http-receiver.ts'
import {
  marker,
  NEEDS_ROOT,
  openFolder,
  opensOf,
  type Rule,
  type Running,
  startAgent,
} from './support/agent.ts'

const TIME_MS = 15_000

const write = (file: string, ...rules: readonly Rule[]): void =>
  writeFileSync(file, JSON.stringify(rules.map((rule) => ({ desc: 'd', priority: 'WARNING', ...rule }))))

/** What the agent says next that fits, counted from a place in its messages. */
function listener(agent: Running): (what: RegExp) => Promise<string> {
  let from = 0
  return async (what) => {
    const found = (): RegExpExecArray | null => what.exec(agent.stderr.slice(from))
    assert.ok(await agent.until(() => found() !== null, TIME_MS), `${what}: ${agent.stderr}`)
    const { 0: text, index } = found()!
    from += index + text.length
    return text
  }
}

/** A self-signed certificate with its key, in one file that is there at once. */
function makeCertificate(file: string, name: string): void {
  const { cert, key } = selfSigned(dirname(file), name, name)
  writeFileSync(`${file}.new`, cert + key)
  renameSync(`${file}.new`, file)
}
/** Whose certificate a server shows. */
const shownBy = (port: number): Promise<string> =>
  new Promise((resolve, reject) => {
    const socket = connect({ port, host: '127.0.0.1', rejectUnauthorized: false }, () => {
      resolve(String(socket.getPeerCertificate().subject.CN))
      socket.destroy()
    }).on('error', reject)
  })

suite('changes while the agent runs', { skip: NEEDS_ROOT }, () => {
  test('rule files: written over, renamed over, added, removed, and one that is not valid', async () => {
    const folder = openFolder('changes')
    const [word, other] = [marker(), marker()]
    const directory = join(folder, 'rules.d')
    mkdirSync(directory)
    const file = join(folder, 'a.yaml')
    const mine = opensOf(word, 'file=%fd.name')
    write(file, mine)
    // A directory needs a file to be one of rules.
    write(join(directory, 'b.yaml'), opensOf('nothing', 'x'))
    const agent = await startAgent({ rules: [file, directory] })
    const hears = listener(agent)
    const act = (name: string): void => writeFileSync(join(folder, name), '')

    write(join(directory, 'c.yaml'), opensOf(other, 'other=%fd.name'))
    await hears(/change of .*c\.yaml: reloaded, 3 rules/)
    assert.equal((await agent.alerts(word, () => act(other))).length, 0)
    assert.ok(agent.lines.some((line) => line.includes('other=')))

    write(join(folder, 'next'), mine, { ...opensOf('none', 'x'), rule: 'More' })
    renameSync(join(folder, 'next'), file)
    await hears(/change of .*a\.yaml: reloaded, 4 rules/)

    writeFileSync(file, '- rule: x\n  condition: nonsense\n')
    await hears(/a\.yaml:\d+:\d+: error/)
    await hears(/change of .*a\.yaml: the rules are not valid; the rules in force stay/)
    assert.equal((await agent.alerts(word, () => act(word))).length, 1)

    for (let i = 0; i < 10; i++) write(file, mine, { ...opensOf('none', 'x'), rule: `More ${i}` })
    unlinkSync(join(directory, 'c.yaml'))
    await hears(/change of .*: reloaded, 3 rules/)
    assert.equal((await agent.alerts(word, () => act(word))).length, 1)

    unlinkSync(file)
    await hears(/change of .*a\.yaml: .*; the rules in force stay/)
    assert.equal((await agent.alerts(word, () => act(word))).length, 1)
    // The agent's eye on its files has told of each of them, whatever became of the reload.
    for (const what of ['added', 'changed', 'removed'])
      assert.ok(
        agent.lines.some((line) => line.includes(`what=${what}`)),
        `${what}: ${agent.lines.join('\n')}`,
      )
    assert.equal((await agent.stop()).status, 0)
  })
  test('the configuration: rules that are named later are read, and looked after', async () => {
    const folder = openFolder('changes')
    const word = marker()
    const [config, first, second] = ['tarsier.yaml', 'first.yaml', 'second.yaml'].map((name) =>
      join(folder, name),
    ) as [string, string, string]
    const set = (...lines: readonly string[]): void =>
      writeFileSync(config, ['rules_files:', ...lines, ''].join('\n'))
    write(first, opensOf(word, 'file=%fd.name'))
    write(second, opensOf('nothing', 'x'))
    set(`  - ${first}`)
    const agent = await startAgent({ args: ['-c', config] })
    const hears = listener(agent)
    set(`  - ${first}`, `  - ${second}`, 'log_level: debug', 'rule_matching: all')
    await hears(/these settings take a restart: rule_matching/)
    await hears(/change of .*tarsier\.yaml: reloaded, 2 rules/)
    // Changed a second time: the new file is watched now, by both.
    write(second, opensOf('nothing', 'y'))
    await hears(/change of .*second\.yaml: reloaded, 2 rules/)
    const told = (): boolean =>
      agent.lines.some((line) => /second\.yaml.*changed|changed.*second\.yaml/.test(line))
    assert.ok(await agent.until(told, TIME_MS), agent.lines.join('\n'))
    // A file that is named before it is there.
    const third = join(folder, 'third.yaml')
    set(`  - ${first}`, `  - ${third}`)
    await hears(/change of .*tarsier\.yaml: the rules are not valid; the rules in force stay/)
    write(third, opensOf('nothing', 'x'))
    await hears(/change of .*third\.yaml: reloaded, 2 rules/)
    writeFileSync(config, 'rules_files: [\n')
    await hears(/change of .*tarsier\.yaml: the configuration is not valid; the rules in force stay/)
    // Off, by the file itself.
    set(`  - ${first}`, 'watch_config_files: false')
    await hears(/change of .*tarsier\.yaml: reloaded, 1 rule/)
    assert.equal((await agent.alerts(word, () => writeFileSync(join(folder, word), ''))).length, 1)
    assert.equal((await agent.stop()).status, 0)
  })
  test('outputs and certificates', async (t) => {
    const folder = openFolder('changes')
    const word = marker()
    const [config, rules, pem, log] = ['tarsier.yaml', 'rules.yaml', 'web.pem', 'alerts.log'].map((name) =>
      join(folder, name),
    ) as [string, string, string, string]
    const [away, here] = [await receiveHttp(), await receiveHttp()]
    t.after(() => Promise.all([away.close(), here.close()]))
    away.answer = 503
    makeCertificate(pem, 'one')
    write(rules, opensOf(word, 'file=%fd.name'))
    const set = (...outputs: readonly object[]): void =>
      writeFileSync(
        config,
        JSON.stringify({
          rules_files: [rules],
          watch_config_files: false,
          webserver: { enabled: true, listen_port: 0, ssl_enabled: true, ssl_certificate: pem },
          outputs,
        }),
      )
    const quick = { type: 'http', retry_min_ms: 1, retry_max_ms: 50 }
    const steady = { ...quick, name: 'steady', url: here.url, format: 'tarsier' }
    set(steady, { ...quick, name: 'moving', url: away.url })
    const agent = await startAgent({ args: ['-c', config] })
    const hears = listener(agent)
    await agent.until(() => agent.stderr.includes('listens on'), TIME_MS)
    const port = Number(/listens on https:\/\/127\.0\.0\.1:(\d+)/.exec(agent.stderr)?.[1])
    assert.equal(await shownBy(port), 'one')
    const act = (): Promise<unknown> => agent.alerts(word, () => writeFileSync(join(folder, word), ''))
    const reload = async (): Promise<void> => {
      agent.child.kill('SIGHUP')
      await hears(/SIGHUP: reloaded, 1 rule/)
    }
    // That its configuration was changed is an alert, too, and may come before or after the reload.
    const mine = (text: string): boolean => text.includes(word)
    const made = (): number => agent.lines.filter(mine).length
    await act()
    set(steady, { ...quick, name: 'moving', url: here.url }, { type: 'file', name: 'added', path: log })
    makeCertificate(pem, 'two')
    await reload()
    assert.equal(await shownBy(port), 'two')
    const before = made()
    await act()
    set(steady)
    await reload()
    await act()
    // Each alert came by the output that stayed; those until its end by the one that moved, and the file has its own.
    const by = (format: RegExp): number =>
      here.received.filter(({ body }) => mine(body) && format.test(body)).length
    const count = (): readonly number[] => [by(/^\{/), by(/^[^{]/)]
    const removedAt = before + 2
    assert.ok(
      await agent.until(() => count()[0]! >= made() && count()[1]! >= removedAt, TIME_MS),
      `${count()} of ${made()} and ${removedAt}`,
    )
    assert.deepEqual(count(), [made(), removedAt])
    assert.equal(readFileSync(log, 'utf8').split('\n').filter(mine).length, 2)

    writeFileSync(pem, 'no certificate')
    agent.child.kill('SIGHUP')
    await hears(/SIGHUP: webserver: cannot use the certificate .*; the rules in force stay/)
    set(steady, { type: 'file', name: 'bad', path: '/nowhere/x' })
    makeCertificate(pem, 'three')
    agent.child.kill('SIGHUP')
    await hears(/SIGHUP: cannot open output bad: ENOENT.*; the rules in force stay/)
    assert.equal(await shownBy(port), 'two')
    // Another page, without TLS, and then none.
    const serve = (webserver: object): void =>
      writeFileSync(config, JSON.stringify({ rules_files: [rules], watch_config_files: false, webserver }))
    serve({ enabled: true, listen_port: 0, k8s_healthz_endpoint: '/live' })
    await reload()
    const page = /http:\/\/127\.0\.0\.1:\d+/.exec(await hears(/listens on http:\S+/))?.[0]
    assert.equal((await fetch(`${page}/live`)).status, 200)
    assert.match(
      await (await fetch(`${page}/metrics`)).text(),
      /^tarsier_reloads_total\{outcome="refused"\} 2$/m,
    )
    await assert.rejects(shownBy(port))
    serve({ enabled: false })
    await reload()
    await assert.rejects(fetch(`${page}/live`))
    assert.equal((await agent.stop()).status, 0)
  })
})
