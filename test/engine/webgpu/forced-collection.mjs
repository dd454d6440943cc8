/**
 * Devices used, left and disposed of in every way while garbage is collected as often as can be, through the public face.
 * Run with --expose-gc and the names of ways; prints the ways as they are gone through, then how many devices were opened and
 * how many of them are still there once all work has ended. Ends by itself.
 */
import { setImmediate as turn } from 'node:timers/promises'
import { adam, conv2d, dense, flatten, openDevice, sequential } from '../../../dist/index.js'

const rounds = 5
/** Turns of the event loop that what has ended is given to be collected. */
const mostTurns = 500

const opened = []
const calls = []

async function open() {
  const device = await openDevice('webgpu')
  opened.push(new WeakRef(device), new WeakRef(device.gpu))
  return device
}

/** Not awaited. Collects as soon as it has settled, whether well or not. */
function begin(call) {
  calls.push(call.then(gc, gc))
}

const images = { data: new Float32Array(8 * 36).fill(0.5), shape: [8, 6, 6, 1] }
const labels = [0, 1, 2, 0, 1, 2, 0, 1]

async function compiled(device) {
  const model = sequential({ inputShape: [6, 6, 1], seed: 1 }, [
    conv2d({ filters: 4, kernelSize: 3, activation: 'relu' }),
    flatten(),
    dense({ units: 3, activation: 'softmax' }),
  ])
  await model.compile({ device, optimizer: adam() })
  return model
}

async function turns(count) {
  for (let i = 0; i < count; i++) await turn()
}

const ways = {
  async predicting() {
    const device = await open()
    const model = await compiled(device)
    begin(model.predict(images))
    model.dispose()
    device.dispose()
  },
  async opening() {
    begin(open().then((device) => device.dispose()))
  },
  async compiling() {
    const device = await open()
    begin(compiled(device).then((model) => model.predict(images)))
    await turns(2)
    device.dispose()
  },
  async training() {
    const device = await open()
    const model = await compiled(device)
    const onBatchEnd = ({ epoch }) => {
      if (epoch === 2) device.dispose()
    }
    begin(model.fit(images, labels, { batchSize: 2, epochs: 3, onBatchEnd }))
    await turns(20)
  },
  async tuning() {
    const device = await open()
    const model = await compiled(device)
    const onProgress = (done) => {
      if (done === 2) device.dispose()
    }
    begin(model.tune({ batchSize: 2, onProgress }))
    await turns(20)
  },
  async profiling() {
    const device = await open()
    const model = await compiled(device)
    begin(model.profile({ batchSize: 2 }))
    await turns(10)
    device.dispose()
    device.dispose()
  },
  async losing() {
    const device = await open()
    const model = await compiled(device)
    begin(model.predict(images))
    device.gpu.destroy()
  },
  async leaving() {
    const device = await open()
    const model = await compiled(device)
    begin(model.predict(images))
  },
}

for (const name of process.argv.slice(2)) {
  console.log(name)
  for (let round = 0; round < rounds; round++) {
    await ways[name]()
    for (let i = 0; i < 4; i++) {
      gc()
      await turn()
    }
  }
}
await Promise.all(calls)
const left = () => opened.filter((each) => each.deref() !== undefined).length
for (let i = 0; i < mostTurns && left() > 0; i++) {
  // A WeakRef that was looked at keeps what it refers to until the next turn.
  await turn()
  gc()
  await turn()
}
console.log(`${opened.length} opened, ${left()} left`)
