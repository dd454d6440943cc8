import type { StatedImages } from '../../engine/formats/opened-model.ts'

/** Networks that people know, where their authors published them. Nothing is taken whose SHA-256 differs. */
export interface CatalogueEntry {
  /** What people call it. */
  readonly title: string
  readonly what: string
  readonly licence: string
  /** Where the licence and the network are described. */
  readonly home: string
  readonly model: CatalogueFile
  /** The names of the classes, one a line; the first `skip` of them are of no class of this network. */
  readonly labels?: CatalogueFile & { readonly skip?: number }
  /** What its authors say of the pictures that it takes. */
  readonly images: StatedImages
}

export interface CatalogueFile {
  /** Under which it is kept. */
  readonly name: string
  readonly address: string
  readonly sha256: string
  readonly bytes: number
}

const coral = 'https://raw.githubusercontent.com/google-coral/edgetpu/master/test_data/'
const windows = 'https://raw.githubusercontent.com/microsoft/Windows-Machine-Learning/master/SharedContent/models/'
const source = 'the catalogue'

/** ImageNet's classes in the order that all networks of the catalogue have them, behind a line for the background. */
const imagenetLabels: CatalogueFile = {
  name: 'mobilenet-v2-quantised.labels.txt',
  address: `${coral}imagenet_labels.txt`,
  sha256: '50f42753c6c6a76d4257b5f72cb506e6b8f7266cf8819edf7d3812cf549c4d41',
  bytes: 27_691,
}

export const catalogue: Readonly<Record<string, CatalogueEntry>> = {
  'mobilenet-v2': {
    title: 'MobileNetV2',
    what: 'MobileNetV2 1.0, 224 x 224, 1,001 classes of ImageNet (the first is the background), 8-bit weights',
    licence: 'Apache-2.0',
    home: 'https://github.com/google-coral/edgetpu',
    model: {
      name: 'mobilenet-v2-quantised.tflite',
      address: `${coral}mobilenet_v2_1.0_224_quant.tflite`,
      sha256: '51e8256b05665529f8836fe6e8eeed41b2fc75a900d8eebda338d70a6726f8da',
      bytes: 3_577_952,
    },
    labels: imagenetLabels,
    images: {
      channels: { value: 'rgb', source },
      preprocessing: { value: { scale: [1 / 127.5], offset: [-1] }, source },
    },
  },
  'squeezenet-1.1': {
    title: 'SqueezeNet 1.1',
    what: 'SqueezeNet 1.1, 224 x 224, 1,000 classes of ImageNet, 16-bit weights',
    licence: 'MIT',
    home: 'https://github.com/microsoft/Windows-Machine-Learning',
    model: {
      name: 'squeezenet-fp16.onnx',
      address: `${windows}SqueezeNet_fp16.onnx`,
      sha256: '21f25e3d9254af93e6218a359469fac714a017b3f9035c0f5c4acbf9a3ff7233',
      bytes: 2_484_091,
    },
    labels: { ...imagenetLabels, skip: 1 },
    images: {
      channels: { value: 'bgr', source },
      preprocessing: { value: { scale: [1], offset: [0] }, source },
    },
  },
}
