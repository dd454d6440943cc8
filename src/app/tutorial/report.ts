import { interpolateBlues } from 'd3-scale-chromatic'
import { panelTitles } from '../batch/explanation-pictures.ts'
import { escapeHtml, pngAddress } from '../batch/report-page.ts'
import { task } from '../tasks/chosen-task.ts'
import type { Evaluation } from '../tasks/evaluation.ts'
import { type EpochEntry, trainingCurve } from './curves.ts'

/** One explained prediction, with its pictures. */
export interface ReportChapter {
  readonly title: string
  readonly text: string
  readonly pictures: readonly { readonly caption: string; readonly file: string; readonly png: Uint8Array }[]
  readonly warnings: readonly string[]
}

export interface ReportContents {
  readonly summary: string
  /** Where the model comes from, in a sentence. */
  readonly origin: string
  readonly log: readonly EpochEntry[]
  readonly evaluation: Evaluation
  readonly chapters: readonly ReportChapter[]
}

function confusionTable({ confusionMatrix }: Evaluation): string {
  const largest = Math.max(...confusionMatrix.map((row) => row.reduce((sum, count) => sum + count, 0)))
  const { classNames } = task
  const head = classNames.map((name) => `<th scope="col"><span>${escapeHtml(name)}</span></th>`).join('')
  const rows = confusionMatrix.map((counts, label) => {
    const cells = counts.map((count) => {
      // Square root: mistakes are rare, and they are what one looks for.
      const shade = Math.sqrt(count / largest)
      return `<td style="background:${interpolateBlues(shade)};color:${shade > 0.55 ? '#fff' : '#111'}">${count}</td>`
    })
    return `<tr><th scope="row">${escapeHtml(classNames[label])}</th>${cells.join('')}</tr>`
  })
  return `<table class="confusion"><caption>Rows: true class. Columns: predicted.</caption><thead><tr><td></td>${head}</tr></thead><tbody>${rows.join('')}</tbody></table>`
}

function curves(log: readonly EpochEntry[]): string {
  if (log.length === 0) return '<p>The model file holds no log of its training.</p>'
  const rows = log.map(({ epoch, loss, accuracy, val_loss: valLoss, val_accuracy: valAccuracy }) => {
    const cells = [loss, accuracy, valLoss, valAccuracy].map((value) => `<td>${value?.toFixed(4) ?? '–'}</td>`)
    return `<tr><th scope="row">${epoch}</th>${cells.join('')}</tr>`
  })
  return `<div class="curves"><figure>${trainingCurve(log, 'loss')}<figcaption>Loss</figcaption></figure><figure>${trainingCurve(log, 'accuracy')}<figcaption>Accuracy</figcaption></figure></div>
<details><summary>The numbers</summary><table><thead><tr><th>epoch</th><th>loss</th><th>accuracy</th><th>val_loss</th><th>val_accuracy</th></tr></thead><tbody>${rows.join('')}</tbody></table></details>`
}

function chapter({ title, text, pictures, warnings }: ReportChapter): string {
  const titles = panelTitles.map((name) => `<span>${name}</span>`).join('')
  const figures = pictures.map(
    ({ caption, png }) =>
      `<figure><figcaption>${escapeHtml(caption)}</figcaption><div class="titles" aria-hidden="true">${titles}</div><img alt="${escapeHtml(`${caption}: ${panelTitles.join(', ')}`)}" src="${pngAddress(png)}"></figure>`,
  )
  const notes = warnings.map((warning) => `<p class="warning">${escapeHtml(warning)}</p>`)
  return `<section><h2>${escapeHtml(title)}</h2><p>${escapeHtml(text)}</p>${notes.join('')}${figures.join('')}</section>`
}

/** The whole walk as one HTML file that needs nothing else: curves, summary, confusion matrix, report, pictures. */
export function reportPage({ summary, origin, log, evaluation, chapters }: ReportContents): string {
  return `<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>${task.name}, explained by LIME</title>
<style>
:root { color-scheme: light dark; --line: #8884; }
body { font: 16px/1.5 system-ui, sans-serif; max-width: 62rem; margin: 2rem auto; padding: 0 1rem; }
h1 { margin-bottom: .2rem; }
h2 { margin-top: 2.5rem; border-bottom: 1px solid var(--line); }
pre { overflow-x: auto; font: 13px/1.35 ui-monospace, monospace; }
table { border-collapse: collapse; font-size: 14px; font-variant-numeric: tabular-nums; }
td, th { padding: .3rem .6rem; text-align: right; }
caption { text-align: left; padding: .3rem 0; }
.confusion td { min-width: 2.6rem; text-align: center; }
.confusion thead th { vertical-align: bottom; }
.confusion thead span { writing-mode: vertical-rl; transform: rotate(180deg); }
.scroll { overflow-x: auto; }
.curves { display: grid; grid-template-columns: repeat(auto-fit, minmax(20rem, 1fr)); gap: 1rem; }
figure { margin: 1rem 0; }
figcaption { font-weight: 600; }
svg { width: 100%; height: auto; font: 12px system-ui, sans-serif; fill: currentColor; }
svg .grid { stroke: var(--line); }
img { width: 100%; max-width: 58rem; image-rendering: pixelated; background: #fff; }
.titles { display: grid; grid-template-columns: repeat(4, 1fr); max-width: 58rem; text-align: center; font-size: 14px; }
.warning { border-left: 4px solid #c77700; padding-left: .8rem; }
.big { font-size: 2rem; font-weight: 700; }
</style>
</head>
<body>
<h1>${task.name}, explained by LIME</h1>
<p>${escapeHtml(origin)}</p>
<section><h2>The network</h2><pre>${escapeHtml(summary)}</pre></section>
<section><h2>Training</h2>${curves(log)}</section>
<section><h2>Evaluation</h2>
<p><span class="big">${(evaluation.accuracy * 100).toFixed(2)} %</span> of ${evaluation.count.toLocaleString('en-US')} test images are right; mean loss ${evaluation.loss.toFixed(4)}.</p>
<div class="scroll">${confusionTable(evaluation)}</div>
<h3>Classification report</h3><pre>${escapeHtml(evaluation.report.text)}</pre></section>
${chapters.map(chapter).join('\n')}
</body>
</html>
`
}
