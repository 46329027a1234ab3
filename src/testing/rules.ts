/** Rules for tests, from text. */
import type { SyscallContext } from '../fields/context.ts'
import { SOURCES } from '../fields/index.ts'
import type { CompiledRule } from '../rules/ir.ts'
import { loadRules } from '../rules/load.ts'

/** Rules of a text; `path` decides the language. Throws with the first error. */
export function rulesOf(path: string, text: string): readonly CompiledRule<SyscallContext>[] {
  const { rules, files } = loadRules([{ path, text }], { sources: SOURCES })
  const error = files.flatMap(({ errors }) => errors)[0]
  if (error !== undefined) throw new Error(error.message)
  return rules as readonly CompiledRule<SyscallContext>[]
}
