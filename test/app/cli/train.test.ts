import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { describe, expect, it } from 'vitest'
import { parseSafetensors } from '../../../src/engine/formats/safetensors.ts'
import { readReference } from '../../reference-files.ts'
import { limelight, model, useFolder } from './command.ts'

const folder = useFolder()

describe('limelight', () => {
  it('trains, saves after every epoch with its log, and evaluates what it saved', { timeout: 300_000 }, async () => {
    const file = join(folder, 'trained.safetensors')
    const { code, stdout } = await limelight(
      'train',
      '--limit',
      '1500',
      '--epochs',
      '2',
      '--seed',
      '5',
      '--device',
      'cpu',
      '--json',
      '--save',
      file,
    )
    expect(code).toBe(0)
    const { log, device } = JSON.parse(stdout)
    expect(device.name).toBe('cpu')
    expect(log).toHaveLength(2)
    expect(log[1].loss).toBeLessThan(log[0].loss)
    const { metadata } = parseSafetensors(readFileSync(file))
    expect(JSON.parse(metadata.log)).toEqual(log)
    expect(metadata).toMatchObject({ epochs: '2', seed: '5', batch_size: '256', training_images: '1500' })
    const evaluated = await limelight('evaluate', '--model', file, '--device', 'cpu', '--json')
    expect(evaluated.code).toBe(0)
    const { accuracy, loss } = JSON.parse(evaluated.stdout)
    expect(accuracy).toBeCloseTo(log[1].val_accuracy, 10)
    expect(Math.abs(loss - log[1].val_loss)).toBeLessThan(1e-6)
  })

  it('trains a residual network, whose file says so and is explained', { timeout: 300_000 }, async () => {
    const file = join(folder, 'residual.safetensors')
    const words = ['train', '--network', 'resnet', '--limit', '300', '--epochs', '1', '--device', 'cpu', '--json']
    const trained = await limelight(...words, '--save', file)
    expect(trained.code, trained.stderr).toBe(0)
    expect(trained.stderr).toContain('Trainable params: 77,754')
    const { metadata } = parseSafetensors(readFileSync(file))
    expect(metadata.batch_size).toBe('128')
    expect(metadata.optimizer).toMatch(/^sgd learningRate=.*"schedule":"cosineDecay".* nesterov=true$/)
    const explained = await limelight(
      'explain',
      '--model',
      file,
      '--index',
      '0',
      '--device',
      'cpu',
      '--samples',
      '50',
      '--json',
    )
    expect(explained.code, explained.stderr).toBe(0)
    expect(JSON.parse(explained.stdout).probabilities).toHaveLength(10)
    const wrong = await limelight('train', '--network', 'vgg', '--save', file)
    expect(wrong.code).toBe(2)
    expect(wrong.stderr).toContain('Allowed choices are tutorial, resnet')
  })

  it('prints the report of scikit-learn for the recorded network', { timeout: 300_000 }, async () => {
    const { code, stdout } = await limelight('evaluate', '--model', model, '--device', 'cpu')
    expect(code).toBe(0)
    expect(stdout).toContain(readReference('model-eval.safetensors').metadata.classification_report.trimEnd())
    expect(stdout).toMatch(/^Accuracy 0\.9117, loss 0\.2714 on 10000 images/)
  })
})
