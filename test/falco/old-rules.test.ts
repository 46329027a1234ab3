/** Rules and lines of earlier years, live: the whole line is what people's parsers know. */
import assert from 'node:assert/strict'
import { readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { after, before, suite, test } from 'node:test'
import { type FakeRuntime, fakeDocker } from '../../src/testing/runtimes.ts'
import { marker, NEEDS_ROOT, openFolder, type Running, startAgent, writeRules } from '../e2e/support/agent.ts'
import { AT_FDCWD } from '../kernel/support/raw.ts'
import { dockerAnswer, firstAct, lastAct, meet, onlyDocker } from './answers.ts'
import { type Action, openSandbox, type Place, type Sandbox } from './sandbox.ts'

const O_WRONLY = 1
const O_CREAT = 0o100
const TIME = /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{9}\+0000: /

/** What the kernel calls this process, the parent of what it runs. */
const ownName = readFileSync('/proc/self/comm', 'utf8').trim()

suite('old rules, live', { skip: NEEDS_ROOT, timeout: 90_000 }, () => {
  let box: Sandbox
  let agent: Running
  let runtime: FakeRuntime
  let id: string

  before(async () => {
    box = await openSandbox(marker())
    const { container } = box.containers
    id = container.slice(0, 12)
    const socket = join(openFolder('runtime'), 'docker.sock')
    runtime = await fakeDocker(socket, { [`/containers/${container}/json`]: dockerAnswer(container) })
    agent = await startAgent({
      rules: [join(import.meta.dirname, 'old-rules.yaml'), writeRules(openFolder('own'), lastAct, firstAct)],
      set: ['time_format_iso_8601=true', ...onlyDocker(socket)],
    })
    await meet(agent, box, 'container')
  })
  after(async () => {
    // A start that failed leaves less to end.
    await runtime?.close()
    box?.close()
    const ended = await agent?.stop()
    assert.equal(ended?.status, 0, ended?.stderr)
  })

  /** Lines with the word, each checked for the time in front. */
  const lines = async (word: string, action: Action, place: Place): Promise<string[]> => {
    const found = await agent.alerts(word, () => box.run(action, place))
    for (const line of found) assert.match(line, TIME)
    return found.map((line) => line.replace(TIME, ''))
  }
  /** A command that runc starts, with or without a terminal. */
  const byRunc = (command: string, terminal: boolean): Action => {
    const runc = box.named('runc', '/bin/sh')
    return terminal
      ? { file: '/usr/bin/script', args: ['-qc', `${runc} -c '${command}; :'`, '/dev/null'] }
      : { file: runc, args: ['-c', `${command}; :`] }
  }
  const spawned = (shell: string, command: string): string =>
    `Notice A shell was spawned in a container with an attached terminal (user=root user_loginuid=-1 unruffled_sinoussi (id=${id}) shell=${shell} parent=runc cmdline=${command} terminal=34816 container_id=${id} image=citizenstig/dvwa)`

  test('a shell with a terminal in a container', async () => {
    const bash = box.named('bash', '/bin/bash')
    // The terminal stays the controlling one, but nothing waits for what nobody will type.
    const action = byRunc(`${bash} < /dev/null`, true)
    assert.deepEqual(await lines(id, action, 'container'), [spawned('bash', 'bash')])
  })
  test('a shell that runs a script there', async () => {
    const sh = box.named('sh', '/bin/sh')
    const script = join(box.folder, 'test.sh')
    writeFileSync(script, ':\n')
    assert.deepEqual(await lines(id, byRunc(`${sh} ${script}`, true), 'container'), [
      spawned('sh', `sh ${script}`),
    ])
  })
  test('near miss: a shell without a terminal', async () =>
    assert.deepEqual(await lines(id, byRunc(box.named('sh', '/bin/sh'), false), 'container'), []))
  test('near miss: a shell with a terminal on the host', async () =>
    assert.deepEqual(await lines('shell was spawned', byRunc(box.named('sh', '/bin/sh'), true), 'host'), []))

  const write = (path: string, flags: number): Action =>
    box.raw('vault', ['openat', AT_FDCWD, path, flags, 0o600])
  test('a file below /root is written', async () => {
    const word = marker()
    const file = `/root/${word}`
    const action = write(file, O_WRONLY | O_CREAT)
    const command = ['vault', ...action.args].join(' ')
    assert.deepEqual(await lines(word, action, 'host'), [
      `Error File below / or /root opened for writing (user=root user_loginuid=-1 command=${command} parent=${ownName} file=${file} program=vault container_id=host image=<NA>)`,
    ])
    assert.deepEqual(await lines(word, write(file, 0), 'host'), [], 'a read of the same file')
  })
  test('near miss: files and folders that are known', async () => {
    const word = marker()
    for (const file of ['/root/.bash_history', `/root/.cache/${word}`])
      assert.deepEqual(await lines(word, write(file, O_WRONLY | O_CREAT), 'host'), [])
  })
})
