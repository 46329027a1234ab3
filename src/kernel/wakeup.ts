/**
 * When to look at the rings. Quiet: libuv polls the ring descriptors and wakes us at once. Busy: a timer, and the kernel side is
 * told to wake nobody, because wake-ups cost more than the work, both here and in the program that wakes. The timer is slow
 * where records come one by one, such as those of a build, and fast where they come in floods that would fill the rings.
 *
 * libuv's symbols are exported by the node binary; without them a 5 ms timer serves alone.
 */
import koffi from 'koffi'
import { everyAligned } from './aligned.ts'

export interface WakeupOptions {
  readonly fds: readonly number[]
  /** Drain everything there is; returns how many records there were. */
  drain(): number
  /** Tell the kernel side whether the reader comes by itself. */
  setPolling(on: boolean): void
  /** An exception in `drain`: nothing may escape into libuv. */
  onError(error: unknown): void
}

/** Wakes closer together than this, that many times in a row, mean busy. */
const CLOSE_MS = 2
const BUSY_WAKES = 8
/** Until the next look: after many records, after few. */
const FAST_TICK_MS = 1
const SLOW_TICK_MS = 4
const MANY_RECORDS = 256
/** So many ticks in a row with no more than one record mean quiet again: from here on wakes are fewer than ticks. */
const QUIET_TICKS = 4
/** Safety net: a wake-up lost for any reason is made good within this time. Records that wake nobody wait for it, too. */
const IDLE_CHECK_MS = 1000
/** Programs that found us busy have sent their records by then. */
const LATE_MS = 5
const FALLBACK_MS = 5

const UV_POLL = 8
const UV_READABLE = 1
/** Once: koffi takes a name for one type only, and a second source in the process would be left with the timer. */
const POLL_CALLBACK = koffi.proto('void TarsierPollCallback(void *handle, int status, int events)')

interface Poller {
  start(): void
  stop(): void
}

/** Both states with the switch between them. Call `close` before the rings go. */
export class Wakeup {
  readonly #options: WakeupOptions
  readonly #poller: Poller | undefined
  #timer: NodeJS.Timeout | undefined
  #stopChecks = (): void => {}
  #busy = false
  #lastWake = 0
  #closeWakes = 0
  #quietTicks = 0
  #closed = false
  /** Wake-ups by the kernel, ticks of the timer: for health. */
  wakes = 0
  ticks = 0

  constructor(options: WakeupOptions) {
    this.#options = options
    this.#poller = createPoller(options.fds, () => this.#onWake())
  }

  start(): void {
    if (this.#poller) this.#enterQuiet()
    else this.#timer = setInterval(() => this.#drain(), FALLBACK_MS)
  }

  close(): void {
    this.#closed = true
    clearTimeout(this.#timer)
    this.#stopChecks()
    this.#poller?.stop()
    this.#options.setPolling(false)
  }

  #onWake(): void {
    if (this.#closed || this.#busy) return
    this.wakes++
    const now = performance.now()
    this.#closeWakes = now - this.#lastWake < CLOSE_MS ? this.#closeWakes + 1 : 0
    this.#lastWake = now
    this.#drain()
    if (this.#closeWakes > BUSY_WAKES) this.#enterBusy()
  }

  #enterBusy(): void {
    this.#busy = true
    this.#quietTicks = 0
    this.#poller?.stop()
    this.#options.setPolling(true)
    clearTimeout(this.#timer)
    this.#stopChecks()
    this.#timer = setTimeout(() => this.#tick(), FAST_TICK_MS)
  }

  #tick(): void {
    this.ticks++
    const records = this.#drain()
    this.#quietTicks = records <= 1 ? this.#quietTicks + 1 : 0
    if (this.#closed) return
    if (this.#quietTicks >= QUIET_TICKS) this.#enterQuiet()
    else this.#timer = setTimeout(() => this.#tick(), records < MANY_RECORDS ? SLOW_TICK_MS : FAST_TICK_MS)
  }

  #enterQuiet(): void {
    this.#busy = false
    this.#closeWakes = 0
    clearTimeout(this.#timer)
    this.#options.setPolling(false)
    this.#poller?.start()
    this.#stopChecks = everyAligned(IDLE_CHECK_MS, () => this.#drain())
    // Records sent while the kernel was told not to wake us, now and by programs that are just running.
    this.#drain()
    this.#timer = setTimeout(() => this.#drain(), LATE_MS)
  }

  #drain(): number {
    if (this.#closed) return 0
    try {
      return this.#options.drain()
    } catch (error) {
      this.#options.onError(error)
      return 0
    }
  }
}

function createPoller(fds: readonly number[], onReadable: () => void): Poller | undefined {
  let uv: ReturnType<typeof koffi.load>
  try {
    uv = koffi.load(null)
    const f = {
      loop: uv.func('void *uv_default_loop()'),
      handleSize: uv.func('size_t uv_handle_size(int type)'),
      malloc: uv.func('void *malloc(size_t size)'),
      init: uv.func('int uv_poll_init(void *loop, void *handle, int fd)'),
      start: uv.func('int uv_poll_start(void *handle, int events, TarsierPollCallback *callback)'),
      stop: uv.func('int uv_poll_stop(void *handle)'),
    }
    const callback = koffi.register(onReadable, koffi.pointer(POLL_CALLBACK))
    const handles = fds.map((fd) => {
      // Never freed: libuv may touch a handle until the process ends.
      const handle = f.malloc(Number(f.handleSize(UV_POLL)))
      const error = f.init(f.loop(), handle, fd)
      if (error < 0) throw new RangeError(`uv_poll_init: ${error}`)
      return handle
    })
    return {
      start: () => {
        for (const handle of handles) f.start(handle, UV_READABLE, callback)
      },
      stop: () => {
        for (const handle of handles) f.stop(handle)
      },
    }
  } catch {
    return undefined
  }
}
