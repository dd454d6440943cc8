/** Explains a classifier that is no network of ours: any function from pictures to probabilities will do. */
import { grid, LimeImageExplainer } from 'limelight/lime'

const extent = 32

/** "Dark" or "bright", by the mean of the upper left quarter alone. Pictures come as [N, H, W, C], row-major. */
async function predict({ data, shape: [count, height, width, channels] }) {
  const probabilities = []
  for (let i = 0; i < count; i++) {
    let sum = 0
    for (let y = 0; y < height / 2; y++)
      for (let x = 0; x < width / 2; x++) sum += data[((i * height + y) * width + x) * channels]
    const bright = sum / ((height / 2) * (width / 2))
    probabilities.push([1 - bright, bright])
  }
  return probabilities
}

const image = {
  data: Float64Array.from({ length: extent * extent }, (_, at) => 0.5 + 0.5 * Math.sin(at)),
  shape: [extent, extent],
}
const explainer = new LimeImageExplainer({ randomState: 123 })
const explanation = await explainer.explainInstance(image, predict, {
  segmentationFn: grid({ rows: 2, columns: 2 }),
  hideColor: 0,
  numSamples: 'exact',
})
for (const { segment, weight, low, high } of explanation.intervals(1))
  console.log(`part ${segment}: ${weight.toFixed(4)} of "bright", between ${low.toFixed(4)} and ${high.toFixed(4)}`)
for (const warning of explanation.warnings) console.log(`Note: ${warning}`)
