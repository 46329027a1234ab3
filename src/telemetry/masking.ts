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

export const MASK = '****'

/** Last words of a name that holds a secret. */
const SECRET_WORDS = [
  'passwd',
  'password',
  'passphrase',
  'passcode',
  'pass',
  'pwd',
  'secret',
  'secret[-_]?key',
  'secret[-_]?access[-_]?key',
  'client[-_]?secret',
  'token',
  'api[-_]?key',
  'apikey',
  'access[-_]?key',
  'private[-_]?key',
  'encryption[-_]?key',
  'auth[-_]?key',
  'account[-_]?key',
  'credential',
  'credentials',
  'session[-_]?token',
  'bearer',
]
const NAME = `(?:[a-z0-9]+[-_.])*(?:${SECRET_WORDS.join('|')})`

/** `--db-password`, `-password`, `/password`: the value is the next argument. */
const FLAG = new RegExp(`^--?${NAME}$`, 'i')
/** `--db-password=X`, `DB_PASSWORD=X`, `password:X`. Working directories are no secrets. */
const ASSIGNED = new RegExp(`^(?!(?:OLD)?PWD=)((?:--?)?${NAME}[=:])(.+)$`, 'is')
const CAMEL =
  /^((?:--?)?[a-z][A-Za-z0-9]*(?:Password|Passwd|Secret|Token|ApiKey|SecretKey|AccessKey)[=:])(.+)$/s
/** User and password of a URL; the password may hold anything but `/`, white space and `@`... up to the last `@`. */
const URL_SECRET = /([a-z][a-z0-9+.-]*:\/\/[^\s/:@"']*:)([^\s/"']+)(?=@)/gi
const AUTHORIZATION = /((?:proxy-)?authorization:\s*(?:[a-z]+\s+)?|x-(?:api-key|auth-token):\s*)([^\s"']+)/gi
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
  return replaceAll(env, env.map(secretInWord))
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
  for (const word of argv) {
    if (next !== undefined && masked.length > 0) {
      masked.push(next === 'whole' ? MASK : afterColon(word))
      next = undefined
      continue
    }
    const glued = short?.glued?.exec(word)
    masked.push(glued ? `${glued[1]}${MASK}` : secretInWord(word))
    if (FLAG.test(word)) next = 'whole'
    else if (short?.next?.test(word)) next = /^(?:curl|wget)$/.test(program) ? 'after-colon' : 'whole'
  }
  return masked
}

const afterColon = (word: string): Masked => {
  const colon = word.indexOf(':')
  return colon < 0 ? undefined : `${word.slice(0, colon + 1)}${MASK}`
}

/** A word with its secret masked; undefined when it holds none. */
function secretInWord(word: string): Masked {
  if (!SUSPICIOUS.test(word)) return undefined
  const assigned = ASSIGNED.exec(word) ?? CAMEL.exec(word)
  if (assigned) return `${assigned[1]}${MASK}`
  const text = maskPatterns(word)
  return text === word ? undefined : text
}

const maskPatterns = (text: string): string =>
  text.replace(URL_SECRET, `$1${MASK}`).replace(AUTHORIZATION, `$1${MASK}`)

/** A flag or variable and its value inside a line; the value ends at white space unless it is quoted. */
const VALUE = `("[^"]*"|'[^']*'|[^\\s"'),;]+)`
const IN_LINE = new RegExp(
  `(^|[\\s"'(=,;])(?!(?:OLD)?PWD=)((?:--?${NAME}(?:=|\\s+))|(?:(?:--?)?${NAME}=))${VALUE}`,
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
    if (shown === undefined) continue
    const at = shown.indexOf(MASK)
    const secret = word.slice(at, word.length - (shown.length - at - MASK.length))
    if (secret.length >= SEARCHABLE_LENGTH) found.push(secret)
  }
  return found.sort((a, b) => b.length - a.length)
}
