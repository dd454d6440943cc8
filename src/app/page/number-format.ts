/** How numbers are written on the page. */

/** 0.98765 -> "98.8 %"; what would be rounded to certainty or to nothing says so. */
export function percent(probability: number): string {
  const value = probability * 100
  if (value > 99.95 && probability < 1) return '> 99.9 %'
  if (value > 0 && value < 0.05) return '< 0.1 %'
  return `${value.toFixed(1)} %`
}

/** Weights and scores: four places, or two digits where that would leave next to nothing; with a true minus sign. */
export function decimal(value: number): string {
  const size = Math.abs(value)
  const text = size > 0 && size < 0.001 ? size.toPrecision(2) : size.toFixed(4)
  return value < 0 && Number(text) !== 0 ? `−${text}` : text
}

/** With a plus sign, for numbers that speak for or against. */
export function signed(value: number): string {
  const text = decimal(value)
  return text.startsWith('−') || Number(text) === 0 ? text : `+${text}`
}

/** A change of a probability, in percentage points: 0.0263 -> "+2.6", -0.412 -> "−41". */
export function points(change: number): string {
  const size = Math.abs(change) * 100
  const text = size >= 10 ? size.toFixed(0) : size.toFixed(1)
  return `${change < 0 ? '−' : '+'}${text}`
}

/** 10000 -> "10,000". By hand: the browser's own first loads its tables of languages, which takes longer than drawing the page. */
export function count(whole: number): string {
  return String(whole).replace(/\B(?=(\d{3})+$)/g, ',')
}

export function duration(ms: number): string {
  return ms >= 1000 ? `${(ms / 1000).toFixed(1)} s` : `${ms < 10 ? ms.toFixed(1) : Math.round(ms)} ms`
}
