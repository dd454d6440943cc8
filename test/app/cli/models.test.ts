import { existsSync, readFileSync, symlinkSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { describe, expect, it } from 'vitest'
import { parseSafetensors } from '../../../src/engine/formats/safetensors.ts'
import { formatSafetensors } from '../../../src/engine/index.ts'
import { relativeError } from '../../engine/operation-cases.ts'
import { hasModels, modelPath, recorded } from '../../shared-models.ts'
import { expectFailure, limelight, root, useFolder } from './command.ts'

/** Models of any format on the command line: what they are, what they say, and how they are written in another. */

const folder = useFolder()
const tutorial = join(root, 'models/fashion-cnn.safetensors')

describe('limelight inspect', () => {
  it('says of a network that was trained here what it is, what it takes, and on what it was trained', async () => {
    const { code, stdout } = await limelight('inspect', tutorial)
    expect(code).toBe(0)
    expect(stdout).toMatch(/^Size +580,704 bytes, 144,410 parameters$/m)
    expect(stdout).toMatch(/^Layers +Conv2D 3, Flatten 1, Dense 1$/m)
    expect(stdout).toMatch(/^Pixels .*\(trained on Fashion-MNIST, its file says\)$/m)
    expect(stdout).toMatch(/^Classes +10: T-shirt\/top, Trouser, Pullover, … \(trained on/m)
  })

  it.skipIf(!hasModels)('says where each is known from, as JSON, and what people say comes first', async () => {
    const file = modelPath('mobilenet-v2-quantised.tflite')
    const { stdout } = await limelight('inspect', file, '--json', '--mean', '127.5', '--std', '127.5')
    const { format, flops, counts, pictures } = JSON.parse(stdout)
    expect(format).toBe('TensorFlow Lite')
    expect(counts).toMatchObject({ CONV_2D: 36, DEPTHWISE_CONV_2D: 17 })
    expect(flops).toBeGreaterThan(6e8)
    expect(pictures.preprocessing.source).toBe('--mean, --std')
    expect(pictures.classNames.value[288]).toBe('lynx, catamount')
    expect(pictures.classNames.source).toMatch(/labels\.txt, beside the model$/)
  })

  it('refuses what is no model in one line', async () => {
    expectFailure(
      await limelight('inspect', 'package.json'),
      1,
      /package\.json: this is a JSON file; Limelight opens ONNX/,
    )
  })
})

describe('limelight predict', () => {
  it.skipIf(!hasModels)('names the classes of a photograph', async () => {
    const photo = modelPath('../photos/chelsea.png')
    const { code, stdout } = await limelight(
      ...[
        'predict',
        '--model',
        modelPath('mobilenet-v2-quantised.tflite'),
        '--device',
        'cpu',
        '--image',
        photo,
        '--crop',
      ],
    )
    expect(code).toBe(0)
    expect(stdout.split('\n')[1]).toMatch(/^ {2}0\.\d{4} {2}tiger cat$/)
    expect(stdout.trim().split('\n')).toHaveLength(6)
  })

  it.skipIf(!hasModels)("gives a tensor what the network makes of it, in the file's own order", async () => {
    const [input, expected] = ['input', 'output'].map((name) => recorded('resnet20-cifar10.safetensors', name))
    const [given, made] = [join(folder, 'in.safetensors'), join(folder, 'out.safetensors')]
    writeFileSync(given, formatSafetensors(new Map([['input', input]])))
    const model = modelPath('resnet20-cifar10.onnx')
    const outcome = await limelight('predict', '--model', model, '--device', 'cpu', '--input', given, '--out', made)
    expect(outcome.code).toBe(0)
    const output = parseSafetensors(readFileSync(made)).tensors.get('output')
    expect(output?.shape).toEqual(expected.shape)
    expect(relativeError(output?.data ?? [], expected.data)).toBeLessThan(1e-4)
  })

  it('asks for what nothing tells, and for one kind of input', async () => {
    const model = join(folder, 'plain.onnx')
    await limelight('convert', join(root, 'test/reference/model.safetensors'), model)
    const image = join(root, 'docs/train-dark.png')
    expectFailure(
      await limelight('predict', '--model', model, '--device', 'cpu', '--image', image),
      2,
      /does not say how its network takes pixels: give --scale, --mean and --std/,
    )
    expectFailure(await limelight('predict', '--model', model), 2, /give either --image FILE… or --input FILE/)
  })

  it.skipIf(!hasModels)('names no classes by numbers that are none', async () => {
    const [model, image] = [modelPath('person.h5'), modelPath('../photos/chelsea.png')]
    expectFailure(
      await limelight('predict', '--model', model, '--image', image, '--scale', '1e300', '--device', 'cpu'),
      1,
      /person\.h5: it answers with numbers that are not finite: give --scale/,
    )
  })
})

describe('limelight convert', () => {
  it('writes a network as ONNX, which is read here as the same network', async () => {
    const file = join(folder, 'fashion.onnx')
    expect((await limelight('convert', tutorial, file)).code).toBe(0)
    const { stdout } = await limelight('inspect', file)
    expect(stdout).toMatch(/^Format +ONNX, opset 17, by limelight/m)
    expect(stdout).toMatch(/^Operators .*Conv 3/m)
  })

  it('refuses another ending, and writes nothing where the model can not be read', async () => {
    const file = join(folder, 'never.onnx')
    expectFailure(await limelight('convert', 'package.json', file), 1, /package\.json: /)
    expect(existsSync(file)).toBe(false)
    expect((await limelight('convert', tutorial, 'x.pb')).stderr).toMatch(
      /expected a file that ends in \.onnx or \.safetensors/,
    )
  })
})

it('a result does not take the place of the file that it is made from, by whatever name that is given', async () => {
  const bytes = readFileSync(tutorial)
  const [file, link] = [join(folder, 'mine.safetensors'), join(folder, 'link.safetensors')]
  writeFileSync(file, bytes)
  symlinkSync(file, link)
  const refused = /is the file that is read: give the result another name/
  expectFailure(await limelight('convert', file, link), 2, refused)
  for (const words of [
    [tutorial, '--input', link],
    [link, '--input', tutorial],
  ])
    expectFailure(await limelight('predict', '--out', file, '--model', ...words), 2, refused)
  expect(readFileSync(file).equals(bytes)).toBe(true)
})

it('limelight models lists the catalogue', async () => {
  const { stdout } = await limelight('models')
  expect(stdout).toMatch(/^mobilenet-v2 .*Apache-2\.0/m)
  const rows = JSON.parse((await limelight('models', 'list', '--json')).stdout)
  expect(rows.map(({ name }: { name: string }) => name)).toEqual(['mobilenet-v2', 'squeezenet-1.1'])
})
