/** A program that reads records from its standard input: one for all, started again when it ends, or one for each. */
import { type ChildProcess, spawn } from 'node:child_process'
import type { EntryOf } from '../../config/output-entries.ts'
import { type Message, TAKEN, type Taken, type Transport } from '../delivery/message.ts'

/** A way to a shell command. See `keep_alive` of the entry for which of the two. */
export function programTransport({ program, keep_alive }: EntryOf<'program'>): Transport {
  return keep_alive ? oneForAll(program) : oneForEach(program)
}

/** In a process group of its own, so that whatever it starts ends with it. */
const start = (command: string): ChildProcess => {
  const child = spawn('/bin/sh', ['-c', command], { stdio: ['pipe', 'inherit', 'inherit'], detached: true })
  // Told by the callbacks of writes, and by the end of the program.
  child.stdin!.on('error', () => {})
  return child
}

function kill(child: ChildProcess): void {
  if (child.pid === undefined || child.exitCode !== null || child.signalCode !== null) return
  try {
    process.kill(-child.pid, 'SIGKILL')
  } catch {
    // It is gone.
  }
}

const lines = (batch: readonly Message[]): string => batch.map(({ text }) => `${text}\n`).join('')

function oneForAll(command: string): Transport {
  let child: ChildProcess | undefined
  const end = (one: ChildProcess): void => {
    if (child === one) child = undefined
    kill(one)
  }
  return {
    send: (batch, signal) =>
      new Promise((resolve, reject) => {
        child ??= start(command)
        const one = child
        const settled = (error: Error | null | undefined): void => {
          one.off('exit', gone)
          one.off('error', settled)
          signal.removeEventListener('abort', late)
          if (error) {
            end(one)
            reject(error)
          } else resolve(TAKEN)
        }
        const gone = (): void => settled(new Error('the program has ended'))
        // It does not read: what it has not taken is given to the next one.
        const late = (): void => settled(new Error('the program does not read'))
        one.once('exit', gone)
        one.once('error', settled)
        signal.addEventListener('abort', late)
        one.once('exit', () => {
          if (child === one) child = undefined
        })
        one.stdin!.write(lines(batch), settled)
      }),
    close() {
      // What it has been given it may finish.
      child?.stdin?.end()
      child?.unref()
    },
  }
}

/** Its exit code says whether it took the record. */
function oneForEach(command: string): Transport {
  const running = new Set<ChildProcess>()
  const run = (message: Message, signal: AbortSignal): Promise<boolean> =>
    new Promise((resolve, reject) => {
      const child = start(command)
      running.add(child)
      const late = (): void => kill(child)
      signal.addEventListener('abort', late)
      const ended = (): void => {
        signal.removeEventListener('abort', late)
        running.delete(child)
      }
      child.once('error', (error) => {
        ended()
        reject(error)
      })
      child.once('exit', (code) => {
        ended()
        if (code === null) reject(new Error('the program was killed'))
        else resolve(code === 0)
      })
      child.stdin!.end(`${message.text}\n`)
    })
  return {
    async send(batch, signal): Promise<Taken> {
      let refused = 0
      for (const message of batch) if (!(await run(message, signal))) refused++
      return refused === 0 ? TAKEN : { refused, reason: 'the program ended with an error' }
    },
    close() {
      for (const child of running) kill(child)
    },
  }
}
