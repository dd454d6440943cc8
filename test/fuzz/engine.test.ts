import {
  accuracy,
  activation,
  adamW,
  averagePooling2d,
  batchNormalization,
  classificationReport,
  compute,
  confusionMatrix,
  constant,
  conv2d,
  cropping2d,
  dense,
  dropout,
  elu,
  flatten,
  formatSafetensors,
  gaussianDropout,
  gaussianNoise,
  globalMaxPooling2d,
  gradients,
  groupNormalization,
  Input,
  type LayerDescription,
  layerNormalization,
  leakyReLU,
  loadModel,
  maxPooling2d,
  multiHeadAttention,
  normalization,
  openDevice,
  ops,
  packMasks,
  permute,
  prelu,
  Resident,
  randomCrop,
  randomFlip,
  randomTranslation,
  reLU,
  rescaling,
  reshape,
  resizing,
  sequential,
  sgd,
  softmax,
  spatialDropout2d,
  type Tensor,
  upSampling2d,
  zeroPadding2d,
} from '../../src/engine/index.ts'
import { fuzz, must, pick, type Random, strangeValue, whole } from './fuzzing.ts'

/** The types forbid all this; people who write JavaScript do not see them. */
const anything = <T>(value: unknown) => value as T

const device = await openDevice('reference')

/** A strange value now and then, else the plain one. */
function now(random: Random, plain: unknown): unknown {
  return random() < 0.25 ? strangeValue(random) : plain
}

function strangeLayer(random: Random): LayerDescription {
  const made = pick<() => unknown>(random, [
    () => conv2d({ filters: 2, kernelSize: 3, strides: 1, padding: 'same', activation: 'relu', useBias: true }),
    () => maxPooling2d({ poolSize: 2, strides: 2, padding: 'valid' }),
    () => averagePooling2d({ poolSize: 2 }),
    () => globalMaxPooling2d({ keepDims: true }),
    () => upSampling2d({ size: [2, 1], interpolation: 'bilinear' }),
    () =>
      zeroPadding2d({
        padding: [
          [1, 0],
          [0, 2],
        ],
      }),
    () => cropping2d({ cropping: 1 }),
    () => permute({ dims: [2, 1, 3] }),
    () => reshape({ targetShape: [-1, 2] }),
    () => dense({ units: 3, activation: 'softmax' }),
    () => flatten(),
    () => dropout({ rate: 0.5 }),
    () => activation('tanh'),
    () => leakyReLU({ negativeSlope: 0.1 }),
    () => elu({ alpha: 2 }),
    () => prelu({ sharedAxes: [1] }),
    () => batchNormalization({ momentum: 0.9, epsilon: 0.01, center: true, scale: false }),
    () => layerNormalization({ epsilon: 0.1 }),
    () => groupNormalization({ groups: 1 }),
    () => rescaling({ scale: 2, offset: 1 }),
    () => spatialDropout2d({ rate: 0.5 }),
    () => randomFlip({ mode: 'vertical' }),
    () => softmax({ axis: 1 }),
    () => reLU({ maxValue: 6, negativeSlope: 0.1, threshold: 1 }),
    () => normalization({ mean: [1], variance: 4, invert: true }),
    () => resizing({ height: 3, width: 5, interpolation: 'nearest' }),
    () => gaussianNoise({ stddev: 0.1 }),
    () => gaussianDropout({ rate: 0.1 }),
    () => randomCrop({ height: 2, width: 2 }),
    () => multiHeadAttention({ numHeads: 2, keyDim: 3, valueDim: 2, dropout: 0.1, useBias: true, outputShape: [4] }),
    () => ({ layer: 'sequential', inputShape: [8, 8, 1], layers: [strangeLayer(random)] }),
    () => ({
      layer: 'model',
      inputs: [{ name: 'x', shape: now(random, [8, 8, 1]) }],
      layers: { inner: strangeLayer(random) },
      calls: now(random, [{ layer: 'inner', inputs: [0] }]),
      outputs: now(random, [1]),
    }),
    () => randomTranslation({ heightFactor: 0.2, widthFactor: 0.1, fillMode: 'nearest' }),
    () => strangeValue(random),
  ])()
  if (typeof made !== 'object' || made === null || random() < 0.5) return anything(made)
  const layer: object = { ...made }
  Reflect.set(layer, pick(random, [...Object.keys(layer), 'strange']), strangeValue(random))
  return anything(layer)
}

fuzz('layers', {
  taken: 0.05,
  refused: 0.3,
  attempt(random) {
    const layers = Array.from({ length: 1 + whole(random, 3) }, () => strangeLayer(random))
    const options = {
      inputShape: random() < 0.1 ? strangeValue(random) : pick(random, [[8, 8, 1], [9]]),
      seed: now(random, 1),
    }
    const model = sequential(
      anything(random() < 0.05 ? strangeValue(random) : options),
      anything(random() < 0.05 ? strangeValue(random) : layers),
    )
    must(
      model.outputShape.every((extent) => Number.isInteger(extent) && extent > 0),
      `output ${model.outputShape}`,
    )
    must(model.summary().includes('Total params'), 'no summary')
  },
})

fuzz('a model in use', {
  refused: 0.3,
  async attempt(random) {
    const model = sequential({ inputShape: [2] }, [dense({ units: 2, activation: 'softmax' })])
    const schedule = () => ({
      schedule: now(random, 'cosineDecay'),
      initialLearningRate: 0.1,
      decaySteps: now(random, 3),
    })
    const learningRate = () => now(random, pick<unknown>(random, [0.1, schedule()]))
    const optimizer =
      random() < 0.5
        ? adamW(
            anything(
              now(random, { learningRate: learningRate(), beta1: now(random, 0.9), weightDecay: now(random, 0.1) }),
            ),
          )
        : sgd(
            anything(
              now(random, { learningRate: learningRate(), momentum: now(random, 0), nesterov: now(random, true) }),
            ),
          )
    const loss = pick(random, ['sparseCategoricalCrossentropy', 'categoricalCrossentropy', 'meanSquaredError'])
    try {
      await model.compile(
        anything(
          now(random, {
            device,
            optimizer: now(random, optimizer),
            loss: now(random, loss),
            metrics: now(random, loss === 'meanSquaredError' ? ['meanAbsoluteError'] : ['accuracy']),
          }),
        ),
      )
      const samples = anything<Parameters<typeof model.evaluate>[0]>(
        now(random, { data: now(random, new Float32Array(6)), shape: now(random, [3, 2]), scale: now(random, 1) }),
      )
      const targets = { data: now(random, Uint8Array.of(1, 0, 0, 1, 1, 0)), shape: now(random, [3, 2]) }
      const labels = anything<number[]>(
        now(random, loss === 'sparseCategoricalCrossentropy' ? now(random, [0, 1, 0]) : targets),
      )
      const options = (plain: object, ...names: string[]) => {
        const given: Record<string, unknown> = { ...plain }
        if (random() < 0.4) given[pick(random, [...names, 'signal', 'strange'])] = strangeValue(random)
        return anything<Record<string, unknown>>(now(random, given))
      }
      switch (whole(random, 5)) {
        case 0:
          return void must(
            (await model.predict(samples, options({}, 'onProgress'))).data.every(Number.isFinite),
            'no number',
          )
        case 1:
          return void must(
            Number.isFinite((await model.evaluate(samples, labels, options({}, 'onProgress'))).loss),
            'no number',
          )
        case 2: {
          const asked: Record<string, unknown> = options(
            { epochs: 1, batchSize: 2 },
            'shuffle',
            'validationData',
            'from',
            'beforeStep',
            'onBatchEnd',
            'onEpochEnd',
            'onDeviceLost',
          )
          if (
            asked !== null &&
            typeof asked === 'object' &&
            Number(typeof asked.epochs === 'number' && asked.epochs) > 5
          )
            asked.epochs = 2
          return void (await model.fit(samples, labels, asked))
        }
        case 3:
          return void model.setWeights(
            anything(
              now(
                random,
                new Map([
                  ['dense/kernel', now(random, { shape: now(random, [2, 2]), data: now(random, new Float32Array(4)) })],
                  ['dense/bias', { shape: [2], data: [0, now(random, 0)] }],
                ]),
              ),
            ),
          )
        default:
          return void (await model.predictBlended(
            anything(
              now(random, {
                image: new Float32Array(2),
                fudged: now(random, new Float32Array(2)),
                segments: now(random, new Int32Array(1)),
                masks: now(random, new Uint8Array(2)),
                count: now(random, 2),
                segmentCount: now(random, 1),
              }),
            ),
            options({}, 'factored'),
          ))
      }
    } finally {
      model.dispose()
    }
  },
})

const x = new Input('x', [2, 4, 4, 1])
const tensors: Readonly<Record<string, Tensor>> = {
  image: x,
  matrix: new Input('m', [3, 2]),
  row: new Input('r', [2]),
  labels: new Input('l', [3], 'i32'),
  kernel: constant(1, [2, 2, 1, 2]),
  number: constant(2),
}

fuzz('operations', {
  taken: 0.05,
  refused: 0.3,
  attempt(random) {
    const operation = pick(random, Object.values(ops))
    const argument = () => {
      const kind = random()
      if (kind < 0.6) return pick(random, Object.values(tensors))
      if (kind < 0.75)
        return pick<unknown>(random, [
          { axes: 0 },
          { axis: -1 },
          { keepDims: true },
          { strides: 2, padding: 'same' },
          { scale: 2 },
          { poolSize: 2 },
          { begin: [1], steps: [-1] },
          [x, x],
          [
            [1, 0],
            [0, 2],
          ],
          [2, 3],
          [6],
          1,
          3,
        ])
      return strangeValue(random)
    }
    const result: Tensor | Tensor[] = Reflect.apply(
      operation,
      undefined,
      Array.from({ length: 1 + whole(random, 4) }, argument),
    )
    for (const { shape } of [result].flat())
      must(Array.isArray(shape) && shape.every((extent) => Number.isInteger(extent) && extent >= 0), `shape ${shape}`)
  },
})

fuzz('functions of the engine', {
  refused: 0.3,
  async attempt(random) {
    const strange = () => anything<never>(strangeValue(random))
    await pick<() => unknown>(random, [
      () => accuracy(anything(now(random, [0, 1])), strange()),
      () => confusionMatrix(anything(now(random, [0, 1])), anything(now(random, [1, 0])), anything(now(random, 2))),
      () =>
        classificationReport(
          anything(now(random, [0, 1])),
          anything(now(random, [1, 0])),
          anything(now(random, { digits: now(random, 2), targetNames: now(random, ['a', 'b']) })),
        ),
      () => gradients(anything(now(random, tensors.number)), anything(now(random, [now(random, tensors.row)]))),
      () => constant(strange(), anything(now(random, [1]))),
      () => new Input(anything(now(random, 'x')), strange(), anything(now(random, 'f32'))),
      () => new Resident(anything(now(random, 'x')), anything(now(random, 0)), strange()),
      () => packMasks(anything(now(random, new Uint8Array(4))), anything(now(random, 2)), anything(now(random, 2))),
      () =>
        formatSafetensors(
          anything(
            now(
              random,
              new Map([
                [now(random, 'a'), now(random, { shape: now(random, [1]), data: now(random, new Float32Array(1)) })],
              ]),
            ),
          ),
          anything(now(random, { a: now(random, 'b') })),
        ),
      () => loadModel(strange(), anything(now(random, undefined))),
      () => compute(device, anything({ outputs: { y: ops.mul(tensors.number, 2) } })),
    ])()
  },
})
