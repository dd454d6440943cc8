import { playwright } from '@vitest/browser-playwright'
import { defineConfig } from 'vitest/config'
import { chromiumFlags, findChromium } from './test/chromium.ts'
import { hasModels, photographsFolder } from './test/shared-models.ts'

declare module 'vitest' {
  interface ProvidedContext {
    /**
     * What the WebGPU adapter's name must match, so that no run is on another one unnoticed: LIMELIGHT_EXPECT_ADAPTER, in Chromium
     * LIMELIGHT_EXPECT_BROWSER_ADAPTER where that is given.
     */
    expectedAdapter: string
    /** The folder of photographs that are no part of the repository; '' where they are not at hand. */
    photographs: string
  }
}

const photographs = hasModels ? photographsFolder : ''
const expectedAdapter = process.env.LIMELIGHT_EXPECT_ADAPTER ?? ''

/** What `npm run check` leaves to `npm test`: the page in a browser, the command as it is built, adapters, large files, threads, many samples and cases. */
const slow = [
  'test/app/*.test.ts',
  'test/app/cli/**/*.test.ts',
  'test/app/page/*.test.ts',
  'test/app/queue/{run-in-queue,shard-threads,storm,worker}.test.ts',
  'test/app/page/worker/{average-evidence,training-data}.test.ts',
  'test/app/runs/{bucket,folder-store,open-run,result-files}.test.ts',
  'test/app/tasks/fashion-mnist/store.test.ts',
  'test/engine/formats/onnx/{records,webgpu}.test.ts',
  'test/engine/cpu/{relaxed,threads,threads-in-chromium,winograd}.test.ts',
  'test/engine/formats/onnx/backend.test.ts',
  'test/engine/random-graphs.test.ts',
  'test/lime/{equal-requests,numerics,photographs,references}.test.ts',
  'test/engine/webgpu/{dawn,device,leaks}.test.ts',
  'test/engine/training/trajectory.test.ts',
  'test/docs/readme-example.test.ts',
  'test/examples/**/*.test.ts',
  'test/fuzz/**/*.test.ts',
  'test/package-types.test.ts',
]

/** Files that replace modules by their own, or load them anew: others that share the process would get those, or had theirs before. */
const replacing = [
  'test/app/page/worker/{kept,open-working-device}.test.ts',
  'test/app/runs/{failing-explainer,image-source}.test.ts',
  'test/engine/formats/read-weights.test.ts',
  'test/engine/webgpu/advice.test.ts',
]

/** After `fast`, which takes all cores. */
const later = { groupOrder: 1 }

const elsewhere = ['test/**/*.{browser,nightly}.test.ts', 'test/browsers/**']

/**
 * `npm test` runs three projects: first `fast`, what needs seconds, which is `npm run check` as well; then, side by side, `node`, what takes
 * longer, and `browser`, *.browser.test.ts in a real Chromium with WebGPU.
 * Files of `fast` share a process for each core: to load the engine anew for each took as long as their tests. Those of `node` have one each,
 * one after the other: a page alone keeps two cores busy.
 * `other-browsers` visits the page in Firefox and WebKit: `npm run test:browsers`;
 * `nightly` takes too long for every change: `.ci/nightly`.
 * A missing browser is installed or explained by findChromium, a missing adapter fails the tests: nothing is skipped.
 * Only the browser project's setup and the tests of the page look for a browser: the others of `node` run without one.
 */
export default defineConfig({
  test: {
    projects: [
      {
        test: {
          name: 'node',
          provide: { expectedAdapter },
          include: [...slow, ...replacing],
          exclude: elsewhere,
          sequence: later,
          globalSetup: ['test/run-folder.ts', 'test/build-command.ts'],
          testTimeout: 120_000,
          hookTimeout: 120_000,
          // What a page does within a second when it is alone takes longer where other work goes on.
          expect: { poll: { timeout: 20_000 } },
        },
      },
      {
        test: {
          name: 'fast',
          include: ['test/**/*.test.ts'],
          exclude: [...elsewhere, ...slow, ...replacing],
          isolate: false,
          maxWorkers: '100%',
          setupFiles: ['test/shared-process.ts'],
          globalSetup: ['test/run-folder.ts'],
          testTimeout: 60_000,
          hookTimeout: 60_000,
        },
      },
      {
        test: {
          name: 'nightly',
          include: ['test/**/*.nightly.test.ts'],
          sequence: later,
          testTimeout: 1_800_000,
        },
      },
      {
        test: {
          name: 'other-browsers',
          include: ['test/browsers/**/*.test.ts'],
          sequence: later,
          globalSetup: ['test/run-folder.ts'],
          testTimeout: 300_000,
          hookTimeout: 120_000,
        },
      },
      {
        server: { fs: { allow: ['.', ...(photographs ? [photographs] : [])] } },
        test: {
          name: 'browser',
          provide: { expectedAdapter: process.env.LIMELIGHT_EXPECT_BROWSER_ADAPTER ?? expectedAdapter, photographs },
          include: ['test/**/*.browser.test.ts'],
          sequence: later,
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
