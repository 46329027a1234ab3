/** What a new user tries first: somebody reads a file, and the alert names it, however it was reached. */
import assert from 'node:assert/strict'
import { spawnSync } from 'node:child_process'
import { chmodSync, copyFileSync, mkdirSync, symlinkSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { after, before, suite, test } from 'node:test'
import { program } from '../kernel/support/programs.ts'
import { AT_FDCWD, type Call, ref, script } from '../kernel/support/raw.ts'
import {
  marker,
  NEEDS_ROOT,
  openFolder,
  opensOf,
  type Running,
  said,
  startAgent,
  writeRules,
} from './support/agent.ts'

const O_DIRECTORY = 0o200000

suite('first light', { skip: NEEDS_ROOT }, () => {
  const folder = NEEDS_ROOT ? '' : openFolder('first')
  const word = marker()
  const secret = join(folder, word)
  const deep = join(folder, ...Array.from({ length: 20 }, (_, i) => `level-${i}`))
  const longName = word.padEnd(255, 'n')
  let agent: Running

  /** What the rule said about this act, one text for each alert. */
  const alerts = async (file: string, args: readonly string[]): Promise<string[]> => {
    const lines = await agent.alerts(word, () => spawnSync(file, args, { cwd: '/' }))
    return lines.map(said)
  }
  const sh = (text: string): Promise<string[]> => alerts('/bin/sh', ['-c', text])
  const raw = (...calls: Call[]): Promise<string[]> => alerts(program('raw'), script(calls))
  const seen = (path: string, real = path): string[] => [`read path=${path} real=${real} res=SUCCESS`]

  before(async () => {
    mkdirSync(deep, { recursive: true })
    for (const file of [secret, join(deep, word), join(folder, longName)]) {
      writeFileSync(file, 'x')
      chmodSync(file, 0o600)
    }
    const rules = writeRules(
      folder,
      {
        ...opensOf(word, 'denied path=%fd.name real=%fd.realpath res=%evt.res user=%user.name by=%proc.name'),
        rule: 'Denied',
        condition: `evt.type in (open, openat, openat2) and evt.res = EACCES and fd.name contains "${word}"`,
      },
      opensOf(word, 'read path=%fd.name real=%fd.realpath res=%evt.res'),
      {
        rule: 'Shell spawned by web server',
        condition: `evt.type in (execve, execveat) and evt.failed = false and proc.name = sh and proc.pname = nginx and proc.cmdline contains "${word}"`,
        output: 'shell %proc.cmdline of %proc.pname, %proc.exepath',
      },
    )
    agent = await startAgent({ rules: [rules] })
  })
  after(async () => {
    const { status } = await agent.stop()
    assert.equal(status, 0)
  })

  test('by its absolute path', async () => assert.deepEqual(await sh(`cat ${secret}`), seen(secret)))
  test('by its name after cd', async () =>
    assert.deepEqual(await sh(`cd ${folder} && tail -c1 ${word}`), seen(secret)))
  test('through a symbolic link: the link as accessed, the file as resolved', async () => {
    const link = join(folder, 'link')
    symlinkSync(word, link)
    assert.deepEqual(await sh(`cat ${link}`), seen(link, secret))
  })
  test('through a linked folder', async () => {
    const link = join(folder, 'door')
    symlinkSync('.', link)
    assert.deepEqual(await sh(`cat ${link}/${word}`), seen(join(link, word), secret))
  })
  test('relative to an open folder', async () =>
    assert.deepEqual(
      await raw(['openat', AT_FDCWD, folder, O_DIRECTORY], ['openat', ref(0), word, 0]),
      seen(secret),
    ))
  test('at the end of 20 folders', async () => {
    const file = join(deep, word)
    assert.deepEqual(await sh(`cat ${file}`), seen(file))
    assert.deepEqual(await sh(`cd ${deep} && cat ${word}`), seen(file))
    assert.deepEqual(await sh(`cd ${deep} && cat ../../${'../'.repeat(18)}level-0/../${word}`), seen(secret))
  })
  test('with a name of 255 bytes', async () => {
    const file = join(folder, longName)
    assert.deepEqual(await sh(`cat ${file}`), seen(file))
    assert.deepEqual(await sh(`cd ${folder} && cat ${longName}`), seen(file))
  })
  test('each of several reads is one alert', async () =>
    assert.deepEqual(await sh(`cat ${secret} ${secret} ${secret}`), [
      ...seen(secret),
      ...seen(secret),
      ...seen(secret),
    ]))

  test('a read that is refused has the path as it was given', async () =>
    assert.deepEqual(await alerts('su', ['-s', '/bin/sh', 'nobody', '-c', `cat ${secret}`]), [
      `denied path=${secret} real=<NA> res=EACCES user=nobody by=cat`,
    ]))
  test('a refused read by a relative name is told with its folder', async () =>
    assert.deepEqual(await alerts('su', ['-s', '/bin/sh', 'nobody', '-c', `cd ${folder} && cat ./${word}`]), [
      `denied path=${secret} real=<NA> res=EACCES user=nobody by=cat`,
    ]))
  test('a file that is not there', async () =>
    assert.deepEqual(await sh(`cat ${secret}-none`), [`read path=${secret}-none real=<NA> res=ENOENT`]))

  test('a shell that a web server forks and executes', async () => {
    const nginx = join(folder, 'nginx')
    copyFileSync('/bin/sh', nginx)
    chmodSync(nginx, 0o755)
    // Not the last command of its parent, which would exec it without a fork.
    assert.deepEqual(await alerts(nginx, ['-c', `sh -c ': ${word}'; :`]), [
      `shell sh -c : ${word} of nginx, ${realShell()}`,
    ])
    assert.deepEqual(await sh(`sh -c ': ${word}'; :`), [])
  })
})

const realShell = (): string => spawnSync('readlink', ['-f', '/bin/sh'], { encoding: 'utf8' }).stdout.trim()
