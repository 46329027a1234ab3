/**
 * What a developer's machine does in a minute, made from files of its own: a compile, an installation of packages without a
 * network, version control, a search and an archive. The same each time, in a private folder that goes away.
 */
import { execFile } from 'node:child_process'
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { promisify } from 'node:util'
import { UserError } from '../user-error.ts'

const run = promisify(execFile)

/** How much of everything there is. */
export interface MixSize {
  readonly sources: number
  readonly packages: number
  readonly files: number
  /** Reads of a password file and started shells: what rules are there to find. */
  readonly acts: number
}

export const MIX_SIZES: Readonly<Record<'quick' | 'full', MixSize>> = {
  quick: { sources: 4, packages: 4, files: 60, acts: 3 },
  full: { sources: 24, packages: 60, files: 1500, acts: 10 },
}

export interface MixStep {
  readonly name: string
  readonly what: string
  /** Shell text, run in the folder of the step. */
  readonly script: string
}

export const MIX_STEPS: readonly MixStep[] = [
  {
    name: 'compile',
    what: 'cc of each source, then a link',
    script: 'rm -f *.o; for f in *.c; do cc -O1 -c "$f"; done; cc *.o -o program; ./program',
  },
  {
    name: 'npm',
    what: 'npm install of local packages',
    script:
      'rm -rf node_modules package-lock.json; npm install --offline --install-links --ignore-scripts --no-audit --no-fund --no-progress --cache ../npm-cache',
  },
  {
    name: 'git',
    what: 'init, add, commit, clone, log, gc',
    script:
      'rm -rf .git ../clone; git init -q .; git add -A; git commit -qm all; git clone -q . ../clone; git -C ../clone log --stat; git gc -q',
  },
  {
    name: 'grep',
    what: 'grep -r over the files and /usr/include',
    script: 'grep -r needle . /usr/include | wc -l',
  },
  {
    name: 'tar',
    what: 'pack and unpack',
    script:
      'rm -rf ../unpacked; mkdir ../unpacked; tar -czf ../all.tgz .; tar -xzf ../all.tgz -C ../unpacked',
  },
  { name: 'find', what: 'find over /usr', script: 'find /usr -xdev -name "*.conf" -size +1k' },
  {
    name: 'acts',
    what: 'reads of /etc/shadow, started shells',
    script: 'for i in $(cat count); do ./reader /etc/shadow; sh -c :; done',
  },
]
/** Folder of the files that a step works on. */
const FOLDERS: Readonly<Record<string, string>> = { grep: 'git', tar: 'git', find: 'git' }

/** Environment of the steps: nothing of the user's own settings. */
const ENVIRONMENT = (folder: string): Record<string, string> => ({
  PATH: process.env['PATH'] ?? '/usr/bin:/bin',
  HOME: folder,
  LANG: 'C',
  GIT_CONFIG_NOSYSTEM: '1',
  GIT_AUTHOR_NAME: 'bench',
  GIT_AUTHOR_EMAIL: 'bench@localhost',
  GIT_COMMITTER_NAME: 'bench',
  GIT_COMMITTER_EMAIL: 'bench@localhost',
})

export class MixWorkload {
  readonly folder = mkdtempSync(join(tmpdir(), 'tarsier-mix-'))

  /** Throws UserError when a program that a step needs is missing. */
  async prepare(size: MixSize): Promise<void> {
    for (const program of ['cc', 'npm', 'git', 'tar', 'grep', 'find'])
      await run('sh', ['-c', `command -v ${program}`]).catch(() => {
        throw new UserError(
          `the workload needs ${program}, which is not here`,
          `apt-get install ${PACKAGES[program] ?? program}`,
        )
      })
    this.#compile(size.sources)
    this.#npm(size.packages)
    this.#git(size.files)
    await this.#acts(size.acts)
  }

  /** Wall time of a step in ms. */
  async step({ name, script }: MixStep): Promise<number> {
    const from = performance.now()
    await run('sh', ['-ec', script], {
      cwd: join(this.folder, FOLDERS[name] ?? name),
      env: ENVIRONMENT(this.folder),
      maxBuffer: 64 << 20,
    }).catch((error: Error & { stderr?: string }) => {
      throw new UserError(
        `step ${name} of the workload failed: ${error.stderr?.trim().split('\n')[0] ?? error.message}`,
      )
    })
    return performance.now() - from
  }

  close(): void {
    rmSync(this.folder, { recursive: true, force: true })
  }

  #write(name: string, text: string): void {
    const file = join(this.folder, name)
    mkdirSync(join(file, '..'), { recursive: true })
    writeFileSync(file, text)
  }

  #compile(count: number): void {
    for (let i = 0; i < count; i++) this.#write(`compile/part${i}.c`, sourceText(i))
    const calls = Array.from({ length: count }, (_, i) => `part${i}(1)`).join(' + ')
    const declared = Array.from({ length: count }, (_, i) => `int part${i}(int);`).join('\n')
    this.#write('compile/main.c', `${declared}\nint main(void) { return (${calls}) == 0; }\n`)
  }

  #npm(count: number): void {
    const names = Array.from({ length: count }, (_, i) => `part-${i}`)
    const dependencies = Object.fromEntries(names.map((name) => [name, `file:../packages/${name}`]))
    this.#write('npm/package.json', JSON.stringify({ name: 'bench', version: '1.0.0', dependencies }))
    for (const name of names) {
      this.#write(
        `packages/${name}/package.json`,
        JSON.stringify({ name, version: '1.0.0', main: 'index.js' }),
      )
      for (let k = 0; k < 10; k++)
        this.#write(`packages/${name}/lib/file${k}.js`, `exports.value = ${k}\n`.repeat(50))
    }
  }

  #git(count: number): void {
    for (let i = 0; i < count; i++)
      this.#write(
        `git/folder${i % 40}/file${i}.txt`,
        `line ${i} ${i % 7 === 0 ? 'needle' : 'hay'}\n`.repeat(20 + (i % 50)),
      )
  }

  async #acts(count: number): Promise<void> {
    this.#write('acts/count', Array.from({ length: count }, (_, i) => i).join(' '))
    await run('cp', ['/bin/cat', join(this.folder, 'acts/reader')])
  }
}

const PACKAGES: Readonly<Record<string, string>> = { cc: 'gcc', find: 'findutils' }

/** A source with functions that differ in their numbers. */
function sourceText(part: number): string {
  const functions = Array.from(
    { length: 40 },
    (_, i) =>
      `static int step${i}(int a) { char text[64]; snprintf(text, sizeof text, "%d", a * ${i + part}); return (int)strlen(text) + ${i}; }`,
  )
  const sum = functions.map((_, i) => `step${i}(a)`).join(' + ')
  return `#include <stdio.h>\n#include <stdlib.h>\n#include <string.h>\n${functions.join('\n')}\nint part${part}(int a) { return ${sum}; }\n`
}
