/** Completion for bash, made from the help texts. */
import { commandsIn, type HelpTexts, optionsIn } from './stage.ts'

/** A script that completes commands, subcommands, options and file names. */
export function bashCompletion(help: HelpTexts): string {
  const cases = [...help].map(([name, text]) => {
    const words = [...commandsIn(text), ...optionsIn(text)].join(' ')
    return `    '${name}') words='${words}' ;;`
  })
  const commands = [...help.keys()].filter((name) => name !== '').map((name) => `'${name}'`)
  return `# Completion of tarsier for bash
_tarsier() {
  local cur=\${COMP_WORDS[COMP_CWORD]} at= words= word
  for word in "\${COMP_WORDS[@]:1:COMP_CWORD-1}"; do
    case "\${at:+$at }$word" in
      ${commands.join(' | ')}) at=\${at:+$at }$word ;;
    esac
  done
  case "$at" in
${cases.join('\n')}
  esac
  COMPREPLY=($(compgen -W "$words" -- "$cur"))
}
complete -o default -F _tarsier tarsier
`
}
