import { type Command, Option } from 'commander'
import { compulsoryBytes, describePlan, type Plan } from '../../engine/plan/plan.ts'
import { deviceOf, openModel } from './open-model.ts'
import { addDeviceOptions, type DeviceOptions, integer, path } from './options.ts'
import { result } from './terminal.ts'

interface PlanOptions extends DeviceOptions {
  readonly model: string
  readonly batchSize: number
  readonly json?: boolean
}

export function addPlanCommand(program: Command): void {
  const command = program
    .command('plan')
    .description('what a prediction runs on a device: its steps, FLOPs and memory')
    .requiredOption('--model <file>', 'a model file', path)
    .addOption(new Option('--batch-size <n>', 'images of one pass').argParser(integer(1)).default(1))
  addDeviceOptions(command)
    .option('--json', 'print the plan as JSON')
    .action(async (options: PlanOptions) => {
      const { model, device, dispose } = await openModel(options.model, options)
      try {
        const plan = model.plan(options.batchSize)
        if (!options.json) {
          result(describePlan(plan))
          return
        }
        const flops = plan.steps.reduce((sum, step) => sum + step.flops, 0)
        const { model: file, batchSize } = options
        result(JSON.stringify({ model: file, device: deviceOf(device), batchSize, flops, ...described(plan) }))
      } finally {
        dispose()
      }
    })
}

/** A plan as it is printed. Constants are left out: they may be large, and are the model's own. */
function described({ constants: _constants, steps, preparation, ...rest }: Plan): object {
  return {
    steps: steps.map((step) => ({ ...step, bytes: compulsoryBytes(step) })),
    ...rest,
    preparation: preparation && { blocks: preparation.blocks, plan: described(preparation.plan) },
  }
}
