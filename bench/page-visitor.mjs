/**
 * What a visitor does on the page, step by step: an async generator yields the name of each step when it is done. Elements are
 * found in the page's own DOM and pressed by mouse. Playwright's locators look through roles and check what lies under the
 * pointer, which makes long tasks that no visitor has.
 */

const segmenters = ['auto', 'quickshift', 'felzenszwalb', 'slic']
const samplings = { number: '1,000 samples', auto: 'until settled', exact: 'every mixture' }
/** What is asked for is explained, or refused: every mixture of many segments is. */
const explained = '[aria-labelledby="explanation-title-left"][aria-busy="false"]'
const phase = (name) => `[data-phase="${name}"]`

/**
 * Explains test image 135 in every way, points at segments, hides some, moves a slider, looks at it from all sides.
 * @param {import('playwright').Page} page
 * @param {string} address the site's
 */
export async function* explain(page, address) {
  await page.goto(`${address}?index=135&segmenter=auto`)
  await press(page, 'button', 'Explain')
  await find(page, '.overlay')
  yield 'first explanation'
  for (const segmenter of segmenters) {
    await choose(page, 'Segments', segmenter)
    for (const [sampling, title] of Object.entries(samplings)) {
      await choose(page, 'Sampling', sampling)
      await find(page, explained)
      await press(page, 'button', 'Explain')
      await find(page, explained)
      yield `${segmenter}, ${title}`
      if (await pointAtSegments(page)) yield `${segmenter}, ${title}: pointing at segments`
    }
  }

  await choose(page, 'Segments', 'felzenszwalb')
  await choose(page, 'Sampling', 'number')
  await find(page, explained)
  await press(page, 'summary', 'More settings')
  await press(page, 'input[title="scale"]')
  for (let i = 0; i < 20; i++) await page.keyboard.press('ArrowRight')
  await find(page, explained)
  yield 'a slider, twenty steps'
  for (const picture of ['Weights alone', 'Segments', 'Four panels', 'On the picture']) {
    await press(page, '.shows label', picture)
    await page.waitForTimeout(200)
  }
  yield 'other pictures of the evidence'
  await press(page, 'summary', 'How far can this be trusted?')
  await find(page, '.trust .facts')
  await find(page, '.trust canvas')
  yield 'how far it can be trusted'
}

/**
 * Trains: the quick recipe with a pause, then the beginning of the tutorial's, whose images are fetched first.
 * @param {import('playwright').Page} page
 * @param {string} address the site's
 */
export async function* train(page, address) {
  await page.goto(`${address}?view=train`)
  await find(page, 'button:enabled', 'Train')
  yield 'the view opens'
  await press(page, 'button', 'Train')
  await find(page, '.epochs tbody tr')
  yield '4,000 images, the first epoch'
  await press(page, 'button', 'Pause')
  await find(page, phase('paused'))
  await press(page, 'button', 'One step')
  await press(page, 'button', 'Resume')
  yield 'a pause and one step'
  await find(page, phase('done'))
  yield 'to the end of the third epoch'
  await press(page, 'button', 'As in the tutorial')
  await press(page, 'button', 'Train')
  await find(page, phase('running'))
  yield '60,000 images are fetched'
  await page.waitForTimeout(10_000)
  yield 'ten seconds of training'
  await press(page, 'button', 'Stop')
  await find(page, phase('stopped'))
  yield 'stopped'
}

/** Waits for the first element of this text that is not disabled, and has it in view: its middle, from the window's corner. */
async function find(page, selector, text = '') {
  const place = await page.evaluate(
    async ([selector, text]) => {
      const fits = (element) => !element.disabled && (text === '' || element.textContent.trim() === text)
      for (const start = performance.now(); performance.now() - start < 120_000; ) {
        const element = [...document.querySelectorAll(selector)].find(fits)
        if (element) {
          element.scrollIntoView({ block: 'nearest', behavior: 'instant' })
          const { x, y, width, height } = element.getBoundingClientRect()
          return { x, y, width, height }
        }
        await new Promise((resolve) => setTimeout(resolve, 20))
      }
      return null
    },
    [selector, text],
  )
  if (!place) throw new Error(`the page has no ${selector} ${text}: it has changed, or something failed`)
  return place
}

async function press(page, selector, text) {
  const { x, y, width, height } = await find(page, selector, text)
  await page.mouse.click(x + width / 2, y + height / 2)
}

/** Lists open outside the page: the choice is made as the browser would. */
async function choose(page, label, value) {
  await page.evaluate(
    ([label, value]) => {
      const isLabelled = ({ labels }) => [...labels].some(({ textContent }) => textContent.trim().startsWith(label))
      const list = [...document.querySelectorAll('.settings select')].find(isLabelled)
      list.value = value
      list.dispatchEvent(new Event('change', { bubbles: true }))
    },
    [label, value],
  )
}

/** Across the picture, down the table, and one or two segments pressed. False where nothing is explained. */
async function pointAtSegments(page) {
  const segments = await page.evaluate(() => document.querySelectorAll('.segments tbody tr').length)
  if (segments === 0) return false
  const { x, y, width, height } = await find(page, '.overlay')
  const steps = 24
  for (let i = 0; i < steps; i++)
    await page.mouse.move(x + ((i + 0.5) / steps) * width, y + (0.5 + 0.4 * Math.sin(i)) * height)
  for (const row of [1, 2, 3, 4, segments]) {
    const button = await find(page, `.segments tbody tr:nth-child(${Math.min(row, segments)}) button`)
    await page.mouse.move(button.x + 2, button.y + 2)
  }
  await press(page, '.segments tbody tr:first-child button')
  if (segments > 1) await press(page, '.segments tbody tr:last-child button')
  await page.waitForTimeout(100)
  await press(page, 'button', 'Show all')
  return true
}
