import { type Command, Option } from 'commander'
import type { Measurement } from '../../engine/device.ts'
import { modelFromBytes } from '../../engine/facade/model-from-bytes.ts'
import { sequential } from '../../engine/facade/sequential.ts'
import { adam } from '../../engine/training/optimizers.ts'
import { tutorialArchitecture } from '../networks/tutorial.ts'
import { readInput } from './input-file.ts'
import { deviceOf } from './open-model.ts'
import { integer, openDeviceFor, path } from './options.ts'
import { interruptSignal, note, progressBar, result } from './terminal.ts'

interface TuneCommandOptions {
  readonly model?: string
  readonly batchSize: number
  readonly json?: boolean
}

export function addTuneCommand(program: Command): void {
  program
    .command('tune')
    .description('find the fastest kernels for a network on this WebGPU adapter, and remember them')
    .option('--model <file>', "a model file; the tutorial's network unless given", path)
    .addOption(new Option('--batch-size <n>', 'of training steps').argParser(integer(1)).default(256))
    .option('--json', 'print the measurements as JSON')
    .action(async ({ model: file, batchSize, json }: TuneCommandOptions) => {
      const signal = interruptSignal('what was measured is forgotten')
      const model = file
        ? await readInput(file, (bytes) => modelFromBytes(bytes, tutorialArchitecture(0)))
        : sequential(tutorialArchitecture(0), tutorialArchitecture(0).layers)
      const device = await openDeviceFor({ device: 'webgpu' })
      const bar = progressBar('Tuning')
      try {
        await model.compile({ device, optimizer: adam(), metrics: ['accuracy'] })
        note(`Adapter: ${device.info.adapter}`)
        const measurements = await model.tune({ batchSize, signal, onProgress: bar.update })
        bar.stop()
        result(json ? JSON.stringify({ device: deviceOf(device), measurements }) : table(measurements))
      } finally {
        bar.stop()
        model.dispose()
        device.dispose()
      }
    })
}

/** Steps with their candidates, the chosen one marked. Direct convolution's operations a second, whatever is fused to it. */
function table(measurements: readonly Measurement[]): string {
  const steps = [...new Set(measurements.map(({ step }) => step))]
  return steps
    .map((step) => {
      const own = measurements.filter((measurement) => measurement.step === step)
      const best = Math.min(...own.map(({ milliseconds }) => milliseconds))
      return [step, ...own.map((measurement) => row(measurement, best))].join('\n')
    })
    .join('\n\n')
}

function row({ candidate, milliseconds, compilation, flops, refused }: Measurement, best: number): string {
  const head = `  ${milliseconds === best ? '*' : ' '} ${candidate.padEnd(32)}`
  if (refused) return `${head} refused: ${refused.split('\n')[0]}`
  const time = `${milliseconds.toFixed(3).padStart(10)} ms`
  const speed = `${(flops / milliseconds / 1e6).toFixed(1).padStart(8)} GFLOP/s`
  return `${head}${time}${speed}   ready after ${Math.round(compilation)} ms`
}
