/** A sink between sources and pipeline that writes down what passes. */
import type { EventView } from '../../decode/event-view.ts'
import type { PipelineSink } from '../source.ts'
import type { Fact } from './items.ts'

/** Who writes it down. */
export interface Scribe {
  record(view: EventView): void
  fact(fact: Fact): void
}

/** Everything goes to the scribe and to `to`, in the order a replay needs. */
export function teeInto(scribe: Scribe, to: PipelineSink): PipelineSink {
  let [wallBefore, bootBefore] = [undefined, undefined] as [bigint | undefined, bigint | undefined]
  return {
    event(view) {
      // Afterwards: what is asked while an event is handled stands before it.
      to.event(view)
      scribe.record(view)
    },
    gap(gap, causes) {
      scribe.fact({ of: 'gap', gap, causes })
      to.gap(gap, causes)
    },
    throttle(notice) {
      scribe.fact({ of: 'throttle', notice })
      to.throttle?.(notice)
    },
    clock({ wall, boot }) {
      if (wall !== wallBefore || boot !== bootBefore) scribe.fact({ of: 'clock', wall, boot })
      wallBefore = wall
      bootBefore = boot
      to.clock({ wall, boot })
    },
    users(passwd, group) {
      scribe.fact({ of: 'users', passwd, group })
      to.users(passwd, group)
    },
    cgroup(answer) {
      scribe.fact({ of: 'cgroup', answer })
      to.cgroup(answer)
    },
    container(answer) {
      scribe.fact({ of: 'container', answer })
      to.container(answer)
    },
    name(answer) {
      scribe.fact({ of: 'name', answer })
      to.name(answer)
    },
    namesSettled() {
      scribe.fact({ of: 'names-settled' })
      to.namesSettled()
    },
    error: (error) => to.error(error),
  }
}
