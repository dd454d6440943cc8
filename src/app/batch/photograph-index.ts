import { createHash } from 'node:crypto'
import { isFailed, type PhotographLine } from './photograph-line.ts'
import { escapeHtml, reportStyle } from './report-page.ts'

/** The page that leads to the reports of many photographs: what each was taken for, and where the evidence lies. */

/** Folders beside the page. */
export const reportsFolder = 'reports'
export const thumbnailsFolder = 'thumbnails'

/** A name for a photograph's files that no other has, and that tells people which it is: 'coffee-1f0c9a2b'. */
export function nameOfPhotograph(path: string, digest: string): string {
  const stem = (path.split('/').at(-1) ?? '').replace(/\.[^.]*$/, '').replace(/[^\p{L}\p{N}_-]+/gu, '-')
  const key = createHash('sha256').update(`${digest}:${path}`).digest('hex').slice(0, 12)
  return `${stem.slice(0, 60)}-${key}`
}

const style = `
.cards { display: grid; grid-template-columns: repeat(auto-fill, minmax(17rem, 1fr)); gap: 1.4rem; list-style: none; padding: 0; }
.cards li { border: 1px solid var(--line); border-radius: 6px; overflow: hidden; }
.cards a { color: inherit; text-decoration: none; display: block; }
.cards a:hover h2, .cards a:focus h2 { text-decoration: underline; }
.cards img { width: 100%; display: block; aspect-ratio: 2 / 1; object-fit: contain; background: #8882; border-radius: 0; }
.cards h2 { font-size: 1rem; margin: .6rem .8rem 0; padding: 0; border: 0; overflow-wrap: anywhere; }
.cards p { margin: .1rem .8rem .7rem; color: var(--quiet); font-size: .9rem; overflow-wrap: anywhere; }
`

/** @param network the network's file, for people */
export function photographIndex(lines: readonly PhotographLine[], network: string): string {
  const failed = lines.filter(isFailed)
  const many = `${lines.length - failed.length} photograph${lines.length - failed.length === 1 ? '' : 's'}`
  return `<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>${many}, explained</title>
<style>${reportStyle}${style}</style>
</head>
<body>
<h1>${many}, explained</h1>
<p class="lead">What ${escapeHtml(network)} takes them for, and why: <span class="key for"></span> speaks for it, <span class="key against"></span> against it.</p>
<ul class="cards">
${lines
  .filter((line) => !isFailed(line))
  .map(card)
  .join('\n')}
</ul>
${failed.length > 0 ? `<h2>Not explained</h2>\n<dl>${failed.map(({ image, error }) => `<dt>${escapeHtml(image)}</dt><dd>${escapeHtml(error)}</dd>`).join('\n')}</dl>` : ''}
</body>
</html>
`
}

function card(line: PhotographLine): string {
  if (isFailed(line)) return ''
  const { image, best, report } = line
  const [{ name, probability, value }] = best
  const number =
    probability === undefined ? String(Number(value?.toPrecision(6))) : `${(100 * probability).toFixed(1)} %`
  const address = (folder: string, ending: string) => `${folder}/${encodeURIComponent(report)}.${ending}`
  return `<li><a href="${address(reportsFolder, 'html')}"><img loading="lazy" alt="${escapeHtml(`${image}, and what speaks for ${name} in it`)}" src="${address(thumbnailsFolder, 'png')}"><h2>${escapeHtml(name)} ${number}</h2><p>${escapeHtml(image)}</p></a></li>`
}
