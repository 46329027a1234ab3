/** `tarsier capture state`: what there was when a recording began. */
import { type Beginning, readBeginning } from '../../capture/beginning.ts'
import { printable } from '../../outputs/escape.ts'
import { maskArguments } from '../../outputs/masking.ts'
import { captureFault } from '../captures.ts'
import { EXIT, type ExitCode, type Io } from '../command.ts'
import { formatTable } from '../table.ts'

/** Throws UserError for what cannot be read. */
export async function captureState(file: string, json: boolean, io: Io): Promise<ExitCode> {
  let beginning: Beginning
  try {
    beginning = await readBeginning(file, 'auto')
  } catch (error) {
    throw captureFault(file, error)
  }
  io.stdout.write(json ? `${JSON.stringify(asJson(beginning))}\n` : asText(beginning))
  return EXIT.ok
}

/** In the order of their numbers, arguments without secrets. */
const rowsOf = ({ processes, userName }: Beginning) =>
  [...processes]
    .sort((a, b) => a.pid - b.pid)
    .map(({ pid, ppid, uid, exePath, comm, argv, containerId }) => ({
      pid,
      ppid,
      user: userName(uid) ?? String(uid),
      container: containerId ?? '',
      name: printable(exePath.text === '' ? `[${comm.text}]` : exePath.text),
      argv: maskArguments(argv).map(printable),
    }))

/** Fields of mountinfo(5) that say what is where: the root within the filesystem, the place, and behind `-` type and source. */
function mountOf(line: string): { readonly place: string; readonly type: string; readonly source: string } {
  const [before = '', after = ''] = line.split(' - ')
  const [type = '', source = ''] = after.split(' ')
  return { place: printable(before.split(' ')[4] ?? ''), type: printable(type), source: printable(source) }
}

const asJson = (beginning: Beginning): object => ({
  processes: rowsOf(beginning),
  mounts: beginning.mounts.map(mountOf),
  files: beginning.files.map(({ pid, files }) => ({
    pid,
    files: files.map(([fd, name]) => ({ fd, name: printable(name) })),
  })),
  left_out: beginning.leftOut,
})

function asText(beginning: Beginning): string {
  const { files, leftOut } = beginning
  const processes = rowsOf(beginning).map(({ pid, ppid, user, container, name, argv }) => [
    ...[String(pid), String(ppid), user, container, name],
    argv.slice(1).join(' '),
  ])
  const mounts = beginning.mounts.map(mountOf).map(({ place, type, source }) => [place, type, source])
  const open = files.flatMap(({ pid, files: own }) =>
    own.map(([fd, name]) => [String(pid), String(fd), name]),
  )
  return [
    formatTable(['pid', 'ppid', 'user', 'container', 'executable', 'arguments'], processes, 200),
    formatTable(['mounted at', 'type', 'source'], mounts, 200),
    formatTable(['pid', 'fd', 'open file'], open, 200),
    ...(leftOut > 0 ? [`open files of ${leftOut} processes are not there: there were too many\n`] : []),
  ].join('\n')
}
