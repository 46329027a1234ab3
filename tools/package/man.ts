/** The manual page, made from the help texts: what the program says about itself, once. */
import type { HelpTexts, Release } from './stage.ts'

/** roff of tarsier(1). */
export function manPage({ version, time }: Pick<Release, 'version' | 'time'>, help: HelpTexts): string {
  const date = new Date(time * 1000).toISOString().slice(0, 10)
  const sections = [...help].map(([name, text]) =>
    name === '' ? '' : `.SS tarsier ${roff(name)}\n.nf\n${literal(text)}\n.fi\n`,
  )
  return `.TH TARSIER 1 "${date}" "tarsier ${version}" "System administration"
.SH NAME
tarsier \\- eBPF runtime security agent
.SH SYNOPSIS
.B tarsier
.I COMMAND
[\\fIOPTIONS\\fR]
.SH DESCRIPTION
Watches a Linux machine from inside the kernel, judges what it sees with rules in the language of Falco, and reports what
matters as text or JSON. Every event is delivered or counted as lost.
.PP
.nf
${literal(help.get('') ?? '')}
.fi
.SH COMMANDS
${sections.join('')}.SH FILES
.TP
.I /etc/tarsier/tarsier.yaml
Configuration of the service; tarsier config reference tells about every key.
.TP
.I /etc/tarsier/rules.d/
Rules of your own.
.TP
.I /usr/lib/tarsier/rules/
Rules that are shipped.
.TP
.I /run/tarsier/agent.lock
Held while an agent runs: there is one on a host.
.TP
.I /run/tarsier/control.sock
Where tarsier ctl reaches the agent.
.SH EXIT STATUS
0 all well, 1 failure (bad rules, bad input), 2 wrong usage.
.SH SEE ALSO
.BR systemctl (1),
.BR journalctl (1)
`
}

const roff = (text: string): string => text.replace(/\\/g, '\\e').replace(/-/g, '\\-')
/** Lines as they are; a dot or an apostrophe in front would be a request. */
const literal = (text: string): string =>
  roff(text.trimEnd())
    .split('\n')
    .map((line) => (/^[.']/.test(line) ? `\\&${line}` : line))
    .join('\n')
