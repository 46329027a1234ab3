/**
 * What "Building a Small Rust eBPF EDR 4: File Telemetry and Persistence Detection" shows, in Korean and in English: its
 * configuration, its two records, its two demonstrations, and what it says about them.
 */
import assert from 'node:assert/strict'
import { spawnSync } from 'node:child_process'
import { readFileSync } from 'node:fs'
import { before, suite, test } from 'node:test'
import { NEEDS_ROOT, TARSIER } from '../e2e/support/agent.ts'
import { program } from '../kernel/support/programs.ts'
import { AT_FDCWD, bytes, type Call, script } from '../kernel/support/raw.ts'
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

/** Its default configuration of files. */
const FILE_TABLE = `[file]
enabled = true
hooks = ["openat", "openat2", "write", "rename", "renameat2", "unlink", "unlinkat"]
watch_paths = ["/etc", "/usr/bin", "/bin"]
watch_patterns = ["*.service"]
exclude_paths = ["/var/log", "/tmp", "/proc", "/sys"]
`
const PERSISTENCE = `[[detections.persistence]]
name = "systemd_service_modified"
paths = ["/etc/systemd/system/", "/usr/lib/systemd/system/", "/run/systemd/system/"]
patterns = ["*.service"]
operations = ["file_open", "file_write", "file_rename", "file_unlink"]

[[detections.persistence]]
name = "cron_modified"
paths = ["/etc/cron.d/", "/etc/cron.daily/", "/etc/crontab"]
operations = ["file_open", "file_write", "file_rename", "file_unlink"]
`
const DEMO = `sudo sh -c 'printf "# rand-guard demo\\n" > /etc/rand-guard-demo.service'
sudo rm -f /etc/rand-guard-demo.service`
const PERSISTENCE_DEMO = `sudo sh -c 'printf "# rand-guard persistence demo\\n" > /etc/systemd/system/rand-guard-demo.service'
sudo rm -f /etc/systemd/system/rand-guard-demo.service`

const config = (...args: string[]): { status: number | null; stdout: string; stderr: string } =>
  spawnSync(TARSIER, ['config', ...args], { encoding: 'utf8' })

suite('its configuration', () => {
  const effective = (): Readonly<
    Record<string, { value: unknown; origin: { from: string; line?: number } }>
  > => JSON.parse(config('show', '--json', '-c', CONFIG).stdout)

  test('config.example.toml, with what it quotes word for word, is accepted without a remark', () => {
    const text = readFileSync(CONFIG, 'utf8')
    assert.ok(text.includes(FILE_TABLE) && text.includes(PERSISTENCE))
    const { status, stdout, stderr } = config('check', CONFIG)
    assert.deepEqual([status, stderr, stdout], [0, '', `${CONFIG}: Ok, 9 rules\n`])
  })
  for (const [key, value] of [
    ['telemetry.file', true],
    ['telemetry.hooks.file', ['openat', 'openat2', 'write', 'rename', 'renameat2', 'unlink', 'unlinkat']],
    ['telemetry.watch_paths', ['/etc', '/usr/bin', '/bin']],
    ['telemetry.watch_patterns', ['*.service']],
    ['telemetry.exclude_paths', ['/var/log', '/tmp', '/proc', '/sys']],
    ['telemetry.network', false],
  ] as const)
    test(`${key} is what the file says`, () => {
      const { value: shown, origin } = effective()[key]!
      assert.deepEqual([shown, origin.from], [value, 'file'])
    })
  test('a detection is not connected to a response: it takes no action but alert', () => {
    const name = 'name = "cron_modified"'
    const { status, stdout } = config('check', variant([[name, `${name}\naction = "quarantine"`]]))
    assert.equal(status, 1)
    assert.match(stdout, /takes only 'alert', not 'quarantine'/)
  })
})

suite('live', { skip: NEEDS_ROOT }, () => {
  let sandbox: Sandbox
  before(async () => {
    sandbox = await openSandbox()
  })
  const DETECT = variant([['mode = "monitor"', 'mode = "detect"']])

  test('the example configuration runs unchanged', async () => {
    const file = '/etc/systemd/system/unchanged.service'
    const { lines, stderr } = await watch(CONFIG, () => sandbox.run(`: > ${file}`))
    assert.deepEqual(
      stderr.match(/^(?:info|warning|error).*/gm)?.map((line) => line.split(':')[1]),
      [' agent dev-host-001, mode monitor', ' ready'],
    )
    assert.deepEqual(
      about(lines, file).map((line) => [line['event_type'], line['detection_type']]),
      [['file_open', 'systemd_service_modified']],
    )
    assert.equal(lines.at(-1)!['event_type'], 'health')
    // Monitor mode annotates; alert records are for detect mode.
    assert.equal(lines.filter((line) => line['event_type'] === 'alert').length, 0)
  })

  suite('its records', () => {
    let lines: readonly Line[]
    before(async () => {
      const act = `printf x > /etc/systemd/system/demo.service
for job in /etc/cron.d/demo /etc/cron.daily/demo /etc/crontab; do printf x > $job; done
printf x > /run/systemd/system/demo.service
printf x >> /etc/shadow`
      ;({ lines } = await watch(DETECT, () => sandbox.run(act)))
    })

    test('{"event_type":"file_write","resolved_path":"/etc/systemd/system/demo.service","alert":true,"detection_type":"systemd_service_modified"}', () => {
      const quote: Line = JSON.parse(
        '{"event_type":"file_write","resolved_path":"/etc/systemd/system/demo.service","alert":true,"detection_type":"systemd_service_modified"}',
      )
      const writes = lines.filter(
        (line) =>
          line['event_type'] === 'file_write' && line['resolved_path'] === '/etc/systemd/system/demo.service',
      )
      assert.deepEqual(
        writes.map((line) => quoted(line, quote)),
        [quote],
      )
    })
    test('{"event_type":"alert","rule_id":"FILE-001","rule_type":"file","source_event_type":"file_write","path":"/etc/shadow"}', () => {
      const quote: Line = JSON.parse(
        '{"event_type":"alert","rule_id":"FILE-001","rule_type":"file","source_event_type":"file_write","path":"/etc/shadow"}',
      )
      assert.deepEqual(
        alertsOf(lines, '/etc/shadow').map((line) => quoted(line, quote)),
        [quote],
      )
    })
    for (const file of ['/etc/cron.d/demo', '/etc/cron.daily/demo', '/etc/crontab'])
      test(`cron_modified: ${file}`, () =>
        assert.deepEqual(
          about(lines, file).map((line) => [line['event_type'], line['alert'], line['detection_type']]),
          [
            ['file_open', true, 'cron_modified'],
            ['file_write', true, 'cron_modified'],
          ],
        ))
    test('systemd_service_modified: /run/systemd/system/demo.service', () =>
      assert.deepEqual(
        about(lines, '/run/systemd/system/demo.service').map((line) => line['detection_type']),
        ['systemd_service_modified', 'systemd_service_modified'],
      ))
    test('the alert record and the annotated event name each other', () => {
      const [alert] = alertsOf(lines, '/etc/systemd/system/demo.service')
      const written = about(lines, '/etc/systemd/system/demo.service').find(
        (line) => line['event_type'] === 'file_write',
      )
      assert.deepEqual(written?.['alert_ids'], [alert?.['id']])
    })
    test('events carry ppid, comm and exe_path of the process table', () => {
      const [open] = about(lines, '/etc/crontab')
      assert.equal(open?.['comm'], 'sh')
      assert.match(String(open?.['exe_path']), /^\/usr\/bin\/\w+sh$/)
      assert.equal(open?.['ppid'], process.pid)
    })
  })

  suite('its demonstrations, once each', () => {
    let lines: readonly Line[]
    before(async () => {
      ;({ lines } = await watch(DETECT, () => {
        sandbox.run(DEMO)
        sandbox.run(PERSISTENCE_DEMO)
      }))
    })
    const three = (file: string): unknown[] =>
      about(lines, file).map((line) => [line['event_type'], line['comm'], line['detection_type']])

    for (const line of DEMO.split('\n'))
      test(line, () =>
        assert.deepEqual(
          three('/etc/rand-guard-demo.service').filter((record) => (record as string[])[1] === commOf(line)),
          line.includes('printf')
            ? [
                ['file_open', 'sh', null],
                ['file_write', 'sh', null],
              ]
            : [['file_unlinkat', 'rm', null]],
        ),
      )
    test('outside the persistence directories it is no finding', () =>
      assert.deepEqual(alertsOf(lines, '/etc/rand-guard-demo.service'), []))

    const PERSISTENT = '/etc/systemd/system/rand-guard-demo.service'
    const DETECTED = 'systemd_service_modified'
    for (const line of PERSISTENCE_DEMO.split('\n'))
      test(line, () =>
        assert.deepEqual(
          three(PERSISTENT).filter((record) => (record as string[])[1] === commOf(line)),
          line.includes('printf')
            ? [
                ['file_open', 'sh', DETECTED],
                ['file_write', 'sh', DETECTED],
              ]
            : [['file_unlinkat', 'rm', DETECTED]],
        ),
      )
    test('one alert record for the write and one for the removal', () =>
      assert.deepEqual(
        alertsOf(lines, PERSISTENT).map((line) => [
          line['rule_id'],
          line['source_event_type'],
          line['action'],
        ]),
        [
          ['BUILTIN-FILE-SYSTEMD-001', 'file_write', 'alert'],
          ['BUILTIN-FILE-SYSTEMD-001', 'file_unlinkat', 'alert'],
        ],
      ))
  })

  suite('open, write, rename and unlink', () => {
    let lines: readonly Line[]
    const calls: readonly (readonly [type: string, call: Call])[] = [
      ['file_open', ['open', '/etc/family-open', 0o101, 0o600]],
      ['file_open', ['openat', AT_FDCWD, '/etc/family-openat', 0o101, 0o600]],
      ['file_openat2', ['openat2', AT_FDCWD, '/etc/family-openat2', openHow(0o101, 0o600), 24]],
      ['file_rename', ['rename', '/etc/family-open', '/etc/family-rename']],
      ['file_renameat', ['renameat', AT_FDCWD, '/etc/family-openat', AT_FDCWD, '/etc/family-renameat']],
      [
        'file_renameat2',
        ['renameat2', AT_FDCWD, '/etc/family-openat2', AT_FDCWD, '/etc/family-renameat2', 0],
      ],
      ['file_unlink', ['unlink', '/etc/family-rename']],
      ['file_unlinkat', ['unlinkat', AT_FDCWD, '/etc/family-renameat', 0]],
    ]
    before(async () => {
      const words = script(calls.map(([, call]) => call))
      const [file, ...args] = [...sandbox.via, program('raw'), ...words]
      ;({ lines } = await watch(DETECT, () => spawnSync(file!, args)))
    })
    for (const [type, [name, ...args]] of calls)
      test(`${name} is ${type}`, () => {
        const file = args.filter((arg) => typeof arg === 'string').at(-1)!
        assert.equal(about(lines, file).filter((line) => line['event_type'] === type).length, 1)
      })
  })

  suite('watch and exclude', () => {
    let lines: readonly Line[]
    const CASES = [
      ['watch_paths is a prefix of interest', '/etc/watched.conf', true],
      ['watch_patterns: *.service anywhere', '/run/anywhere.service', true],
      ['anything else is not told of', '/run/anywhere.conf', false],
      ['exclude_paths come before patterns: /tmp', '/tmp/tarsier-noise.service', false],
      ['exclude_paths come before patterns: /var/log', '/var/log/noise.service', false],
      ['/bin is told of where it is a link to /usr/bin', '/bin/true', true],
    ] as const
    before(async () => {
      const [, ...files] = CASES.map(([, file]) => file).reverse()
      const make = files.map((file) => `printf x > ${file}; rm ${file}`).join('\n')
      ;({ lines } = await watch(DETECT, () => sandbox.run(`${make}\ncat /bin/true >/dev/null`)))
    })
    for (const [name, file, told] of CASES)
      test(name, () => assert.equal(about(lines, file).length > 0, told))
    test('/proc and /sys are not told of', async () => {
      const { lines } = await watch(DETECT, () =>
        sandbox.run('cat /proc/self/stat /sys/kernel/uevent_seqnum'),
      )
      const names = lines.map((line) => String(line['resolved_path'] ?? line['filename'] ?? ''))
      assert.deepEqual(
        names.filter((name) => /^\/(?:proc|sys)\//.test(name)),
        [],
      )
    })
  })

  test('a relative path is told as what it stands for', async () => {
    const file = '/etc/systemd/system/relative.service'
    const act =
      'cd /etc/systemd && printf x > system/../system/relative.service && rm system/relative.service'
    const { lines } = await watch(DETECT, () => sandbox.run(act))
    assert.deepEqual(
      about(lines, file).map((line) => [line['event_type'], line['detection_type']]),
      ['file_open', 'file_write', 'file_unlinkat'].map((type) => [type, 'systemd_service_modified']),
    )
  })
})

/** What the kernel calls the process that a quoted line ends in. */
function commOf(line: string): string {
  return line.includes('printf') ? 'sh' : 'rm'
}

/** struct open_how: flags, mode and resolve, 64 bits each. */
function openHow(flags: number, mode: number): ReturnType<typeof bytes> {
  const how = Buffer.alloc(24)
  how.writeBigUInt64LE(BigInt(flags), 0)
  how.writeBigUInt64LE(BigInt(mode), 8)
  return bytes(how)
}
