/** The results as text for the terminal. */

/** @param {import('./work.mjs').Item[]} items what was measured, in this order */
export function report({ device, machine, hosts, rows, rounds }, items) {
  const lines = [
    `${device} · ${machine.processor}, ${machine.cores} cores, load ${machine.loadAtStart} at the start · Node ${machine.node}${machine.chromium ? `, Chromium ${machine.chromium}` : ''} · ${machine.commit}`,
    ...Object.values(hosts).map(ceilingLine).filter(Boolean),
  ]
  for (const [host, { title }] of Object.entries(hosts))
    for (const item of items) {
      const here = rows.filter((row) => row.host === host && row.item === item.name)
      if (here.length === 0) continue
      lines.push('', `${item.title} in ${title}`, ...timesTable(here), ...threadsPay(here))
    }
  for (const [host, { title }] of Object.entries(hosts))
    for (const item of items) {
      const here = rows.filter((row) => row.host === host && row.item === item.name && row.counters)
      if (here.length > 0) lines.push('', `What it asks of WebGPU: ${item.title} in ${title}`, ...countersTable(here))
    }
  for (const { title, kernels, ceiling } of Object.values(hosts))
    if (kernels) lines.push('', `Our kernels in ${title}`, ...kernelsTable(kernels, ceiling))
  for (const { title, page } of Object.values(hosts))
    if (page) lines.push('', `The page in ${title}, nothing compiled or remembered`, ...pageTable(page))
  lines.push('', ...(notes[device] ?? processorNotes)(rounds))
  return lines.join('\n')
}

const processorNotes = (rounds) => [
  `Medians of up to ${rounds} interleaved rounds. "x ours": its time over ours at as many threads (above 1: ours is faster).`,
  'GFLOP/s count direct convolution, so Winograd may pass the ceiling: of relaxed_madd for ours relaxed, jax-js and PyTorch, else of mul+add.',
]

const webgpuNotes = (rounds) => [
  `Medians of up to ${rounds} interleaved rounds. "x ours": its time over ours on the same adapter (above 1: ours is faster).`,
  "GFLOP/s count direct convolution, an explanation's as if every image were computed: both may pass the ceiling, the adapter's multiply-adds.",
  'A forward pass takes bytes and gives probabilities, both on the host. A training step is one of several, the last loss read.',
  'The convolution alone, with bias and relu, is one of several on numbers that stay on the device; one number is read at the end.',
  'Kernels: each alone, again and again in one submit, for a forward pass and a training step of 32. GB/s count every operand once.',
  "Counted: calls of WebGPU's own methods. Ours reads losses every 100 ms, a copy and a map each time, the others once at the end.",
]

const networkNotes = (rounds) => [
  `Medians of up to ${rounds} interleaved rounds. "x ours": its time over ours at as many threads, or on the same adapter (above 1: ours is faster).`,
  'GFLOP/s count direct convolution. Numbers go in and come out on the host. Peak MB: what the process has had resident at most by then,',
  'Node and the network included; a loading is in a process or page of its own, from the bytes of the file to the first outputs.',
]

const notes = { webgpu: webgpuNotes, networks: networkNotes }

function ceilingLine({ title, adapter, ceiling }) {
  if (!ceiling) return undefined
  const { fma, copy } = ceiling
  if (fma) return `${title}: ${adapter}; ceilings: ${short(fma)} GFLOP/s of multiply-adds, ${short(copy)} GB/s copied`
  const rates = Object.entries(ceiling).map(([name, value]) => `${name} ${value.toFixed(1)}`)
  return rates.length > 0 ? `SIMD ceiling in ${title}, GFLOP/s a thread: ${rates.join(', ')}` : undefined
}

const percent = (share) => (Number.isFinite(share) ? `${Math.round(share * 100)} %` : '')
const figure = (value) => (value === undefined ? '' : short(value))

const megabytes = ({ peakMemory }) => (peakMemory ? Math.round(peakMemory / 1e6) : '')

const rates = [
  ['images/s', ({ perSecond }) => figure(perSecond)],
  ['GFLOP/s', ({ gflops }) => figure(gflops)],
  ['ceiling', ({ share }) => percent(share)],
]

function timesTable(rows) {
  const rivals = [...new Set(rows.flatMap(({ timesOurs }) => Object.keys(timesOurs ?? {})))]
  const columns = [
    ['', ({ name }) => name],
    ['images', ({ count }) => count],
    ...(rows.some(({ samples }) => samples) ? [['samples', ({ samples }) => samples ?? '']] : []),
    ...(rows.some(({ batch }) => batch) ? [['batch', ({ batch }) => batch ?? '']] : []),
    ['ms', ({ ms }) => short(ms)],
    ['min', ({ min }) => short(min)],
    ['max', ({ max }) => short(max)],
    ['rounds', ({ times }) => times.length],
    ...(rows.some(({ perSecond }) => perSecond) ? rates : []),
    ...(rows.some(({ peakMemory }) => peakMemory) ? [['peak MB', megabytes]] : []),
    ...rivals.map((rival) => [`x ${rival}`, ({ timesOurs }) => timesOurs[rival]?.toFixed(2) ?? '']),
  ]
  return table(columns, rows)
}

const counterTitles = {
  dispatches: 'dispatches',
  passes: 'passes',
  submits: 'submits',
  bindGroups: 'bind groups',
  buffers: 'buffers',
  pipelines: 'pipelines',
  writes: 'writes',
  bytesWritten: 'bytes written',
  copies: 'copies',
  maps: 'maps',
}

function countersTable(rows) {
  const columns = Object.entries(counterTitles).map(([name, title]) => [
    title,
    ({ counters }) => String(Number((counters[name] ?? 0).toFixed(1))),
  ])
  return table([['', ({ name }) => name], ...columns], rows)
}

/**
 * Kernels of ours alone, as `kernels()` of peers/ours.mjs gives them: a line each; where there are variants, a line for each
 * of them, the fastest marked.
 */
function kernelsTable(kernels, ceiling) {
  const names = [...new Set(kernels.map(({ kernel }) => kernel))]
  const variantsOf = new Map(names.map((name) => [name, kernels.filter(({ kernel }) => kernel === name)]))
  const rows = [...variantsOf].flatMap(([kernel, variants]) => {
    if (variants.length === 1) return variants.map((row) => ({ ...row, name: `${kernel}  ${row.variant}`.trimEnd() }))
    const fastest = Math.min(...variants.map(({ us }) => us ?? Number.POSITIVE_INFINITY))
    return variants.map((row) => ({ ...row, name: `${row.us === fastest ? '*' : ' '} ${row.variant}` }))
  })
  const [titles, ...lines] = table(
    [
      ['', ({ name }) => name],
      ['us', ({ us }) => short(us)],
      ['GFLOP/s', ({ gflops }) => figure(gflops)],
      ['of FMA', ({ gflops }) => percent(gflops / ceiling.fma)],
      ['GB/s', ({ gbps }) => figure(gbps)],
      ['of copy', ({ gbps }) => percent(gbps / ceiling.copy)],
      ['ready after ms', ({ compilation }) => figure(compilation)],
    ],
    rows,
  )
  const isFirstVariant = ({ kernel }, i) => variantsOf.get(kernel).length > 1 && kernel !== rows[i - 1]?.kernel
  return [titles, ...lines.flatMap((line, i) => (isFirstVariant(rows[i], i) ? [`  ${rows[i].kernel}`, line] : [line]))]
}

/** What the page's main thread went through, as page-responsiveness.mjs gives it, and from navigation to the end of it. */
function pageTable(phases) {
  const values = (name) => phases.map((phase) => phase[name])
  const sum = (name) => values(name).reduce((total, value) => total + value)
  const whole = {
    name: 'from navigation on',
    ms: sum('ms'),
    longTasks: sum('longTasks'),
    longestTask: Math.max(...values('longestTask')),
    longestFrame: Math.max(...values('longestFrame')),
  }
  const columns = [
    ['', ({ name }) => name],
    ['s', ({ ms }) => (ms / 1000).toFixed(1)],
    ['tasks over 50 ms', ({ longTasks }) => longTasks],
    ['longest, ms', ({ longestTask }) => (longestTask ? short(longestTask) : '–')],
    ['longest frame, ms', ({ longestFrame }) => short(longestFrame)],
  ]
  return table(columns, phases.some(({ why }) => why) ? phases : [...phases, whole])
}

/** Lines of aligned cells; a row with a reason why it has no figures shows that instead. */
function table(columns, rows) {
  const cells = rows.map((row) => (row.why ? [row.name, `– ${row.why}`] : columns.map(([, cell]) => String(cell(row)))))
  const measured = cells.filter((_, i) => !rows[i].why)
  const widths = columns.map(([title], i) => Math.max(title.length, ...measured.map((row) => row[i].length)))
  widths[0] = Math.max(...cells.map(([name]) => name.length))
  const line = (row) => `  ${row.map((cell, i) => (i ? cell.padStart(widths[i]) : cell.padEnd(widths[0]))).join('  ')}`
  return [
    ...(measured.length > 0 ? [line(columns.map(([title]) => title))] : []),
    ...cells.map((row, i) => (rows[i].why ? `  ${row[0].padEnd(widths[0])}  ${row[1]}` : line(row))),
  ]
}

/** What threads bring us: our own times at one thread over those at all. */
function threadsPay(rows) {
  const ours = rows.filter((row) => row.peer === 'ours' && !row.why)
  return ours.flatMap((many) => {
    const one = ours.find((row) => row.threads === 1 && row.arithmetic === many.arithmetic)
    if (!one || !(many.threads > 1)) return []
    return [
      `  ours, ${many.arithmetic}: ${many.threads} threads are ${(one.ms / many.ms).toFixed(2)} times as fast as one`,
    ]
  })
}

/** Four digits are more than the noise leaves. */
export function short(value) {
  return value >= 1000 ? String(Math.round(value)) : String(Number(value.toPrecision(3)))
}
