import { mkdirSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { describe, expect, it } from 'vitest'
import { inOneLine, visible } from '../../../src/app/cli/visible-text.ts'
import { workLog } from '../../../src/app/queue/work-log.ts'
import { network, pictureFile } from '../runs/small-run.ts'
import { limelight, useFolder } from './command.ts'

const folder = useFolder()
// Clears the screen, sets the window's title, turns the writing round; by an escape, by a control of eight bits, by a mark.
const hostile = 'a\x1b[2Jb\x1b]0;owned\x07c\x9b31md\u202ee\r\x7f'
const shown = 'a\\u001b[2Jb\\u001b]0;owned\\u0007c\\u009b31md\\u202ee\\u000d\\u007f'
const controls = /[^\P{Cc}\n\t]|[\u202a-\u202e]/u

describe('text from files', () => {
  it('shows what would act on a terminal, and keeps lines, letters and signs of all languages', () => {
    expect(visible(hostile)).toBe(shown)
    const harmless = 'größe\t猫 قطة 🐈‍⬛\nñ'
    expect(visible(harmless)).toBe(harmless)
    expect(inOneLine('a\nb')).toBe('a\\u000ab')
  })

  it('is the same JSON as before', () => {
    const value = { [hostile]: [hostile, 'plain'] }
    expect(JSON.parse(visible(JSON.stringify(value)))).toEqual(value)
  })

  it('begins no line of a worker’s log', () => {
    const lines: string[] = []
    workLog('text', (line) => lines.push(line))('warning', 'note', 'a\n2026-01-01T00:00:00Z shard 1 is published')
    expect(lines[0]?.split('\n')[1]).toBe('  2026-01-01T00:00:00Z shard 1 is published')
  })
})

describe('limelight, of hostile names', () => {
  it('prints the ids, labels and errors of a run so that they do nothing', async () => {
    const pictures = join(folder, 'pictures')
    mkdirSync(pictures)
    pictureFile(join(pictures, 'good.png'), 1)
    const lines = [
      { id: `${hostile}\nlimelight: forged`, path: 'good.png', label: hostile },
      { id: `${hostile}2`, path: `${hostile}.png` },
    ]
    writeFileSync(join(pictures, 'list.jsonl'), lines.map((line) => `${JSON.stringify(line)}\n`).join(''))
    const run = join(folder, 'run.json')
    writeFileSync(
      run,
      JSON.stringify({
        version: 1,
        request: {
          version: 1,
          method: 'lime',
          samples: 20,
          segmenter: { name: 'grid', parameters: { rows: 2, columns: 2 } },
        },
        model: { source: network, classNames: Array.from({ length: 10 }, (_, i) => `${i}${hostile}\nclass`) },
        images: { source: 'manifest', manifest: join(pictures, 'list.jsonl') },
        output: `out${hostile}`,
      }),
    )
    const ran = await limelight('batch', 'run', run, '--threads', '1')
    expect(ran, ran.stderr).toMatchObject({ code: 0 })
    expect(ran.stderr).toContain(`${shown}2: there is no such file`)
    const summary = await limelight('batch', 'summary', join(folder, `out${hostile}`))
    expect(summary.stdout).toContain(`${shown}\\u000aclass`)
    expect(summary.stdout).toContain(`${shown}\\u000alimelight: forged (±`)
    const finished = await limelight('batch', 'finish', run)
    const again = await limelight('batch', 'plan', run)
    const missing = await limelight('batch', 'summary', join(folder, hostile))
    expect(missing.stderr).toContain(shown)
    for (const { stdout, stderr } of [ran, summary, finished, again, missing])
      expect(stdout + stderr).not.toMatch(controls)
    const json = await limelight('batch', 'summary', join(folder, `out${hostile}`), '--json')
    expect(JSON.parse(json.stdout).mostUnstable[0].id).toBe(`${hostile}\nlimelight: forged`)
  })

  it('prints the names of classes so that they do nothing, and of options that there are not', async () => {
    const labels = join(folder, 'labels.json')
    writeFileSync(labels, JSON.stringify(Array.from({ length: 10 }, (_, i) => `${i}${hostile}`)))
    const picture = join(folder, 'shoe.png')
    pictureFile(picture, 3)
    const predicted = await limelight(
      'predict',
      '--model',
      network,
      '--image',
      picture,
      '--class-names',
      labels,
      '--device',
      'cpu',
    )
    expect(predicted, predicted.stderr).toMatchObject({ code: 0 })
    expect(predicted.stdout).toContain(shown)
    const refused = await limelight('models', `--${hostile}`)
    expect(refused.stderr).toContain(shown)
    for (const { stdout, stderr } of [predicted, refused]) expect(stdout + stderr).not.toMatch(controls)
  })
})
