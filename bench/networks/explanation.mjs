/** An explanation of a photograph, the same through whoever answers. Runs in Node and in a browser. */
import { LimeImageExplainer } from '../../dist/lime.js'

/** MobileNetV2's: it takes values from -1 to 1, channels first. */
export const pictureConventions = {
  layout: 'NCHW',
  channels: 'rgb',
  scale: [2],
  offset: [-1],
  output: 'probabilities',
}

/** For functions, which are asked about so many pictures at once. */
const batchSize = 16

/**
 * @param {import('./work.mjs').NetworkWork} work with the picture's bytes in its second file
 * @param classifier a model of ours for pictures, or a function from batches of pictures to probabilities
 * @param {object} design numSamples and what else is not as it comes
 */
function explain({ files, shape: [channels, height, width] }, classifier, design) {
  const [, bytes] = files.values()
  const image = { data: Float32Array.from(bytes, (value) => value / 255), shape: [height, width, channels] }
  const explainer = new LimeImageExplainer({ randomState: 123 })
  return explainer.explainInstance(image, classifier, { ...design, batchSize, randomSeed: 123 })
}

/** What a contender does with it, as contender.mjs describes. @param {object} [design] in place of a number of samples, say */
export function explanationThrough(work, classifier, design = {}) {
  let last
  return {
    async run(numSamples) {
      last = await explain(work, classifier, { numSamples, ...design })
    },
    samples: () => `${last.samples}${last.settled === false ? ', not settled' : ''}`,
    /** The likeliest label's, segment by segment. */
    async weights(numSamples) {
      const { labels, localExp } = await explain(work, classifier, { numSamples })
      return localExp[labels[0]].toSorted(([a], [b]) => a - b).map(([, weight]) => weight)
    },
  }
}

/** A network that takes what the conventions say, as a function of pictures. @param predict (numbers, count) -> a row of each */
export function pictureFunction(predict) {
  return async ({ data, shape: [count, height, width, channels] }) => {
    const places = height * width
    const numbers = new Float32Array(data.length)
    for (let image = 0, at = 0; image < count; image++)
      for (let channel = 0; channel < channels; channel++)
        for (let place = 0; place < places; place++, at++)
          numbers[at] = 2 * data[(image * places + place) * channels + channel] - 1
    const probabilities = await predict(numbers, count)
    return { data: probabilities, shape: [count, probabilities.length / count] }
  }
}
