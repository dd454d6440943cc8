/**
 * What an image of many is explained for unless labels are asked for: the label that is predicted and, where it is known, the true one.
 * @param truth the image's true label
 */
export function predictedAndTrue(truth: number | undefined): (probabilities: Float64Array) => number[] {
  return (probabilities) => {
    const predicted = probabilities.indexOf(Math.max(...probabilities))
    return truth === undefined ? [predicted] : [predicted, truth]
  }
}
