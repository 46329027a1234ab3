/**
 * What "Building a Small Rust eBPF EDR 7: Running, Packaging, Health, and Roadmap" shows: its commands, the places of an
 * installation, its quick verification, its health records and its throughput workflow.
 */
import assert from 'node:assert/strict'
import { spawn, spawnSync } from 'node:child_process'
import { once } from 'node:events'
import { readdirSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { before, suite, test } from 'node:test'
import { setTimeout as sleep } from 'node:timers/promises'
import {
  NEEDS_ROOT,
  openFolder,
  ROOT,
  type Running,
  refused,
  TARSIER,
  tarsier,
} from '../e2e/support/agent.ts'
import { OBJECTS } from '../kernel/support/programs.ts'
import {
  about,
  alertsOf,
  CONFIG,
  type Line,
  openSandbox,
  quoted,
  type Sandbox,
  variant,
  watch,
} from './rand-guard/sandbox.ts'

const readme = (): string => readFileSync(join(ROOT, 'README.md'), 'utf8')
const scripts = (): Readonly<Record<string, string>> =>
  JSON.parse(readFileSync(join(ROOT, 'package.json'), 'utf8')).scripts

suite('its commands have one of ours each, which the README tells', () => {
  const COMMANDS = [
    ['cargo run -p xtask -- ci-format', 'npm run lint'],
    ['cargo run -p xtask -- check', 'npm run check'],
    ['cargo run -p xtask -- clippy', 'npm run lint'],
    ['cargo run -p xtask -- test', 'npm test'],
    ['cargo run -p xtask -- build', 'npm run build'],
    ['cargo run -p xtask -- run', 'npm start'],
    ['cargo run -p xtask -- package', 'npm run package'],
    ['cargo xf', 'npm run format'],
    ['cargo xc', 'npm run check'],
    ['cargo xl', 'npm run lint'],
    ['cargo xt', 'npm test'],
    ['cargo xb', 'npm run build'],
  ] as const
  for (const [theirs, ours] of COMMANDS) {
    const name = ours.split(' ').at(-1)!
    test(`${theirs}: ${ours}`, () => {
      assert.ok(readme().includes(ours))
      assert.ok(name in scripts())
    })
  }
  test('cargo run -p xtask -- throughput: tarsier throughput', () => {
    assert.match(readme(), /\| `throughput` \|/)
    assert.equal(tarsier(['throughput', '--help']).status, 0)
  })
  test('cargo run -p xtask -- build: it builds', () => {
    const { status, stderr } = spawnSync(process.execPath, ['tools/setup.mjs', 'build'], {
      cwd: ROOT,
      encoding: 'utf8',
    })
    assert.equal(status, 0, stderr)
  })
  test('cargo run -p xtask -- run: without root or capabilities it says what is missing', {
    skip: NEEDS_ROOT,
  }, () => {
    const lock = join(openFolder('lock'), 'lock')
    const { status, stderr } = refused({
      args: ['-c', CONFIG],
      via: ['setpriv', '--bounding-set=-all', '--inh-caps=-all'],
      lock,
    })
    assert.equal(status, 1)
    assert.match(stderr, /run it as root, or give it these capabilities/)
  })
})

suite('live', { skip: NEEDS_ROOT }, () => {
  let sandbox: Sandbox
  before(async () => {
    sandbox = await openSandbox()
  })

  suite('an installation', () => {
    const ETC = '/etc/rand-guard'
    const OBJECT = '/usr/local/lib/rand-guard/edr-ebpf'
    const env = { EDR_CONFIG: `${ETC}/config.toml`, EDR_EBPF_OBJECT: OBJECT }
    const SAMPLE = `[[rules]]
id = "FILE-900"
name = "Marked file written"
enabled = true
type = "file"
severity = "low"
action = "alert"
paths = ["/etc/rand-guard-sample"]
operations = ["write"]
`
    let lines: readonly Line[]
    before(async () => {
      const detect = variant([['mode = "monitor"', 'mode = "detect"']])
      const sample = join(openFolder('sample'), 'sample-rules.toml')
      writeFileSync(sample, SAMPLE)
      sandbox.run(`set -e
mkdir -p ${ETC}/rules.d /usr/local/lib/rand-guard
cp ${detect} ${ETC}/config.toml
cp ${sample} ${ETC}/rules.d/sample-rules.toml
cp -r ${OBJECTS}/. /usr/local/lib/rand-guard
: > ${OBJECT}`)
      const act = (): unknown => sandbox.run('printf x > /etc/rand-guard-sample')
      ;({ lines } = await watch(undefined, act, { via: sandbox.via, env }))
    })
    const effective = (): Readonly<Record<string, { value: unknown; origin: { from: string } }>> => {
      const [file, ...args] = [...sandbox.via, TARSIER, 'config', 'show', '--json']
      const { stdout } = spawnSync(file!, args, { encoding: 'utf8', env: { ...process.env, ...env } })
      return JSON.parse(stdout)
    }

    test('EDR_CONFIG: /etc/rand-guard/config.toml', () => {
      assert.equal(about(lines, '/etc/rand-guard-sample').length, 2)
      assert.equal(effective()['agent.id']!.value, 'dev-host-001')
    })
    test('EDR_EBPF_OBJECT: /usr/local/lib/rand-guard/edr-ebpf', () => {
      const { value, origin } = effective()['kernel.objects']!
      assert.deepEqual([value, origin.from], [OBJECT, 'environment'])
      // The sandbox alone has it.
      const { status, stderr } = refused({ args: ['-c', CONFIG], env })
      assert.equal(status, 1)
      assert.ok(stderr.includes(`kernel.objects is '${OBJECT}', which does not exist`))
    })
    test('/etc/rand-guard/rules.d/sample-rules.toml is loaded', () =>
      assert.deepEqual(
        alertsOf(lines, '/etc/rand-guard-sample').map((line) => [line['rule_id'], line['source_event_type']]),
        [['FILE-900', 'file_write']],
      ))
  })

  suite('quick verification', () => {
    const QUICKSTART = `sudo sh -c 'printf "# rand-guard quickstart\\n" > /etc/rand-guard-quickstart.service'
sudo rm -f /etc/rand-guard-quickstart.service`
    let lines: readonly Line[]
    let pid: number
    before(async () => {
      ;({ lines } = await watch(CONFIG, () => {
        pid = spawnSync('/bin/true').pid
        sandbox.run(QUICKSTART)
      }))
    })

    test('/bin/true', () => {
      const types = lines
        .filter((line) => line['pid'] === pid || line['child_pid'] === pid)
        .map((line) => line['event_type'])
        .filter((type) => String(type).startsWith('process_'))
      assert.deepEqual(types, ['process_relationship', 'process_start', 'process_exit'])
      const start = lines.find((line) => line['event_type'] === 'process_start' && line['pid'] === pid)
      assert.deepEqual(quoted(start, { comm: 0, ppid: 0, source: 0 }), {
        comm: 'true',
        ppid: process.pid,
        source: 'execve',
      })
    })
    for (const [line, comm, types] of [
      [QUICKSTART.split('\n')[0]!, 'sh', ['file_open', 'file_write']],
      [QUICKSTART.split('\n')[1]!, 'rm', ['file_unlinkat']],
    ] as const)
      test(line, () =>
        assert.deepEqual(
          about(lines, '/etc/rand-guard-quickstart.service')
            .filter((record) => record['comm'] === comm)
            .map((record) => record['event_type']),
          types,
        ),
      )
    test('the write is what printf wrote', () => {
      const write = about(lines, '/etc/rand-guard-quickstart.service')[1]
      assert.equal(write?.['count'], '# rand-guard quickstart\n'.length)
    })
  })

  suite('the loopback listener', () => {
    const NETWORK = `[network]
enabled = true
hooks = ["connect", "bind", "listen"]
collect_dns = false
collect_payload = false
`
    const LISTEN = 'nc -l 127.0.0.1 4444'
    const CONNECT = `printf 'demo\\n' | nc 127.0.0.1 4444`
    let lines: readonly Line[]
    let received = ''
    const demonstrate = async (agent: Running): Promise<void> => {
      received = ''
      const [file, ...args] = sandbox.shell(`exec ${LISTEN}`)
      const listener = spawn(file!, args, { stdio: ['ignore', 'pipe', 'inherit'] })
      listener.stdout.setEncoding('utf8').on('data', (text: string) => {
        received += text
      })
      const listening = (): boolean => agent.lines.some((line) => line.includes('"network_listen"'))
      assert.ok(await agent.until(listening, 20_000), agent.stderr)
      sandbox.run(CONNECT)
      await once(listener, 'close')
    }
    before(async () => {
      const config = variant([
        ['mode = "monitor"', 'mode = "detect"'],
        ['network = false', 'network = true'],
        [NETWORK.replace('enabled = true', 'enabled = false'), NETWORK],
      ])
      ;({ lines } = await watch(config, demonstrate))
    })
    const onPort = (key: 'local_port' | 'remote_port' | 'port'): readonly Line[] =>
      lines.filter((line) => line[key] === 4444)
    const DETECTED = { alert: true, detection_type: 'suspicious_port', comm: 'nc' }

    test(LISTEN, () => {
      const address = { family: 'ipv4', local_addr: '127.0.0.1', local_port: 4444, ...DETECTED }
      const expected = ['network_bind', 'network_listen'].map((event_type) => ({ event_type, ...address }))
      const [bind, listen, ...more] = onPort('local_port')
      assert.deepEqual(
        [bind, listen].map((line) => quoted(line, expected[0]!)),
        expected,
      )
      // The original has no eye for it.
      assert.deepEqual(
        more.map((line) => line['event_type']),
        ['network_accept'],
      )
      assert.equal(listen?.['backlog'], 1)
    })
    test(CONNECT, () => {
      const expected = {
        event_type: 'network_connect',
        family: 'ipv4',
        remote_addr: '127.0.0.1',
        remote_port: 4444,
        ...DETECTED,
      }
      assert.deepEqual(
        onPort('remote_port').map((line) => quoted(line, expected)),
        [expected],
      )
      assert.equal(received, 'demo\n')
    })
    test('the connection is an alert of the built-in rule and of the sample rule, once each', () => {
      const alerts = lines.filter((line) => line['event_type'] === 'alert' && line['port'] === 4444)
      assert.deepEqual(
        alerts.map((line) => [line['rule_id'], line['source_event_type'], line['direction']]).sort(),
        [
          ['BUILTIN-NET-OUTBOUND-001', 'network_connect', 'outbound'],
          ['NET-001', 'network_connect', 'outbound'],
        ],
      )
    })
    test('network telemetry is off until it is asked for', async () => {
      const { lines } = await watch(CONFIG, async () => {
        const [file, ...args] = sandbox.shell(`${LISTEN} & sleep 0.2; ${CONNECT}; wait`)
        assert.equal(spawnSync(file!, args).status, 0)
      })
      const types = lines.map((line) => String(line['event_type']))
      assert.ok(types.includes('process_start'))
      assert.deepEqual(
        types.filter((type) => type.startsWith('network_')),
        [],
      )
    })
  })

  suite('health records', () => {
    const LIMIT = 20
    let lines: readonly Line[]
    let last: Line
    let before_: Line
    let rss = 0
    const numberOf = (field: string): number => {
      assert.ok(Number.isSafeInteger(last[field]), `${field} is a whole number: ${last[field]}`)
      return last[field] as number
    }
    const count = (is: (type: string) => boolean): number =>
      lines.filter((line) => is(String(line['event_type']))).length
    before(async () => {
      const config = variant([
        ['mode = "monitor"', 'mode = "detect"'],
        ['max_events_per_second = 5000', `max_events_per_second = ${LIMIT}`],
      ])
      const act = async (agent: Running): Promise<void> => {
        sandbox.run(`i=0; while [ $i -lt 300 ]; do echo x; i=$((i+1)); done > /etc/flood
: > /run/filtered
printf x > /etc/systemd/system/health.service`)
        await sleep(1300)
        rss = Number(/VmRSS:\s+(\d+)/.exec(readFileSync(`/proc/${agent.pid}/status`, 'utf8'))?.[1])
      }
      ;({ lines } = await watch(config, act, { set: ['health.interval=1'] }))
      const records = lines.filter((line) => line['event_type'] === 'health')
      assert.ok(records.length >= 2, 'one in time and one at the end')
      ;[before_, last] = records.slice(-2) as [Line, Line]
    })

    test('the last line is one', () => assert.equal(lines.at(-1), last))
    test('raw events read', () =>
      assert.ok(numberOf('raw_events_read') >= numberOf('normalized_events_output')))
    test('normalized events output', () =>
      assert.equal(
        numberOf('normalized_events_output'),
        count((type) => /^(?:process|file|network)_/.test(type)),
      ))
    test('alerts output', () => {
      const alerts = count((type) => type === 'alert')
      assert.ok(alerts >= 1)
      assert.equal(numberOf('alerts_output'), alerts)
    })
    test('userspace filtered count', () => assert.ok(numberOf('userspace_filtered') > 0))
    test('userspace rate limited count', () => {
      const announced = lines
        .filter((line) => line['event_type'] === 'gap' && line['reason'] === 'rate_limit')
        .reduce((sum, line) => sum + Number(line['count']), 0)
      assert.ok(numberOf('userspace_rate_limited') >= 300 - 2 * LIMIT)
      assert.equal(numberOf('userspace_rate_limited'), announced)
    })
    test('invalid schema count', () => assert.equal(numberOf('userspace_invalid_schema'), 0))
    test('unsupported kind count', () => assert.equal(numberOf('userspace_unsupported_kind'), 0))
    test('output failure count', () => assert.equal(numberOf('userspace_output_failures'), 0))
    test('process table size', () => assert.ok(numberOf('process_table_size') > 10))
    test('pending exec source size', () => assert.equal(numberOf('pending_exec_source_size'), 0))
    test('eviction count', () =>
      assert.deepEqual([numberOf('process_records_evicted'), numberOf('pending_sources_evicted')], [0, 0]))
    test('uptime', () => {
      assert.ok(numberOf('uptime_secs') >= 1 && numberOf('uptime_secs') < 60)
      assert.ok(numberOf('uptime_secs') >= Number(before_['uptime_secs']))
    })
    test('RSS', () => {
      const ratio = numberOf('rss_kb') / rss
      assert.ok(ratio > 0.5 && ratio < 2, `${last['rss_kb']} KiB of ${rss}`)
    })
  })

  test('cargo run -p xtask -- throughput: a summary from health records, below the folder', async () => {
    const folder = openFolder('throughput')
    const env = {
      PATH: process.env['PATH'],
      EDR_THROUGHPUT_DURATION_SECS: '3',
      EDR_THROUGHPUT_GENERATOR_SECS: '2',
      EDR_THROUGHPUT_OUTPUT: folder,
    }
    const { status, stdout, stderr } = spawnSync(TARSIER, ['throughput', '--json'], { encoding: 'utf8', env })
    assert.equal(status, 0, stderr)
    const { throughput, surroundings } = JSON.parse(stdout).results
    assert.ok(throughput.records >= 1 && throughput.emitted_per_second > 0 && throughput.max_rss_kb > 0)
    // What its numbers depend on, by its own words.
    for (const name of ['kernel', 'cpu', 'file_system', 'load', 'hooks', 'build'])
      assert.ok(surroundings[name] !== undefined && surroundings[name] !== '', name)
    assert.deepEqual(
      readdirSync(folder)
        .map((file) => file.replace(/.*\./, ''))
        .sort(),
      ['json', 'md'],
    )
  })
})

suite('what health records are for: tarsier health says it in words', () => {
  const explain = (more: Line): string => {
    const record = { event_type: 'health', raw_events_read: 100_000, uptime_secs: 60, ...more }
    const { status, stdout } = tarsier(['health', '-'], [], `${JSON.stringify(record)}\n`)
    assert.equal(status, 0)
    return stdout
  }
  test('many raw events and little normalized output: filtering', () =>
    assert.match(explain({ normalized_events_output: 12, userspace_filtered: 90_000 }), /90,000.*watch/s))
  test('many raw events and little normalized output: rate limiting', () =>
    assert.match(
      explain({ normalized_events_output: 12, userspace_rate_limited: 9_988 }),
      /9,988.*max_events_per_second/s,
    ))
  test('many evictions: the cache limit', () =>
    assert.match(explain({ process_records_evicted: 40_000 }), /40,000.*max_processes/s))
})
