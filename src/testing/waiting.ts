/** Waiting in tests, with an end, and ports to wait on. */
import { type AddressInfo, createServer, type Server } from 'node:net'
import { setTimeout as sleep } from 'node:timers/promises'

const LATEST_MS = 20_000

/** Wait until something is true. Throws when it does not come. */
export async function until(what: () => boolean): Promise<void> {
  for (const end = performance.now() + LATEST_MS; !what(); await sleep(5))
    if (performance.now() > end) throw new Error(`it does not come: ${what}`)
}

/** A TCP port of the loopback interface that nobody listens on. */
export async function freePort(): Promise<number> {
  const server = createServer()
  const port = await listening(server)
  await new Promise((resolve) => server.close(resolve))
  return port
}

/** Let a server listen on a port of the loopback interface; which one. */
export const listening = (server: Server): Promise<number> =>
  new Promise((resolve) =>
    server.listen(0, '127.0.0.1', () => resolve((server.address() as AddressInfo).port)),
  )
