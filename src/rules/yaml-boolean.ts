/** The spellings of YAML 1.1, which Falco accepts. */
const BOOLEANS: ReadonlyMap<string, boolean> = new Map([
  ...['y', 'yes', 'true', 'on'].map((word) => [word, true] as const),
  ...['n', 'no', 'false', 'off'].map((word) => [word, false] as const),
])

/** What a word of a YAML file says where a truth is expected: `yes`, `Off`; undefined when it is no such word. */
export const yamlBoolean = (word: string): boolean | undefined => BOOLEANS.get(word.toLowerCase())
