/** Short options of an argument list, as getopt(3) with a leading `+`: it stops at the first word that is no option. */

export interface Option {
  /** One character, `?` for one the specification does not have. */
  readonly option: string
  /** Empty for an option without a value. */
  readonly value: string
}

/** `spec`: option characters, each followed by `:` if it takes a value. Long options are skipped. */
export function getopt(words: readonly string[], spec: string): Option[] {
  const found: Option[] = []
  for (let i = 0; i < words.length; i++) {
    const word = words[i]!
    if (word === '--' || word === '-' || !word.startsWith('-')) break
    if (word.startsWith('--')) continue
    for (let k = 1; k < word.length; k++) {
      const option = word[k]!
      const at = option === ':' ? -1 : spec.indexOf(option)
      if (at < 0) found.push({ option: '?', value: '' })
      else if (spec[at + 1] !== ':') found.push({ option, value: '' })
      else {
        // The value is the rest of the word, or the next word.
        const value = word.slice(k + 1) || words[++i]
        found.push(value === undefined ? { option: '?', value: '' } : { option, value })
        break
      }
    }
  }
  return found
}
