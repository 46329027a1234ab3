import assert from 'node:assert/strict'
import { spawn } from 'node:child_process'
import { chmodSync, existsSync, mkdirSync, statSync, writeFileSync } from 'node:fs'
import { connect, type Socket } from 'node:net'
import { join } from 'node:path'
import { after, test } from 'node:test'
import { setTimeout as sleep } from 'node:timers/promises'
import { scratchFolder } from '../testing/scratch.ts'
import { until } from '../testing/waiting.ts'
import { ask } from './client.ts'
import { type Answer, parseRequest, REQUEST_BYTES_MAX, type Request } from './protocol.ts'
import { type ControlServer, startControl } from './server.ts'

const folder = scratchFolder('control')
const servers: ControlServer[] = []
after(() => {
  for (const server of servers) server.close()
})

const parses = (line: string, expected: Request): void =>
  void test(line, () => assert.deepEqual(parseRequest(line), expected))
parses('{"command":"status"}', { command: 'status' })
parses('{"command":"loglevel","level":"debug"}', { command: 'loglevel', level: 'debug' })
parses('{"command":"explain"}', { command: 'explain', seconds: 0, json: false })
parses('{"command":"explain","rule":"R","seconds":60,"json":true}', {
  command: 'explain',
  rule: 'R',
  seconds: 60,
  json: true,
})

const refuses = (line: string, message: RegExp): void =>
  void test(line, () => assert.throws(() => parseRequest(line), { name: 'RequestError', message }))
refuses('', /one line of JSON/)
refuses('[1]', /an object/)
refuses('null', /an object/)
refuses('{"command":"stop"}', /no such command; there are status, /)
refuses('{"command":"status","x":1}', /takes no 'x'/)
refuses('{"command":"loglevel","level":"loud"}', /no such level/)
refuses('{"command":"explain","seconds":61}', /from 0 to 60/)
refuses('{"command":"explain","rule":7}', /name of a rule/)

let made = 0
const messages: string[] = []
const said = (words: string): Promise<void> =>
  until(() => messages.some((message) => message.includes(words)))

async function serve(answer: (request: Request) => Answer | Promise<Answer>, at?: string): Promise<string> {
  const path = at ?? join(folder, `${made++}.sock`)
  const server = startControl({ path, answer, log: (_, message) => void messages.push(message) })
  servers.push(server)
  await until(() => server.listening)
  return path
}

const echo = (request: Request): Answer => ({ ok: true, result: request })
const STATUS: Request = { command: 'status' }
const TIME_MS = 10_000

/** What a client gets that says this and then nothing more. */
async function say(path: string, text: string): Promise<string> {
  const socket = connect({ path })
  socket.on('error', () => {})
  const chunks: Buffer[] = []
  socket.on('data', (chunk) => chunks.push(chunk))
  socket.write(text)
  await new Promise((resolve) => socket.on('close', resolve))
  return Buffer.concat(chunks).toString()
}

test('a request is answered', async () => {
  const path = await serve(echo)
  assert.deepEqual(await ask(path, STATUS, TIME_MS), { ok: true, result: STATUS })
})
test('the socket is for its owner alone', async () => {
  assert.equal(statSync(await serve(echo)).mode & 0o777, 0o600)
})
test('an answer may take its time', async () => {
  const path = await serve(async (request) => {
    await sleep(20)
    return echo(request)
  })
  assert.deepEqual(await ask(path, STATUS, TIME_MS), { ok: true, result: STATUS })
})
test('what goes wrong inside is an answer', async () => {
  const path = await serve(() => {
    throw new Error('broken')
  })
  assert.deepEqual(await ask(path, STATUS, TIME_MS), { ok: false, error: 'internal error: broken' })
})
test('garbage is answered', async () => {
  const path = await serve(echo)
  assert.match(await say(path, 'GET / HTTP/1.1\r\n\r\n'), /^\{"ok":false,"error":"a request is one line/)
  assert.match(await say(path, '\0\xff\n'), /"ok":false/)
})
test('a line without end is refused, however long it goes on', async () => {
  const path = await serve(echo)
  assert.match(await say(path, 'x'.repeat(REQUEST_BYTES_MAX)), /"ok":false,"error":"a request has less than/)
  assert.match(await say(path, 'x'.repeat(1 << 20)), /^(\{"ok":false.*)?$/s)
  assert.deepEqual(await ask(path, STATUS, TIME_MS), { ok: true, result: STATUS })
})
test('a client that says nothing is sent away', async () => {
  assert.equal(await say(await serve(echo), '{"command"'), '')
})
test('a client that does not read holds up nobody', async () => {
  const big = 'x'.repeat(8 << 20)
  const path = await serve(({ command }) => ({ ok: true, result: command === 'reload' ? big : 'here' }))
  const deaf = connect({ path })
  deaf.pause()
  deaf.on('error', () => {})
  deaf.write('{"command":"reload"}\n')
  await sleep(50)
  assert.deepEqual(await ask(path, STATUS, TIME_MS), { ok: true, result: 'here' })
  deaf.destroy()
})
test('many connections: those beyond some are closed, and there is room again', async () => {
  const path = await serve(echo)
  const open: Socket[] = []
  let closed = 0
  for (let i = 0; i < 100; i++) {
    const socket = connect({ path })
    socket.on('error', () => {})
    socket.on('close', () => closed++)
    socket.resume()
    open.push(socket)
  }
  await until(() => closed >= 92)
  for (const socket of open) socket.destroy()
  // There is room as soon as the server has noticed.
  let answer: Answer | undefined
  for (let tries = 0; tries < 1000 && answer === undefined; tries++)
    answer = await ask(path, STATUS, TIME_MS).catch(() => sleep(5, undefined))
  assert.deepEqual(answer, { ok: true, result: STATUS })
})
test('nobody there', async () => {
  const path = join(folder, 'none.sock')
  await assert.rejects(ask(path, STATUS, TIME_MS), {
    name: 'UserError',
    message: `no agent runs here: there is no control socket '${path}'`,
  })
})
test('one that was left behind is taken over', async () => {
  const path = join(folder, 'left.sock')
  const script = `require('node:net').createServer().listen(process.argv[1], () => console.log('up'))`
  const child = spawn(process.execPath, ['-e', script, path], { stdio: ['ignore', 'pipe', 'ignore'] })
  await new Promise((resolve) => child.stdout.once('data', resolve))
  child.kill('SIGKILL')
  await new Promise((resolve) => child.on('close', resolve))
  await assert.rejects(ask(path, STATUS, TIME_MS), /nobody listens on/)
  await serve(echo, path)
  assert.deepEqual(await ask(path, STATUS, TIME_MS), { ok: true, result: STATUS })
  assert.equal(statSync(path).mode & 0o777, 0o600)
})
test('one that is in use, and what is no socket, stay', async () => {
  const path = await serve(() => ({ ok: true, result: 'first' }))
  startControl({ path, answer: echo, log: (_, message) => void messages.push(message) })
  await said('another process listens there')
  assert.deepEqual(await ask(path, STATUS, TIME_MS), { ok: true, result: 'first' })
  const file = join(folder, 'file')
  writeFileSync(file, 'kept')
  startControl({ path: file, answer: echo, log: (_, message) => void messages.push(message) })
  await said('no socket has that name')
  assert.ok(existsSync(file))
})
test('a folder that others may write to is refused', async () => {
  const open = join(folder, 'open')
  mkdirSync(open)
  chmodSync(open, 0o777)
  startControl({ path: join(open, 'x.sock'), answer: echo, log: (_, message) => void messages.push(message) })
  assert.ok(messages.some((message) => message.includes('others may write to its folder')))
  assert.ok(!existsSync(join(open, 'x.sock')))
})
test('a folder is made for the owner alone', async () => {
  const path = join(folder, 'made', 'x.sock')
  await serve(echo, path)
  assert.equal(statSync(join(folder, 'made')).mode & 0o777, 0o700)
})
test('too long a path is said', async () => {
  const path = join(folder, 'x'.repeat(120))
  await assert.rejects(ask(path, STATUS, TIME_MS), /longer than the path of a socket/)
  startControl({ path, answer: echo, log: (_, message) => void messages.push(message) })
  assert.ok(messages.some((message) => message.includes('the path is longer')))
})
test('the end removes it', async () => {
  const path = await serve(echo)
  servers.pop()!.close()
  await assert.rejects(ask(path, STATUS, TIME_MS), /there is no control socket/)
})
