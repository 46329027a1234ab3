import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import type { SyscallContext } from '../fields/context.ts'
import { SOURCES } from '../fields/index.ts'
import type { CompiledRule } from '../rules/ir.ts'
import { loadRules } from '../rules/load.ts'
import { sourceFile } from '../rules/passes/mapped-text.ts'
import { fitsWildcard } from '../rules/passes/wildcard.ts'
import { play } from './rule-case-play.ts'
import { CaseError } from './rule-case-values.ts'
import { readCases } from './rule-cases.ts'

const read = (text: string) => readCases(sourceFile('t.test.yaml', text))
/** A file of one case; keys given replace or extend the usual ones. */
const file = (keys: Readonly<Record<string, string>> = {}): string => {
  const all = {
    name: 'n',
    given: '{ proc: { name: cat } }',
    when: '{ openat: { path: /x } }',
    expect: 'none',
    ...keys,
  }
  const lines = Object.entries(all).map(([key, value], i) => `${i === 0 ? '  - ' : '    '}${key}: ${value}`)
  return ['rule: r', 'cases:', ...lines].join('\n')
}
const refuses = (text: string, expected: string): void => {
  test(`refuses: ${expected}`, () =>
    assert.throws(
      () => read(text),
      (error) => error instanceof CaseError && error.message.startsWith(`t.test.yaml:${expected}`),
    ))
}

refuses(file({ whne: 'x' }), "7:5: unknown key 'whne' in a case (did you mean 'when'?)")
refuses(file({ given: '{ prc: { name: cat } }' }), "4:14: unknown key 'prc' in 'given'")
refuses(file({ given: '{ proc: { nmae: cat } }' }), "4:22: unknown key 'nmae' in a process")
refuses(
  file({ given: '{ proc: { name: a, parent: { exec: b } } }' }),
  "4:41: unknown key 'exec' in a process",
)
refuses(file({ given: '{ proc: { uid: 0 } }' }), "4:20: a process needs a 'name' or an 'exe'")
refuses(file({ given: '{ proc: { name: a, uid: x } }' }), "4:36: 'uid' must be a whole number, not 'x'")
refuses(file({ when: '{ openta: { path: /x } }' }), "5:13: unknown event 'openta' (did you mean 'openat'?)")
refuses(file({ when: '{ ptracy: { pid: 1 } }' }), "5:13: unknown event 'ptracy'")
refuses(file({ when: '{ openat: { pth: /x } }' }), "5:23: unknown key 'pth' in event 'openat'")
refuses(file({ when: '{ openat: { flags: O_RDWR } }' }), "5:21: event 'openat' has no 'path'")
refuses(
  file({ when: '{ openat: { path: /x, flags: O_WRONYL } }' }),
  "5:40: unknown name 'O_WRONYL' in 'flags'",
)
refuses(file({ when: '{ openat: { path: /x, error: ENOPE } }' }), "5:40: unknown error 'ENOPE'")
refuses(file({ when: '{ chmod: { filename: /x, mode: u+s } }' }), "5:42: 'mode' must be octal")
refuses(
  file({ when: '{ open: { path: /x }, creat: { path: /x } }' }),
  "5:11: 'when' must be the name of an event",
)
refuses(file({ expect: 'alarm' }), "6:13: 'expect' must be 'alert', 'none' or a map, not 'alarm'")
refuses(file({ expect: '{ prio: Error }' }), "6:15: unknown key 'prio' in 'expect'")
refuses('- rule: r', '1:1: a document must be a map of keys, not a list (rules are lists: cases of rules')
refuses('rule: r\nrules: []', "2:1: unknown key 'rules' in a document")
refuses('rule: r', "1:1: the document has no 'cases'")
refuses('rule: r\nrule: s\ncases: []', "2:1: key 'rule' is given twice")
refuses('rule: r\ncases: {}', "2:8: 'cases' must be a list")
refuses('rule: "r', '1:9: ')

refuses(
  file({ given: '{ proc: { name: a, uid: 5000000000 } }' }),
  "4:36: 'uid' must fit in 32 bits, unlike 5000000000",
)
refuses(file({ given: '{ proc: { name: a, uid: -3000000000 } }' }), "4:36: 'uid' must fit in 32 bits")
refuses(
  file({ given: `{ proc: { name: a }, container: { id: ${'a'.repeat(64)}, privileged: maybe } }` }),
  "4:128: 'privileged' must be true or false, not 'maybe'",
)
refuses(
  file({ when: '{ connect: { remote: x } }' }),
  "5:32: 'remote' must be an address and a port, as in '10.0.0.1 443', not 'x'",
)
refuses(
  file({ when: '{ connect: { local: 10.0.0.1 65536 } }' }),
  "5:31: 'local' must be an address and a port",
)
refuses(
  file({ given: '{ proc: { name: a }, socket: { remote: 10.0.0.1 } }', when: 'connect' }),
  "4:51: 'remote' must be an address and a port",
)
refuses(file({ when: '{ connect: { laddr: 1 } }' }), "5:31: 'laddr' cannot be given in a case")
refuses(file({ when: '{ procexit: { error: ENOENT } }' }), "5:25: unknown key 'error' in event 'procexit'")
refuses(file({ times: '0' }), "7:12: 'times' must be from 1 to 100000, not 0")
refuses(
  file({ times: '50001', when: '[{ openat: { path: /x } }, { openat: { path: /y } }]' }),
  "7:12: 'times' must be from 1 to 50000, not 50001: a case has at most 100000 events",
)

describe('hostile', () => {
  refuses('rule: a\0', '1:8: a NUL character is not allowed')
  refuses('rule: &r [*r]', "1:11: no anchor '&r' before this alias")
  const grown = (_: unknown, i: number): string => `a${i + 1}: &a${i + 1} [${`*a${i},`.repeat(9)}]\n`
  refuses(`a0: &a0 [x]\n${Array.from({ length: 12 }, grown).join('')}`, '6:9: aliases make the file grow')
  const parents = `${'{ name: a, parent: '.repeat(100)}{ name: b }${' }'.repeat(100)}`
  refuses(file({ given: `{ proc: ${parents} }` }), '4:1131: YAML nested more than 64 levels deep')
  test('a message quotes megabytes in part', () =>
    assert.throws(
      () => read(file({ expect: 'x'.repeat(1 << 20) })),
      (error) => error instanceof CaseError && error.message.length < 2000,
    ))
  test('values longer than a record takes are cut as the kernel cuts them', () => {
    const long = 'x'.repeat(1 << 20)
    assert.equal(
      played('evt.type=openat and fd.name=/x and proc.args startswith xx', {
        given: `{ proc: { name: cat, args: [${long}, ""], env: [A=${long}], cwd: /${long} } }`,
      }),
      'cat <NA> openat',
    )
  })
})

const rules = (condition: string): readonly CompiledRule<SyscallContext>[] => {
  const text = `- rule: r\n  desc: d\n  condition: ${condition}\n  output: "%proc.name %proc.pname %evt.type"\n  priority: INFO\n`
  const { rules: loaded, files } = loadRules([{ path: 'r.yaml', text }], { sources: SOURCES })
  assert.deepEqual(
    files.flatMap(({ errors }) => errors),
    [],
  )
  return loaded as readonly CompiledRule<SyscallContext>[]
}
/** What the rule with this condition prints for the case; undefined when it does not fire. */
const played = (condition: string, keys: Readonly<Record<string, string>>): string | undefined =>
  play(rules(condition), read(file(keys))[0]!.cases[0]!).get('r')
const plays = (
  condition: string,
  keys: Readonly<Record<string, string>>,
  expected: string | undefined,
): void =>
  void test(`${condition}, ${Object.values(keys).join(' ')}`, () =>
    assert.equal(played(condition, keys), expected))

plays('evt.type=openat and fd.name=/x', {}, 'cat <NA> openat')
plays('evt.type=openat and fd.name=/y', {}, undefined)
plays('evt.type=openat and evt.rawarg.fd < 20 and evt.rawarg.dirfd > -200', {}, 'cat <NA> openat')
plays('evt.type=openat and evt.rawarg.name >= 0', {}, undefined)
plays(
  'evt.type=openat and fd.name=/etc/x',
  { given: '{ proc: { name: cat, cwd: /etc } }', when: '{ openat: { path: x } }' },
  'cat <NA> openat',
)
plays(
  'evt.type=openat and evt.res=EACCES',
  { when: '{ openat: { path: /x, error: EACCES } }' },
  'cat <NA> openat',
)
plays(
  'evt.type=execve and user.uid=5 and proc.aname[2]=c and proc.args="-c x y"',
  {
    given: '{ proc: { name: a, args: [-c, x y], parent: { name: b, uid: 5, parent: { name: c } } } }',
    when: 'execve',
  },
  'a b execve',
)
plays('evt.type=execve and proc.exepath=/usr/bin/cat', { when: '{ execve: { error: EPERM } }' }, undefined)
plays(
  'evt.type=connect and fd.sport=443 and fd.l4proto=udp',
  { when: '{ connect: { local: 10.0.0.1 9, remote: 10.0.0.2 443, protocol: IPPROTO_UDP } }' },
  'cat <NA> connect',
)
plays(
  'evt.type=fchmod and evt.arg.mode contains S_ISUID',
  { when: '{ fchmod: { fd: 3, path: /x, mode: 04755 } }' },
  'cat <NA> fchmod',
)
plays('evt.type=procexit', { when: 'procexit' }, 'cat <NA> procexit')

const fits = (text: string, pattern: string, expected: boolean): void =>
  void test(`'${text}' ${expected ? 'fits' : 'does not fit'} '${pattern}'`, () =>
    assert.equal(fitsWildcard(text, pattern), expected))
fits('abc', 'abc', true)
fits('abc', 'ab', false)
fits('abc', 'ab*', true)
fits('abc', '*bc', true)
fits('abc', 'a*c', true)
fits('aba', 'ab*ba', false)
fits('a-b-c', 'a*b*c', true)
fits('a-c', 'a*b*c', false)
fits('', '*', true)
