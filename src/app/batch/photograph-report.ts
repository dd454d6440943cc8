import { Explanation, type ExplanationRequest, type HideColor, type WeightInterval } from '../../lime/index.ts'
import type { ExplainedPhotograph } from '../photographs/explain-photograph.ts'
import { shownOnPhotograph } from '../photographs/on-photograph.ts'
import type { WithoutSegments } from '../photographs/without-segments.ts'
import { encodePng } from '../pictures/encode-png.ts'
import { answerInWords, saysValues, topAnswers } from '../tasks/answers.ts'
import { className, type PictureTask } from '../tasks/picture-task.ts'
import { weightsPng } from './explanation-pictures.ts'
import { mostAnswers, type PhotographFile } from './photograph-record.ts'
import { escapeHtml, pngAddress, reportStyle } from './report-page.ts'
import { segmentCutout } from './segment-cutout.ts'

/** A photograph's explanation as one HTML file that needs nothing else. */

export interface PhotographReport {
  readonly file: PhotographFile
  readonly explained: ExplainedPhotograph
  readonly request: ExplanationRequest
  /** The network's file, for people. */
  readonly network: string
  /** What computed: 'cpu'. */
  readonly device: string
  readonly without: readonly WithoutSegments[]
}

/** Pixels a side of the pictures: as large as the page shows them on most screens. */
const pictureSide = 560

/** A class that is less probable is folded up: its evidence is there, but in nobody's way. */
const leastOpen = 0.05

/** So many segments have a bar. */
const mostBars = 8

export function photographReport(report: PhotographReport): string {
  const { file, explained, network } = report
  const { attribution, photograph, warnings } = explained
  const { task } = photograph
  const shown = shownOnPhotograph(explained, pictureSide)
  const name = file.path.split('/').at(-1) ?? file.path
  const [best] = topAnswers(attribution.prediction, 1, task)
  const picture = encodePng(shown.image)
  const verdict = saysValues(task)
    ? `${best.name}: ${answerInWords(best.number, task)}`
    : `${best.name}, with a probability of ${percent(best.number)}`
  return `<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>${escapeHtml(`${name}: ${best.name}`)}</title>
<style>${reportStyle}</style>
</head>
<body>
<header>
<h1>${escapeHtml(name)}</h1>
<p class="lead">The network ${escapeHtml(fileNameOf(network))} says: <strong>${escapeHtml(verdict)}</strong>.</p>
</header>
${warnings.map((warning) => `<p class="warning">${escapeHtml(warning)}</p>`).join('\n')}
<div class="pair">
<figure><img alt="${escapeHtml(`The photograph ${name}`)}" src="${pngAddress(picture)}"><figcaption>${escapeHtml(seenInWords(explained))}</figcaption></figure>
${answers(explained)}
</div>
${attribution.labels.map((label) => section(label, report, shown)).join('\n')}
${howFound(report)}
</body>
</html>
`
}

/** The most probable classes, or the first values. */
function answers({ attribution, photograph: { task } }: ExplainedPhotograph): string {
  const best = topAnswers(attribution.prediction, mostAnswers, task)
  const isValues = saysValues(task)
  const rows = best.map(({ name, number }) => {
    const bar = isValues ? '' : `<td class="meter"><span style="width:${(100 * number).toFixed(2)}%"></span></td>`
    return `<tr><th scope="row">${escapeHtml(name)}</th>${bar}<td>${isValues ? answerInWords(number, task) : percent(number)}</td></tr>`
  })
  const title = isValues
    ? 'What it says'
    : best.length < attribution.prediction.length
      ? 'Its most probable classes'
      : 'Its classes'
  return `<section><h2>${title}</h2><table class="answers"><tbody>${rows.join('')}</tbody></table></section>`
}

function section(
  label: number,
  { explained, without }: PhotographReport,
  shown: ExplainedPhotograph['attribution'],
): string {
  const { attribution, photograph } = explained
  const { task } = photograph
  const name = className(task, label)
  const isValues = saysValues(task)
  const say = (number: number) => (isValues ? answerInWords(number, task) : percent(number))
  const overlay = weightsPng(shown, label, 'overlay', isValues ? 0 : undefined)
  const hidden = without.find((each) => each.label === label)
  const [more, less] = isValues ? ['raises it', 'lowers it'] : ['speaks for it', 'speaks against it']
  const number = attribution.prediction[label]
  const heading = `<h2>${escapeHtml(name)} <span class="number">${say(number)}</span></h2>`
  const evidence = `<div class="pair">
<figure><img alt="${escapeHtml(`Which parts of the photograph speak for ${name}, in green, and against it, in magenta`)}" src="${pngAddress(overlay)}">
<figcaption><span class="key for"></span> ${more} <span class="key against"></span> ${less}; the stronger the colour, the more.</figcaption></figure>
<div>${bars(label, explained, shown)}${hidden ? consequence(hidden, say(number), say(hidden.number)) : ''}</div>
</div>`
  const isOpen = isValues || number >= leastOpen || label === attribution.labels[0]
  return isOpen
    ? `<section>${heading}${evidence}</section>`
    : `<details><summary>${heading}</summary>${evidence}</details>`
}

/** The largest weights, each with its part of the photograph. */
function bars(label: number, { attribution }: ExplainedPhotograph, shown: ExplainedPhotograph['attribution']): string {
  const weights = attribution.weightsOf(label).slice(0, mostBars)
  const intervals =
    attribution instanceof Explanation && attribution.alpha !== null ? attribution.intervals(label) : null
  const largest = Math.abs(weights[0]?.[1] ?? 0) || 1
  const rows = weights.map(([segment, weight], rank) => {
    const id = attribution.segmentIds[segment]
    const cutout = segmentCutout(shown, segment)
    const part = cutout
      ? `<img class="part" alt="segment ${id}" title="segment ${id}" src="${pngAddress(cutout)}">`
      : segment
    const width = ((50 * Math.abs(weight)) / largest).toFixed(1)
    const side = weight < 0 ? 'against' : 'for'
    return `<tr><th scope="row">${part}</th><td class="weight"><span class="${side}" style="width:${width}%"></span></td><td>${signed(weight)}${intervals ? `<small>${spread(intervals[rank])}</small>` : ''}</td></tr>`
  })
  return `<table class="bars"><caption>What the parts that count most add to it${intervals ? ', and how far other samples might move that' : ''}</caption><tbody>${rows.join('')}</tbody></table>`
}

function spread({ low, high }: WeightInterval): string {
  return low === high ? '' : ` ± ${((high - low) / 2).toPrecision(1)}`
}

function consequence({ seen, hidden }: WithoutSegments, before: string, after: string): string {
  if (hidden.length === 0) return ''
  const parts = hidden.length === 1 ? 'the part that speaks' : `the ${hidden.length} parts that speak`
  return `<figure class="consequence"><img alt="What the network sees then" src="${pngAddress(encodePng(seen))}"><figcaption>With ${parts} most for it hidden, the network sees this: ${before} becomes <strong>${after}</strong>.</figcaption></figure>`
}

function howFound({ file, explained, request, network, device }: PhotographReport): string {
  const { attribution, photograph } = explained
  const { picture, task, segmentedIn = 'network' } = photograph
  const [height, width] = task.pictureShape
  const { samples, sampling } = attribution
  const many =
    samples === 0
      ? 'in closed form'
      : `${samples.toLocaleString('en')} ${sampling === 'exact' ? 'pictures, all there are' : 'pictures with parts hidden at random'}`
  const facts: [string, string][] = [
    ['Photograph', `${file.path}, ${picture.width} x ${picture.height} pixels`],
    ['Network', `${network}, which takes ${width} x ${height} pixels; computed by ${device}`],
    ['How it came there', seenInWords(explained)],
    [
      'Segments',
      `${attribution.segmentCount}, ${segmenterInWords(request)}${request.segmenter?.name === 'map' ? '' : `, found in ${segmentedIn === 'network' ? 'what the network sees' : 'the photograph'}`}`,
    ],
    ['Hidden parts show', hiddenInWords(request.hideColor)],
    ['Method', `${request.method === 'lime' ? 'LIME' : 'Shapley values'}: ${many}`],
    ...(attribution instanceof Explanation ? [scoresOf(attribution, task)] : []),
    [
      'Seeds',
      [
        request.randomState !== undefined && `${request.randomState} for the samples`,
        `${request.randomSeed} for the segmenter`,
      ]
        .filter(Boolean)
        .join(', '),
    ],
  ]
  const rows = facts.map(([name, value]) => `<dt>${name}</dt><dd>${escapeHtml(value)}</dd>`)
  return `<section><h2>How this was found</h2><dl>${rows.join('')}</dl></section>`
}

function scoresOf(explanation: Explanation, task: PictureTask): [string, string] {
  const scores = explanation.labels.map((label) => `${className(task, label)} ${explanation.score[label].toFixed(2)}`)
  return ['Fit (R², 1 is best)', scores.join(', ')]
}

/** How the photograph came to the network, for people. */
export function seenInWords({ photograph, region }: ExplainedPhotograph): string {
  const { picture, task, fit } = photograph
  const [height, width] = task.pictureShape
  const whole = region.height === picture.height && region.width === picture.width
  if (fit === 'squash') return `The network sees all of it, squashed to ${width} x ${height} pixels.`
  if (whole) return `The network sees all of it, resized to ${width} x ${height} pixels.`
  return `The network sees its middle, ${region.width} x ${region.height} pixels, resized to ${width} x ${height}; what is veiled it does not see.`
}

function segmenterInWords({ segmenter }: ExplanationRequest): string {
  if (!segmenter) return 'by quickshift, as is usual for small pictures'
  if (segmenter.name === 'map') return 'as they were given'
  const parameters = Object.entries(segmenter.parameters).map(([name, value]) => `${name} ${value}`)
  return `by ${segmenter.name} (${parameters.join(', ')})`
}

function hiddenInWords(hideColor: HideColor): string {
  if (hideColor === null) return 'their own mean colour'
  if (hideColor === 'mean') return 'the mean colour of the picture'
  if (hideColor === 'blur') return 'the picture out of focus'
  if (hideColor === 'noise') return 'noise'
  if (hideColor === 'inpaint') return 'what surrounds them, grown inwards'
  return `the colour ${[hideColor].flat().join(', ')} (0 is black, 1 is white)`
}

function fileNameOf(path: string): string {
  return path.split(/[\\/]/).at(-1) ?? path
}

function percent(probability: number): string {
  const share = 100 * probability
  return share >= 0.05 || share === 0 ? `${share.toFixed(1)} %` : '< 0.1 %'
}

function signed(weight: number): string {
  return `${weight >= 0 ? '+' : '−'}${Math.abs(weight).toPrecision(2)}`
}
