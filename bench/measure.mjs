/**
 * Measures contenders against each other. All who do an item take turns, one run each a round (A B C, A B C, …), so that
 * noise hits all of them; a ratio is the median of the rounds' ratios. Who is too slow for all rounds leaves after two.
 */
import { items } from './work.mjs'

const comparedImages = 32
const probabilityTolerance = 1e-4
const lossTolerance = 1e-3
/** Thread pools spin for a while after their work; the next one shall have the cores to itself. */
const pauseMs = 60

const pause = () => new Promise((resolve) => setTimeout(resolve, pauseMs))

/**
 * @param contenders who stands in one place, ours first
 * @param start contender -> { ask, close }
 * @returns {Promise<{rows: object[], ceiling: object}>}
 */
export async function measure(contenders, start, { amounts, rounds, budgetMs, wanted, say }) {
  const ceilingSeat = start({ peer: 'ceiling', options: {} })
  const ceiling = {}
  async function lookAtCeiling() {
    const { ceiling: now } = await ceilingSeat.ask({ ask: 'ceiling' })
    for (const [name, value] of Object.entries(now ?? {}))
      if (value) ceiling[name] = Math.max(ceiling[name] ?? 0, value)
  }
  await ceilingSeat.ask({ ask: 'open', peer: 'ceiling', amounts })
  await lookAtCeiling()

  const rows = []
  const seats = []
  for (const contender of contenders) {
    const seat = await open(contender, start, { amounts, seats, say })
    if (seat.why)
      for (const item of wanted.filter((item) => contender.expected.includes(item)))
        rows.push({ ...rowOf(contender, item), why: seat.why })
    else seats.push(seat)
  }

  // Losses before any training: it changes the weights.
  if (wanted.includes('training')) for (const seat of seats) await compareLoss(seat, seats[0])

  for (const item of wanted) {
    const takers = []
    for (const seat of seats) {
      const offer = seat.items[item]
      if (!offer) continue
      const row = { ...rowOf(seat.contender, item), version: seat.version, how: seat.how }
      rows.push(row)
      if (offer.why) {
        row.why = offer.why
        continue
      }
      say(`${items[item].title}: warming up ${seat.contender.name}`)
      const prepared = await seat.ask({ ask: 'prepare', item })
      if (prepared.error) row.why = prepared.error
      else {
        Object.assign(row, { count: offer.count, ...(prepared.batch && { batch: prepared.batch }), times: [] })
        if (prepared.how) row.how = `${row.how}, ${prepared.how}`
        takers.push({ seat, row })
      }
    }
    for (let round = 0; round < rounds; round++) {
      say(`${items[item].title}: round ${round + 1} of ${rounds}`)
      if (round % 3 === 0) await lookAtCeiling()
      for (const { seat, row } of takers) {
        const spent = row.times.reduce((sum, ms) => sum + ms, 0)
        if (row.why || (row.times.length >= 2 && spent > budgetMs)) continue
        await pause()
        const { ms, error } = await seat.ask({ ask: 'run', item })
        if (error) row.why = error
        else row.times.push(ms)
      }
    }
  }
  await lookAtCeiling()
  await Promise.all([ceilingSeat, ...seats].map((seat) => seat.close()))
  const place = (row) =>
    wanted.indexOf(row.item) * contenders.length + contenders.findIndex(({ name }) => name === row.name)
  rows.sort((a, b) => place(a) - place(b))
  return { rows: rows.map((row) => (row.why ? { ...row, times: undefined } : summarise(row, rows, ceiling))), ceiling }
}

const rowOf = ({ peer, host, name, threads, arithmetic, fused }, item) => ({
  item,
  host,
  peer,
  name,
  threads,
  arithmetic,
  fused,
})

/** Opens a contender and compares its probabilities with ours. */
async function open(contender, start, { amounts, seats, say }) {
  say(`opening ${contender.name}`)
  const { ask, close } = start(contender)
  const { peer, options } = contender
  const refuse = async (why) => {
    await close()
    return { why }
  }
  const opened = await ask({ ask: 'open', peer, options, amounts })
  if (opened.error) return refuse(opened.error)
  const twin = seats.find((seat) => peer === 'ours' && seat.contender.peer === 'ours' && seat.how === opened.how)
  if (twin) return refuse(`this build's device is the same as for "${twin.contender.name}": ${opened.how}`)
  const { probabilities, error } = await ask({ ask: 'predict', count: comparedImages })
  if (error) return refuse(error)
  const ours = seats.find((seat) => seat.contender.peer === 'ours')
  if (!ours && peer !== 'ours') return refuse('there is nothing of ours to compare it with')
  const difference = ours ? largestDifference(probabilities, ours.probabilities) : 0
  if (!(difference <= probabilityTolerance))
    return refuse(`its probabilities differ from ours by ${difference.toExponential(1)}: not measured`)
  return { contender, ask, close, probabilities, ...opened }
}

function largestDifference(a, b) {
  if (a.length !== b.length) return Number.NaN
  return a.reduce((largest, value, i) => Math.max(largest, Math.abs(value - b[i])), 0)
}

/** The first loss must be ours on the same images, else it trains something else. */
async function compareLoss(seat, ours) {
  const { count, why } = seat.items.training ?? { why: 'does not train' }
  if (why || seat === ours) return
  const expected = await ours.ask({ ask: 'loss', item: 'training', count })
  const { loss, error } = await seat.ask({ ask: 'loss', item: 'training', count })
  if (error) seat.items.training = { why: error }
  else if (!(Math.abs(loss - expected.loss) <= lossTolerance))
    seat.items.training = { why: `its first loss is ${loss}, ours ${expected.loss}: not measured` }
}

function summarise(row, rows, ceiling) {
  const { mflop } = items[row.item]
  const ms = median(row.times)
  const gflops = (row.count * mflop) / ms
  const arithmetic = row.fused && ceiling.relaxed_madd ? 'relaxed_madd' : 'mul+add'
  const ratios = {}
  for (const arithmetic of ['strict', 'relaxed']) {
    const ours = rows.find(
      (other) =>
        other.peer === 'ours' &&
        other.times &&
        !other.why &&
        other.item === row.item &&
        other.threads === row.threads &&
        (other.arithmetic ?? 'strict') === arithmetic,
    )
    if (ours) ratios[arithmetic] = ratioOf(row, ours)
  }
  return {
    ...row,
    ms,
    min: Math.min(...row.times),
    max: Math.max(...row.times),
    perSecond: (row.count / ms) * 1000,
    gflops,
    ceiling: arithmetic,
    share: gflops / (ceiling[arithmetic] * row.threads),
    timesOurs: ratios,
  }
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
