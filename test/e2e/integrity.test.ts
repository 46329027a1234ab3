/**
 * Somebody tampers with the agent: it says so within two seconds and names the culprit. The agent runs from a copy of the
 * installation, so that its own files can be replaced. Near misses stay silent.
 */
import assert from 'node:assert/strict'
import { type ChildProcess, spawn, spawnSync } from 'node:child_process'
import {
  appendFileSync,
  copyFileSync,
  cpSync,
  existsSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  renameSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs'
import { basename, join } from 'node:path'
import { after, before, suite, test } from 'node:test'
import { setTimeout as sleep } from 'node:timers/promises'
import { INTEGRITY_RULES, type IntegrityRule } from '../../src/integrity/finding.ts'
import { program } from '../kernel/support/programs.ts'
import {
  marker,
  NEEDS_ROOT,
  openFolder,
  opensOf,
  ROOT,
  type Running,
  startAgent,
  TARSIER,
  withAgent,
  writeRules,
} from './support/agent.ts'
import { objectsOf } from './support/kernel-ids.ts'

/** On a busy machine something may be found this late. */
const FOUND_MS = 15_000
/** Long enough for the slowest look to find what it should not. */
const SILENT_MS = 1500
const CONTROL_BYTES = 64
/** Words of struct control (bpf/include/maps.h). */
const WANT_ENV = 3

type Fields = Readonly<Record<string, string | number | boolean | null>>
interface Found {
  readonly rule: string
  readonly priority: string
  readonly source: string
  readonly output: string
  readonly output_fields: Fields
}

/** A whole installation with an executable, code, objects and rules of its own. */
function install(): { root: string; launcher: string; rules: string } {
  // What is copied must be up to date.
  assert.equal(spawnSync(TARSIER, ['--version']).status, 0)
  const root = openFolder('installation')
  for (const part of ['bin', 'dist', 'package.json'])
    cpSync(join(ROOT, part), join(root, part), { recursive: true })
  cpSync(join(ROOT, 'build/bpf'), join(root, 'build/bpf'), {
    recursive: true,
    filter: (file) => !/\.(?:stamp|c|h)$/.test(file),
  })
  mkdirSync(join(root, 'node/bin'), { recursive: true })
  mkdirSync(join(root, 'node_modules'))
  const { dependencies } = JSON.parse(readFileSync(join(ROOT, 'package.json'), 'utf8')) as {
    dependencies: object
  }
  for (const name of [...Object.keys(dependencies), '@koromix'])
    if (existsSync(join(ROOT, 'node_modules', name)))
      symlinkSync(join(ROOT, 'node_modules', name), join(root, 'node_modules', name))
  const arch = process.arch === 'x64' ? 'x64' : 'arm64'
  copyFileSync(join(ROOT, `node_modules/node-linux-${arch}/bin/node`), join(root, 'node/bin/node'))
  const rules = join(root, 'rules')
  mkdirSync(rules)
  // Opens and renames are what names the culprits of changed files.
  const file = writeRules(rules, opensOf(marker(), 'x'), {
    rule: 'Renames',
    condition: `evt.type in (rename, renameat, renameat2, unlink, unlinkat) and fs.path.name contains ${marker()}`,
    output: 'x',
  })
  renameSync(file, join(rules, 'first.yaml'))
  return { root, launcher: join(root, 'bin/tarsier'), rules }
}

const alertsOf = (agent: Running): Found[] =>
  agent.lines.filter((line) => line.startsWith('{')).map((line) => JSON.parse(line) as Found)
const findingsOf = (agent: Running): Found[] =>
  alertsOf(agent).filter(({ rule }) => rule.startsWith('Tarsier integrity'))

/** Do something and wait for the finding that it must lead to. */
async function found(
  agent: Running,
  rule: IntegrityRule,
  act: () => unknown,
  fits: (fields: Fields) => boolean = () => true,
): Promise<Found> {
  const seen = findingsOf(agent).length
  const find = (): Found | undefined =>
    findingsOf(agent)
      .slice(seen)
      .find((alert) => alert.rule === INTEGRITY_RULES[rule] && fits(alert.output_fields))
  await act()
  await agent.until(() => find() !== undefined, FOUND_MS)
  const alert = find()
  assert.ok(
    alert,
    `no '${INTEGRITY_RULES[rule]}' within ${FOUND_MS} ms; said: ${JSON.stringify(findingsOf(agent).slice(seen))}; log: ${agent.stderr}`,
  )
  assert.equal(alert.source, 'internal')
  return alert
}

/** Do something and see that nothing is said about it; repeats of what was told before may still come. */
async function silent(agent: Running, act: () => unknown): Promise<void> {
  const seen = findingsOf(agent).length
  await act()
  await sleep(SILENT_MS)
  const fresh = findingsOf(agent).slice(seen)
  assert.deepEqual(
    fresh.filter(({ output_fields: fields }) => fields['repeats'] === undefined),
    [],
  )
}

interface Done {
  readonly pid: number
  readonly said: string
}

/** Run the tampering program to its end. */
function tamper(...words: (string | number)[]): Done {
  const { pid, stdout, stderr, status } = spawnSync(program('tamper'), words.map(String), {
    encoding: 'utf8',
  })
  assert.equal(status, 0, `tamper ${words.join(' ')}: ${stdout} ${stderr}`)
  return { pid, said: stdout.trim() }
}

/** Does the alert name this process? */
const by = (done: { readonly pid?: number | undefined }, comm = 'tamper'): ((fields: Fields) => boolean) => {
  return (fields) => fields['proc.pid'] === done.pid && fields['proc.name'] === comm
}

/** Ids of the agent's maps of this name, and of its links. */
function mapIds(agent: Running, name: string): number[] {
  const ours = objectsOf(agent.pid).filter(({ kind }) => kind === 'map')
  const all = JSON.parse(spawnSync('bpftool', ['-j', 'map', 'list'], { encoding: 'utf8' }).stdout) as {
    id: number
    name?: string
  }[]
  return all.filter((map) => map.name === name && ours.some(({ id }) => id === map.id)).map(({ id }) => id)
}
const linkIds = (agent: Running): number[] =>
  objectsOf(agent.pid).flatMap(({ kind, id }) => (kind === 'link' ? [id] : []))

/** Descriptors of the agent that are links, with their ids. */
function linkFds(agent: Running): { fd: number; id: number }[] {
  return readdirSync(`/proc/${agent.pid}/fdinfo`).flatMap((fd) => {
    const id = /^link_id:\s*(\d+)/m.exec(readFileSync(`/proc/${agent.pid}/fdinfo/${fd}`, 'utf8'))?.[1]
    return id === undefined ? [] : [{ fd: Number(fd), id: Number(id) }]
  })
}

/** Put another file in the place of this one, as an update does it. */
function replace(file: string, content: string | Uint8Array): Done {
  const fresh = join(openFolder('fresh'), basename(file))
  writeFileSync(fresh, content)
  const { pid, status } = spawnSync('mv', ['-f', fresh, file])
  assert.equal(status, 0)
  return { pid, said: '' }
}

const has = (command: string): boolean => spawnSync('sh', ['-c', `command -v ${command}`]).status === 0
const without = (command: string): string | false => (has(command) ? false : `${command} is not installed`)
const X86 = process.arch === 'x64' ? false : 'x86-64 only'
const SET = ['json_output=true']

suite('integrity', { skip: NEEDS_ROOT }, () => {
  let place: ReturnType<typeof install>
  let agent: Running
  const children: ChildProcess[] = []

  before(async () => {
    place = install()
    agent = await startAgent({ launcher: place.launcher, rules: [place.rules], set: SET })
    // The executable is hashed when the agent is up.
    await sleep(1500)
  })
  after(async () => {
    for (const child of children) child.kill('SIGKILL')
    const { status, stderr } = await agent.stop()
    assert.equal(status, 0)
    assert.match(stderr, /errors 0$/m)
  })

  test('nothing is said as long as nothing happens', () => assert.deepEqual(findingsOf(agent), []))

  suite('tracing', () => {
    test('PTRACE_SEIZE', async () => {
      let done: Done | undefined
      const alert = await found(agent, 'traced', () => {
        done = tamper('seize', agent.pid)
      })
      assert.equal(done!.said, 'ok')
      assert.ok(by(done!)(alert.output_fields), alert.output)
      assert.deepEqual(
        [alert.priority, alert.output_fields['request'], alert.output_fields['result']],
        ['Alert', 'PTRACE_SEIZE', 'success'],
      )
    })
    test('strace -p', { skip: without('strace') }, async () => {
      const strace = spawn('strace', ['-f', '-o', '/dev/null', '-p', String(agent.pid)], { stdio: 'ignore' })
      children.push(strace)
      try {
        const byStrace = by(strace, 'strace')
        await found(
          agent,
          'traced',
          () => {},
          (fields) => byStrace(fields) && fields['request'] === 'PTRACE_SEIZE',
        )
        // Looking at /proc finds it, too.
        await agent.until(
          () => findingsOf(agent).some(({ output_fields: f }) => f['tracer'] === strace.pid),
          FOUND_MS,
        )
        assert.ok(
          findingsOf(agent).some(
            ({ output_fields: f }) => f['tracer'] === strace.pid && f['tracer.name'] === 'strace',
          ),
        )
      } finally {
        strace.kill('SIGINT')
        await agent.until(() => strace.exitCode !== null || strace.signalCode !== null, FOUND_MS)
      }
    })
    test('of another process is nobody’s business', () =>
      silent(agent, () => assert.equal(tamper('seize-child').said, 'ok')))
  })

  suite('memory', () => {
    for (const [word, call, priority] of [
      ['readv', 'process_vm_readv', 'Critical'],
      ['writev', 'process_vm_writev', 'Critical'],
    ] as const)
      test(call, async () => {
        let done: Done | undefined
        const alert = await found(agent, 'memory', () => {
          done = tamper(word, agent.pid)
        })
        // The address is not there: it was tried, and it came to nothing.
        assert.equal(done!.said, 'EFAULT')
        assert.ok(by(done!)(alert.output_fields), alert.output)
        assert.deepEqual(
          [alert.priority, alert.output_fields['call'], alert.output_fields['result']],
          [priority, call, 'EFAULT'],
        )
      })
    test('pidfd_getfd', async () => {
      let done: Done | undefined
      const alert = await found(agent, 'descriptor', () => {
        done = tamper('getfd', agent.pid, 1)
      })
      assert.ok(by(done!)(alert.output_fields), alert.output)
      assert.deepEqual([alert.priority, alert.output_fields['descriptor']], ['Alert', 1])
    })
    test('/proc/PID/mem opened for writing', async () => {
      let done: Done | undefined
      const alert = await found(agent, 'memory', () => {
        done = tamper('mem', agent.pid)
      })
      assert.ok(by(done!)(alert.output_fields), alert.output)
      assert.deepEqual([alert.priority, alert.output_fields['path']], ['Alert', `/proc/${agent.pid}/mem`])
    })
    test('of another process is nobody’s business', () =>
      silent(agent, () => {
        tamper('readv', process.pid)
        readFileSync(`/proc/${agent.pid}/status`)
        tamper('mem', process.pid)
      }))
  })

  suite('signals', () => {
    test('SIGSTOP, told when it goes on', async () => {
      const done = tamper('signal', agent.pid, 19)
      const stopped = (): boolean => /^State:\s+T/m.test(readFileSync(`/proc/${agent.pid}/status`, 'utf8'))
      assert.ok(await agent.until(stopped, FOUND_MS))
      const alert = await found(agent, 'signalled', () => tamper('signal', agent.pid, 18))
      assert.ok(by(done)(alert.output_fields), alert.output)
      assert.deepEqual([alert.priority, alert.output_fields['signal']], ['Alert', 'SIGSTOP'])
    })
    test('SIGUSR1', async () => {
      const alert = await found(agent, 'signalled', () => tamper('signal', agent.pid, 10))
      assert.equal(alert.output_fields['signal'], 'SIGUSR1')
    })
    test('signal 0, SIGCONT and SIGWINCH do no harm', () =>
      silent(agent, () => {
        for (const number of [0, 18, 28]) assert.equal(tamper('signal', agent.pid, number).said, 'ok')
      }))
    test('a signal for somebody else', () =>
      silent(agent, () => {
        const other = spawn('sleep', ['60'])
        tamper('signal', other.pid!, 9)
      }))
  })

  suite('BPF', () => {
    test('a link detached with bpftool', { skip: without('bpftool') }, async () => {
      const [id] = linkIds(agent)
      let pid = 0
      const alert = await found(agent, 'bpf', () => {
        pid = spawnSync('bpftool', ['link', 'detach', 'id', String(id)]).pid
      })
      assert.ok(by({ pid }, 'bpftool')(alert.output_fields), alert.output)
      assert.deepEqual([alert.output_fields['command'], alert.output_fields['id']], ['BPF_LINK_DETACH', id])
    })
    test('a link detached', async () => {
      const id = linkIds(agent).at(-1)
      let done: Done | undefined
      const alert = await found(agent, 'bpf', () => {
        done = tamper('detach', id!)
      })
      assert.ok(by(done!)(alert.output_fields), alert.output)
      assert.deepEqual([alert.output_fields['object'], alert.output_fields['id']], ['link', id])
    })
    test('a map updated with bpftool', { skip: without('bpftool') }, async () => {
      const [id] = mapIds(agent, 'control')
      const value = Array.from({ length: CONTROL_BYTES }, (_, i) => (i === 4 * WANT_ENV ? '01' : '00'))
      let pid = 0
      const update = (): void => {
        const words = [
          'map',
          'update',
          'id',
          String(id),
          'key',
          'hex',
          '00',
          '00',
          '00',
          '00',
          'value',
          'hex',
          ...value,
        ]
        const done = spawnSync('bpftool', words, { encoding: 'utf8' })
        assert.equal(done.status, 0, done.stderr)
        pid = done.pid
      }
      const alert = await found(agent, 'control', update, (fields) => fields['word'] === 'agentTgid')
      assert.ok(by({ pid }, 'bpftool')(alert.output_fields), alert.output)
      assert.ok(
        findingsOf(agent).some(
          ({ rule, output_fields: f }) =>
            rule === INTEGRITY_RULES.bpf &&
            f['command'] === 'BPF_MAP_UPDATE_ELEM' &&
            f['id'] === id &&
            by({ pid }, 'bpftool')(f),
        ),
      )
    })
    test('a control word that hides a process is put right', async () => {
      const [id] = mapIds(agent, 'control')
      let done: Done | undefined
      const alert = await found(
        agent,
        'control',
        () => {
          done = tamper('update', id!, CONTROL_BYTES, 0, process.pid)
        },
        (fields) => fields['found'] === process.pid,
      )
      assert.ok(by(done!)(alert.output_fields), alert.output)
      const { word, expected, found: value } = alert.output_fields
      assert.deepEqual([word, expected, value], ['agentTgid', agent.pid, process.pid])
      const dump = spawnSync('bpftool', ['-j', 'map', 'dump', 'id', String(id)], { encoding: 'utf8' }).stdout
      const [element] = JSON.parse(dump) as { value: string[] }[]
      const bytes = Uint8Array.from(element!.value.map(Number))
      assert.equal(new DataView(bytes.buffer).getUint32(0, true), agent.pid)
    })
    test('a word written through a mapping', async () => {
      const [id] = mapIds(agent, 'control')
      let done: Done | undefined
      const alert = await found(
        agent,
        'control',
        () => {
          done = tamper('map', id!, WANT_ENV, 7)
        },
        (fields) => fields['found'] === 7,
      )
      assert.equal(alert.output_fields['word'], 'wantEnv')
      // No call changed the map, but one got hold of it.
      assert.ok(by(done!)(alert.output_fields), alert.output)
    })
    test('a link closed behind the agent’s back is attached again', { skip: X86 }, async () => {
      const before_ = linkFds(agent)
      const { fd, id } = before_.at(-1)!
      const alert = await found(agent, 'link', () => assert.equal(tamper('close', agent.pid, fd).said, 'ok'))
      assert.deepEqual([alert.output_fields['id'], alert.output_fields['attached_again']], [id, true])
      assert.equal(linkFds(agent).length, before_.length)
    })
    test('taking a map out of the list of ours is seen, and put right', {
      skip: without('bpftool'),
    }, async () => {
      const [list] = mapIds(agent, 'agent_objects')
      const hex = (value: number): string[] =>
        [...new Uint8Array(new Uint32Array([value]).buffer)].map((byte) => byte.toString(16).padStart(2, '0'))
      // The kernel side cannot see this very call: it is about a map that is ours no more when the call returns.
      const words = ['map', 'delete', 'id', String(list), 'key', 'hex', ...hex(1), ...hex(list!)]
      let pid = 0
      const take = (): void => {
        const done = spawnSync('bpftool', words, { encoding: 'utf8' })
        assert.equal(done.status, 0, done.stderr)
        pid = done.pid
      }
      const alert = await found(agent, 'object', take)
      assert.ok(by({ pid }, 'bpftool')(alert.output_fields), alert.output)
      assert.deepEqual(
        [alert.output_fields['object'], alert.output_fields['put_right']],
        ['agent_objects', true],
      )
    })
    test('looking does no harm', { skip: without('bpftool') }, () =>
      silent(agent, () => {
        for (const kind of ['map', 'prog', 'link']) spawnSync('bpftool', [kind, 'list'])
        for (const id of mapIds(agent, 'control')) spawnSync('bpftool', ['map', 'dump', 'id', String(id)])
      }),
    )
  })

  suite('files', () => {
    const changed = async (kind: string, file: string, act: () => Done | undefined): Promise<Found> => {
      let done: Done | undefined
      const alert = await found(
        agent,
        'file',
        () => {
          done = act()
        },
        (fields) => fields['file'] === file,
      )
      assert.equal(alert.output_fields['kind'], kind)
      if (done !== undefined) assert.ok(by(done, 'mv')(alert.output_fields), alert.output)
      return alert
    }
    test('a rule file replaced', async () => {
      const file = join(place.rules, 'first.yaml')
      const { output_fields: fields } = await changed('rules', file, () =>
        replace(file, '- list: x\n  items: []\n'),
      )
      assert.equal(fields['what'], 'changed')
      assert.match(String(fields['sha256_before']), /^[0-9a-f]{64}$/)
      assert.match(String(fields['sha256_after']), /^[0-9a-f]{64}$/)
      assert.notEqual(fields['sha256_before'], fields['sha256_after'])
    })
    test('a rule file added', async () => {
      const file = join(place.rules, 'second.yaml')
      const { output_fields: fields } = await changed('rules', file, () => replace(file, '[]\n'))
      assert.equal(fields['what'], 'added')
    })
    test('a rule file removed', async () => {
      const file = join(place.rules, 'second.yaml')
      const { output_fields: fields } = await changed('rules', file, () => void rmSync(file))
      assert.deepEqual([fields['what'], fields['sha256_after']], ['removed', null])
    })
    test('an object replaced', async () => {
      const file = join(place.root, 'build/bpf/file/open.bpf.o')
      await changed('object', file, () =>
        replace(file, Buffer.concat([readFileSync(file), Buffer.from('x')])),
      )
    })
    test('code changed in place', async () => {
      const file = join(place.root, 'dist/src/pipeline.js')
      await changed('code', file, () => void appendFileSync(file, '\n'))
    })
    test('the executable replaced', async () => {
      const file = join(place.root, 'node/bin/node')
      await changed('executable', file, () => replace(file, '#!/bin/sh\n'))
    })
    test('the same content again, other files beside', () =>
      silent(agent, () => {
        const file = join(place.root, 'build/bpf/file/path.bpf.o')
        replace(file, readFileSync(file))
        writeFileSync(join(place.rules, 'notes.txt'), 'x')
      }))
  })
})

suite('integrity settings', { skip: NEEDS_ROOT }, () => {
  const rules = (): string[] => [writeRules(openFolder('settings'), opensOf(marker(), 'x'))]

  test('exit: the alert is delivered, then the agent ends with 1', async () => {
    const agent = await startAgent({ rules: rules(), set: [...SET, 'integrity.action=exit'] })
    const done = tamper('seize', agent.pid)
    const { status } = await agent.end()
    assert.equal(status, 1)
    assert.ok(findingsOf(agent).some(({ output_fields: fields }) => by(done)(fields)))
  })

  test('off: nothing is watched', async () => {
    const { stdout, status } = await withAgent(
      { rules: rules(), set: [...SET, 'integrity.enabled=false'] },
      async (agent) => {
        tamper('seize', agent.pid)
        await sleep(SILENT_MS)
      },
    )
    assert.doesNotMatch(stdout, /Tarsier integrity/)
    assert.equal(status, 0)
  })

  test('SIGTERM from who started it is regular, from somebody else it is told', async () => {
    const regular = await withAgent({ rules: rules(), set: SET }, async () => {})
    assert.doesNotMatch(regular.stdout, /Tarsier integrity/)
    assert.match(regular.stderr, new RegExp(`SIGTERM from \\S+ \\(pid ${process.pid}, uid 0\\)`))
    const agent = await startAgent({ rules: rules(), set: SET })
    const done = tamper('signal', agent.pid, 15)
    const { status } = await agent.end()
    assert.equal(status, 0)
    const [alert] = findingsOf(agent)
    assert.ok(
      alert && by(done)(alert.output_fields) && alert.output_fields['signal'] === 'SIGTERM',
      agent.stderr,
    )
  })
})
