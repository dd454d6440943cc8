import type { Command } from 'commander'
import { formatConfusionMatrix } from '../../engine/training/metrics.ts'
import { task } from '../tasks/chosen-task.ts'
import { evaluateModel } from '../tasks/evaluation.ts'
import { loadSplit } from './data-set.ts'
import { deviceOf, openModel } from './open-model.ts'
import { addDeviceOptions, type DeviceOptions, path } from './options.ts'
import { interruptSignal, progressBar, result } from './terminal.ts'

interface EvaluateOptions extends DeviceOptions {
  readonly model: string
  readonly json?: boolean
}

export function addEvaluateCommand(program: Command): void {
  const command = program
    .command('evaluate')
    .description('accuracy, confusion matrix and classification report on the 10,000 test images')
    .requiredOption('--model <file>', 'a model file', path)
  addDeviceOptions(command)
    .option('--json', 'print the numbers as JSON')
    .action(async (options: EvaluateOptions) => {
      const signal = interruptSignal(undefined, options.device)
      const { model, device, dispose } = await openModel(options.model, options)
      const bar = progressBar('Evaluating')
      try {
        const test = await loadSplit('test', signal)
        const started = performance.now()
        const evaluation = await evaluateModel(task, model, test, { signal, onProgress: bar.update })
        const total = performance.now() - started
        bar.stop()
        const { report, confusionMatrix: matrix } = evaluation
        if (options.json) {
          const { text, ...scores } = report
          const { count, accuracy, loss, wrong } = evaluation
          const timings = { total }
          result(
            JSON.stringify({
              model: options.model,
              device: deviceOf(device),
              count,
              accuracy,
              loss,
              confusionMatrix: matrix,
              report: scores,
              text,
              wrong,
              timings,
            }),
          )
        } else
          result(
            `Accuracy ${evaluation.accuracy.toFixed(4)}, loss ${evaluation.loss.toFixed(4)} on ${evaluation.count} images\n\n${formatConfusionMatrix(matrix, task.classNames)}\n\n${report.text}`,
          )
      } finally {
        bar.stop()
        dispose()
      }
    })
}
