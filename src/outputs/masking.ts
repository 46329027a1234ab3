/**
 * Secrets in command lines and environments are hidden on output. Rules see the truth: masking is the last thing that
 * happens to a text before it leaves.
 *
 * Hidden are values
 *  - of well-known flags: `--password X`, `--password=X`, `--api-key=X`, `-pX` of the MySQL tools, `sshpass -p X`,
 *    `curl -u user:X`;
 *  - of variables whose name says so, in an environment or in front of a command: `DB_PASSWORD=X`, `AWS_SECRET_ACCESS_KEY=X`;
 *  - in URLs: `scheme://user:X@host`;
 *  - of HTTP authorization: `Authorization: Bearer X`.
 */
import type { Alert, AlertValue } from '../detect/alert.ts'

const MASK = '****'

/** How a name ends that holds a secret, whatever stands before: `PGPASSWORD`, `clientSecret`. */
const ENDINGS = [
  'passwd',
  'password',
  'passphrase',
  'passcode',
  'secret',
  'token',
  'credentials?',
  '(?:api|access|secret|private|encryption|account|signing)[-_]?key',
].join('|')
/** The same, but as a word of its own: `DB_PASS`, not `compass`. */
const WORDS = 'pass|pwd|auth[-_]?key|bearer'
/** Bounded, so that hostile text costs no more than its length. */
const NAME = `(?:[a-z0-9_.-]{0,64}(?:${ENDINGS})|(?:[a-z0-9_.-]{0,64}[-_.])?(?:${WORDS}))`

/** `--db-password`, `-password`: the value is the next argument. */
const FLAG = new RegExp(`^--?${NAME}$`, 'i')
/** `--db-password=X`, `DB_PASSWORD=X`, `password:X`. Working directories are no secrets. */
const ASSIGNED = new RegExp(`^(?!(?:OLD)?PWD=)((?:--?)?${NAME}[=:]\\s{0,4})(.+)$`, 'is')
/** User and password of a URL. */
const URL_SECRET = /(?<![a-z0-9+.-])([a-z][a-z0-9+.-]{0,20}:\/\/[^\s/:@"']{0,128}:)([^\s/"']{1,1024})(?=@)/gi
const AUTHORIZATION =
  /((?:proxy-)?authorization:\s{0,8}(?:[a-z]{1,16}\s{1,8})?|x-(?:api-key|auth-token):\s{0,8})([^\s"']+)/gi
/** Programs whose short flags take a secret: flag glued to its value, or in the next argument. */
const SHORT: readonly { readonly program: RegExp; readonly glued?: RegExp; readonly next?: RegExp }[] = [
  {
    program: /^(?:mysql|mysqldump|mysqladmin|mysqlimport|mariadb|mariadb-dump|mariadb-admin)$/,
    glued: /^(-p)(.+)$/s,
  },
  { program: /^sshpass$/, glued: /^(-p)(.+)$/s, next: /^-p$/ },
  { program: /^(?:curl|wget)$/, glued: /^(-u[^:]*:)(.+)$/s, next: /^(?:-u|--user|--proxy-user|-U)$/ },
  { program: /^redis-cli$/, next: /^-a$/ },
  { program: /^(?:ldapsearch|ldapadd|ldapmodify)$/, glued: /^(-w)(.+)$/s, next: /^-w$/ },
]

const baseName = (path: string): string => path.slice(path.lastIndexOf('/') + 1)

/** Nothing in a text without one of these is a secret we know: the common case costs one look. */
const SUSPICIOUS =
  /pass|pwd|secret|token|key|credential|bearer|authorization|x-auth|:\/\/[^\s/]*@|(?:^|\s)-[pwauU]/i

/** Arguments with secrets replaced by `****`; the same array when there is none. */
export function maskArguments(argv: readonly string[]): readonly string[] {
  return replaceAll(argv, secretsInArguments(argv))
}

/** Environment (`NAME=value` each) with secrets replaced. */
export function maskEnvironment(env: readonly string[]): readonly string[] {
  return replaceAll(
    env,
    env.map((word) => secretInWord(word)),
  )
}

/** Where in each argument a secret stands. */
type Masked = string | undefined

function replaceAll(words: readonly string[], masked: readonly Masked[]): readonly string[] {
  return masked.every((word) => word === undefined) ? words : words.map((word, i) => masked[i] ?? word)
}

function secretsInArguments(argv: readonly string[]): Masked[] {
  const program = baseName(argv[0] ?? '')
  const short = SHORT.find((entry) => entry.program.test(program))
  const masked: Masked[] = []
  let next: 'whole' | 'after-colon' | undefined
  for (const [i, word] of argv.entries()) {
    if (next !== undefined) {
      masked.push(next === 'whole' ? MASK : afterColon(word))
      next = undefined
      continue
    }
    const glued = short?.glued?.exec(word)
    masked.push(glued ? `${glued[1]}${MASK}` : secretInWord(word, SCRIPT.test(argv[i - 1] ?? '')))
    if (i > 0 && FLAG.test(word)) next = 'whole'
    else if (short?.next?.test(word)) next = /^(?:curl|wget)$/.test(program) ? 'after-colon' : 'whole'
  }
  return masked
}

const afterColon = (word: string): Masked => {
  const colon = word.indexOf(':')
  return colon < 0 ? undefined : `${word.slice(0, colon + 1)}${MASK}`
}

/** The flag in front of a script: `sh -c '...'`. */
const SCRIPT = /^-[a-z]*c$/

/** A word with its secret masked; undefined when it holds none. A `script` is a line: what is assigned ends at a blank. */
function secretInWord(word: string, script = false): Masked {
  if (!SUSPICIOUS.test(word)) return undefined
  const assigned = script ? null : ASSIGNED.exec(word)
  if (assigned) return `${assigned[1]}${MASK}`
  const text = /\s/.test(word) ? maskText(word) : maskPatterns(word)
  return text === word ? undefined : text
}

const maskPatterns = (text: string): string =>
  text.replace(URL_SECRET, `$1${MASK}`).replace(AUTHORIZATION, `$1${MASK}`)

/** A flag or variable and its value inside a line; the value ends at white space unless it is quoted. */
const VALUE = `("[^"]{0,4096}"|'[^']{0,4096}'|[^\\s"'),;]+)`
const IN_LINE = new RegExp(
  `(^|[\\s"'(=,;])(?!(?:OLD)?PWD=)((?:--?${NAME}(?:=|\\s{1,8}))|(?:(?:--?)?${NAME}=))${VALUE}`,
  'gi',
)

/**
 * A line of text that may hold command lines (an alert's message, a field such as proc.cmdline) with secrets replaced.
 * Where arguments end is no longer known in a line, so `secrets` names those that are: exact values found in the
 * arguments of the processes involved (see `secretsOf`).
 */
export function maskText(text: string, secrets: readonly string[] = []): string {
  let masked = text
  for (const secret of secrets) if (masked.includes(secret)) masked = masked.replaceAll(secret, MASK)
  if (!SUSPICIOUS.test(masked)) return masked
  return maskPatterns(masked).replace(
    IN_LINE,
    (_all, before: string, name: string) => `${before}${name}${MASK}`,
  )
}

/** Shorter values are no use to search for: they would be found everywhere. */
const SEARCHABLE_LENGTH = 4

/** Secret values of an argument vector, to be hidden in text that was made from it; longest first. */
export function secretsOf(argv: readonly string[]): readonly string[] {
  const found: string[] = []
  const masked = secretsInArguments(argv)
  for (const [i, word] of argv.entries()) {
    const shown = masked[i]
    // A script has several places; what makes it a line makes the message one, so both are masked alike.
    if (shown === undefined || (shown !== MASK && /\s/.test(word))) continue
    const at = shown.indexOf(MASK)
    const secret = word.slice(at, word.length - (shown.length - at - MASK.length))
    if (secret.length >= SEARCHABLE_LENGTH) found.push(secret)
  }
  return found.sort((a, b) => b.length - a.length)
}

/** An alert whose texts have their secrets hidden; the same when there are none. `secrets`: as for `maskText`. */
export function maskAlert(alert: Alert, secrets: readonly string[]): Alert {
  const message = maskText(alert.message, secrets)
  let changed = message !== alert.message
  const fields = new Map<string, AlertValue>()
  for (const [key, value] of alert.fields) {
    const masked = maskValue(value, secrets)
    if (masked !== value) changed = true
    fields.set(key, masked)
  }
  if (!changed) return alert
  const { time, hostname, rule, priority, source, tags } = alert
  return {
    get id() {
      return alert.id
    },
    time,
    hostname,
    rule,
    priority,
    source,
    tags,
    message,
    fields,
  }
}

function maskValue(value: AlertValue, secrets: readonly string[]): AlertValue {
  if (typeof value === 'string') return maskText(value, secrets)
  if (!Array.isArray(value)) return value
  const masked = value.map((item: AlertValue) => maskValue(item, secrets))
  return masked.some((item, i) => item !== value[i]) ? masked : value
}
