import { CpuDevice } from '../../src/engine/cpu/device.ts'
import { recordedNames } from '../lime/recorded-explanation.ts'
import { readReference } from '../reference-files.ts'
import { explanationSuite } from './explanation-suite.ts'

explanationSuite({
  name: 'cpu',
  open: async () => new CpuDevice(),
  read: async (name) => readReference(name),
  // The colour image was explained with another predictor.
  explanations: recordedNames.filter((name) => name !== 'colour-quickshift'),
  tolerance: 2e-5,
})
