import { createHash } from 'node:crypto'
import { copyFileSync, existsSync, mkdirSync, readFileSync, symlinkSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { describe, expect, it } from 'vitest'
import { parseSafetensors } from '../../../src/engine/formats/safetensors.ts'
import { formatSafetensors } from '../../../src/engine/index.ts'
import { onnxFile } from '../../engine/formats/onnx/onnx-writer.ts'
import { relativeError } from '../../engine/operation-cases.ts'
import { itWithModels, modelPath, recorded } from '../../shared-models.ts'
import { expectFailure, limelight, root, useFolder } from './command.ts'

/** Models of any format on the command line: what they are, what they say, and how they are written in another. */

const folder = useFolder()

/** A model in a folder of its own, y = 2 x, whose weight lies in another file. */
function withWeightsBeside(name: string): { readonly file: string; readonly weights: string } {
  const [file, weights] = ['net.onnx', 'weights.safetensors'].map((part) => join(folder, name, part))
  mkdirSync(join(folder, name))
  writeFileSync(weights, new Uint8Array(Float32Array.of(2).buffer))
  const model = {
    inputs: [{ name: 'x', shape: ['N', 3] }],
    initializers: [{ name: 'w', dims: [1], external: { location: 'weights.safetensors' } }],
    nodes: [{ operator: 'Mul', inputs: ['x', 'w'], outputs: ['y'] }],
    outputs: ['y'],
  }
  writeFileSync(file, onnxFile(model))
  return { file, weights }
}
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

  itWithModels('says where each is known from, as JSON, and what people say comes first', async () => {
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

  it('counts the files beside it, their bytes and their digest', async () => {
    const { file, weights } = withWeightsBeside('counted')
    const { code, stdout } = await limelight('inspect', file, '--json')
    expect(code).toBe(0)
    const { files, bytes, sha256 } = JSON.parse(stdout)
    const contents = [file, weights].map((path) => readFileSync(path))
    expect(files).toEqual([file, weights])
    expect(bytes).toBe(contents[0].byteLength + contents[1].byteLength)
    expect(sha256).toBe(createHash('sha256').update(Buffer.concat(contents)).digest('hex'))
    expect((await limelight('inspect', file)).stdout).toMatch(/^Size +[\d,]+ bytes in 2 files, \d+ parameters$/m)
  })

  it('says of boxes that they are no classes, and refuses options that nothing can make right', async () => {
    const boxes = join(folder, 'boxes.onnx')
    writeFileSync(
      boxes,
      onnxFile({
        metadata: { names: "{0: 'cat', 1: 'dog'}" },
        inputs: [{ name: 'x', shape: ['N', 3, 4, 6] }],
        initializers: [{ name: 'shape', dims: [3], type: 7, integers: [0, 12, 6] }],
        nodes: [
          { operator: 'MaxPool', inputs: ['x'], outputs: ['a'], attributes: { kernel_shape: [1, 1] } },
          { operator: 'Reshape', inputs: ['a', 'shape'], outputs: ['boxes'] },
        ],
        outputs: ['boxes'],
      }),
    )
    const { code, stdout } = await limelight('inspect', boxes)
    expect(code).toBe(0)
    expect(stdout).toMatch(/^Pictures +6 x 4 pixels/m)
    expect(stdout).toMatch(/^Answers +no number a class, but boxes \[N,12,6\]: boxes or a map, say$/m)
    expect(stdout).not.toMatch(/^Classes/m)
    expectFailure(
      await limelight('inspect', boxes, '--output', 'logits'),
      2,
      /--output: the network answers with \[12,6\]/,
    )
    const predicting = ['predict', '--model', boxes, '--image', 'docs/train-dark.png', '--scale', '1']
    expectFailure(await limelight(...predicting), 1, /answers with \[12,6\], no number a class: boxes or maps/)
    // The recorded network says nothing of its pictures: options alone do.
    for (const [words, why] of [
      [['--mean', '1,2'], /--mean: 2 numbers given; expected one/],
      [['--bgr'], /--bgr: the network takes grey pictures/],
    ] as const)
      expectFailure(await limelight('inspect', 'test/reference/model.safetensors', ...words), 2, why)
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
  itWithModels('names the classes of a photograph', async () => {
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

  it('names more pictures than are asked about together, each as if it were alone', async () => {
    const files = ['train-dark', 'judge-light'].map((name) => join(root, `docs/${name}.png`))
    const many = Array.from({ length: 17 }, (_, i) => files[i === 16 ? 1 : 0])
    const asked = async (...images: string[]) => {
      const { stdout } = await limelight(
        'predict',
        '--model',
        tutorial,
        '--device',
        'cpu',
        '--json',
        '--image',
        ...images,
      )
      return JSON.parse(stdout).pictures
    }
    const [first, last] = [await asked(files[0]), await asked(files[1])]
    expect(first[0].probabilities).not.toEqual(last[0].probabilities)
    const found = await asked(...many)
    expect(found.map(({ file }: { file: string }) => file)).toEqual(many)
    // Batches of another size may differ in a last digit.
    found.forEach(({ probabilities }: { probabilities: number[] }, i: number) => {
      const [{ probabilities: alone }] = i === 16 ? last : first
      expect(relativeError(probabilities, alone)).toBeLessThan(1e-5)
    })
  })

  itWithModels('names the same in every format of a photograph, by its bytes and not its name', async () => {
    const model = modelPath('mobilenet-v2-quantised.tflite')
    const photos = ['coffee-progressive.jpg', 'coffee-cmyk.jpg', 'coffee.webp', 'coffee.gif', 'coffee-palette.png']
    const misnamed = join(folder, 'photo.png')
    copyFileSync(modelPath('../photos/coffee-progressive.jpg'), misnamed)
    const files = [...photos.map((name) => modelPath(`../photos/${name}`)), misnamed]
    const words = ['--model', model, '--device', 'cpu', '--image', ...files, '--crop', '--top', '1']
    const { code, stdout } = await limelight('predict', ...words)
    expect(code).toBe(0)
    expect(stdout.match(/ {2}espresso$/gm)).toHaveLength(files.length)
  })

  itWithModels("gives a tensor what the network makes of it, in the file's own order", async () => {
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

  itWithModels('names no classes by numbers that are none', async () => {
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

  itWithModels('takes along what is known of the pictures, the names beside the model among that', async () => {
    const file = join(folder, 'mobilenet.onnx')
    expect((await limelight('convert', modelPath('mobilenet-v2-quantised.tflite'), file)).code).toBe(0)
    const { stdout } = await limelight('inspect', file)
    expect(stdout).toMatch(/^Pixels +0 to 255, x \[0\.0078125\] \+ \[-1\] \(the quantisation of the file's input/m)
    expect(stdout).toMatch(/^Classes +1001: background, tench.*labels\.txt, beside the model\)$/m)
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
  const refused = /is a file that is read: give the result another name/
  expectFailure(await limelight('convert', file, link), 2, refused)
  for (const words of [
    [tutorial, '--input', link],
    [link, '--input', tutorial],
  ])
    expectFailure(await limelight('predict', '--out', file, '--model', ...words), 2, refused)
  expect(readFileSync(file).equals(bytes)).toBe(true)
})

it('nor of a file beside that one, which holds its weights', async () => {
  const { file, weights } = withWeightsBeside('kept')
  const bytes = readFileSync(weights)
  const refused = /weights\.safetensors is a file that is read: give/
  expectFailure(await limelight('convert', file, weights), 2, refused)
  const input = join(folder, 'x.safetensors')
  writeFileSync(input, formatSafetensors(new Map([['input', { shape: [1, 3], data: Float32Array.of(1, 2, 3) }]])))
  const predicting = ['predict', '--model', file, '--device', 'cpu', '--input', input]
  expectFailure(await limelight(...predicting, '--out', weights), 2, refused)
  expectFailure(await limelight(...predicting, '--out', input), 2, /x\.safetensors is a file that is read/)
  expect(readFileSync(weights).equals(bytes)).toBe(true)
  // A folder stands for the model in it.
  const [alone, own] = [join(folder, 'alone'), join(folder, 'alone', 'net.safetensors')]
  mkdirSync(alone)
  writeFileSync(own, readFileSync(tutorial))
  expectFailure(await limelight('convert', alone, own), 2, /is a file that is read/)
})

it('limelight models lists the catalogue', async () => {
  const { stdout } = await limelight('models')
  expect(stdout).toMatch(/^mobilenet-v2 .*Apache-2\.0/m)
  const rows = JSON.parse((await limelight('models', 'list', '--json')).stdout)
  expect(rows.map(({ name }: { name: string }) => name)).toEqual(['mobilenet-v2', 'squeezenet-1.1'])
})
