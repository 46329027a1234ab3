/** Packages of the operating system: which are missing, and installing them. */
import { existsSync, mkdirSync, readdirSync, renameSync, rmSync } from 'node:fs'
import {
  asRootText,
  elevated,
  mustRunStep,
  noWayToRoot,
  runStep,
  SetupError,
  say,
  which,
} from './process.mjs'

const TRIPLETS = { x64: 'x86_64-linux-gnu', arm64: 'aarch64-linux-gnu' }

/** What each package is needed for: `when` names the need, `probe` the sign that it is there. */
const PACKAGES = [
  { name: 'libbpf1', when: 'forRunning', probe: 'libbpf', why: 'to load BPF programs' },
  { name: 'clang', when: 'forBpf', probe: 'clang', why: 'to compile BPF programs' },
  { name: 'llvm', when: 'forBpf', probe: 'llvmStrip', why: 'to strip BPF objects' },
  { name: 'libbpf-dev', when: 'forBpf', probe: 'bpfHeaders', why: 'for the BPF helper headers' },
  { name: 'linux-libc-dev', when: 'forBpf', probe: 'kernelHeaders', why: "for the kernel's user headers" },
  { name: 'gcc', when: 'forTests', probe: 'cc', why: 'to compile the programs that the tests watch' },
  { name: 'libc6-dev', when: 'forTests', probe: 'libc', why: 'to compile the programs that the tests watch' },
  { name: 'bpftool', when: 'forTests', probe: 'bpftool', why: 'to tamper with the agent in tests' },
  { name: 'strace', when: 'forTests', probe: 'strace', why: 'to tamper with the agent in tests' },
  { name: 'podman', when: 'forTests', probe: 'podman', why: 'to run containers that the tests watch' },
  { name: 'runc', when: 'forTests', probe: 'runc', why: 'to run containers that the tests watch' },
  {
    name: 'busybox-static',
    when: 'forTests',
    probe: 'busybox',
    why: 'to fill containers that the tests watch',
  },
  {
    name: 'mmdebstrap',
    when: 'forTests',
    probe: 'mmdebstrap',
    why: 'to make the machine that the tests install the package on',
  },
  { name: 'sysdig', when: 'forTests', probe: 'sysdig', why: 'to read captures that the tests write' },
  { name: 'prometheus', when: 'forTests', probe: 'prometheus', why: 'to test metrics and alert rules' },
  { name: 'prometheus-alertmanager', when: 'forTests', probe: 'alertmanager', why: 'to test alert rules' },
]

/**
 * Packages for tests whose daemons begin to work when they are installed: their files are unpacked below `build/`. They need
 * nothing but what PACKAGES bring.
 */
const UNPACKED = ['containerd', 'docker.io']
const unpackedTo = (root) => `${root}/build/debian`

/**
 * Looks for the things themselves rather than for Debian's packages, so that other distributions and own builds count.
 */
export function probeSystem(env, arch = process.arch) {
  const triplet = TRIPLETS[arch]
  const libraries = [
    `/usr/lib/${triplet}`,
    `/lib/${triplet}`,
    '/usr/lib64',
    '/lib64',
    '/usr/lib',
    '/lib',
    '/usr/local/lib',
  ]
  return {
    libbpf: libraries.some((directory) => existsSync(`${directory}/libbpf.so.1`)),
    clang: which('clang', env['PATH']) !== undefined,
    llvmStrip: which('llvm-strip', env['PATH']) !== undefined,
    bpfHeaders:
      existsSync('/usr/include/bpf/bpf_helpers.h') || existsSync('/usr/local/include/bpf/bpf_helpers.h'),
    kernelHeaders:
      existsSync('/usr/include/linux/bpf.h') &&
      (existsSync(`/usr/include/${triplet}/asm/types.h`) || existsSync('/usr/include/asm/types.h')),
    cc: which('cc', env['PATH']) !== undefined,
    libc: existsSync('/usr/include/stdio.h'),
    bpftool: which('bpftool', env['PATH']) !== undefined,
    strace: which('strace', env['PATH']) !== undefined,
    podman: which('podman', env['PATH']) !== undefined,
    runc: which('runc', env['PATH']) !== undefined,
    busybox: which('busybox', env['PATH']) !== undefined,
    mmdebstrap: which('mmdebstrap', env['PATH']) !== undefined,
    sysdig: which('sysdig', env['PATH']) !== undefined,
    prometheus: ['prometheus', 'promtool'].every((name) => which(name, env['PATH']) !== undefined),
    alertmanager: which('prometheus-alertmanager', env['PATH']) !== undefined,
  }
}

/** The packages that a set of needs lacks, given what is there. */
export const missingPackages = (present, needs) =>
  PACKAGES.filter(({ when, probe }) => needs[when] && !present[probe])

/** Packages whose files the checkout lacks; none on other systems than Debian, where tests that need them are skipped. */
export const packagesToUnpack = (root) =>
  existsSync(unpackedTo(root)) || which('apt-get') === undefined ? [] : UNPACKED

/**
 * Fetches packages with apt-get, which checks them, and unpacks them into the checkout. Throws a SetupError when that is not
 * possible.
 */
export async function unpackPackages(root, names) {
  const fresh = `${unpackedTo(root)}.new`
  rmSync(fresh, { recursive: true, force: true })
  mkdirSync(fresh, { recursive: true })
  const what = `fetching Debian packages for tests: ${names.join(' ')}`
  const fetch = ['apt-get', '-q', 'download', ...names]
  const update = elevated(['apt-get', '-q', 'update'])
  const fetched = hasPackageLists() && (await runStep(what, fetch, { cwd: fresh })).ok
  if (!fetched) {
    if (update !== undefined) await runStep('updating the list of Debian packages', update)
    await mustRunStep(what, fetch, { cwd: fresh })
  }
  for (const file of readdirSync(fresh).filter((name) => name.endsWith('.deb'))) {
    await mustRunStep(`unpacking ${file}`, ['dpkg-deb', '-x', `${fresh}/${file}`, fresh])
    rmSync(`${fresh}/${file}`)
  }
  renameSync(fresh, unpackedTo(root))
}

/**
 * Installs packages with apt-get, as root or through sudo, after saying which and why. Throws a SetupError with the
 * command to give where that is not possible.
 */
export async function installPackages(packages) {
  const names = packages.map(({ name }) => name)
  const install = ['install', '-y', '--no-install-recommends', ...names]
  const fix = `apt-get update && apt-get ${install.join(' ')}`
  for (const { name, why } of packages) say(`missing: ${name} (${why})`)

  const apt = which('apt-get', `${process.env['PATH'] ?? ''}:/usr/bin`)
  if (apt === undefined)
    throw new SetupError(
      `this is not a Debian system: install the equivalents of ${names.join(', ')} with its package manager`,
    )
  const asRoot = (args) => elevated([apt, '-q', '-o', 'DPkg::Lock::Timeout=120', ...args])
  if (asRoot(install) === undefined)
    throw new SetupError(`cannot install them: ${noWayToRoot()}`, asRootText(fix))

  const env = { ...process.env, DEBIAN_FRONTEND: 'noninteractive' }
  const step = (what, args) => runStep(what, asRoot(args), { env })
  const update = () => step('updating the list of Debian packages', ['update'])
  const what = `installing Debian packages: ${names.join(' ')} (seconds to a few minutes)`
  if (!hasPackageLists()) await update()
  let result = await step(what, install)
  // A package list that is out of date names files that the mirror no longer has.
  if (!result.ok && (await update()).ok) result = await step(what, install)
  if (!result.ok)
    throw new SetupError(
      `installing ${names.join(' ')} failed\n${result.output.replace(/^/gm, '  | ')}`,
      asRootText(fix),
    )

  const present = probeSystem(process.env)
  const still = packages.filter(({ probe }) => !present[probe])
  if (still.length > 0)
    throw new SetupError(
      `${still.map(({ name }) => name).join(', ')}: installed, but not found (PATH=${process.env['PATH']})`,
      'export PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin',
    )
}

function hasPackageLists(directory = '/var/lib/apt/lists') {
  try {
    return readdirSync(directory).some((name) => name.includes('_Packages'))
  } catch {
    return false
  }
}
