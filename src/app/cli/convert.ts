import { extname } from 'node:path'
import { type Command, InvalidArgumentError } from 'commander'
import { exportOnnx } from '../../engine/facade/export-onnx.ts'
import type { Model } from '../../engine/facade/model.ts'
import { modelToBytes } from '../../engine/formats/write-model.ts'
import { checkWritable, writeFileAtomically } from '../../engine/platform/atomic-write.ts'
import { checkNotItsInput } from '../inputs/input-file.ts'
import { namesBeside } from '../inputs/model-file.ts'
import { readModelFile } from './open-model.ts'
import { path } from './options.ts'
import { addInputShape, type PictureCommandOptions } from './picture-options.ts'
import { result } from './terminal.ts'

/** By the ending of the file that is written. */
const writers: Readonly<Record<string, (model: Model) => Uint8Array | Promise<Uint8Array>>> = {
  '.onnx': exportOnnx,
  '.safetensors': modelToBytes,
}

function writable(file: string): string {
  if (!Object.hasOwn(writers, extname(path(file))))
    throw new InvalidArgumentError(`expected a file that ends in ${Object.keys(writers).join(' or ')}`)
  return file
}

export function addConvertCommand(program: Command): void {
  const command = program
    .command('convert')
    .description('write a model in another format: ONNX (opset 17), or the safetensors that are trained here')
    .argument('<in>', 'a model file of any format', path)
    .argument('<out>', 'the file to write, .onnx or .safetensors', writable)
  addInputShape(command).action(
    async (from: string, to: string, options: Pick<PictureCommandOptions, 'inputShape'>) => {
      await checkWritable(to)
      const { model, path: found, files } = await readModelFile(from, options)
      await checkNotItsInput(to, files)
      const classNames = await namesBeside(found)
      if (classNames) model.images = { ...model.images, classNames }
      const bytes = await writers[extname(to)](model)
      await writeFileAtomically(to, bytes)
      result(`${to}: ${bytes.byteLength.toLocaleString('en-US')} bytes`)
    },
  )
}
