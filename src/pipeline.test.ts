/** Findings that wait for answers: what is judged when, in which order, and what it says. */
import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import { type ContainerAnswer, type ContainerFacts, type ContainerRef, UNTOLD } from './decode/answers.ts'
import type { RecordInit } from './decode/encode.ts'
import { EventView } from './decode/event-view.ts'
import { Interner } from './decode/interner.ts'
import type { Alert } from './detect/alert.ts'
import { createEngine } from './detect/engine.ts'
import { CONTAINER_PENDING, Pipeline } from './pipeline.ts'
import type { EnrichmentOptions } from './pipeline-options.ts'
import { connect, execve, exit, look, openat, SHELL } from './testing/events.ts'
import { rulesOf } from './testing/rules.ts'

const A = 'a1'.repeat(32)
const B = 'b2'.repeat(32)
const START = 9_000_000_001
const IN_A = { pid: 500, start: START }
const IN_B = { pid: 600, start: START }
const enter = (by: typeof IN_A, id: string): RecordInit =>
  execve({ by, path: '/bin/app', parent: SHELL, cgroup: `/docker/${id}` })
const open = (by: typeof IN_A, path: string): RecordInit => openat({ by, path })

const facts = (name: string, image: string): ContainerFacts => ({
  ...UNTOLD,
  type: 'docker',
  name,
  image,
  repository: image,
  privileged: image === 'big',
})
const known = (fullId: string, image: string): ContainerAnswer => ({
  status: 'known',
  fullId,
  facts: facts('web', image),
})

interface RuleText {
  readonly name: string
  readonly condition: string
  readonly output?: string
}
const yaml = (rules: readonly RuleText[]): string =>
  JSON.stringify(
    rules.map(({ name, condition, output }) => ({
      rule: name,
      condition,
      desc: 'd',
      priority: 'WARNING',
      output: output ?? `${name} %fd.name`,
    })),
  )

function start(rules: readonly RuleText[], options: Partial<EnrichmentOptions> & { nobody?: boolean } = {}) {
  const compiled = rulesOf('rules.yaml', yaml(rules))
  const interner = new Interner(4096)
  const matching = options.matching ?? 'first'
  const alerts: Alert[] = []
  const asked: ContainerRef[] = []
  const pipeline = new Pipeline({
    interner,
    engine: createEngine(compiled, { matching, timeOf: ({ event }) => event.time }),
    identity: { hostname: 'h', hostId: 'i', bootId: 'b' },
    alert: (alert) => alerts.push(alert),
    error: (error) => {
      throw error
    },
    enrichment: {
      rules: compiled,
      matching,
      names: false,
      askContainer: (ref) => {
        asked.push(ref)
        return options.nobody !== true
      },
      ...options,
    },
  })
  const view = new EventView(interner)
  return {
    pipeline,
    asked,
    feed: (...events: readonly RecordInit[]) => {
      for (const event of events) pipeline.event(look(view, event))
    },
    /** What was said since the last call. */
    said: () =>
      alerts
        .splice(0)
        .map(({ message, fields }) => `${message}${fields.has(CONTAINER_PENDING) ? ' pending' : ''}`),
  }
}

const EXCEPT: RuleText = {
  name: 'except',
  condition:
    'evt.type = openat and fd.name startswith /s and container and not container.image.repository in (good)',
}
const rule = ({ condition, ...rest }: RuleText): RuleText => ({
  ...rest,
  condition: condition.replaceAll('container and', 'container.id != host and'),
})
const PLAIN: RuleText = { name: 'plain', condition: 'evt.type = openat and fd.name contains plain' }

describe('an exception by image at the start of a container', () => {
  test('holds when the answer comes', () => {
    const { pipeline, feed, said, asked } = start([rule(EXCEPT)])
    feed(enter(IN_A, A), open(IN_A, '/s1'), open(IN_A, '/s2'))
    assert.deepEqual(said(), [])
    assert.deepEqual(
      asked.map(({ fullId }) => fullId),
      [A],
    )
    pipeline.container(known(A, 'good'))
    assert.deepEqual(said(), [])
    assert.deepEqual(pipeline.waiting, { waited: 2, waiting: 0, late: 0, displaced: 0 })
  })
  test('does not hold for another image: reported in order, unmarked', () => {
    const { pipeline, feed, said } = start([rule(EXCEPT)])
    feed(enter(IN_A, A), open(IN_A, '/s1'), open(IN_A, '/s2'))
    pipeline.container(known(A, 'bad'))
    assert.deepEqual(said(), ['except /s1', 'except /s2'])
    feed(open(IN_A, '/s3'))
    assert.deepEqual(said(), ['except /s3'])
  })
  test('a late answer: reported and marked, also what comes until the answer is there', () => {
    const { pipeline, feed, said } = start([rule(EXCEPT)])
    feed(enter(IN_A, A), open(IN_A, '/s1'))
    pipeline.container({ status: 'late', fullId: A })
    assert.deepEqual(said(), ['except /s1 pending'])
    feed(open(IN_A, '/s2'))
    assert.deepEqual(said(), ['except /s2 pending'])
    pipeline.container(known(A, 'bad'))
    feed(open(IN_A, '/s3'))
    assert.deepEqual(said(), ['except /s3'])
    assert.equal(pipeline.waiting?.late, 1)
  })
  test('nobody to ask: reported at once, unmarked', () => {
    const { feed, said, asked } = start([rule(EXCEPT)], { nobody: true })
    feed(enter(IN_A, A), open(IN_A, '/s1'), open(IN_A, '/s2'))
    assert.deepEqual(said(), ['except /s1', 'except /s2'])
    assert.equal(asked.length, 1)
  })
  test('what cannot match does not wait', () => {
    const { pipeline, feed } = start([rule(EXCEPT)])
    feed(enter(IN_A, A), open(IN_A, '/other'), open(IN_A, '/home'))
    assert.equal(pipeline.waiting?.waited, 0)
  })
  test('one container holds up no other', () => {
    const { pipeline, feed, said } = start([rule(EXCEPT)])
    feed(enter(IN_A, A), enter(IN_B, B), open(IN_A, '/s1'), open(IN_B, '/s2'))
    pipeline.container(known(B, 'bad'))
    assert.deepEqual(said(), ['except /s2'])
    pipeline.container(known(A, 'bad'))
    assert.deepEqual(said(), ['except /s1'])
  })
  test('the end: what waits is reported', () => {
    const { pipeline, feed, said } = start([rule(EXCEPT)])
    feed(enter(IN_A, A), open(IN_A, '/s1'))
    pipeline.finish()
    assert.deepEqual(said(), ['except /s1 pending'])
  })
})

test('a demand is not missed', () => {
  const { pipeline, feed, said } = start([
    { name: 'big', condition: 'evt.type = execve and container.privileged = true', output: '%proc.name' },
  ])
  feed(enter(IN_A, A))
  pipeline.container(known(A, 'big'))
  assert.deepEqual(said(), ['app'])
})
test('a value that is only printed is waited for', () => {
  const { pipeline, feed, said } = start([
    { ...PLAIN, output: '%fd.name of %container.image.repository in %container.name' },
  ])
  feed(enter(IN_A, A), open(IN_A, '/plain'))
  assert.deepEqual(said(), [])
  pipeline.container(known(A, 'good'))
  assert.deepEqual(said(), ['/plain of good in web'])
})
test('the process is what it was', () => {
  const { pipeline, feed, said } = start([
    rule({ ...EXCEPT, output: '%proc.name %proc.cmdline of %proc.pname' }),
  ])
  feed(
    execve({ by: SHELL, path: '/bin/sh' }),
    enter(IN_A, A),
    open(IN_A, '/s1'),
    execve({ by: IN_A, path: '/bin/other', argv: ['other', 'x'], parent: SHELL }),
    execve({ by: SHELL, path: '/bin/else' }),
    exit({ by: IN_A }),
    exit({ by: SHELL }),
  )
  pipeline.container(known(A, 'bad'))
  assert.deepEqual(said(), ['app app of sh'])
})

describe('other rules', () => {
  const BOTH = '/s-plain'
  test('first: a rule in front is reported at once, and that is all', () => {
    const { pipeline, feed, said } = start([PLAIN, rule(EXCEPT)])
    feed(enter(IN_A, A), open(IN_A, BOTH))
    assert.deepEqual(said(), [`plain ${BOTH}`])
    pipeline.container(known(A, 'bad'))
    assert.deepEqual(said(), [])
  })
  for (const [image, name] of [
    ['bad', 'except'],
    ['good', 'plain'],
  ] as const)
    test(`first: a rule behind waits to see whether it is the first (${image})`, () => {
      const { pipeline, feed, said } = start([rule(EXCEPT), PLAIN])
      feed(enter(IN_A, A), open(IN_A, BOTH))
      assert.deepEqual(said(), [])
      pipeline.container(known(A, image))
      assert.deepEqual(said(), [`${name} ${BOTH}`])
    })
  test('all: others are reported at once, and once', () => {
    const { pipeline, feed, said } = start([rule(EXCEPT), PLAIN], { matching: 'all' })
    feed(enter(IN_A, A), open(IN_A, BOTH))
    assert.deepEqual(said(), [`plain ${BOTH}`])
    pipeline.container(known(A, 'bad'))
    assert.deepEqual(said(), [`except ${BOTH}`])
  })
  test('the host waits for nobody', () => {
    const { feed, said, asked } = start([
      PLAIN,
      { ...PLAIN, name: 'x', condition: `${PLAIN.condition} and container.name = y` },
    ])
    feed(open(SHELL as typeof IN_A, '/plain'))
    assert.deepEqual([said(), asked], [['plain /plain'], []])
  })
})

describe('names', () => {
  const BY_NAME: RuleText = {
    name: 'away',
    condition: 'evt.type = connect and fd.sip exists and not fd.sip.name in (ok.example, b.example)',
    output: '%fd.sip %fd.sip.name',
  }
  const to = (address: string): RecordInit =>
    connect({ by: SHELL, local: '10.0.0.1 4000', remote: `${address} 443` })
  test('a connection at the start waits for the first answers', () => {
    const { pipeline, feed, said } = start([BY_NAME], { names: true })
    feed(to('192.0.2.1'), to('192.0.2.9'))
    assert.deepEqual(said(), [])
    pipeline.name({ name: 'ok.example', addresses: ['192.0.2.1', '2001:db8::1'] })
    pipeline.namesSettled()
    assert.deepEqual(said(), ['192.0.2.9 <NA>'])
    feed(to('192.0.2.1'), to('192.0.2.8'))
    assert.deepEqual(said(), ['192.0.2.8 <NA>'])
  })
  test('an address has the names that resolve to it', () => {
    const { pipeline, feed, said } = start(
      [{ name: 'at', condition: 'evt.type = connect and fd.sip.name = b.example', output: '%fd.sip.name' }],
      { names: true },
    )
    pipeline.name({ name: 'a.example', addresses: ['192.0.2.1'] })
    pipeline.name({ name: 'b.example', addresses: ['192.0.2.1'] })
    pipeline.namesSettled()
    feed(to('192.0.2.1'), to('192.0.2.2'))
    assert.deepEqual(said(), ['a.example'])
  })
})
