/** Starting other programs: with progress, as another user, as root, or in place of this process. */
import { spawn, spawnSync } from 'node:child_process'
import { accessSync, constants, readFileSync, statSync } from 'node:fs'
import { constants as os } from 'node:os'
import { delimiter, join } from 'node:path'

/** A failure told to the user as one message; `fix` is the exact command that mends it. */
export class SetupError extends Error {
  constructor(message, fix) {
    super(message)
    this.fix = fix
  }
}

/** One line to the user. Always on stderr: stdout belongs to the program that is started. */
export const say = (text) => process.stderr.write(`tarsier: ${text}\n`)

/** Full path of a program found in PATH, or undefined. */
export function which(program, path = process.env['PATH'] ?? '') {
  for (const directory of path.split(delimiter)) {
    if (directory === '') continue
    const candidate = join(directory, program)
    try {
      accessSync(candidate, constants.X_OK)
      if (statSync(candidate).isFile()) return candidate
    } catch {
      // not here
    }
  }
  return undefined
}

/** Who owns the checkout, when we are root and it is somebody else; undefined when files may be written as we are. */
export function ownerOf(root, uid = process.getuid()) {
  const { uid: owner, gid } = statSync(root)
  if (uid !== 0 || owner === 0) return undefined
  const entry = readFileSync('/etc/passwd', 'utf8')
    .split('\n')
    .map((line) => line.split(':'))
    .find((fields) => fields[2] === String(owner))
  return { uid: owner, gid, name: entry?.[0] ?? `user ${owner}`, home: entry?.[5] ?? '/tmp' }
}

/**
 * The command line that runs `command` as root: itself when we are root, through sudo otherwise (which may ask for a
 * password when there is a terminal to ask on), undefined when there is no way.
 */
export function elevated(command, who = {}) {
  const { uid = process.getuid(), sudo = which('sudo'), tty = process.stdin.isTTY, allows = sudoAllows } = who
  if (uid === 0) return command
  if (sudo === undefined) return undefined
  if (tty) return [sudo, ...command]
  return allows(sudo, command) ? [sudo, '-n', ...command] : undefined
}

/** Whether sudo lets us run a command without asking for a password. */
const sudoAllows = (sudo, command) =>
  spawnSync(sudo, ['-n', '-l', ...command], { stdio: 'ignore' }).status === 0

/** Why `elevated` knows no way. */
export const noWayToRoot = () =>
  which('sudo') === undefined
    ? 'we are not root, and there is no sudo'
    : 'we are not root, and sudo would ask for a password, but there is no terminal to ask on'

/** A word as a POSIX shell reads it back. */
export const shellWord = (word) =>
  /^[\w@%+=:,./-]+$/.test(word) ? word : `'${word.replaceAll("'", "'\\''")}'`

/** A shell command as somebody who is not root has to give it. */
export function asRootText(command) {
  if (process.getuid() === 0) return command
  return `${which('sudo') === undefined ? 'su -c' : 'sudo sh -c'} ${shellWord(command)}`
}

/** Environment for a program that runs as `owner`: places that belong to the caller are taken out. */
export function environmentOf(owner, env) {
  const own = Object.entries(env).filter(
    ([name]) => !/^(npm_config_(cache|userconfig|prefix|.*_prefix|init_module)|XDG_.*)$/.test(name),
  )
  return { ...Object.fromEntries(own), HOME: owner.home, USER: owner.name, LOGNAME: owner.name }
}

const HEARTBEAT_MS = 15_000
const SHOWN_LINES = 12

/**
 * Runs one long step: a line before it, a line after it, a sign of life every 15 s. Its output is shown only when it
 * fails. Returns whether it succeeded and its output, shortened.
 */
export async function runStep(what, command, options = {}) {
  say(`${what} ...`)
  const started = Date.now()
  const seconds = () => ((Date.now() - started) / 1000).toFixed(1)
  const heartbeat = setInterval(
    () => say(`  still at it (${what.split(' ', 2).join(' ')}), ${seconds()} s`),
    HEARTBEAT_MS,
  )
  heartbeat.unref()
  const chunks = []
  const child = spawn(command[0], command.slice(1), { ...options, stdio: ['inherit', 'pipe', 'pipe'] })
  child.stdout.on('data', (chunk) => chunks.push(chunk))
  child.stderr.on('data', (chunk) => chunks.push(chunk))
  const ended = await endOf(child)
  clearInterval(heartbeat)
  const ok = ended.code === 0
  if (ok) say(`  done in ${seconds()} s`)
  const output = ended.error?.message ?? Buffer.concat(chunks).toString('utf8').trimEnd()
  return { ok, output: endsOf(output.split('\n')).join('\n') }
}

/** First and last lines: some programs tell the reason first, others last. */
const endsOf = (lines) =>
  lines.length <= 2 * SHOWN_LINES
    ? lines
    : [...lines.slice(0, SHOWN_LINES), '...', ...lines.slice(-SHOWN_LINES)]

/** Like `runStep`, and throws a SetupError with the step's output when it fails. */
export async function mustRunStep(what, command, options, fix) {
  const { ok, output } = await runStep(what, command, options)
  if (!ok) throw new SetupError(`${what}: failed\n${output.replace(/^/gm, '  | ')}`, fix)
}

/** Runs a program with our own stdin, stdout and stderr; signals sent to us are passed on. */
export async function spawnInherited(command, options = {}) {
  const child = spawn(command[0], command.slice(1), { ...options, stdio: 'inherit' })
  // Ctrl-C reaches the whole process group, so the child has it already: we only must not die first.
  const ignore = () => {}
  const forward = (signal) => child.kill(signal)
  process.on('SIGINT', ignore)
  for (const signal of ['SIGTERM', 'SIGHUP']) process.on(signal, forward)
  const ended = await endOf(child)
  process.off('SIGINT', ignore)
  for (const signal of ['SIGTERM', 'SIGHUP']) process.off(signal, forward)
  if (ended.error !== undefined) throw new SetupError(`cannot start ${command[0]}: ${ended.error.message}`)
  return ended
}

function endOf(child) {
  return new Promise((done) => {
    child.on('error', (error) => done({ code: 127, signal: null, error }))
    child.on('close', (code, signal) => done({ code, signal }))
  })
}

/** Ends this process the way a child ended. */
export function exitLike({ code, signal }) {
  process.exit(signal === null ? code : 128 + (os.signals[signal] ?? 0))
}

/**
 * Becomes another program where Node can (from 23.11), so that no idle Node stays behind the agent; otherwise starts
 * it, waits and ends as it ended.
 */
export async function replaceWith(command, cwd) {
  if (typeof process.execve === 'function') {
    process.chdir(cwd)
    process.execve(command[0], command, process.env)
  }
  exitLike(await spawnInherited(command, { cwd }))
}
