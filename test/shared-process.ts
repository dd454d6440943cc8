import { vi } from 'vitest'

/** Vitest's setup of files that share a process: what one of them did to its modules would be done to those that come after it. */
function refuse(): never {
  throw new Error(
    'Files of the project "fast" share a process, so none may replace modules or load them anew: list it in `replacing` (vitest.config.ts)',
  )
}

Object.assign(vi, { mock: refuse, doMock: refuse, resetModules: refuse })
