/** Where the program's own files are: `rules/`, `build/bpf/`, `package.json`. */
import { existsSync, readFileSync } from 'node:fs'
import { dirname, join } from 'node:path'

/** Folder of the checkout or the installed package, whether this runs from `src/` or from `dist/`. */
export function packageRoot(): string {
  for (let folder = import.meta.dirname; folder !== dirname(folder); folder = dirname(folder))
    if (existsSync(join(folder, 'package.json'))) return folder
  throw new Error(`no package.json above ${import.meta.dirname}: the installation is not complete`)
}

/** Version of the package. */
export function programVersion(): string {
  const text = readFileSync(join(packageRoot(), 'package.json'), 'utf8')
  return (JSON.parse(text) as { version: string }).version
}

/** Folder with the compiled BPF objects. */
export const objectsDirectory = (): string => join(packageRoot(), 'build', 'bpf')

/** Folder with the rules that are shipped. */
export const rulesDirectory = (): string => join(packageRoot(), 'rules', 'default')

/** Every directory with rules that are shipped. */
export const shippedRules = (): { readonly rules: string; readonly randGuard: string } => ({
  rules: rulesDirectory(),
  randGuard: join(packageRoot(), 'rules', 'rand-guard'),
})
