/** The results as text for the terminal. */
import { items } from './work.mjs'

const hostTitles = { node: 'Node', chromium: 'Chromium' }

export function report({ device, machine, ceilings, rows, rounds }) {
  const lines = [
    `${device} · ${machine.processor}, ${machine.cores} cores, load ${machine.loadAtStart} at the start · Node ${machine.node}${machine.chromium ? `, Chromium ${machine.chromium}` : ''} · ${machine.commit}`,
  ]
  for (const [host, ceiling] of Object.entries(ceilings))
    lines.push(
      `SIMD ceiling in ${hostTitles[host]}, GFLOP/s a thread: ${Object.entries(ceiling)
        .map(([name, value]) => `${name} ${value.toFixed(1)}`)
        .join(', ')}`,
    )
  for (const host of Object.keys(hostTitles))
    for (const item of Object.keys(items)) {
      const here = rows.filter((row) => row.host === host && row.item === item)
      if (here.length === 0) continue
      lines.push('', `${items[item].title} in ${hostTitles[host]}`, ...table(here), ...threadsPay(here))
    }
  lines.push(
    '',
    `Medians of up to ${rounds} interleaved rounds. "x ours": its time over ours at as many threads (above 1: ours is faster).`,
    'GFLOP/s count direct convolution, so Winograd may pass the ceiling: of relaxed_madd for ours relaxed, jax-js and PyTorch, else of mul+add.',
  )
  return lines.join('\n')
}

const columns = ['', 'images', 'ms', 'min', 'max', 'images/s', 'GFLOP/s', 'ceiling', 'x strict', 'x relaxed']

function table(rows) {
  const cells = rows.map((row) =>
    row.why
      ? [row.name, `– ${row.why}`]
      : [
          row.name,
          row.count,
          ...[row.ms, row.min, row.max, row.perSecond, row.gflops].map(short),
          Number.isFinite(row.share) ? `${Math.round(row.share * 100)} %` : '',
          row.timesOurs.strict?.toFixed(2) ?? '',
          row.timesOurs.relaxed?.toFixed(2) ?? '',
        ].map(String),
  )
  const measured = cells.filter((row) => row.length > 2)
  const widths = columns.map((title, i) => Math.max(title.length, ...measured.map((row) => row[i].length)))
  widths[0] = Math.max(...cells.map((row) => row[0].length))
  const line = (row) => `  ${row.map((cell, i) => (i ? cell.padStart(widths[i]) : cell.padEnd(widths[0]))).join('  ')}`
  return [
    line(columns),
    ...cells.map((row) => (row.length > 2 ? line(row) : `  ${row[0].padEnd(widths[0])}  ${row[1]}`)),
  ]
}

/** What threads bring us: our own times at one thread over those at all. */
function threadsPay(rows) {
  const ours = rows.filter((row) => row.peer === 'ours' && !row.why)
  return ours.flatMap((many) => {
    const one = ours.find((row) => row.threads === 1 && row.arithmetic === many.arithmetic)
    if (!one || many.threads === 1) return []
    return [
      `  ours, ${many.arithmetic}: ${many.threads} threads are ${(one.ms / many.ms).toFixed(2)} times as fast as one`,
    ]
  })
}

/** Four digits are more than the noise leaves. */
export function short(value) {
  return value >= 1000 ? String(Math.round(value)) : String(Number(value.toPrecision(3)))
}
