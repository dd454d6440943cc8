import { CommanderError } from 'commander'
import { requestOf } from '../../src/app/cli/explain-options.ts'
import { commandsOf, limelight } from '../../src/app/cli/program.ts'
import { requestOf as requestOfPage } from '../../src/app/page/contract/explanation-settings.ts'
import {
  addressOf,
  kernelWidths,
  maxSamples,
  maxSeed,
  readAddress,
  viewNames,
} from '../../src/app/page/contract/page-address.ts'
import { photographAddress, readPhotographAddress } from '../../src/app/page/contract/photograph-address.ts'
import { photographRequestOf } from '../../src/app/page/contract/photograph-settings.ts'
import { explainerFor, explanationRequest } from '../../src/lime/index.ts'
import { fuzz, must, pick, type Random, whole } from './fuzzing.ts'

const values = [
  '',
  ' ',
  '0',
  '1',
  '3',
  '-1',
  '-0',
  '0.5',
  'NaN',
  'Infinity',
  '1e3',
  '1e400',
  '0x10',
  '9007199254740992',
  '1000000000000',
  '١',
  'auto',
  'exact',
  'cosine',
  'slic',
  'quickshift',
  'n_segments=1e9',
  'sigma=1e9',
  'kernel_size=4',
  '=',
  'a=b=c',
  '0:3',
  '3:0',
  '1,2',
  '1,,2',
  'mean',
  'blur',
  'noise',
  'inpaint',
  '--',
  '-',
  '\0',
  '../x',
  'file',
  'x'.repeat(10_000),
  '__proto__',
  'toString',
]

function strangeWords(random: Random): string[] {
  const command = pick(random, limelight().commands)
  const words = [random() < 0.05 ? pick(random, values) : command.name()]
  if (command.commands.length > 0 && random() < 0.5) words.push(pick(random, command.commands).name())
  // What must be given mostly is: else nothing gets past that.
  for (const option of command.options) {
    if (option.mandatory && random() < 0.95) words.push(option.long ?? '', pick(random, ['file', 'folder']))
    else if (random() < 0.15) {
      words.push(option.long ?? '')
      if (option.required) words.push(pick(random, values))
    }
  }
  if (random() < 0.1) words.splice(whole(random, words.length), 0, pick(random, values))
  return words
}

fuzz("the command's arguments", {
  taken: 0.02,
  refused: 0.3,
  isRefusal: (error) => error instanceof CommanderError,
  async attempt(random) {
    const program = limelight()
    let ran = ''
    let options: unknown = null
    for (const command of commandsOf(program)) {
      command.configureOutput({ writeOut() {}, writeErr() {} })
      command.action((given: unknown) => {
        ran = command.name()
        options = given
      })
    }
    program.configureOutput({ writeOut() {}, writeErr() {} })
    await program.parseAsync(strangeWords(random), { from: 'user' })
    must(ran !== '', 'nothing ran')
    if (ran !== 'explain') return
    // What the command makes of them before it opens anything.
    const request = requestOf(options as Parameters<typeof requestOf>[0])
    explainerFor(request)
    must(request.samples === 'exact' || request.samples === 'auto' || Number(request.samples) <= 1e6, 'endless samples')
  },
})

const names = [
  'view',
  'method',
  'right-method',
  'index',
  'network',
  'label',
  'segmenter',
  'samples',
  'seed',
  'kernel-width',
  'hide-color',
  'explain',
  'n_segments',
  'compactness',
  'sigma',
  'scale',
  'min_size',
  'rows',
  'columns',
  'markers',
  'right-index',
  'right-samples',
  'right-segmenter',
  'right-label',
  'right-seed',
  '__proto__',
  'x',
]

fuzz("the page's address", {
  refused: 0,
  taken: 1,
  attempt(random) {
    const count = whole(random, 8)
    const search = Array.from({ length: count }, () => {
      const value = pick(random, [
        ...values,
        ...viewNames,
        'own',
        'tutorial',
        'shapley',
        '%',
        '%ff',
        '&',
        '#',
        '%00',
        '+3',
        '12',
        '700',
      ])
      return `${pick(random, names)}=${random() < 0.5 ? value : encodeURIComponent(value)}`
    }).join('&')
    const view = readAddress(`?${search}`, 10_000)
    for (const { image, label, settings } of [view.left, view.right]) {
      must(image === null || (Number.isInteger(image) && image >= 0 && image < 10_000), `image ${image}`)
      must(label === null || (Number.isInteger(label) && label >= 0 && label < 10), `label ${label}`)
      const { samples, seed, kernelWidth, parameters } = settings
      must(
        samples === 'auto' ||
          samples === 'exact' ||
          (Number.isInteger(samples) && samples >= 1 && samples <= maxSamples),
        `samples ${samples}`,
      )
      explanationRequest(requestOfPage(settings))
      must(Number.isInteger(seed) && seed >= 0 && seed <= maxSeed, `seed ${seed}`)
      must(kernelWidth >= kernelWidths.min && kernelWidth <= kernelWidths.max, `kernel width ${kernelWidth}`)
      must(Object.values(parameters ?? {}).every(Number.isFinite), 'a parameter that is no number')
    }
    // What it says, it says again.
    const address = addressOf(view)
    if (address !== '') must(addressOf(readAddress(address, 10_000)) === address, `${address} is read otherwise`)
  },
})

const photographNames = [
  ...['picture', 'fit', 'network', 'scale', 'mean', 'std', 'label', 'explain'],
  ...['segmenter', 'segments', 'segmented-in', 'samples', 'sampling', 'seed', 'hide-color'],
]

fuzz("the page's address of photographs", {
  refused: 0,
  taken: 1,
  attempt(random) {
    const search = Array.from({ length: whole(random, 8) }, () => {
      const side = random() < 0.5 ? '' : 'right-'
      const value = pick(random, [...values, 'own', 'crop', 'photograph', 'coffee', '1,2', '0.5,1e-9,-3', ',', '%ff'])
      return `${side}${pick(random, photographNames)}=${random() < 0.5 ? value : encodeURIComponent(value)}`
    }).join('&')
    const place = readPhotographAddress(`?mode=photograph&${search}`)
    for (const { pixels, label, settings } of [place.left, place.right]) {
      const { scale = 1, mean = [], std = [] } = pixels ?? {}
      must([scale, ...mean, ...std].every(Number.isFinite), `pixels by ${JSON.stringify(pixels)}`)
      must(mean.length <= 3 && std.length <= 3, `pixels of more than three channels: ${JSON.stringify(pixels)}`)
      must(label === null || (Number.isInteger(label) && label >= 0), `label ${label}`)
      explanationRequest(photographRequestOf(settings))
    }
    const address = photographAddress('compare', place)
    must(photographAddress('compare', readPhotographAddress(address)) === address, `${address} is read otherwise`)
  },
})
