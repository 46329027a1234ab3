/** The rules `tarsier bench rules` judges by: files of the user, or made-up ones shaped like Falco's. */
import { readFileSync } from 'node:fs'
import type { SyscallContext } from '../fields/context.ts'
import { SOURCES } from '../fields/index.ts'
import type { CompiledRule } from '../rules/ir.ts'
import { type LoadResult, loadRules, type RuleInput } from '../rules/load.ts'
import { UserError } from '../user-error.ts'
import { randomOf } from './rules-mix.ts'

export type Rule = CompiledRule<SyscallContext>

export interface RuleSet {
  readonly name: string
  readonly rules: readonly Rule[]
  /** Rules of the files that need what this program does not have, and are left out. */
  readonly skipped: number
}

/**
 * Rules of the user's files. Rules with fields or events we do not have are left out and counted.
 *
 * Throws UserError when a file cannot be read or has a mistake.
 */
export function loadRuleSet(name: string, paths: readonly string[]): RuleSet {
  const inputs = paths.map((path) => ({ path, text: withSkips(path) }))
  const loaded = load(inputs)
  const skipped = loaded.files
    .flatMap(({ warnings }) => warnings)
    .filter(({ message }) => / is skipped$/.test(message))
  return { name, rules: loaded.rules as readonly Rule[], skipped: skipped.length }
}

/** Text of a file in which every rule may be skipped. */
function withSkips(path: string): string {
  let text: string
  try {
    text = readFileSync(path, 'utf8')
  } catch (error) {
    throw new UserError(
      `cannot read ${path}: ${(error as NodeJS.ErrnoException).code}`,
      'name a file with Falco rules',
    )
  }
  return text.replace(/^- rule: .*$/gm, (line) => `${line}\n  skip-if-unknown-filter: true`)
}

function load(inputs: readonly RuleInput[]): LoadResult {
  const loaded = loadRules(inputs, { sources: SOURCES })
  for (const { name, errors } of loaded.files)
    for (const { message, span } of errors)
      throw new UserError(`${name}:${span.line}:${span.column}: ${message}`)
  return loaded
}

/** Text of `count` made-up rules. The first rules of a larger set are those of a smaller one. */
export function generateRules(count: number): string {
  const random = randomOf(3)
  return [HEAD, ...Array.from({ length: count }, (_, i) => ruleText(i, random))].join('\n')
}

/** These rules, loaded. */
export function generateRuleSet(count: number): RuleSet {
  const { rules } = load([{ path: 'generated.yaml', text: generateRules(count) }])
  return { name: `${count} rules`, rules: rules as readonly Rule[], skipped: 0 }
}

const HEAD = `
- macro: spawned_process
  condition: (evt.type in (execve, execveat))
- macro: opened
  condition: (evt.type in (open, openat, openat2))
- macro: open_write
  condition: (opened and evt.is_open_write=true and fd.typechar='f' and fd.num>=0)
- macro: open_read
  condition: (opened and evt.is_open_read=true and fd.typechar='f' and fd.num>=0)
- macro: outbound
  condition: (evt.type = connect and fd.typechar in (4, 6))
- list: shells
  items: [ash, bash, csh, ksh, sh, tcsh, zsh, dash]
- list: package_managers
  items: [dpkg, apt, apt-get, yum, dnf, rpm, apk, snapd, pip, npm]
- macro: is_shell
  condition: (proc.name in (shells))
- macro: by_package_manager
  condition: (proc.name in (package_managers) or proc.aname in (package_managers))
`

type Pick = <T>(items: readonly T[]) => T

/** Shapes that Falco's rules have; `word` is a name of the rule's own. */
const SHAPES: readonly ((word: string, pick: Pick) => string)[] = [
  (word) => `spawned_process and proc.name in (${word}, ${word}d, ${word}ctl)`,
  (word) => `spawned_process and is_shell and proc.pname in (${word}, ${word}-worker)`,
  (word) => `spawned_process and proc.aname in (${word}) and not proc.pname in (shells)`,
  (word, pick) =>
    `spawned_process and proc.name = ${pick(['curl', 'cat', 'grep'])} and proc.cmdline contains "${word}.example"`,
  (word) => `spawned_process and proc.exepath startswith /opt/${word}/ and not user.uid = 0`,
  (word) => `spawned_process and proc.cmdline icontains "--${word}" and not by_package_manager`,
  (word) => `open_write and fd.name startswith /etc/${word}/ and not by_package_manager`,
  (word) =>
    `open_write and fd.name pmatch (/var/lib/${word}, /srv/${word}/data) and not proc.name in (${word}, systemd)`,
  (word) => `open_write and fd.directory in (/usr/lib/${word}, /usr/local/lib/${word})`,
  (word) =>
    `open_read and (fd.name in (/etc/${word}.conf, /root/.${word}) or fd.directory = /etc/${word}.d) and not proc.name in (shells)`,
  (word) => `open_read and fd.name contains "/.${word}/" and not proc.aname in (sshd, ${word})`,
  (word) => `open_read and fd.filename in (.${word}rc, ${word}_history) and proc.name != ${word}`,
  (word) => `open_read and fd.name endswith ".${word}" and proc.tty != 0`,
  (word) => `open_read and fd.name glob "/home/*/${word}/*.key"`,
  (word) => `outbound and proc.name = ${word} and not fd.sport in (80, 443)`,
  (word, pick) =>
    `outbound and fd.sport = ${pick([4444, 5555, 6667, 9001])} and not proc.name in (${word}, curl)`,
  (word) => `outbound and proc.exepath endswith /${word} and fd.connected = true`,
  (word) => `evt.type in (unlink, unlinkat, rename, renameat) and evt.arg.name startswith /var/log/${word}`,
]

/** A word that no event of the mix contains. */
const wordOf = (i: number): string =>
  `q${i.toString(26).replace(/./g, (c) => String.fromCharCode(97 + Number.parseInt(c, 26)))}x`

function ruleText(i: number, random: () => number): string {
  const pick: Pick = (items) => items[Math.floor(random() * items.length)]!
  const condition = SHAPES[i % SHAPES.length]!(wordOf(i), pick)
  return `- rule: Rule ${i}\n  desc: made up\n  condition: ${condition}\n  output: "%proc.cmdline %fd.name"\n  priority: WARNING`
}
