import { spawnSync } from 'node:child_process'
import { EventView } from '../src/decode/event-view.ts'
import { Interner } from '../src/decode/str.ts'
import { loadLibbpf } from '../src/kernel/libbpf.ts'
import { mapMemory } from '../src/kernel/libc.ts'
import { openTracefs, possibleCpus, v1ControllerBits } from '../src/kernel/machine.ts'
import { Loader, PROGRAM_SPECS } from '../src/kernel/objects.ts'
import { formatFailure } from '../src/kernel/errors.ts'
import { Ring } from '../src/kernel/ring.ts'
import { layoutOf } from '../schema/index.ts'
const lib = loadLibbpf(), tracefs = openTracefs(), n = possibleCpus()
const loader = new Loader({ lib, tracefs, directory: 'build/bpf', mapEntries: { counters: PROGRAM_SPECS.length*n, sequences: 2*n, exec_scratch_map: n+1, ring_bulk: 8<<20, ring_critical: 1<<20 }, constants: { have_rdonly_cast: 1, v1_controllers: v1ControllerBits() } })
console.log('v1', v1ControllerBits())
const objs = process.argv.slice(2)
let progs = objs.flatMap(o => { const t=performance.now(); const r = loader.load(o, PROGRAM_SPECS.filter(p=>p.object===o)); console.log(o, r.length, 'ms', (performance.now()-t).toFixed(0)); return r})
for (const f of loader.failures) console.log(formatFailure(f))
if (loader.failures.length) process.exit(1)
const control = new Uint32Array(mapMemory(loader.mapFd('control'), 4096, 0, true))
control[0] = process.pid; control[1] = n; control[2]=1; control[3]=1
const rings = [new Ring(loader.mapFd('ring_critical'), 1<<20), new Ring(loader.mapFd('ring_bulk'), 8<<20)]
const at = progs.map(p => loader.attach(p))
for (const f of loader.failures) console.log(formatFailure(f))
const r = spawnSync('/bin/sh', ['-c', `cd /etc; cat passwd >/dev/null; cat /etc/./../etc/hostname >/dev/null; cat /nonexistent; cd /tmp; ln -sf /etc/hosts tlink; cat tlink > /dev/null; rm tlink; exec 3</etc; /root/.pyenv/versions/3.10.13/bin/python3 -c '
import os
d=os.open("/usr",os.O_RDONLY)
os.open("lib/os-release",os.O_RDONLY,dir_fd=d)
os.rename("/tmp/nope1","nope2") if os.path.exists("/tmp/nope1") else None
try: os.rename("nope1","/tmp/nope2")
except Exception: pass
open("/tmp/xx","w").write("hello"); os.chmod("/tmp/xx",0o600); os.rename("/tmp/xx","/tmp/yy"); os.link("/tmp/yy","/tmp/zz"); os.truncate("/tmp/zz",2); os.unlink("/tmp/yy"); f=open("/tmp/zz","w"); os.unlink("/tmp/zz"); f.write("x"); f.close()
m=os.memfd_create("mem"); os.write(m,b"x"); r,w=os.pipe(); os.write(w,b"y")
import socket,threading
s=socket.socket(); s.bind(("127.0.0.1",0)); s.listen(5); c=socket.socket(); c.connect(s.getsockname()); a,_=s.accept()
s6=socket.socket(socket.AF_INET6); s6.bind(("::1",0)); s6.listen(5); c6=socket.socket(socket.AF_INET6); c6.connect(s6.getsockname())
try:
  q=socket.socket(); q.connect(("127.0.0.1",1))
except Exception: pass
u=socket.socket(socket.AF_UNIX); u.bind("/tmp/usock"); u.listen(1); u2=socket.socket(socket.AF_UNIX); u2.connect("/tmp/usock"); os.unlink("/tmp/usock")
os.mkdir("/tmp/exdir"); os.rmdir("/tmp/exdir"); os.symlink("tgt","/tmp/sl"); os.unlink("/tmp/sl")
try: os.execv("/nonexist",["a"])
except Exception: pass
'`], { encoding: 'utf8' })
console.log(r.stderr)
setTimeout(() => {
  for (const ring of rings) { const v = new EventView(new Interner()); v.map(ring.data, ring.dataOffset); ring.refresh()
  let off; while ((off = ring.peek()) >= 0) { const err = v.seek(off, ring.length); const o: any = { }
    for (const s of layoutOf(v.type.family).slots) { const d = s.decl.storage; const val = d==='ip' ? v.ip(s.name)?.join('.') : ['str','strv','bytes'].includes(d) ? v.string(s.name)?.text : v.number(s.name); if (val !== undefined && val !== 0) o[s.name]= typeof val === 'string' ? val.slice(0,100) : val }
    const id = v.pid
    if (!err) { if (id >= r.pid) console.log(v.name, v.pid, v.seq, v.uid, v.cgroup, v.cgroupV1, JSON.stringify(o)) } else console.log(err)
    ring.pop() } ring.release() }
  process.exit(0) }, 100)
