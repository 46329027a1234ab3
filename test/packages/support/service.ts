/** The Debian package where it belongs: installed by dpkg, run by systemd, upgraded and purged. */
import assert from 'node:assert/strict'
import { execFileSync } from 'node:child_process'
import {
  appendFileSync,
  copyFileSync,
  existsSync,
  mkdirSync,
  readFileSync,
  rmSync,
  writeFileSync,
} from 'node:fs'
import { join } from 'node:path'
import { after, before, suite, test } from 'node:test'
import { setTimeout as sleep } from 'node:timers/promises'
import { NEEDS_ROOT, ROOT } from '../../e2e/support/agent.ts'
import { NEEDS_PODMAN } from '../../e2e/support/podman.ts'
import type { DebianMachine } from './machine.ts'

/** A busy machine. */
const WAIT_MS = 60_000
const VERSION_AFTER = '99.0'
const CONFIG = 'etc/tarsier/tarsier.yaml'

/** `machine` is being made while others are at work; `deb` is there when the suite begins. */
export function serviceSuite(makeMachine: () => Promise<DebianMachine>, deb: () => string): void {
  suite('the service', { skip: NEEDS_ROOT || NEEDS_PODMAN }, () => {
    let machine: DebianMachine
    let untouched: readonly string[]
    before(async () => {
      machine = await makeMachine()
      untouched = machine.files()
      copyFileSync(deb(), join(machine.root, 'root/tarsier.deb'))
      // The watchdog of the unit has more patience than a test.
      const quicker = join(machine.root, 'etc/systemd/system/tarsier.service.d')
      mkdirSync(quicker, { recursive: true })
      writeFileSync(join(quicker, 'test.conf'), '[Service]\nWatchdogSec=3\nRestartSec=100ms\n')
      await machine.boot()
    })
    after(() => machine?.close())

    const file = (name: string): string => readFileSync(join(machine.root, name), 'utf8')
    const inJournal = async (text: string, since: string): Promise<boolean> =>
      (await machine.try('journalctl', '-u', 'tarsier', '-o', 'cat', `--since=@${since}`)).includes(text)
    /** Read a file that the shipped rules have an eye on until that is in the journal. */
    const alerts = async (): Promise<void> => {
      const since = String(Date.now() / 1000)
      const begin = performance.now()
      while (!(await inJournal('Sensitive file read', since))) {
        assert.ok(performance.now() - begin < WAIT_MS, await machine.try('journalctl', '-u', 'tarsier'))
        await machine.run('cat', '/etc/shadow')
      }
    }
    const until = async (what: string, is: () => Promise<boolean> | boolean): Promise<void> => {
      const begin = performance.now()
      while (!(await is())) {
        assert.ok(
          performance.now() - begin < WAIT_MS,
          `not ${what}: ${await machine.try('journalctl', '-n', '50')}`,
        )
        await sleep(50)
      }
    }
    const health = (): { readonly uptime_secs: number; readonly process_table_size: number }[] =>
      file('var/log/tarsier/health.json')
        .trimEnd()
        .split('\n')
        .map((line) => JSON.parse(line))

    test('dpkg -i, start, and somebody who reads a secret is reported', async (t) => {
      const begin = performance.now()
      await machine.run('dpkg', '-i', '/root/tarsier.deb')
      assert.equal(await machine.run('systemctl', 'is-enabled', 'tarsier'), 'enabled')
      await machine.run('systemctl', 'start', 'tarsier')
      await alerts()
      t.diagnostic(`first alert ${((performance.now() - begin) / 1000).toFixed(1)} s after dpkg -i began`)
      assert.equal(await machine.property('ActiveState'), 'active')
      assert.match(await machine.property('StatusText'), /rules, \d+ programs attached/)
      assert.ok(!(await inJournal('Tarsier integrity', '0')), 'the agent takes itself for somebody else')
    })
    test('hardened', async () => {
      const page = await machine.run('systemd-analyze', 'security', '--no-pager', 'tarsier')
      const level = Number(/exposure level .*: ([\d.]+)/.exec(page)?.[1])
      assert.ok(level <= 4, page.slice(-200))
    })
    test('reload takes changed rules over', async () => {
      const rule = {
        ...{ rule: 'Probe', desc: 'For a test.', priority: 'NOTICE' },
        condition: 'evt.type in (open, openat) and fd.name = /etc/probe',
        output: 'Probed',
      }
      writeFileSync(join(machine.root, 'etc/tarsier/rules.d/probe.yaml'), JSON.stringify([rule]))
      await machine.run('systemctl', 'reload', 'tarsier')
      await until('probed', async () => {
        await machine.try('cat', '/etc/probe')
        return inJournal('Probed', '0')
      })
      const broken = join(machine.root, 'etc/tarsier/rules.d/broken.yaml')
      writeFileSync(broken, '- rule: Broken\n')
      await assert.rejects(machine.run('systemctl', 'reload', 'tarsier'))
      rmSync(broken)
      assert.equal(await machine.property('ActiveState'), 'active')
    })
    test('an agent that stopped working is started again, and says for how long nobody watched', async () => {
      const [pid, before] = [await machine.property('MainPID'), await machine.property('NRestarts')]
      assert.equal(before, '0')
      await machine.run('sh', '-c', `kill -STOP ${pid}`)
      await until('restarted', async () => (await machine.property('NRestarts')) !== before)
      await until('active', async () => (await machine.property('ActiveState')) === 'active')
      assert.notEqual(await machine.property('MainPID'), pid)
      assert.ok(await inJournal('Watchdog timeout', '0'))
      await until('told', () => inJournal('No agent ran for ', '0'))
      await alerts()
    })
    test('an upgrade keeps a changed configuration', async () => {
      appendFileSync(join(machine.root, CONFIG), '# by the administrator\n')
      const [pid, config] = [await machine.property('MainPID'), file(CONFIG)]
      makeNewer(machine.root)
      await machine.run('dpkg', '--force-confdef', '--force-confold', '-i', '/root/newer.deb')
      assert.match(await machine.run('dpkg-query', '-W', 'tarsier'), new RegExp(`\t${VERSION_AFTER}$`))
      assert.equal(file(CONFIG), config)
      assert.match(file(`${CONFIG}.dpkg-dist`), /# of the newer version/)
      assert.equal(await machine.property('ActiveState'), 'active')
      assert.notEqual(await machine.property('MainPID'), pid)
      await alerts()
    })
    test('systemctl stop ends with a last health record and a summary', async () => {
      const before = health().length
      await machine.run('systemctl', 'stop', 'tarsier')
      assert.deepEqual(
        [await machine.property('ActiveState'), await machine.property('Result')],
        ['inactive', 'success'],
      )
      const records = health()
      assert.equal(records.length, before + 1)
      assert.ok(records.at(-1)!.process_table_size > 0)
      assert.ok(await inJournal('lost 0', '0'))
    })
    test('it need not be root: the drop-in of the documentation is enough', async () => {
      const page = readFileSync(join(ROOT, 'docs/installing.md'), 'utf8')
      const dropIn = /```ini\n# (\/etc\/systemd\/.*)\n([^`]+)```/.exec(page)!
      writeFileSync(join(machine.root, dropIn[1]!), dropIn[2]!)
      await machine.run('mount', '-t', 'tracefs', 'tracefs', '/sys/kernel/tracing')
      await machine.run('systemctl', 'daemon-reload')
      await machine.run('systemctl', 'start', 'tarsier')
      const pid = await machine.property('MainPID')
      const status = await machine.run('cat', `/proc/${pid}/status`)
      assert.doesNotMatch(status, /^Uid:\s+0\b/m)
      const held = Number.parseInt(/^CapEff:\s+(\w+)$/m.exec(status)![1]!.slice(-4), 16)
      assert.equal(held, (1 << 2) | (1 << 12), 'of the first sixteen, reading and the network')
      await alerts()
      assert.match(await machine.run('tarsier', 'ctl', 'status'), /rules/)
      await machine.run('systemctl', 'stop', 'tarsier')
    })
    test('removing keeps the configuration, purging leaves nothing', async () => {
      await machine.run('systemctl', 'start', 'tarsier')
      await machine.run('dpkg', '-r', 'tarsier')
      assert.equal(await machine.property('ActiveState'), 'inactive')
      assert.ok(existsSync(join(machine.root, CONFIG)))
      assert.ok(!existsSync(join(machine.root, 'usr/lib/tarsier')))
      await machine.run('rm', '-r', '/etc/systemd/system/tarsier.service.d')
      await machine.run('dpkg', '-P', 'tarsier')
      assert.deepEqual(machine.files(), untouched)
      assert.equal(await machine.run('sh', '-c', 'ls -d /run/tarsier* 2>/dev/null || true'), '')
      assert.equal(await machine.property('LoadState'), 'not-found')
    })
  })
}

/** The package that is there as one of a later version, with another configuration. */
function makeNewer(root: string): void {
  const folder = join(root, 'root')
  const unpacked = join(folder, 'newer')
  execFileSync('dpkg-deb', ['-R', join(folder, 'tarsier.deb'), unpacked])
  const control = join(unpacked, 'DEBIAN/control')
  writeFileSync(control, readFileSync(control, 'utf8').replace(/^Version: .*$/m, `Version: ${VERSION_AFTER}`))
  appendFileSync(join(unpacked, CONFIG), '# of the newer version\n')
  execFileSync('dpkg-deb', ['--root-owner-group', '-Znone', '-b', unpacked, join(folder, 'newer.deb')], {
    stdio: 'ignore',
  })
}
