/** Settings that stand on a command line. */
import { ConfigError } from '../config/key-types.ts'
import { UsageError } from './command.ts'

/** What `read` makes of settings that the user gave as options. Throws UsageError for one that cannot be taken. */
export function asUsage<T>(read: () => T): T {
  try {
    return read()
  } catch (error) {
    if (error instanceof ConfigError) throw new UsageError(error.message, error.hint)
    throw error
  }
}
