/**
 * What the tests of live rules have in common beside the sandbox: a container runtime's words, an act that shows that they
 * have arrived, and the act that ends each act.
 */
import assert from 'node:assert/strict'
import type { Rule, Running } from '../e2e/support/agent.ts'
import type { Place, Sandbox } from './sandbox.ts'

const IMAGE = 'citizenstig/dvwa'
/** Longest time for the answer about a container. */
const ANSWER_MS = 20_000

/** A container as Docker tells of it. */
export const dockerAnswer = (id: string, privileged = false): object => ({
  Id: id,
  Name: '/unruffled_sinoussi',
  Created: '2022-05-06T03:30:00Z',
  Config: { Image: IMAGE, Labels: {} },
  HostConfig: { Privileged: privileged },
  Mounts: [],
})

/** Settings that make this socket the only runtime, and have findings wait for it on a busy machine as well. */
export const onlyDocker = (socket: string): readonly string[] => [
  'containers.wait_ms=10000',
  `containers.docker_sockets=[${socket}]`,
  'containers.podman_sockets=[]',
  'containers.cri_sockets=[]',
]

/** Fires for the file that Running.alerts opens when an act is over. */
export const lastAct: Rule = {
  rule: 'Last act',
  condition: 'evt.type = openat and fd.name contains "-last-"',
  output: 'last %fd.name',
}

/** Fires for the program that `meet` runs. */
export const firstAct: Rule = {
  rule: 'First act',
  condition: 'evt.type = execve and proc.name = hello',
  output: 'first act in %container.id with %container.image.repository',
}

/** Let the agent meet a container; what the runtime tells of it has arrived afterwards. */
export async function meet(agent: Running, box: Sandbox, place: Exclude<Place, 'host'>): Promise<void> {
  const id = box.containers[place].slice(0, 12)
  const words = `first act in ${id} with ${IMAGE}`
  await agent.alerts(id, async () => {
    await box.run({ file: box.named('hello'), args: [] }, place)
    const met = await agent.until(() => agent.lines.some((line) => line.includes(words)), ANSWER_MS)
    assert.ok(met, `no '${words}'; said: ${agent.lines.join('\n')}; log: ${agent.stderr}`)
  })
}
