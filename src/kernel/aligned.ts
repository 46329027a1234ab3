/**
 * Timers that fire together. To wake a process that sleeps costs several times what most timers do, so an idle agent wakes up
 * as seldom as it can.
 */

/** Less than this part of a period is left: the timer came early, and the next turn is meant. */
const EARLY = 0.1

/**
 * Call `act` at every multiple of `ms` on the process's own clock (performance.now()), until the function that is returned is
 * called. The process lives on meanwhile, unless `lives` is false.
 */
export function everyAligned(ms: number, act: () => void, lives = true): () => void {
  let timer: NodeJS.Timeout
  const wait = (): void => {
    const left = ms - (performance.now() % ms)
    timer = setTimeout(turn, Math.ceil(left < ms * EARLY ? left + ms : left))
    if (!lives) timer.unref()
  }
  const turn = (): void => {
    wait()
    act()
  }
  wait()
  return () => clearTimeout(timer)
}
