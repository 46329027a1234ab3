/**
 * Prints the record layout that follows from the schema, or writes it to schema/abi.json.
 *
 * Usage: node tools/abi.ts [--write]
 */
import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { abiText } from '../schema/abi.ts'

function main(args: readonly string[]): number {
  const unknown = args.find((arg) => arg !== '--write')
  if (unknown !== undefined) {
    process.stderr.write(`abi: unknown argument '${unknown}'\nusage: node tools/abi.ts [--write]\n`)
    return 2
  }
  if (args.includes('--write')) writeFileSync(join(import.meta.dirname, '../schema/abi.json'), abiText())
  else process.stdout.write(abiText())
  return 0
}

process.exitCode = main(process.argv.slice(2))
