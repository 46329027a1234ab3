/** A real container runtime: a shell is run in its containers, and the agent says whose they are. */
import assert from 'node:assert/strict'
import { readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { after, before, suite, test } from 'node:test'
import {
  marker,
  NEEDS_ROOT,
  openFolder,
  ROOT,
  type Running,
  startAgent,
  writeRules,
} from './support/agent.ts'
import { NEEDS_PODMAN, Podman } from './support/podman.ts'

const WAIT_MS = 3000
const IMAGE = 'localhost/team/shell'

suite('containers of Podman', { skip: NEEDS_ROOT || NEEDS_PODMAN }, () => {
  const folder = NEEDS_ROOT || NEEDS_PODMAN ? '' : openFolder('podman')
  const word = marker()
  const name = `web-${word}`
  const shared = join(folder, 'shared')
  // Podman's runc may have gone when its child becomes the shell: then that belongs to conmon.
  const entrypoint = join(folder, 'entrypoint.yaml')
  let podman: Podman
  let agent: Running
  let id: string
  let old: string

  before(async () => {
    podman = new Podman(folder)
    await podman.makeImage(`${IMAGE}:1`, { team: 'shop' })
    await podman.serve()
    writeFileSync(shared, 'x')
    writeFileSync(
      entrypoint,
      '[{ "macro": "container_entrypoint", "condition": "or proc.pname = conmon", "append": true }]',
    )
    const opens = `evt.type in (open, openat) and fd.name contains ${word}`
    const rules = writeRules(
      folder,
      {
        rule: 'The last act',
        condition: `${opens}-last`,
        output: '%fd.name',
      },
      {
        rule: 'What is known of a container',
        condition: `${opens}-tell and container.id != host`,
        output: `${word} known %container.id %container.full_id %container.type %container.name %container.image %container.image.id %container.image.repository %container.image.tag %container.label[team] %container.label[app] %container.privileged %container.host_pid %container.host_network %container.host_ipc %container.mount.dest[${shared}] %container.mount.rdwr[${shared}] %container.start_ts %k8s.pod.name`,
      },
      {
        rule: 'Not of the team',
        condition: `${opens}-first and container.id != host and not container.image.repository = ${IMAGE}`,
        output: `${word} stranger %container.name`,
      },
      {
        rule: 'Life of containers',
        condition: 'evt.type in (container_create, container_remove, existing_container)',
        output: `${word} life %evt.type %evt.arg.runtime %evt.arg.container_id`,
      },
      {
        rule: 'Of the team',
        condition: `${opens}-first and container.image.repository = ${IMAGE}`,
        output: `${word} friend %container.name`,
      },
    )
    old = await podman.run(`old-${word}`, [], `${IMAGE}:1`, 'sleep', '600')
    agent = await startAgent({
      rules: [join(ROOT, 'test/falco/old-rules.yaml'), entrypoint, rules],
      set: [
        'rule_matching=all',
        'time_format_iso_8601=true',
        'json_output=false',
        `containers.podman_sockets=${podman.socket}`,
        'containers.docker_sockets=',
        'containers.cri_sockets=',
        `containers.wait_ms=${WAIT_MS}`,
      ],
    })
    id = await podman.run(
      name,
      ['--label', 'app=cart', '--volume', `${shared}:/shared:ro`],
      `${IMAGE}:1`,
      'sleep',
      '600',
    )
  })
  after(async () => {
    await agent?.stop()
    await podman?.close()
  })

  /** Run a command in the container. */
  const exec = (options: readonly string[], ...command: readonly string[]): Promise<string> =>
    podman.command('exec', ...options, name, ...command)
  /** Do something, wait for a line that it leads to, and take all lines that it led to. */
  const lines = async (act: () => Promise<unknown>, awaited?: string): Promise<string[]> => {
    const found = await agent.alerts(word, async () => {
      const before = agent.lines.length
      await act()
      if (awaited !== undefined)
        await agent.until(() => agent.lines.slice(before).some((line) => line.includes(awaited)), WAIT_MS * 2)
    })
    return found.filter((line) => !line.includes(' life '))
  }
  /** The only line of these, without its time, which has the form of the year 2022. */
  const onlyLine = (found: readonly string[]): string => {
    const [line = '', ...more] = found
    assert.deepEqual(more, [])
    assert.match(line, /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{9}\+0000: /)
    return line.slice(line.indexOf(' ') + 1)
  }
  const spawned = (parent: string): string =>
    `Notice A shell was spawned in a container with an attached terminal (user=root user_loginuid=${loginuid()} ${name} (id=${id.slice(0, 12)}) shell=sh parent=${parent} cmdline=sh -c exit 0 terminal=34816 container_id=${id.slice(0, 12)} image=${IMAGE})`

  test('containers begin, end, and were there before', async () => {
    const life = (): string[] =>
      agent.lines.flatMap((line) => (line.includes(' life ') ? [line.split(' life ')[1]!] : []))
    const short = await podman.run(`short-${word}`, [], `${IMAGE}:1`, 'true')
    await podman.command('rm', '--force', '--time', '0', short)
    await agent.until(() => life().some((line) => line.startsWith('container_remove')), WAIT_MS)
    assert.deepEqual(
      life().filter((line) => [old, id, short].some((one) => line.includes(one))),
      [
        `existing_container podman ${old}`,
        `container_create podman ${id}`,
        `container_create podman ${short}`,
        `container_remove podman ${short}`,
      ],
    )
  })

  test('a shell that runc gives a terminal prints the line that it always printed', async () => {
    const act = (): Promise<unknown> => podman.runcExec(id, 'sh', '-c', 'exit 0')
    assert.equal(onlyLine(await lines(act, 'A shell was spawned')), spawned('runc'))
  })

  test('the same by podman exec', async () => {
    const line = onlyLine(await lines(() => exec(['--tty'], 'sh', '-c', 'exit 0'), 'A shell was spawned'))
    assert.ok([spawned('runc'), spawned('conmon')].includes(line), line)
  })

  test('a shell without a terminal and a terminal without a shell print nothing', async () => {
    const found = await lines(async () => {
      await exec([], 'sh', '-c', 'exit 0')
      await exec(['--tty'], 'true')
    })
    assert.deepEqual(found, [])
  })

  test('a file written below the root prints the line that it always printed', async () => {
    const found = await lines(() => exec([], 'sh', '-c', `echo > /${word}`), 'File below /')
    assert.match(
      onlyLine(found),
      new RegExp(
        `^Error File below / or /root opened for writing \\(user=root user_loginuid=${loginuid()} command=sh -c echo > /${word} parent=(?:runc|conmon) file=/${word} program=sh container_id=${id.slice(0, 12)} image=${IMAGE}\\)$`,
      ),
    )
  })

  test('everything it knows is what Podman itself prints', async () => {
    const found = await lines(() => exec([], 'sh', '-c', `echo > /tmp/${word}-tell`), `${word} known`)
    const [told] = JSON.parse(await podman.command('container', 'inspect', name)) as readonly {
      readonly Id: string
      readonly Name: string
      readonly Image: string
      readonly ImageName: string
      readonly Config: { readonly Labels: Readonly<Record<string, string>> }
      readonly HostConfig: { readonly Privileged: boolean }
      readonly State: { readonly StartedAt: string }
    }[]
    const { Id, Name, Image, ImageName, Config, HostConfig } = told!
    assert.equal(Id, id)
    const [repository, tag] = ImageName.split(':')
    const words = found.map((line) => line.split(' known ')[1]!.split(' '))
    assert.equal(words.length, 1)
    const [start, ...last] = words[0]!.splice(16)
    assert.deepEqual(words[0], [
      id.slice(0, 12),
      id,
      'podman',
      Name,
      ImageName,
      Image.slice(0, 12),
      repository,
      tag,
      Config.Labels['team'],
      Config.Labels['app'],
      String(HostConfig.Privileged),
      'false',
      'false',
      'false',
      '/shared',
      'false',
    ])
    assert.deepEqual(last, ['<NA>'])
    assert.ok(BigInt(start!) > 0n)
  })

  test('the first act of a container waits for its name', async () => {
    const early = `early-${word}`
    const found = await lines(
      () => podman.run(early, [], `${IMAGE}:1`, 'sh', '-c', `echo > /tmp/${word}-first; exec sleep 600`),
      `${word} friend`,
    )
    assert.deepEqual(
      found.map((line) => line.slice(line.indexOf(word))),
      [`${word} friend ${early}`],
    )
  })
})

/** Audit login uid of this process and so of its children. */
function loginuid(): number {
  const text = Number(readFileSync('/proc/self/loginuid', 'utf8'))
  return text === 0xffffffff ? -1 : text
}
