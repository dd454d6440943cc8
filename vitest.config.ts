import { playwright } from '@vitest/browser-playwright'
import { defineConfig } from 'vitest/config'
import { chromiumFlags, findChromium } from './test/chromium.ts'

declare module 'vitest' {
  interface ProvidedContext {
    /** What the WebGPU adapter's name must match (LIMELIGHT_EXPECT_ADAPTER), so that no run is on another one unnoticed. */
    expectedAdapter: string
  }
}

/**
 * Two projects: `node` runs what needs no browser, `browser` runs *.browser.test.ts in a real Chromium with WebGPU.
 * A missing browser is installed or explained by findChromium, a missing adapter fails the tests: nothing is skipped.
 * Only the browser project's setup and the tests of the page look for a browser: the others of `node` run without one.
 */
export default defineConfig({
  test: {
    provide: { expectedAdapter: process.env.LIMELIGHT_EXPECT_ADAPTER ?? '' },
    projects: [
      {
        test: {
          name: 'node',
          include: ['test/**/*.test.ts'],
          exclude: ['test/**/*.browser.test.ts', 'test/browsers/**'],
          globalSetup: ['test/run-folder.ts', 'test/build-command.ts'],
          testTimeout: 120_000,
          hookTimeout: 120_000,
        },
      },
      {
        test: {
          name: 'other-browsers',
          include: ['test/browsers/**/*.test.ts'],
          globalSetup: ['test/run-folder.ts'],
          testTimeout: 120_000,
          hookTimeout: 120_000,
        },
      },
      {
        server: { fs: { allow: ['.'] } },
        test: {
          name: 'browser',
          include: ['test/**/*.browser.test.ts'],
          globalSetup: ['test/run-folder.ts', 'test/chromium.ts'],
          testTimeout: 300_000,
          hookTimeout: 120_000,
          browser: {
            enabled: true,
            headless: true,
            screenshotFailures: false,
            isolate: false,
            provider: playwright({
              launchOptions: {
                // A getter: read only where the browser project takes part. If there is no browser, its setup says why.
                get executablePath() {
                  try {
                    return findChromium()
                  } catch {
                    return undefined
                  }
                },
                args: chromiumFlags,
              },
            }),
            instances: [{ browser: 'chromium' }],
          },
        },
      },
    ],
  },
})
