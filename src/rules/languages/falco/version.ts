/** Versions as rule files require them: semantic versions, compatible within one major number. */
export interface Version {
  readonly major: number
  readonly minor: number
  readonly patch: number
}

/** The engine whose language this reader speaks, as rule files count it. */
export const ENGINE_VERSION: Version = { major: 0, minor: 63, patch: 0 }

/** A plugin whose source or fields are part of the agent, with the version whose fields they are. */
export interface BuiltInPlugin {
  readonly name: string
  readonly version: Version
  /** It is present where rules may have this source; a plugin without one only adds fields to the syscall source. */
  readonly source?: string
  /** It is present where some source has fields of this class. */
  readonly fields?: string
}

/** What `required_plugin_versions` is checked against. A source that is not built in yet does not satisfy anything. */
export const BUILT_IN_PLUGINS: readonly BuiltInPlugin[] = [
  { name: 'container', version: { major: 0, minor: 7, patch: 0 } },
  { name: 'k8saudit', version: { major: 0, minor: 16, patch: 0 }, source: 'k8s_audit' },
  { name: 'cloudtrail', version: { major: 0, minor: 13, patch: 0 }, source: 'aws_cloudtrail' },
  { name: 'okta', version: { major: 0, minor: 12, patch: 0 }, source: 'okta' },
  { name: 'json', version: { major: 0, minor: 7, patch: 3 }, fields: 'json.' },
]

/** Those of them that the given sources have. */
export const presentPlugins = (
  sources: ReadonlyMap<string, { readonly fields: ReadonlyMap<string, unknown> }>,
): readonly BuiltInPlugin[] =>
  BUILT_IN_PLUGINS.filter(({ source, fields }) => {
    if (source !== undefined) return sources.has(source)
    if (fields === undefined) return true
    return [...sources.values()].some((each) =>
      [...each.fields.keys()].some((name) => name.startsWith(fields)),
    )
  })

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
