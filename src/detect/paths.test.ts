/** Rules about paths find in real records what walking them finds, whatever is remembered of names and records. */
import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { EXE_FLAGS, OPEN_FLAGS, PATH_FLAGS } from '../../schema/enums/index.ts'
import type { RecordInit } from '../decode/encode.ts'
import type { SyscallContext } from '../fields/context.ts'
import { SOURCES } from '../fields/index.ts'
import type { CompiledRule } from '../rules/ir.ts'
import { loadRules } from '../rules/load.ts'
import { execve, openat, SHELL, setName } from '../testing/events.ts'
import { createWorld, type World } from '../testing/world.ts'
import { createEngine, type Engine } from './engine.ts'
import { holds } from './reference.ts'

const piece = fc.constantFrom('a', 'B', 'b', '.', '*', 'ä', '\udcff', 'ssh', 'etc')
const name = fc.array(piece, { minLength: 1, maxLength: 3 }).map((all) => all.join(''))
const path = fc.array(name, { minLength: 1, maxLength: 4 }).map((all) => `/${all.join('/')}`)

const EXE_FROM_MEMFD = EXE_FLAGS.names['EXE_FROM_MEMFD']!
const IN_DIR = PATH_FLAGS.names['PATH_IN_DIR']!
const { O_DIRECTORY, O_TMPFILE } = OPEN_FLAGS.names as Record<'O_DIRECTORY' | 'O_TMPFILE', number>

/** Names of all kinds: clean or not, from a directory, through a link. */
const given = fc.oneof(
  path,
  name,
  path.map((one) => `${one}/`),
  path.map((one) => one.replace('/', '//')),
  name.map((one) => `../${one}`),
  path.map((one) => one.replace('/', '/./')),
)
const names = fc.record({
  path: given,
  dir: fc.option(path, { nil: undefined }),
  resolved: fc.option(fc.oneof(path, fc.constantFrom('/memfd:b (deleted)', 'pipe:[1]', '/')), {
    nil: undefined,
  }),
})
/** What an open is beside that: in vain, of a directory. */
const circumstances = fc.record({
  fd: fc.constantFrom(3, -2),
  inDir: fc.boolean(),
  flags: fc.constantFrom(0, O_DIRECTORY, O_TMPFILE),
  mode: fc.constantFrom(0o100644, 0o040755, 0o010600, 0),
})
type Values<T> = T extends fc.Arbitrary<infer V> ? V : never

function openOf(
  { path, dir, resolved }: Values<typeof names>,
  { fd, inDir, flags, mode }: Values<typeof circumstances>,
): RecordInit {
  const kernel = resolved ?? (path.startsWith('/') ? path : `${dir ?? '/b'}/${path}`)
  return openat({
    path,
    ...(dir === undefined ? {} : { dir }),
    resolved: kernel,
    fd,
    flags,
    fields: fd < 0 ? {} : { path_flags: inDir ? IN_DIR : 0, i_mode: mode },
  })
}
const open = fc.tuple(names, circumstances).map(([one, other]) => openOf(one, other))

const PATH_FIELDS = [
  'fd.name',
  'fd.directory',
  'fd.filename',
  'fd.nameraw',
  'fs.path.name',
  'fs.path.nameraw',
  'fd.realpath',
] as const
const condition = fc
  .tuple(
    fc.constantFrom(...PATH_FIELDS),
    fc.constantFrom('=', 'startswith', 'endswith', 'contains', 'icontains', 'pmatch', 'in', 'glob'),
    fc.oneof(path, name).filter((text) => text.isWellFormed()),
  )
  .map(([field, op, text]) => {
    const literal = JSON.stringify(text)
    return `${field} ${op} ${op === 'in' || op === 'pmatch' ? `(${literal})` : literal}`
  })

function compile(conditions: readonly string[]): readonly CompiledRule<SyscallContext>[] {
  const text = conditions
    .map((one, i) => {
      const whole = JSON.stringify(`evt.type = openat and ${one}`)
      return `- {rule: r${i}, desc: d, output: o, priority: INFO, condition: ${whole}}`
    })
    .join('\n')
  const { rules, files } = loadRules([{ path: 'rules.yaml', text }], { sources: SOURCES })
  assert.deepEqual(
    files.flatMap(({ errors }) => errors.map(({ message }) => message)),
    [],
  )
  return rules as readonly CompiledRule<SyscallContext>[]
}

/** Names of the rules that match: as the engine has it, and by walking. */
function judge(
  engine: Engine<SyscallContext>,
  rules: readonly CompiledRule<SyscallContext>[],
  ctx: SyscallContext,
): string[] {
  const expected = rules.filter((rule) => holds(rule.condition, ctx)).map((rule) => rule.name)
  const actual: string[] = []
  engine.run('openat', ctx, (rule) => actual.push(rule.name))
  assert.deepEqual(actual, expected)
  return actual
}

const engineOf = (rules: readonly CompiledRule<SyscallContext>[]): Engine<SyscallContext> =>
  createEngine(rules, { matching: 'all', timeOf: () => 0 })

test('rules about paths find what they find when they are walked, however a file is called', () => {
  const world = createWorld()
  let found = 0
  fc.assert(
    fc.property(
      fc.array(condition, { minLength: 1, maxLength: 4 }),
      fc.array(open, { minLength: 1, maxLength: 12 }),
      (conditions, opens) => {
        const rules = compile(conditions)
        const engine = engineOf(rules)
        for (const init of opens) found += judge(engine, rules, world.feed(init)).length
      },
    ),
    { numRuns: 600 },
  )
  assert.ok(found > 100, `${found} findings`)
})

/** What beside the path decides, and changes while the same files are opened. */
const circumstance = fc.constantFrom(
  'evt.type = openat',
  'proc.name = a',
  'not proc.name = b',
  'proc.exepath startswith /a',
  'proc.cmdline contains x',
  'user.uid = 0',
  'evt.rawres < 0',
  'fd.typechar = d',
  'evt.is_open_write = true',
  'container.id = host',
)
const rule = fc
  .tuple(condition, fc.constantFrom('and', 'or'), circumstance)
  .map(([one, op, other]) => `(${one} ${op} ${other})`)
/** Of the process alone. */
const ofProcess = fc
  .tuple(
    fc.constantFrom('proc.name = a', 'proc.name = b', 'proc.exepath = /a/sh', 'proc.cwd = /a/'),
    fc.constantFrom('and', 'or', 'and not'),
    fc.constantFrom(
      'proc.cmdline endswith x',
      'proc.args = y',
      'proc.name = b',
      'proc.is_exe_from_memfd = true',
    ),
  )
  .map((parts) => `(${parts.join(' ')})`)
/** Of what every file has, if it has any. */
const frequent = fc
  .tuple(fc.constantFrom(...PATH_FIELDS), fc.constantFrom('startswith ""', 'contains b', 'endswith a'))
  .map((parts) => parts.join(' '))

/** Opens of a few files again and again; in between, the process becomes another. */
type Step =
  | { readonly file: number }
  | { readonly change: 'rename' | 'exec' | 'user' | 'container' | 'rules' }
const step: fc.Arbitrary<Step> = fc.oneof(
  { weight: 6, arbitrary: fc.nat(3).map((file): Step => ({ file })) },
  {
    weight: 1,
    arbitrary: fc
      .constantFrom(
        'rename' as const,
        'exec' as const,
        'user' as const,
        'container' as const,
        'rules' as const,
      )
      .map((change): Step => ({ change })),
  },
)

const CGROUP = `/docker/${'ab'.repeat(32)}`

/** A process that opens files and changes. */
class Story {
  readonly #world: World
  #changes = 0
  #uid = 0

  constructor(world: World) {
    this.#world = world
    this.change('exec')
  }

  change(what: 'rename' | 'exec' | 'user' | 'container'): void {
    // A few of all combinations, in no order.
    const seed = Math.imul(++this.#changes, 0x9e3779b1) >>> 16
    const bit = (place: number): boolean => ((seed >> place) & 1) === 1
    const odd = bit(0)
    const by = { ...SHELL, uid: this.#uid }
    const time = SHELL.start + this.#changes
    const to = odd ? 'a' : 'b'
    if (what === 'rename') this.#world.feed(setName({ by, time, to }))
    else if (what === 'user') this.#uid = odd ? 0 : 1000
    else
      this.#world.feed(
        execve({
          by,
          time,
          path: `/${to}/sh`,
          comm: bit(1) ? 'a' : 'b',
          argv: ['sh', bit(2) ? 'x' : 'y'],
          cwd: bit(3) ? '/a' : '/b',
          fields: { exe_flags: bit(4) ? EXE_FROM_MEMFD : 0 },
          cgroup: what === 'container' && odd ? CGROUP : '/',
        }),
      )
  }

  open(init: RecordInit): SyscallContext {
    return this.#world.feed({ ...init, uid: this.#uid })
  }
}

test('what is remembered of an open holds while processes and rules change', () => {
  let found = 0
  const ruleSet = fc.array(fc.oneof(rule, frequent, ofProcess), { minLength: 1, maxLength: 4 })
  fc.assert(
    fc.property(
      ruleSet,
      ruleSet,
      fc.array(names, { minLength: 2, maxLength: 2 }),
      fc.array(circumstances, { minLength: 2, maxLength: 2 }),
      fc.array(step, { minLength: 20, maxLength: 40 }),
      (before, after, files, ways, steps) => {
        const story = new Story(createWorld())
        let rules = compile(before)
        let engine = engineOf(rules)
        let reloads = 0
        for (const one of steps) {
          if ('file' in one)
            found += judge(
              engine,
              rules,
              story.open(openOf(files[one.file >> 1]!, ways[one.file & 1]!)),
            ).length
          else if (one.change !== 'rules') story.change(one.change)
          else {
            reloads++
            rules = compile(reloads % 2 === 0 ? before : after)
            engine = engineOf(rules)
          }
        }
      },
    ),
    { numRuns: 300 },
  )
  assert.ok(found > 1000, `${found} findings`)
})

const TWICE: readonly (readonly [string, string, RecordInit, RecordInit])[] = [
  [
    'of another kind',
    'fd.directory = /a',
    openat({ path: '/a/b' }),
    openat({ path: '/a/b', fields: { i_mode: 0o010600 } }),
  ],
  [
    'from the directory of the file',
    'fd.name = /d/b',
    openat({ path: 'b', resolved: '/a/b', dir: '/d' }),
    openat({ path: 'b', resolved: '/a/b', dir: '/d', fields: { path_flags: IN_DIR } }),
  ],
  [
    'from another directory',
    'fd.name = /d/b',
    openat({ path: 'b', resolved: '/a/b', dir: '/d' }),
    openat({ path: 'b', resolved: '/a/b', dir: '/e' }),
  ],
  [
    'by another name',
    'fd.nameraw contains ..',
    openat({ path: '/x/../a', resolved: '/a' }),
    openat({ path: '/a' }),
  ],
  ['through a link', 'fd.name = /b', openat({ path: '/a', resolved: '/b' }), openat({ path: '/a' })],
]
for (const [what, condition, first, second] of TWICE)
  test(`what is remembered of an open is not said of another one: ${what}`, () => {
    const rules = compile([condition])
    for (const order of [
      [first, second],
      [second, first],
    ]) {
      const world = createWorld()
      const engine = engineOf(rules)
      const found = order.map((init) => [1, 2, 3, 4].map(() => judge(engine, rules, world.feed(init)).length))
      const [one, other] = order[0] === first ? found : found.toReversed()
      assert.deepEqual([one, other], [Array(4).fill(1), Array(4).fill(0)])
    }
  })
