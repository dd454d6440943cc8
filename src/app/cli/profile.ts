import { type Command, Option } from 'commander'
import type { Measurement } from '../../engine/device.ts'
import { LimelightError } from '../../engine/errors.ts'
import { deviceOf, openModel } from './open-model.ts'
import { addDeviceOptions, type DeviceOptions, integer, path } from './options.ts'
import { interruptSignal, note, progressBar, result } from './terminal.ts'

interface ProfileOptions extends DeviceOptions {
  readonly model: string
  readonly batchSize: number
  readonly json?: boolean
}

export function addProfileCommand(program: Command): void {
  const command = program
    .command('profile')
    .description('where the time of a prediction goes: each different step measured alone')
    .requiredOption('--model <file>', 'a model file', path)
    .addOption(new Option('--batch-size <n>', 'images of one pass').argParser(integer(1)).default(32))
  addDeviceOptions(command)
    .option('--json', 'print the measurements as JSON')
    .action(async (options: ProfileOptions) => {
      const signal = interruptSignal(undefined, options.device)
      const { model, device, dispose } = await openModel(options.model, options)
      const bar = progressBar('Profiling')
      try {
        if (!device.profile) throw new LimelightError(`the ${device.info.kind} device can't be profiled`)
        note(`Device: ${device.info.adapter}`)
        const { batchSize } = options
        const measurements = await model.profile({ batchSize, signal, onProgress: bar.update })
        bar.stop()
        const { model: file } = options
        result(
          options.json
            ? JSON.stringify({ model: file, device: deviceOf(device), batchSize, measurements })
            : table(measurements),
        )
      } finally {
        bar.stop()
        dispose()
      }
    })
}

/** One line a step, those that take longest first. */
function table(measurements: readonly Measurement[]): string {
  const total = measurements.reduce((sum, { milliseconds, refused }) => sum + (refused ? 0 : milliseconds), 0)
  const rows = [...measurements].sort((a, b) => b.milliseconds - a.milliseconds).map((row) => line(row, total))
  return [
    `${'ms'.padStart(10)}${'share'.padStart(8)}${'GFLOP/s'.padStart(10)}${'GB/s'.padStart(8)}  step`,
    ...rows,
    `${total.toFixed(3).padStart(10)}  in all, each measured alone`,
  ].join('\n')
}

function line({ step, candidate, milliseconds, flops, bytes, refused }: Measurement, total: number): string {
  if (refused) return `${'refused'.padStart(10)}  ${step}: ${refused.split('\n')[0]}`
  const share = `${((100 * milliseconds) / total).toFixed(1)} %`
  const speeds = [flops, bytes].map((amount) => (amount / milliseconds / 1e6).toFixed(1))
  const numbers = `${milliseconds.toFixed(3).padStart(10)}${share.padStart(8)}${speeds[0].padStart(10)}${speeds[1].padStart(8)}`
  return `${numbers}  ${step}${candidate && `  by ${candidate}`}`
}
