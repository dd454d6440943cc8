/** The results as a picture: a bar a row, images a second, with a whisker from the slowest to the fastest run. */
import { scaleLog } from 'd3-scale'
import { short } from './report.mjs'

const width = 895
const labelWidth = 285
const valueWidth = 130
const barHeight = 15
const barStep = 21
const headHeight = 52
const colours = { ours: '#5a8f00', peer: '#8a8f98', text: '#222', faint: '#ddd', whisker: '#333' }

/** @param {import('./work.mjs').Item[]} items what was measured, in this order */
export function chart({ machine, hosts, rows }, items) {
  const measured = rows.filter((row) => !row.why && row.perSecond)
  let top = 34
  const panels = []
  for (const item of items.filter(({ inChart }) => inChart !== false))
    for (const [host, { title }] of Object.entries(hosts)) {
      const here = measured.filter((row) => row.item === item.name && row.host === host)
      if (here.length === 0) continue
      panels.push(panel(here, `${item.title}, ${title}: images a second (logarithmic)`, top))
      top += headHeight + here.length * barStep + 18
    }
  const title = `Limelight beside its peers · ${machine.processor}, ${machine.cores} cores`
  return `<svg xmlns="http://www.w3.org/2000/svg" width="${width}" height="${top}" viewBox="0 0 ${width} ${top}" font-family="system-ui, sans-serif" font-size="12" fill="${colours.text}">
<title>${escaped(title)}</title>
<rect width="${width}" height="${top}" fill="white"/>
<text x="14" y="24" font-size="15" font-weight="600">${escaped(title)}</text>
${panels.join('\n')}
</svg>
`
}

/** Logarithmic: a plain JavaScript peer is ten thousand times slower. */
function panel(rows, title, top) {
  const rates = rows.flatMap(({ count, min, max }) => [(count / min) * 1000, (count / max) * 1000])
  const x = scaleLog()
    .domain([10 ** Math.floor(Math.log10(Math.min(...rates) / 1.01)), 10 ** Math.ceil(Math.log10(Math.max(...rates)))])
    .range([labelWidth, width - valueWidth])
  const bottom = top + headHeight + rows.length * barStep - 4
  const ticks = x.ticks().filter((tick) => Number.isInteger(Math.log10(tick)))
  const grid = ticks.map(
    (tick) =>
      `<line x1="${x(tick)}" x2="${x(tick)}" y1="${top + headHeight - 6}" y2="${bottom}" stroke="${colours.faint}"/>` +
      `<text x="${x(tick)}" y="${top + headHeight - 10}" text-anchor="middle" fill="#666" font-size="10">${tick}</text>`,
  )
  const bars = rows.map((row, i) => {
    const y = top + headHeight + i * barStep
    const [slowest, fastest] = [row.max, row.min].map((ms) => x((row.count / ms) * 1000))
    const middle = y + barHeight / 2
    return (
      `<text x="${labelWidth - 8}" y="${y + 12}" text-anchor="end">${escaped(row.name)}</text>` +
      `<rect x="${labelWidth}" y="${y}" width="${x(row.perSecond) - labelWidth}" height="${barHeight}" fill="${row.peer === 'ours' ? colours.ours : colours.peer}"/>` +
      `<path d="M${slowest} ${middle}H${fastest}M${slowest} ${middle - 4}v8M${fastest} ${middle - 4}v8" stroke="${colours.whisker}" fill="none"/>` +
      `<text x="${fastest + 8}" y="${y + 12}">${short(row.perSecond)}${rateOfOurs(row)}</text>`
    )
  })
  return `<g><text x="14" y="${top + 24}" font-weight="600">${escaped(title)}</text>\n${[...grid, ...bars].join('\n')}</g>`
}

/** Beside ours of the same place, on `cpu` strict. */
function rateOfOurs({ peer, timesOurs }) {
  const times = timesOurs.ours ?? timesOurs.strict
  return times && peer !== 'ours' ? ` (${short(1 / times)} of ours)` : ''
}

function escaped(text) {
  return text.replace(/[<>&"]/g, (character) => `&#${character.charCodeAt(0)};`)
}
