/** Results as files: numbers and, where something was measured, a chart. */
import { mkdirSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { chart } from './chart.mjs'
import { report } from './report.mjs'

/** Prints the tables and writes <device>.json and .svg. @param {import('./work.mjs').Item[]} items what was measured, in this order */
export function writeResults(folder, results, items) {
  const { device, rows } = results
  console.log(report(results, items))
  mkdirSync(folder, { recursive: true })
  writeFileSync(join(folder, `${device}.json`), `${JSON.stringify(results, rounded, 2)}\n`)
  if (rows.some((row) => !row.why)) writeFileSync(join(folder, `${device}.svg`), chart(results, items))
  console.log(`\nWritten: ${join(folder, device)}.json and .svg`)
}

/** Four digits are more than the noise leaves. */
function rounded(_key, value) {
  return typeof value === 'number' ? Number(value.toPrecision(4)) : value
}
