import { openWebGPUDevice } from '../../src/engine/webgpu/device.ts'
import { fetchReference } from '../fetched-reference.ts'
import { explanationSuite } from './explanation-suite.ts'

explanationSuite({
  name: 'WebGPU',
  open: () => openWebGPUDevice(),
  read: fetchReference,
  // Those with few samples: a software adapter explains some ten images a second.
  explanations: ['quickshift-very-fine-few-samples', 'labels-given-slic'],
  tolerance: 2e-5,
})
