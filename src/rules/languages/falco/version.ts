/** Versions as rule files require them: semantic versions, compatible within one major number. */
export interface Version {
  readonly major: number
  readonly minor: number
  readonly patch: number
}

/** The engine whose language this reader speaks, as rule files count it. */
export const ENGINE_VERSION: Version = { major: 0, minor: 63, patch: 0 }

/** Plugins whose fields are part of the agent, with the version they correspond to. */
export const BUILT_IN_PLUGINS: ReadonlyMap<string, Version> = new Map([
  ['container', { major: 0, minor: 7, patch: 0 }],
])

/** `1.2.3`, with or without a pre-release or build tail; undefined when the text is none. */
export function parseVersion(text: string): Version | undefined {
  const match = /^(\d{1,9})\.(\d{1,9})\.(\d{1,9})(?:[-+][0-9A-Za-z.+-]*)?$/.exec(text)
  return match ? { major: Number(match[1]), minor: Number(match[2]), patch: Number(match[3]) } : undefined
}

/** Whether something at version `have` does what `need` asks for. */
export const isCompatible = (have: Version, need: Version): boolean =>
  have.major === need.major &&
  (have.minor > need.minor || (have.minor === need.minor && have.patch >= need.patch))

export const versionText = (version: Version): string => `${version.major}.${version.minor}.${version.patch}`
