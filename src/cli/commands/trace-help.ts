/** Help texts of `tarsier trace`. */

export const TRACE_HELP = `Filter expressions: NAME[OPERATOR VALUE,...]. Expressions are ANDed; values of one name with = are alternatives, those of
!= are all excluded. event and set add up, and event!= takes out of what came from sets.

  event=openat,exec*       these events; a final * stands for anything       event!=close
  set=fs                   the events of a set ('tarsier events --sets')
  pid=1,2  pid>100         process ids on the host: = != < >                  pid=new: began after the trace
  uid=0                    effective user ids: = != < >
  comm=nginx               names of processes: = !=
  uts=web                  host names: = !=
  mntns=N  pidns!=N        namespaces, by inode number: = != < >
  tree=PID                 a process and all that descend from it: = !=
  container  !container    in any container, in none; container=new, container!=new, container=ID (or the beginning of it)
  follow                   also whatever the processes that matched start
  openat.pathname=/tmp/*   an argument: = !=, a final * stands for anything. Absolute paths are compared with the path as
                           accessed and as the kernel knows it, numbers also by name: openat.flags=O_RDONLY
  connect.retval<0         the result of a call: = != < >

Without event= and set= the set default is traced. Quote expressions with <, >, ! or * for the shell.

  tarsier trace event=execve,openat uid=0
  tarsier trace -o json 'openat.pathname=/etc/*' event=openat
  tarsier trace --trace set=net --trace container=new --output table-verbose`

export const OUTPUT_HELP = `Output: [format:]FORMAT, option:NAME,..., out-file:FILE, err-file:FILE.

  table                    aligned columns; arguments in words (the default)
  table-verbose            with namespaces, containers and parents
  json                     Tracee's JSON, one flat object a line
  tarsier                  our own JSON (the same as --json): schema/records/native-event.schema.json
  gotemplate=FILE          a Go template for each event
  none                     nothing, only the counts at the end

  option:parse-arguments   names of flags, kinds and addresses instead of numbers (table has them always)
  option:exec-env          environments of executed programs
  option:exec-hash         SHA-256 of executed programs, at sched_process_exec
  option:relative-time     times count from the beginning of the trace
  option:sort-events       hold events for a moment and sort them by time (also: sort)
  option:detect-syscall    accepted; the events that have an argument syscall always tell it

Events go to standard output, messages to standard error. A file is appended to. KEY=VALUE sets a key of the configuration
of 'tarsier run', such as output.mask_secrets=false.`
