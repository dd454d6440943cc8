/** What the bench takes of the command's sources. */
export { queueAddress } from '../../src/app/queue/queue-address.ts'
export { openQueue } from '../../src/app/queue/queue-connection.ts'
export { submitRun } from '../../src/app/queue/run-in-queue.ts'
export { work } from '../../src/app/queue/worker.ts'
