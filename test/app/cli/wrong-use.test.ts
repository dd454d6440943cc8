import { spawn } from 'node:child_process'
import { closeSync, existsSync, mkdirSync, openSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { describe, it } from 'vitest'
import { encodePng } from '../../../src/app/pictures/encode-png.ts'
import { Sequential } from '../../../src/engine/facade/sequential.ts'
import { modelToBytes } from '../../../src/engine/formats/write-model.ts'
import { activation, dense, flatten, type LayerDescription } from '../../../src/engine/model/layers/public.ts'
import { expectLine, explainFixed, limelight, model, type Outcome, root, useFolder } from './command.ts'

const folder = useFolder()

describe('limelight says what is wrong in one line, without a stack trace', () => {
  const explain = (...words: string[]) => limelight(...explainFixed, '--device', 'cpu', ...words)

  it('a missing model', async () => {
    const outcome = await limelight('explain', '--model', join(folder, 'none'), '--index', '1')
    expectLine(outcome, 1, /none: there is no such file\n$/)
  })

  it('a missing image', async () => {
    expectLine(await explain('--image', join(folder, 'none.png')), 1, /none\.png: there is no such file\n$/)
  })

  it('an index out of range', async () => {
    expectLine(await explain('--index', '10000'), 2, /--index 10000: the test set has the images 0 to 9999\n$/)
    expectLine(await explain('--index', '-1'), 2, /expected a whole number/)
  })

  it('an unknown segmenter, parameter, metric, feature selection or device', async () => {
    expectLine(
      await explain('--index', '1', '--segmenter', 'waterfall'),
      2,
      /valid are quickshift, felzenszwalb, grid, slic, watershed\n$/,
    )
    expectLine(
      await explain('--index', '1', '--segmenter', 'slic', '--segmenter-param', 'size=3'),
      2,
      /no parameter "size"/,
    )
    expectLine(await explain('--index', '1', '--distance-metric', 'haversine'), 2, /valid are .*cosine/)
    expectLine(await explain('--index', '1', '--feature-selection', 'best'), 2, /valid are .*auto/)
    expectLine(await explain('--index', '1', '--samples', 'many'), 2, /at least 1, 'exact' or 'auto'/)
    expectLine(
      await explain('--index', '1', '--hide-color', 'fog'),
      2,
      /a number, r,g,b or one of mean, blur, noise, inpaint/,
    )
    expectLine(await explain('--index', '1', '--device', 'tpu'), 2, /webgpu, cpu, reference/)
  })

  it('a label that the model does not have', async () => {
    expectLine(await explain('--index', '1', '--labels', '12', '--samples', '10'), 2, /label 12 .*0 to 9\n$/)
  })

  it('an image of another size', async () => {
    const file = join(folder, 'large.png')
    writeFileSync(file, encodePng({ data: new Float64Array(32 * 30), height: 32, width: 30, channels: 1 }))
    expectLine(await explain('--image', file), 1, /images of shape \[28, 28, 1\], the image is \[32, 30, 1\]\n$/)
  })

  it('a corrupt model and a corrupt image', async () => {
    const whole = readFileSync(model)
    for (const [name, bytes] of [
      ['truncated', whole.subarray(0, 5000)],
      ['noise', Buffer.from(Array.from({ length: 600 }, (_, i) => (i * 7919) % 251))],
      ['empty', Buffer.alloc(0)],
    ] as const) {
      const file = join(folder, name)
      writeFileSync(file, bytes)
      expectLine(await limelight('explain', '--model', file, '--index', '1'), 1, new RegExp(`${name}: `))
      expectLine(await explain('--image', file), 1, /PNG/)
    }
  })

  it('wrong usage', async () => {
    expectLine(await limelight('explain', '--index', '1'), 2, /required option '--model <file>'/)
    expectLine(await explain(), 2, /--image FILE.*--index N/)
    expectLine(await limelight('paint'), 2, /unknown command 'paint'/)
    expectLine(await limelight('train', '--epochs', '0', '--save', join(folder, 'x')), 2, /whole number of at least 1/)
  })

  it('an empty path or name', async () => {
    expectLine(await limelight('train', '--save', ''), 2, /'--save <file>' .* expected a path/)
    expectLine(await limelight('evaluate', '--model', ''), 2, /'--model <file>' .* expected a path/)
    expectLine(await limelight('tutorial', '--out', ''), 2, /'--out <folder>' .* expected a path/)
    expectLine(await explain('--index', '1', '--out', ''), 2, /'--out <folder>' .* expected a path/)
    expectLine(await explain('--image', ''), 2, /'--image <file\.\.\.>' .* expected a path/)
    expectLine(await explain('--index', '1', '--segmenter', ''), 2, /'--segmenter <name>' .* expected a name/)
  })

  it('a folder in place of a file', async () => {
    const noModel = /limelight-cli-\w+: this is a folder that holds no model; Limelight opens ONNX/
    expectLine(await limelight('evaluate', '--model', folder), 1, noModel)
    mkdirSync(join(folder, 'no-pictures'), { recursive: true })
    expectLine(
      await explain('--image', join(folder, 'no-pictures')),
      2,
      /no-pictures: there are no pictures in this folder\n$/,
    )
  })

  it('a folder for the pictures that can not be written to, before anything is explained', async () => {
    const file = join(folder, 'in-the-way')
    writeFileSync(file, '')
    expectLine(await explain('--index', '1', '--out', join(file, 'out')), 1, /^limelight: can't write .*\n$/)
  })

  it('options of training beside a trained model', async () => {
    for (const option of ['--seed', '--limit', '--epochs']) {
      const outcome = await limelight('tutorial', '--model', model, option, '3', '--out', join(folder, 'unused'))
      expectLine(outcome, 2, new RegExp(`'${option} <n>' cannot be used with option '--model <file>'`))
    }
  })

  it('a model to evaluate that does not tell the ten classes apart', async () => {
    const expectRefused = async (layers: LayerDescription[], pattern: RegExp) => {
      const file = join(folder, 'other.safetensors')
      writeFileSync(file, modelToBytes(new Sequential({ inputShape: [28, 28, 1] }, layers)))
      expectLine(await limelight('evaluate', '--model', file, '--device', 'cpu'), 1, pattern)
    }
    const softmax = activation('softmax')
    await expectRefused([flatten(), dense({ units: 12 }), softmax], /ends in \[12\].* expected a softmax over the 10/)
    await expectRefused([flatten(), dense({ units: 10 })], /no activation; expected a softmax over the 10/)
  })

  it('a result that the disk has no room for', { skip: !existsSync('/dev/full') }, async () => {
    const full = openSync('/dev/full', 'w')
    const { code, stderr } = await new Promise<Omit<Outcome, 'stdout'>>((resolve) => {
      const words = [join(root, 'dist/cli.js'), '--version']
      const child = spawn(process.execPath, words, { stdio: ['ignore', full, 'pipe'] })
      let stderr = ''
      child.stderr?.on('data', (part) => {
        stderr += part
      })
      child.on('close', (code) => resolve({ code, stderr }))
    })
    closeSync(full)
    expectLine({ code, stdout: '', stderr }, 1, /^limelight: can't write the result: ENOSPC.*\n$/)
  })

  it('a working folder that is gone', { skip: process.platform === 'win32' }, async () => {
    const script = 'mkdir gone && cd gone && rmdir ../gone && exec "$0" "$1" data'
    const words = ['-c', script, process.execPath, join(root, 'dist/cli.js')]
    const outcome = await new Promise<Outcome>((resolve) => {
      const child = spawn('sh', words, { cwd: folder, env: { ...process.env, LIMELIGHT_DATA: 'relative' } })
      let stderr = ''
      child.stderr.on('data', (part) => {
        stderr += part
      })
      child.on('close', (code) => resolve({ code, stdout: '', stderr }))
    })
    expectLine(outcome, 1, /^limelight: the current folder no longer exists/m)
  })

  it('a model that can not be saved where it should', async () => {
    const file = join(folder, 'file')
    writeFileSync(file, '')
    const words = [
      'train',
      '--limit',
      '16',
      '--epochs',
      '1',
      '--batch-size',
      '16',
      '--device',
      'cpu',
      '--save',
      join(file, 'model'),
    ]
    // Before anything is trained.
    expectLine(await limelight(...words), 1, /^limelight: can't write .*\n$/)
  })
})
