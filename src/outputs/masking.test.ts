import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import type { Alert, AlertValue } from '../detect/alert.ts'
import { maskAlert, maskArguments, maskEnvironment, maskText, secretsOf } from './masking.ts'

const words = (line: string): string[] => line.split(' ')
/** Arguments, as one line for reading, and what goes out. */
const masks = (line: string, expected: string): void => {
  test(`arguments: ${line}`, () => assert.equal(maskArguments(words(line)).join(' '), expected))
}
const leaves = (line: string): void => masks(line, line)

masks('app --password hunter2 -v', 'app --password **** -v')
masks('app --password=hunter2', 'app --password=****')
masks('app --db-password=a=b', 'app --db-password=****')
masks('app --DB_PASSWORD x', 'app --DB_PASSWORD ****')
masks('app -password x', 'app -password ****')
masks('app --api-key k --token t', 'app --api-key **** --token ****')
masks('aws --secret-access-key abc', 'aws --secret-access-key ****')
masks('env DB_PASSWORD=x PGPASSWORD=y sh', 'env DB_PASSWORD=**** PGPASSWORD=**** sh')
masks('env AWS_SECRET_ACCESS_KEY=x GITHUB_TOKEN=y', 'env AWS_SECRET_ACCESS_KEY=**** GITHUB_TOKEN=****')
masks('java -Ddb.password=x', 'java -Ddb.password=****')
masks('app --clientSecret=x dbPassword=y', 'app --clientSecret=**** dbPassword=****')
masks('/usr/bin/mysql -u root -phunter2 db', '/usr/bin/mysql -u root -p**** db')
masks('sshpass -p hunter2 ssh host', 'sshpass -p **** ssh host')
masks('sshpass -phunter2 ssh host', 'sshpass -p**** ssh host')
masks('curl -u user:hunter2 http://x', 'curl -u user:**** http://x')
masks('curl -uuser:hunter2 http://x', 'curl -uuser:**** http://x')
masks('redis-cli -a hunter2', 'redis-cli -a ****')
masks('git clone https://user:hunter2@host/x', 'git clone https://user:****@host/x')
masks('psql postgres://u:p%40ss@h:5432/db', 'psql postgres://u:****@h:5432/db')
leaves('ls -la /etc/passwd')
leaves('cat /etc/shadow --color')
leaves('app --password-file /run/x')
leaves('curl -u user http://x')
leaves('mysql -p -u root')
leaves('cp -p a b')
leaves('ssh -p 2222 host')
leaves('env PWD=/root OLDPWD=/tmp')
leaves('curl https://host:8443/x@y')
leaves('git clone git@host:x/y')
leaves('--password x')
leaves('tokenize --keys 3')

test('a header in one argument', () => {
  const argv = ['curl', '-H', 'Authorization: Bearer abc.def', '-H', 'X-Api-Key: 5']
  assert.deepEqual(maskArguments(argv), ['curl', '-H', 'Authorization: Bearer ****', '-H', 'X-Api-Key: ****'])
})
test('a value with blanks is one value', () => {
  assert.deepEqual(maskArguments(['a', '--password', 'x y']), ['a', '--password', '****'])
})
test('a script in one argument is read as a line', () => {
  assert.deepEqual(maskArguments(['sh', '-c', 'mytool --password=abc && PGPASSWORD=x psql']), [
    'sh',
    '-c',
    'mytool --password=**** && PGPASSWORD=**** psql',
  ])
})
test('nothing to hide costs no copy', () => {
  const argv = ['ls', '-l']
  assert.equal(maskArguments(argv), argv)
})
test('an environment', () => {
  assert.deepEqual(
    maskEnvironment(['PATH=/bin', 'PWD=/x', 'API_TOKEN=t', 'DATABASE_URL=pg://u:s@h/d', 'EMPTY_PASSWORD=']),
    ['PATH=/bin', 'PWD=/x', 'API_TOKEN=****', 'DATABASE_URL=pg://u:****@h/d', 'EMPTY_PASSWORD='],
  )
})

const text = (line: string, expected: string, secrets: readonly string[] = []): void => {
  test(`text: ${line}`, () => assert.equal(maskText(line, secrets), expected))
}
text('cmd=app --password hunter2 --x', 'cmd=app --password **** --x')
text('ran (cmd=app --token=abc) as root', 'ran (cmd=app --token=****) as root')
text('a "--secret=x y" b', 'a "--secret=**** y" b')
text('env DB_PASSWORD="a b" c', 'env DB_PASSWORD=**** c')
text('file=/etc/passwd opened', 'file=/etc/passwd opened')
text('cwd PWD=/root', 'cwd PWD=/root')
text('x hunter two y', 'x **** y', ['hunter two'])

test('secrets of arguments are found whole, longest first, and short ones left out', () => {
  assert.deepEqual(secretsOf(['a', '--password', 'x y z', '--token=abcdefghi', '--secret', 'abc']), [
    'abcdefghi',
    'x y z',
  ])
})

const ALERT: Alert = {
  id: 'i',
  time: 1n,
  hostname: 'h',
  rule: 'r',
  priority: 'Error',
  source: 'syscall',
  tags: [],
  message: 'cmd=app --password two words',
  fields: new Map<string, AlertValue>([
    ['proc.cmdline', 'app --password two words'],
    ['proc.pid', 5],
    ['list', ['a', 'X_TOKEN=1']],
  ]),
}
test('an alert goes out with message and fields masked, its id unchanged', () => {
  const masked = maskAlert(ALERT, ['two words'])
  assert.deepEqual([masked.message, masked.id], ['cmd=app --password ****', 'i'])
  assert.deepEqual(Object.fromEntries(masked.fields), {
    'proc.cmdline': 'app --password ****',
    'proc.pid': 5,
    list: ['a', 'X_TOKEN=****'],
  })
  const { message: _, ...rest } = ALERT
  const plain = { ...rest, message: 'nothing', fields: new Map([['a', 'b']]) }
  assert.equal(maskAlert(plain, []), plain)
})
test('a password never survives behind its flag, whatever it is', () => {
  fc.assert(
    fc.property(fc.string({ minLength: 6, maxLength: 20, unit: 'grapheme' }), (secret) => {
      fc.pre(!'app --password=**** --db-token'.includes(secret))
      for (const argv of [
        ['app', '--password', secret],
        ['app', `--password=${secret}`],
        ['app', `DB_TOKEN=${secret}`],
      ])
        assert.ok(!maskArguments(argv).join(' ').includes(secret))
    }),
    { numRuns: 300 },
  )
})
test('masking ends soon for hostile text', () => {
  for (const piece of [
    'a-',
    'pass',
    '--password ',
    'http://a:',
    'token=',
    '"',
    'x@',
    'key_key-',
    'authorization: ',
  ])
    maskText(piece.repeat(20_000))
  maskArguments(['a', 'pass-'.repeat(20_000), 'a.'.repeat(50_000), `http://${'a:'.repeat(50_000)}`])
})
