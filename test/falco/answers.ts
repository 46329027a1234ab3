/** What the tests of live rules have in common beside the sandbox: a container runtime's words, and the act that ends each act. */
import type { Rule } from '../e2e/support/agent.ts'

/** A container as Docker tells of it. */
export const dockerAnswer = (id: string, privileged = false): object => ({
  Id: id,
  Name: '/unruffled_sinoussi',
  Created: '2022-05-06T03:30:00Z',
  Config: { Image: 'citizenstig/dvwa', Labels: {} },
  HostConfig: { Privileged: privileged },
  Mounts: [],
})

/** Settings that make this socket the only runtime. */
export const onlyDocker = (socket: string): readonly string[] => [
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
