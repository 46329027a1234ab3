/** `tarsier rules`: what is in rule files, and whether it does what it should, without running them on this machine. */
import { ruleEnvironment } from '../../config/rule-inputs.ts'
import { SOURCES } from '../../fields/index.ts'
import type { LoadEnv } from '../../rules/load.ts'
import type { CliCommand } from '../command.ts'
import { shippedRules } from '../package-root.ts'
import type { RulesAction } from './rules-action.ts'
import { checkAction } from './rules-check.ts'
import { describeAction } from './rules-describe.ts'
import { explainAction } from './rules-explain.ts'
import { findAction } from './rules-find.ts'
import { listAction } from './rules-list.ts'
import { testAction } from './rules-test.ts'

/** In the order of the help. */
const ACTIONS: readonly RulesAction[] = [
  checkAction,
  listAction,
  describeAction,
  explainAction,
  findAction,
  testAction,
]

/** `sources` other than the program's own are for tests. */
export const createRulesCommand = (sources: LoadEnv['sources'] = SOURCES): CliCommand => ({
  name: 'rules',
  declare(command) {
    for (const action of ACTIONS) action.declare(command.command(action.name))
  },
  async run([name, ...args], options, io) {
    const action = ACTIONS.find((one) => one.name === name)!
    return action.run(args, options, io, { sources, ...ruleEnvironment(undefined, shippedRules()) })
  },
})

export const rulesCommand: CliCommand = createRulesCommand()
