import { isNode, nodeModule } from '../platform/node-module.ts'
import { type ThreadReply, type ThreadRequest, takeChunks, threadMain } from './thread.ts'

/** A worker, of Node's or of a browser's. */
export interface Thread {
  post(request: ThreadRequest): void
  /** Whether Node's process must not end before the thread. */
  keepAlive(wanted: boolean): void
  /** Resolves when it computes no more. */
  end(): Promise<unknown>
}

const nodePort =
  "((port) => ({ post: (reply) => port.postMessage(reply), listen: (receive) => port.on('message', receive) }))(require('node:worker_threads').parentPort)"
const browserPort =
  '{ post: (reply) => postMessage(reply), listen: (receive) => { onmessage = ({ data }) => receive(data) } }'

/** From source text, not from a file: whoever bundles this package need not know of a second entry. */
export function startThread(onReply: (reply: ThreadReply) => void, onGone: (why: string) => void): Thread {
  // Some bundlers name functions by a call of theirs, which the text brings along.
  const source = `const __name = (named) => named; (${threadMain})(${isNode ? nodePort : browserPort}, ${takeChunks})`
  if (isNode) {
    const { Worker: NodeWorker } = nodeModule('node:worker_threads')
    const worker = new NodeWorker(source, { eval: true, execArgv: [] })
    worker.on('message', onReply)
    worker.on('error', ({ message }) => onGone(message))
    worker.on('exit', (code) => onGone(`it ended with code ${code}`))
    return {
      post: (request) => worker.postMessage(request),
      keepAlive: (wanted) => (wanted ? worker.ref() : worker.unref()),
      end: () => worker.terminate(),
    }
  }
  const url = URL.createObjectURL(new Blob([source], { type: 'text/javascript' }))
  const worker = new Worker(url, { name: 'limelight cpu' })
  worker.onmessage = ({ data }: MessageEvent<ThreadReply>) => {
    if (data.kind === 'started') URL.revokeObjectURL(url)
    onReply(data)
  }
  worker.onerror = ({ message }) => onGone(message || 'it could not be started')
  return {
    post: (request) => worker.postMessage(request),
    keepAlive: () => {},
    end: async () => worker.terminate(),
  }
}
