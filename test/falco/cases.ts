/** What fires each rule of the stable pack, and what comes near it without firing. */
import { join } from 'node:path'
import { DATAGRAM, inetBytes, STREAM } from '../kernel/support/addresses.ts'
import { AT_FDCWD, bytes, type Call, ref, zeros } from '../kernel/support/raw.ts'
import { type Action, type Place, PUBLIC_IP, type Sandbox, SERVICE_IP, writeIn } from './sandbox.ts'

/** Fields of an alert as its JSON has them. */
export type Fields = Readonly<Record<string, string | number | boolean | null>>

export interface Expected {
  readonly rule: string
  readonly priority: string
  readonly fields: Fields
}

export interface Case {
  readonly rule: string
  readonly priority: 'Critical' | 'Warning' | 'Notice' | 'Informational'
  /** Where it happens. The act of a rule about containers must be silent outside of one. */
  readonly place: Place
  readonly act: Action
  /** Fields of each alert of the act. */
  readonly alerts: readonly Fields[]
  readonly near: Action
  /** By default the same place. */
  readonly nearPlace?: Place
  /** Other rules that speak up about the near miss. */
  readonly nearAlerts?: readonly Expected[]
}

const O_WRONLY = 1
const O_TRUNC = 0o1000
const O_APPEND = 0o2000
const AT_EMPTY_PATH = 0x1000
const AF_INET = 2
const AF_PACKET = 17
const RAW = 3
const PTRACE_TRACEME = 0
const PTRACE_CONT = 7
const PTRACE_SEIZE = 0x4206
const PTRACE_SETOPTIONS = 0x4200
/** A process id that no process has: the default of the kernel's limit is 4194304. */
const NOBODY = 4194304

const read = (path: string): Call => ['openat', AT_FDCWD, path, 0]
const write = (path: string, flags: number): Call => ['openat', AT_FDCWD, path, O_WRONLY | flags]

/** Connect to an address of our own where we listen ourselves: results 3 is the connected socket. */
function connection(ip: string, port: number): readonly Call[] {
  const address = bytes(inetBytes(port, ip))
  return [
    ['socket', AF_INET, STREAM, 0],
    ['bind', ref(0), address, 16],
    ['listen', ref(0), 1],
    ['socket', AF_INET, STREAM, 0],
    ['connect', ref(3), address, 16],
  ]
}
const CONNECTED = ref(3)

/** A program run from memory, or from where it lies. */
const copyAndRun = (file: string, target: Call): readonly Call[] => [
  target,
  read(file),
  ['sendfile', ref(0), ref(1), 0, 1 << 24],
]

function fileCases(box: Sandbox): readonly Case[] {
  const log = writeIn(box, 'auth.log')
  const agent = writeIn(box, 'release_agent')
  const notify = writeIn(box, 'notify_on_release')
  const at = (name: string): string => join(box.folder, name)
  const upwards = `${box.folder}/${box.folder.replace(/\/[^/]+/g, '../')}etc/motd`
  return [
    {
      rule: 'Directory traversal monitored file read',
      priority: 'Warning',
      place: 'host',
      act: box.raw('web', read(upwards)),
      alerts: [{ 'fd.name': '/etc/motd', 'fd.nameraw': upwards, 'proc.name': 'web' }],
      near: box.raw('web', read('/etc/motd')),
    },
    {
      rule: 'Read sensitive file untrusted',
      priority: 'Warning',
      place: 'host',
      act: box.raw('thief', read('/etc/shadow'), read('/etc/pam.d/login')),
      alerts: [
        { 'fd.name': '/etc/shadow', 'proc.name': 'thief', 'evt.type': 'openat', 'user.name': 'root' },
        { 'fd.name': '/etc/pam.d/login', 'proc.name': 'thief', 'evt.type': 'openat', 'user.name': 'root' },
      ],
      near: box.raw('passwd', read('/etc/shadow'), read('/etc/pam.d/login')),
    },
    {
      rule: 'Clear Log Activities',
      priority: 'Warning',
      place: 'host',
      act: box.raw('cleaner', write(log, O_TRUNC)),
      alerts: [{ 'fd.name': log, 'proc.name': 'cleaner' }],
      near: box.raw('cleaner', write(log, O_APPEND)),
    },
    {
      rule: 'Create Symlink Over Sensitive Files',
      priority: 'Warning',
      place: 'host',
      act: box.raw('linker', ['symlink', '/etc/shadow', at('link')], ['symlink', '/root', at('link2')]),
      alerts: [
        { 'evt.arg.target': '/etc/shadow', 'evt.arg.linkpath': at('link'), 'evt.type': 'symlink' },
        { 'evt.arg.target': '/root', 'evt.arg.linkpath': at('link2'), 'evt.type': 'symlink' },
      ],
      near: box.raw('linker', ['symlink', '/etc/motd', at('link3')]),
    },
    {
      rule: 'Create Hardlink Over Sensitive Files',
      priority: 'Warning',
      place: 'host',
      act: box.raw('linker', ['link', '/etc/shadow', '/etc/copy']),
      alerts: [{ 'evt.arg.oldpath': '/etc/shadow', 'evt.arg.newpath': '/etc/copy', 'evt.type': 'link' }],
      near: box.raw('linker', ['link', '/etc/motd', '/etc/copy2']),
    },
    {
      rule: 'Detect release_agent File Container Escapes',
      priority: 'Critical',
      place: 'container',
      act: box.raw('escape', write(agent, 0)),
      alerts: [{ 'fd.name': agent, 'proc.name': 'escape', 'user.uid': 0 }],
      near: box.raw('escape', write(notify, 0)),
    },
  ]
}

function processCases(box: Sandbox): readonly Case[] {
  const { folder, named } = box
  const sh = named('sh', '/bin/sh')
  const [nginx, node, runc, sshd] = ['nginx', 'node', 'runc', 'sshd'].map((name) => named(name, '/bin/sh'))
  const [find, grep] = ['find', 'grep'].map((name) => named(name, `/usr/bin/${name}`))
  const [nc, shred, elsewhere, debugfs] = ['nc', 'shred', 'elsewhere', 'debugfs'].map((name) => named(name))
  const quiet = `${join(folder, 'bin', 'true')}`
  /** A command of a shell of another name that forks for it. */
  const by = (shell: string, command: string): Action => ({ file: shell, args: ['-c', `${command}; :`] })
  const asDaemon = `setpriv --reuid=1 --regid=1 --clear-groups ${quiet} x`
  return [
    {
      rule: 'Run shell untrusted',
      priority: 'Notice',
      place: 'host',
      act: by(nginx!, `${sh} -c :`),
      alerts: [
        {
          'proc.name': 'sh',
          'proc.pname': 'nginx',
          'proc.cmdline': 'sh -c :',
          'proc.pcmdline': `nginx -c ${sh} -c :; :`,
          'proc.pexepath': nginx!,
        },
      ],
      near: by(node!, `${sh} -c :`),
    },
    {
      rule: 'System user interactive',
      priority: 'Informational',
      place: 'host',
      act: by(sshd!, asDaemon),
      alerts: [{ 'proc.name': 'true', 'proc.cmdline': 'true x', 'user.name': 'daemon', 'user.uid': 1 }],
      near: by(node!, asDaemon),
    },
    {
      rule: 'Terminal shell in container',
      priority: 'Notice',
      place: 'container',
      act: { file: '/usr/bin/script', args: ['-qc', `${runc} -c '${sh} -c :; :'`, '/dev/null'] },
      alerts: [{ 'proc.name': 'sh', 'proc.pname': 'runc', 'proc.tty': 34816, 'proc.cmdline': 'sh -c :' }],
      near: by(runc!, `${sh} -c :`),
    },
    {
      rule: 'Netcat Remote Code Execution in Container',
      priority: 'Warning',
      place: 'container',
      act: { file: nc!, args: ['-e', '/bin/sh', '127.0.0.1', '4444'] },
      alerts: [{ 'proc.name': 'nc', 'proc.cmdline': 'nc -e /bin/sh 127.0.0.1 4444' }],
      near: { file: nc!, args: ['127.0.0.1', '4444'] },
    },
    {
      rule: 'Debugfs Launched in Privileged Container',
      priority: 'Warning',
      place: 'privileged',
      act: { file: debugfs!, args: ['/dev/sda1'] },
      alerts: [{ 'proc.name': 'debugfs', 'proc.cmdline': 'debugfs /dev/sda1' }],
      near: { file: debugfs!, args: ['/dev/sda1'] },
      nearPlace: 'container',
    },
    {
      rule: 'Search Private Keys or Passwords',
      priority: 'Warning',
      place: 'host',
      act: { file: find!, args: [folder, '-maxdepth', '0', '-name', 'id_rsa'] },
      alerts: [{ 'proc.name': 'find', 'proc.cmdline': `find ${folder} -maxdepth 0 -name id_rsa` }],
      near: { file: find!, args: [folder, '-maxdepth', '0', '-name', 'id'] },
    },
    {
      rule: 'Find AWS Credentials',
      priority: 'Warning',
      place: 'host',
      act: { file: grep!, args: ['-q', 'aws_secret_access_key', '/etc/motd'] },
      alerts: [
        { 'proc.name': 'grep', 'proc.cmdline': 'grep -q aws_secret_access_key /etc/motd', 'proc.cwd': '/' },
      ],
      near: { file: grep!, args: ['-q', 'aws_region', '/etc/motd'] },
    },
    {
      rule: 'Remove Bulk Data from Disk',
      priority: 'Warning',
      place: 'host',
      act: { file: shred!, args: ['-u', 'disk'] },
      alerts: [{ 'proc.name': 'shred', 'proc.cmdline': 'shred -u disk' }],
      near: { file: elsewhere!, args: ['-u', 'disk'] },
    },
    {
      rule: 'Execution from /dev/shm',
      priority: 'Warning',
      place: 'host',
      act: { file: sh, args: ['-c', '/dev/shm/true; :'] },
      alerts: [{ 'proc.name': 'sh', 'proc.cmdline': 'sh -c /dev/shm/true; :', 'evt.res': 'SUCCESS' }],
      near: { file: sh, args: ['-c', `${quiet} /dev/shm/true; :`] },
    },
    {
      rule: 'Drop and execute new binary in container',
      priority: 'Critical',
      place: 'container',
      act: { file: join(folder, 'merged/dropped'), args: [] },
      alerts: [{ 'proc.name': 'dropped', 'proc.exepath': join(folder, 'merged/dropped') }],
      near: { file: join(folder, 'merged/shipped'), args: [] },
    },
    {
      rule: 'Fileless execution via memfd_create',
      priority: 'Critical',
      place: 'host',
      act: box.raw('loader', ...copyAndRun(quiet, ['memfd_create', box.folder.slice(-40), 0]), [
        'execveat',
        ref(0),
        '',
        0,
        0,
        AT_EMPTY_PATH,
      ]),
      alerts: [
        { 'proc.exepath': `memfd:${box.folder.slice(-40)}`, 'evt.type': 'execveat', 'evt.res': 'SUCCESS' },
      ],
      near: box.raw('loader', read(quiet), ['execveat', ref(0), '', 0, 0, AT_EMPTY_PATH]),
    },
    {
      rule: 'PTRACE attached to process',
      priority: 'Warning',
      place: 'host',
      act: box.raw('debugger', ['ptrace', PTRACE_SEIZE, NOBODY, 0, 0]),
      alerts: [{ 'proc.name': 'debugger', 'evt.type': 'ptrace' }],
      near: box.raw('debugger', ['ptrace', PTRACE_CONT, NOBODY, 0, 0]),
    },
    {
      rule: 'PTRACE anti-debug attempt',
      priority: 'Notice',
      place: 'host',
      act: box.raw('shy', ['ptrace', PTRACE_TRACEME, 0, 0, 0]),
      alerts: [{ 'proc.name': 'shy', 'evt.type': 'ptrace' }],
      near: box.raw('shy', ['ptrace', PTRACE_SETOPTIONS, NOBODY, 0, 0]),
    },
    {
      rule: 'Linux Kernel Module Injection Detected',
      priority: 'Warning',
      place: 'container',
      act: box.raw('insmod', ...injections),
      // The result differs by kernel: what is no module is refused, or there are no modules.
      alerts: ['init_module', 'finit_module'].map((type) => ({ 'proc.name': 'insmod', 'evt.type': type })),
      near: without('sys_module', box.raw('insmod', ...injections)),
    },
  ]
}

/** What is no module, from memory and from a descriptor that is not open. */
const injections: readonly Call[] = [
  ['init_module', 0, 0, ''],
  ['finit_module', NOBODY, '', 0],
]

/** As root without one capability. */
const without = (capability: string, { file, args }: Action): Action => ({
  file: 'setpriv',
  args: [`--bounding-set=-${capability}`, file, ...args],
})

function networkCases(box: Sandbox): readonly Case[] {
  const redirected = { 'fd.type': 'ipv4', 'fd.l4proto': 'tcp', 'fd.sip': '127.0.0.1', 'fd.rport': 4444 }
  return [
    {
      rule: 'Packet socket created in container',
      priority: 'Notice',
      place: 'container',
      act: box.raw('sniffer', ['socket', AF_PACKET, RAW, 0x0300], ['socket', AF_PACKET, DATAGRAM, 0]),
      alerts: [
        { 'proc.name': 'sniffer', 'evt.type': 'socket' },
        { 'proc.name': 'sniffer', 'evt.type': 'socket' },
      ],
      near: box.raw('sniffer', ['socket', AF_INET, RAW, 1], ['socket', AF_INET, DATAGRAM, 0]),
    },
    {
      rule: 'Redirect STDOUT/STDIN to Network Connection in Container',
      priority: 'Notice',
      place: 'container',
      act: box.raw(
        'reverse',
        ...connection('127.0.0.1', 4444),
        ['dup2', CONNECTED, 0],
        ['dup3', CONNECTED, 2, 0],
        ['close', 1],
        ['dup', CONNECTED],
      ),
      alerts: ['dup2', 'dup3', 'dup'].map((type) => ({
        ...redirected,
        'evt.type': type,
        'proc.name': 'reverse',
      })),
      // Another number, and standard input that is no connection.
      near: box.raw(
        'reverse',
        ...connection('127.0.0.1', 4445),
        ['dup2', CONNECTED, 9],
        ['pipe2', zeros(8), 0],
        ['dup2', 5, 0],
      ),
    },
    {
      rule: 'Contact K8S API Server From Container',
      priority: 'Notice',
      place: 'container',
      act: box.raw('client', ...connection(SERVICE_IP, 443)),
      alerts: [{ 'fd.rport': 443, 'fd.type': 'ipv4', 'fd.l4proto': 'tcp', 'proc.name': 'client' }],
      near: box.raw('client', ...connection(PUBLIC_IP, 443)),
    },
    {
      rule: 'Disallowed SSH Connection Non Standard Port',
      priority: 'Notice',
      place: 'host',
      act: box.raw('ssh', ...connection(PUBLIC_IP, 443)),
      alerts: [
        {
          'fd.rport': 443,
          'fd.type': 'ipv4',
          'fd.l4proto': 'tcp',
          'proc.name': 'ssh',
          'evt.type': 'connect',
        },
      ],
      near: box.raw('ssh', ...connection(PUBLIC_IP, 22), ...connection('127.0.0.1', 443)),
    },
  ]
}

/** Each rule with its act and its near miss. */
export const casesOf = (box: Sandbox): readonly Case[] => [
  ...fileCases(box),
  ...processCases(box),
  ...networkCases(box),
]
