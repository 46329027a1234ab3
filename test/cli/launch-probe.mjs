/**
 * Stands where `dist/src/cli/main.js` stands, and tells how the launcher started it and what `hardenProcess` did.
 * Arguments: the compiled hardening module, koffi. Answers each line on stdin with a line about the debugger.
 */
import { statSync } from 'node:fs'
import inspector from 'node:inspector'
import { createInterface } from 'node:readline'

const [hardening, koffi, ...rest] = process.argv.slice(2)
const { hardenProcess } = await import(hardening)
const { default: ffi } = await import(koffi)
const prctl = ffi
  .load('libc.so.6')
  .func('int prctl(int, unsigned long, unsigned long, unsigned long, unsigned long)')
const PR_GET_DUMPABLE = 3
const codeFromString = () => {
  try {
    return Function('return "ran"')()
  } catch (error) {
    return error.name
  }
}

const tell = (value) => process.stdout.write(`${JSON.stringify(value)}\n`)
const dumpableBefore = prctl(PR_GET_DUMPABLE, 0, 0, 0, 0)
let refusal
try {
  hardenProcess()
} catch (error) {
  refusal = error.message
}
tell({
  rest,
  refusal,
  flags: process.execArgv,
  env: process.env,
  codeFromString: codeFromString(),
  hasProto: '__proto__' in {},
  dumpableBefore,
  dumpableAfter: prctl(PR_GET_DUMPABLE, 0, 0, 0, 0),
  umask: process.umask(),
  mapsOwner: statSync('/proc/self/maps').uid,
})
createInterface({ input: process.stdin }).on('line', () => tell({ inspector: inspector.url() ?? 'closed' }))
