import * as Comlink from 'comlink'
import modelAddress from '../../../models/fashion-cnn.safetensors?url'
import { type Device, LimelightError, loadModel, type Sequential } from '../../engine/index.ts'
import {
  defaultSegmenter,
  type Explanation,
  LimeImageExplainer,
  type SegmentationFn,
  segmenterNamed,
} from '../../lime/index.ts'
import imagesAddress from '../data/fashion-mnist/t10k-images-idx3-ubyte.gz?url'
import labelsAddress from '../data/fashion-mnist/t10k-labels-idx1-ubyte.gz?url'
import { classNames, imageExtent, readSplit } from '../data/fashion-mnist.ts'
import { evaluateModel } from '../evaluation.ts'
import { tutorialArchitecture } from '../tutorial/network.ts'
import { download } from './download.ts'
import type {
  DeviceChoice,
  DeviceStatus,
  EngineApi,
  Evaluation,
  ExplanationProgress,
  ExplanationResult,
  ExplanationSettings,
  ImageSet,
  SegmenterChoice,
} from './engine-api.ts'
import { openWorkingDevice } from './open-working-device.ts'

/** The engine's side of the page: it computes here, in a Worker, so that the page never stands still. */

const pixelCount = imageExtent * imageExtent
const batchShape = [1, imageExtent, imageExtent, 1] as const
/** Progress is told at most this often, in ms: a screen shows no more. */
const progressInterval = 40

class Engine implements EngineApi {
  private model: Sequential | null = null
  private device: Device | null = null
  private switching: Promise<unknown> = Promise.resolve()
  private explaining: AbortController | null = null
  private explained: Explanation | null = null
  private judging: AbortController | null = null
  private testImages: ImageSet | null = null
  private onDevice: (status: DeviceStatus) => void = () => {}

  async load(choice: DeviceChoice, onDevice: (status: DeviceStatus) => void): Promise<ImageSet> {
    this.onDevice = onDevice
    const [model, images, labels] = await Promise.all([
      download(modelAddress, 'the model'),
      download(imagesAddress, 'the test images'),
      download(labelsAddress, 'their labels'),
    ])
    this.model = await loadModel(model, tutorialArchitecture(0))
    const [set] = await Promise.all([readSplit('test', images, labels), this.useDevice(choice)])
    this.testImages = set
    return set
  }

  /** One switch at a time: the next waits for the one before, whatever becomes of it. */
  useDevice(choice: DeviceChoice): Promise<DeviceStatus> {
    const status = this.switching.then(
      () => this.switchTo(choice),
      () => this.switchTo(choice),
    )
    this.switching = status
    return status
  }

  private async switchTo(choice: DeviceChoice, lost?: string): Promise<DeviceStatus> {
    this.stop()
    this.stopJudging()
    const model = this.loaded()
    const former = this.device
    this.device = null
    // compile() lets go of the former device's memory, so that device may go only afterwards.
    const { device, status } = await openWorkingDevice(choice, async (candidate) => {
      await model.compile({ device: candidate })
      try {
        const { data } = await model.predict({ data: new Uint8Array(pixelCount), shape: batchShape })
        if (data.length !== classNames.length || !data.every(Number.isFinite))
          throw new LimelightError('it computes something else than probabilities')
      } catch (error) {
        model.dispose()
        throw error
      }
    })
    former?.dispose()
    this.device = device
    device.lost.then((error) => {
      if (this.device !== device) return
      this.switching = this.switching.then(() => this.switchTo('cpu', error.message)).catch(() => {})
    })
    const told = lost ? { ...status, problem: `The device was lost: ${lost} The processor computes instead.` } : status
    this.onDevice(told)
    return told
  }

  async predict(pixels: Uint8Array): Promise<Float32Array> {
    await this.switching
    const { data } = await this.loaded().predict({ data: pixels, shape: batchShape, scale: 1 / 255 })
    return data
  }

  async explain(
    pixels: Uint8Array,
    settings: ExplanationSettings,
    onProgress: (progress: ExplanationProgress) => void,
  ): Promise<ExplanationResult> {
    this.stop()
    const controller = new AbortController()
    this.explaining = controller
    this.explained = null
    const { signal } = controller
    await this.switching
    let last = 0
    try {
      const explainer = new LimeImageExplainer({ randomState: settings.seed })
      const image = {
        data: Float64Array.from(pixels, (value) => value / 255),
        shape: [imageExtent, imageExtent, 1],
      }
      const explanation = await explainer.explainInstance(image, this.loaded(), {
        segmentationFn: segmenterFor(settings.segmenter),
        numSamples: settings.samples,
        // All classes: looking at another one then costs nothing.
        topLabels: classNames.length,
        randomSeed: settings.seed,
        signal,
        onProgress: ({ phase, done, total }) => {
          if (done < total && performance.now() - last < progressInterval) return
          last = performance.now()
          onProgress({ phase, done, total })
        },
      })
      this.explained = explanation
      const { segments, labels, intercept, score, localPred, localExp, probabilities, warnings, timings } = explanation
      return {
        settings,
        segments: segments.data,
        segmentCount: segments.data.reduce((most, segment) => Math.max(most, segment), 0) + 1,
        hiddenPixels: Uint8Array.from(explanation.fudgedAsked.data, (value) => Math.round(value * 255)),
        samples: explanation.samples,
        labels: labels.map((label) => ({
          label,
          probability: probabilities.data[label],
          intercept: intercept[label],
          score: score[label],
          localPrediction: localPred[label],
          weights: localExp[label],
          intervals: explanation.intervals(label),
        })),
        warnings,
        timings,
      }
    } finally {
      if (this.explaining === controller) this.explaining = null
    }
  }

  async predictWithout(hidden: readonly number[]): Promise<Float32Array> {
    if (!this.explained) throw new LimelightError('no picture is explained')
    const { asked, fudgedAsked, segments } = this.explained
    const isHidden = new Set(hidden)
    const data = Float32Array.from(asked.data, (value, pixel) =>
      isHidden.has(segments.data[pixel]) ? fudgedAsked.data[pixel] : value,
    )
    await this.switching
    return (await this.loaded().predict({ data, shape: batchShape })).data
  }

  stop(): void {
    this.explaining?.abort()
    this.explaining = null
  }

  async judge(onProgress: (done: number, total: number) => void): Promise<Evaluation> {
    this.stopJudging()
    const controller = new AbortController()
    this.judging = controller
    await this.switching
    if (!this.testImages) throw new LimelightError('the test images are not loaded yet')
    let last = 0
    try {
      return await evaluateModel(this.loaded(), this.testImages, {
        signal: controller.signal,
        onProgress: (done, total) => {
          if (done < total && performance.now() - last < progressInterval) return
          last = performance.now()
          onProgress(done, total)
        },
      })
    } finally {
      if (this.judging === controller) this.judging = null
    }
  }

  stopJudging(): void {
    this.judging?.abort()
    this.judging = null
  }

  private loaded(): Sequential {
    if (!this.model) throw new LimelightError('the model is not loaded yet')
    return this.model
  }
}

function segmenterFor(choice: SegmenterChoice): SegmentationFn {
  if (choice === 'auto') return (image, context) => defaultSegmenter(image)(image, context)
  return segmenterNamed(choice)
}

Comlink.expose(new Engine())
