/** The container image: built of local files, it watches the host and other containers from within its own. */
import assert from 'node:assert/strict'
import { execFile } from 'node:child_process'
import { existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, before, suite, test } from 'node:test'
import { setTimeout as sleep } from 'node:timers/promises'
import { promisify } from 'node:util'
import { marker, NEEDS_ROOT, opensOf, ROOT, writeRules } from '../../e2e/support/agent.ts'
import { NEEDS_PODMAN, Podman } from '../../e2e/support/podman.ts'

const run = promisify(execFile)
const WAIT_MS = 60_000
const BUILD_MS = 120_000
const IMAGE = 'localhost/tarsier:test'
const SHELL = 'localhost/team/shell'

/** As packaging/daemonset.yaml has it. */
const OPTIONS = [
  '--cap-drop=all',
  '--cap-add=BPF,PERFMON,NET_ADMIN,SYS_ADMIN,SYS_PTRACE,DAC_READ_SEARCH,SYS_NICE',
  '--volume=/proc:/host/proc:ro',
  '--volume=/etc:/host/etc:ro',
  '--volume=/sys/fs/cgroup:/host/sys/fs/cgroup:ro',
]

interface Line {
  readonly hostname: string
  readonly rule: string
  readonly output: string
}

export function imageSuite(archive: () => string): void {
  suite('the image', { skip: NEEDS_ROOT || NEEDS_PODMAN }, () => {
    const folder = mkdtempSync(join(tmpdir(), 'tarsier-image-'))
    const shared = join(folder, 'shared')
    const word = marker()
    let podman: Podman
    before(async () => {
      mkdirSync(shared)
      podman = new Podman(folder)
      await run(process.execPath, [join(ROOT, 'tools/image.ts'), '--archive', archive(), '--tag', IMAGE], {
        env: { ...process.env, ...podman.env },
        timeout: BUILD_MS,
      })
      await podman.makeImage(`${SHELL}:1`)
    })
    after(async () => {
      await podman?.close()
      rmSync(folder, { recursive: true, force: true })
    })

    const alerts = (): readonly Line[] => {
      const file = join(shared, 'alerts')
      const lines = existsSync(file) ? readFileSync(file, 'utf8').split('\n').slice(0, -1) : []
      return lines.map((line) => JSON.parse(line))
    }
    const until = async (what: () => boolean): Promise<void> => {
      for (const end = performance.now() + WAIT_MS; !what(); await sleep(50))
        assert.ok(
          performance.now() < end,
          `it does not come; the log: ${readFileSync(join(shared, 'log'), 'utf8')}`,
        )
    }
    const sh = (...command: readonly string[]): Promise<string> =>
      podman.command('run', '--rm', '--cgroup-parent', podman.cgroupParent, IMAGE, ...command)

    test('commands, and the words of the images of others', async () => {
      const { version } = JSON.parse(readFileSync(join(ROOT, 'package.json'), 'utf8'))
      assert.equal(await sh('tarsier', '--version'), `tarsier ${version}`)
      assert.match(await sh('config', 'check', '/etc/tarsier/tarsier.yaml'), /: Ok,/)
      assert.match(await sh('falco', '-L'), /Sensitive file read/)
      assert.match(await sh('tracee', '--list'), /sched_process_exec/)
    })
    test('what happens on the host and in another container has the ids that both have there', async () => {
      const output = `${word} %proc.pid %container.id %proc.exepath %fd.name`
      writeRules(shared, opensOf(word, output))
      const settings = ['json_output=true', 'stdout_output.enabled=false', 'time_format_iso_8601=true']
      const options = [
        ...OPTIONS,
        `--volume=${shared}:/shared`,
        '--env=FALCO_HOSTNAME=node-7',
        '--log-driver=k8s-file',
        `--log-opt=path=${join(shared, 'log')}`,
      ]
      const command = [
        ...['-r', '/shared', '-P', '/shared/ready'],
        ...['file_output.enabled=true', 'file_output.filename=/shared/alerts', ...settings].flatMap(
          (setting) => ['-o', setting],
        ),
      ]
      await podman.run('agent', options, IMAGE, ...command)
      await until(() => existsSync(join(shared, 'ready')))
      const id = await podman.run(
        'other',
        [],
        `${SHELL}:1`,
        'sh',
        '-c',
        `echo > /tmp/${word}-in; exec sleep 600`,
      )
      const inside = await podman.command('inspect', '--format', '{{.State.Pid}}', 'other')
      const file = join(folder, `${word}-out`)
      writeFileSync(file, '')
      const said = (end: string): readonly string[] =>
        alerts().flatMap(({ output }) => (output.endsWith(end) ? [output.slice(output.indexOf(word))] : []))
      await until(() => said('-in').length > 0 && said('-out').length > 0)
      assert.deepEqual(said('-out'), [`${word} ${process.pid} host ${process.execPath} ${file}`])
      assert.deepEqual(said('-in'), [`${word} ${inside} ${id.slice(0, 12)} /bin/busybox /tmp/${word}-in`])
      assert.deepEqual([...new Set(alerts().map(({ hostname }) => hostname))], ['node-7'])
      const itself = alerts().filter(({ rule }) => rule.startsWith('Tarsier integrity'))
      assert.deepEqual(itself, [])
    })
    test('it stops in order', async () => {
      await podman.command('stop', '--time', '20', 'agent')
      assert.equal(await podman.command('inspect', '--format', '{{.State.ExitCode}}', 'agent'), '0')
      assert.match(readFileSync(join(shared, 'log'), 'utf8'), /lost 0, late/)
    })
  })
}
