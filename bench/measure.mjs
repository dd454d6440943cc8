/**
 * Measures contenders against each other. All who do an item take turns, one run each a round (A B C, A B C, …), so that
 * noise hits all of them; a ratio is the median of the rounds' ratios. Who is too slow for all rounds leaves after two.
 */

/** Of the largest value. */
const outputTolerance = 1e-4
/** Of the largest weight, which differences of outputs make. */
const weightTolerance = 1e-3
const lossTolerance = 1e-3
/** Thread pools spin for a while after their work; the next one shall have the cores to itself. */
const pauseMs = 60
/** Each is a process of its own, with everything compiled again. */
const coldRounds = 3
/** Who answers nothing for so long hangs. */
const silenceMs = 20 * 60_000

const pause = () => new Promise((resolve) => setTimeout(resolve, pauseMs))

/**
 * @param contenders who stands in one place, ours first
 * @param start (contender, { cold }?) -> { ask, close }
 * @param {object} settings
 * @param {string} settings.device
 * @param {import('./work.mjs').Item[]} settings.items what is measured
 * @param {number[]} [settings.comparedBatches] numbers of images whose outputs are compared with ours first
 * @param {number} [settings.comparedSamples] whose explanation's weights are compared with ours first
 * @param {number} settings.rounds
 * @param {number} settings.budgetMs who has taken so long for an item takes two rounds only
 * @param {number} [settings.patienceMs] whose one run would take longer than this is left out
 * @param {(text: string) => void} settings.say
 * @returns {Promise<{rows: object[], ceiling: object, adapter?: string, kernels: object[]}>}
 */
export async function measure(contenders, start, settings) {
  const { device, items, comparedBatches = [32], comparedSamples, rounds, budgetMs, patienceMs, say } = settings
  const begin = (contender, how) => unlessSilent(start(contender, how))
  const ceilingSeat = begin({ peer: 'ceiling', options: { device } })
  const ceiling = {}
  let adapter
  async function lookAtCeiling() {
    const answer = await ceilingSeat.ask({ ask: 'ceiling', options: { device } })
    adapter ??= answer.adapter
    for (const [name, value] of Object.entries(answer.ceiling ?? {}))
      if (value) ceiling[name] = Math.max(ceiling[name] ?? 0, value)
  }
  say('measuring the ceiling')
  await lookAtCeiling()

  const rows = []
  const seats = []
  for (const contender of contenders) {
    say(`opening ${contender.name}`)
    const seat = await open(contender, begin, seats, comparedBatches)
    if (seat.why)
      for (const item of items.filter((item) => isExpected(contender, item)))
        rows.push({ ...rowOf(contender, item), why: seat.why })
    else seats.push(seat)
  }

  /** The first loss of a training from the shipped weights, by ours: who has another trains something else. */
  const losses = new Map()
  async function compareLoss(seat, count) {
    if (!losses.has(count)) losses.set(count, await seats[0].ask({ ask: 'first', count }))
    const ours = losses.get(count)
    const theirs = seat === seats[0] ? ours : await seat.ask({ ask: 'first', count })
    if (theirs.error ?? ours.error) return theirs.error ?? ours.error
    if (Math.abs(theirs.loss - ours.loss) <= lossTolerance) return undefined
    return `its first loss is ${theirs.loss}, ours ${ours.loss}: not measured`
  }

  /** Values that a seat gives when it is asked for some, with the first one's, which is ours. */
  const given = new Map()
  async function compareValues(seat, ask, count, tolerance) {
    const theirs = await seat.ask({ ask, count })
    if (theirs.error) return theirs.error
    const key = `${ask} ${count}`
    if (!given.has(key)) given.set(key, theirs)
    const ours = given.get(key)
    const difference = largestDifference(theirs.values, ours.values) / ours.largest
    if (difference <= tolerance) return undefined
    return `its results differ from ours by ${difference.toExponential(1)} of the largest: not measured`
  }

  const comparisons = {
    training: compareLoss,
    convolution: (seat, count) => compareValues(seat, 'convolve', count, outputTolerance),
    ...(comparedSamples && { explanation: (seat) => compareValues(seat, 'weigh', comparedSamples, weightTolerance) }),
  }

  async function tooSlow(seat, { kind }, count) {
    if (!patienceMs) return undefined
    const { ms, error } = await seat.ask({ ask: 'estimate', kind, count })
    if (error) return error
    const seconds = (ms) => Math.round(ms / 1000)
    if (ms > patienceMs) return `a run would take about ${seconds(ms)} s: more than ${seconds(patienceMs)} s`
  }

  /** Ours, each alone: as it comes, or with every variant where it was tuned. */
  async function kernelsOf(seat) {
    if (device !== 'webgpu' || !seat) return []
    say(`measuring the kernels of ${seat.contender.name}`)
    return (await seat.ask({ ask: 'kernels' })).kernels ?? []
  }

  /** Everyone who does an item, with the row of results: those who can't have the reason in theirs. */
  async function takersOf(item) {
    const takers = []
    for (const seat of seats) {
      const offer = seat.kinds[item.kind]
      if (!offer || !isExpected(seat.contender, item)) continue
      say(`${item.title}: warming up ${seat.contender.name}`)
      const count = Math.min(item.count, offer.most ?? item.count)
      const row = { ...rowOf(seat.contender, item), version: seat.version, how: seat.how, count, times: [] }
      rows.push(row)
      row.why = offer.why ?? (await tooSlow(seat, item, count))
      if (!row.why && !item.cold) row.why = await prepare(seat, item, row)
      if (!row.why) takers.push({ seat, row })
    }
    return takers
  }

  async function prepare(seat, { kind }, row) {
    const { count } = row
    const difference = await comparisons[kind]?.(seat, count)
    if (difference) {
      seat.kinds[kind] = { why: difference }
      return difference
    }
    const { error, batch, how, samples } = await seat.ask({ ask: 'prepare', kind, count })
    if (batch) row.batch = batch
    if (samples) row.samples = samples
    if (how) row.how = `${row.how}, ${how}`
    return error
  }

  async function coldRun({ contender }, { kind }, count) {
    const { peer, options } = contender
    const { ask, close } = begin(contender, { cold: true })
    const opened = await ask({ ask: 'open', peer, options })
    const first = opened.error ? opened : await ask({ ask: 'cold', kind, count })
    const { peak } = await ask({ ask: 'memory' })
    await close()
    return first.error ? first : { ms: opened.ms + first.ms, peak }
  }

  for (const item of items) {
    const takers = await takersOf(item)
    const itemRounds = item.cold ? Math.min(rounds, coldRounds) : rounds
    for (let round = 0; round < itemRounds; round++) {
      say(`${item.title}: round ${round + 1} of ${itemRounds}`)
      if (round % 3 === 0) await lookAtCeiling()
      for (const { seat, row } of takers) {
        const spent = row.times.reduce((sum, ms) => sum + ms, 0)
        if (row.why || (row.times.length >= 2 && spent > budgetMs)) continue
        await pause()
        const { kind } = item
        const { ms, error, peak } = item.cold
          ? await coldRun(seat, item, row.count)
          : await seat.ask({ ask: 'run', kind, count: row.count })
        if (error) row.why = error
        else row.times.push(ms)
        if (item.memory && peak) row.peakMemory = Math.max(row.peakMemory ?? 0, peak)
      }
    }
    if (item.memory && !item.cold)
      for (const { seat, row } of takers) row.peakMemory = (await seat.ask({ ask: 'memory' })).peak
    if (item.counted)
      for (const { seat, row } of takers) {
        say(`${item.title}: counting what ${seat.contender.name} asks for`)
        if (!row.why) row.counters = (await seat.ask({ ask: 'count', kind: item.kind, count: row.count })).counters
      }
  }
  await lookAtCeiling()
  const kernels = await kernelsOf(seats.findLast(({ contender }) => contender.peer === 'ours'))
  await Promise.all([ceilingSeat, ...seats].map((seat) => seat.close()))
  const place = (row) =>
    items.findIndex(({ name }) => name === row.item) * contenders.length +
    contenders.findIndex(({ name }) => name === row.name)
  rows.sort((a, b) => place(a) - place(b))
  const finished = rows.map((row) => {
    const item = items.find(({ name }) => name === row.item)
    return row.why ? { ...row, times: undefined } : summarise(row, rows, item, ceiling)
  })
  return { rows: finished, ceiling, adapter, kernels }
}

const isExpected = ({ expected, isTuned }, { kind, cold }) => expected.includes(kind) && !(isTuned && cold)

const rowOf = ({ peer, host, name, isTuned, threads, arithmetic, fused }, item) => ({
  item: item.name,
  host,
  peer,
  name,
  isTuned,
  threads,
  arithmetic,
  fused,
})

/** Who hangs has gone: from then on every answer is the reason. */
function unlessSilent({ ask, close }) {
  let gone
  return {
    async ask(message) {
      if (gone) return gone
      let timer
      const silence = new Promise((resolve) => {
        timer = setTimeout(() => resolve(undefined), silenceMs)
      })
      const answer = await Promise.race([ask(message), silence])
      clearTimeout(timer)
      if (answer) return answer
      gone = { error: `no answer for ${silenceMs / 60_000} minutes` }
      await close()
      return gone
    },
    close: async () => (gone ? undefined : close()),
  }
}

/** Opens a contender and compares its outputs with ours. */
async function open(contender, start, seats, comparedBatches) {
  const { ask, close } = start(contender)
  const { peer, options } = contender
  const refuse = async (why) => {
    await close()
    return { why }
  }
  const opened = await ask({ ask: 'open', peer, options })
  if (opened.error) return refuse(opened.error)
  const twin = seats.find((seat) => peer === 'ours' && seat.contender.peer === 'ours' && seat.how === opened.how)
  if (twin) return refuse(`this build's device is the same as for "${twin.contender.name}": ${opened.how}`)
  const ours = seats.find((seat) => seat.contender.peer === 'ours')
  if (!ours && peer !== 'ours') return refuse('there is nothing of ours to compare it with')
  const outputs = {}
  for (const count of comparedBatches) {
    const { probabilities, error } = await ask({ ask: 'predict', count })
    if (error) return refuse(error)
    outputs[count] = probabilities
    const expected = ours?.outputs[count] ?? probabilities
    const largest = expected.reduce((most, value) => Math.max(most, Math.abs(value)), 0)
    const difference = largestDifference(probabilities, expected) / largest
    if (!(difference <= outputTolerance))
      return refuse(`its outputs differ from ours by ${difference.toExponential(1)} of the largest: not measured`)
  }
  return { contender, ask, close, outputs, ...opened }
}

function largestDifference(a, b) {
  if (a.length !== b.length) return Number.NaN
  return a.reduce((largest, value, i) => Math.max(largest, Math.abs(value - b[i])), 0)
}

function summarise(row, rows, item, ceiling) {
  const ms = median(row.times)
  const summary = { ...row, ms, min: Math.min(...row.times), max: Math.max(...row.times), timesOurs: {} }
  for (const other of rows) {
    const isRival = other.peer === 'ours' && other.times && !other.why
    if (isRival && other.item === row.item && other.threads === row.threads)
      summary.timesOurs[other.arithmetic ?? (other.isTuned ? 'tuned' : 'ours')] = ratioOf(row, other)
  }
  // Opening is not counted in FLOPs.
  if (item.cold) return summary
  const gflops = (row.count * item.mflop) / ms
  // A WebGPU adapter is one whole; of a processor, the ceiling is a thread's.
  const of = ceiling.fma ? 'fma' : row.fused && ceiling.relaxed_madd ? 'relaxed_madd' : 'mul+add'
  const share = gflops / (ceiling[of] * (row.threads ?? 1))
  return { ...summary, perSecond: (row.count / ms) * 1000, gflops, ceiling: of, share }
}

/** Time an image of the one over time an image of the other, round by round. */
function ratioOf(one, other) {
  const rounds = Math.min(one.times.length, other.times.length)
  return median(Array.from({ length: rounds }, (_, i) => one.times[i] / one.count / (other.times[i] / other.count)))
}

function median(values) {
  const sorted = values.toSorted((a, b) => a - b)
  const middle = sorted.length >> 1
  return sorted.length % 2 ? sorted[middle] : (sorted[middle - 1] + sorted[middle]) / 2
}
