import assert from 'node:assert/strict'
import { writeFileSync } from 'node:fs'
import { request as httpsRequest } from 'node:https'
import { connect } from 'node:net'
import { join } from 'node:path'
import { after, test } from 'node:test'
import { selfSigned } from '../testing/certificates.ts'
import { scratchFolder } from '../testing/scratch.ts'
import { until } from '../testing/waiting.ts'
import { startWebServer, type WebOptions, type WebServer } from './server.ts'

const messages: string[] = []
const servers: WebServer[] = []
const folder = scratchFolder('web')
after(() => {
  for (const server of servers) server.close()
})

async function serve(options: Partial<WebOptions> = {}): Promise<string> {
  const before = messages.length
  const server = startWebServer({
    address: '127.0.0.1',
    port: 0,
    healthPath: '/healthz',
    metrics: () => 'x 1\n',
    versions: { tarsier: '1' },
    log: (_, message) => messages.push(message),
    ...options,
  })
  servers.push(server)
  await until(() => server.url !== undefined || messages.length > before)
  return server.url ?? ''
}
const answer = async (url: string, method = 'GET'): Promise<readonly unknown[]> => {
  const response = await fetch(url, { method })
  return [response.status, response.headers.get('content-type'), await response.text()]
}

test('its pages', async () => {
  const url = await serve()
  assert.deepEqual(await answer(`${url}/healthz`), [200, 'application/json', '{"status": "ok"}'])
  assert.deepEqual(await answer(`${url}/versions`), [200, 'application/json', '{"tarsier":"1"}'])
  assert.deepEqual(await answer(`${url}/metrics?x=1`), [
    200,
    'text/plain; version=0.0.4; charset=utf-8',
    'x 1\n',
  ])
  assert.deepEqual(await answer(`${url}/metrics`, 'HEAD'), [
    200,
    'text/plain; version=0.0.4; charset=utf-8',
    '',
  ])
  assert.deepEqual((await answer(`${url}/metrics`, 'POST'))[0], 405)
  for (const path of ['/', '/metrics/', '/%2e%2e/etc/passwd'])
    assert.equal((await answer(url + path))[0], 404, path)
})
test('another path for the health, no metrics', async () => {
  const url = await serve({ healthPath: '/live', metrics: undefined as never })
  assert.deepEqual(
    await Promise.all(['/live', '/healthz', '/metrics'].map(async (path) => (await answer(url + path))[0])),
    [200, 404, 404],
  )
})
test('a page that fails is an error, not the end', async () => {
  const url = await serve({
    metrics: () => {
      throw new Error('broken')
    },
  })
  assert.equal((await answer(`${url}/metrics`))[0], 500)
  assert.equal((await answer(`${url}/healthz`))[0], 200)
  assert.ok(messages.includes('webserver: broken'))
})
test('a port that is taken is said', async () => {
  const port = Number(new URL(await serve()).port)
  assert.equal(await serve({ port }), '')
  assert.ok(messages.some((message) => message.endsWith(`port ${port}: EADDRINUSE`)))
})
test('a header without end is refused', async () => {
  const { hostname, port } = new URL(await serve())
  const socket = connect(Number(port), hostname)
  socket.write(`GET / HTTP/1.1\r\nX: ${'a'.repeat(20_000)}`)
  const chunks: Buffer[] = []
  for await (const chunk of socket) chunks.push(chunk as Buffer)
  assert.match(Buffer.concat(chunks).toString(), /^HTTP\/1\.1 431 /)
})
test('TLS', async () => {
  const { cert, key } = selfSigned(folder)
  const pem = join(folder, 'web.pem')
  writeFileSync(pem, cert + key)
  const url = await serve({ certificate: pem })
  assert.match(url, /^https:/)
  const status = await new Promise((resolve, reject) => {
    httpsRequest(`${url}/healthz`, { ca: cert }, (response) => resolve(response.statusCode))
      .on('error', reject)
      .end()
  })
  assert.equal(status, 200)
})
test('a certificate that is not there is said', async () => {
  assert.equal(await serve({ certificate: '/nowhere.pem' }), '')
  assert.ok(
    messages.some((message) =>
      /^webserver: cannot use the certificate '\/nowhere\.pem': ENOENT/.test(message),
    ),
  )
})
