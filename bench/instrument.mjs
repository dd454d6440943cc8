/**
 * Looks at what a library does with WebGPU from outside, through the standard's own prototypes: the same for every library.
 */

/** What devices reported and nobody caught, since it was last emptied. */
export const gpuErrors = []

/** From now on every new device's uncaught errors are noted. */
export function watchErrors() {
  const prototype = globalThis.GPUAdapter?.prototype
  if (!prototype) return
  const { requestDevice } = prototype
  prototype.requestDevice = async function (...given) {
    const device = await requestDevice.apply(this, given)
    device.addEventListener('uncapturederror', ({ error }) => gpuErrors.push(error.message.split('\n')[0]))
    return device
  }
}

const bytesOf = (data, start, size) => {
  const unit = data.BYTES_PER_ELEMENT ?? 1
  return size === undefined ? data.byteLength - (start ?? 0) * unit : size * unit
}

/** Counter -> [interface, methods]. */
const counted = {
  dispatches: ['GPUComputePassEncoder', ['dispatchWorkgroups', 'dispatchWorkgroupsIndirect']],
  passes: ['GPUCommandEncoder', ['beginComputePass']],
  submits: ['GPUQueue', ['submit']],
  bindGroups: ['GPUDevice', ['createBindGroup']],
  buffers: ['GPUDevice', ['createBuffer']],
  pipelines: ['GPUDevice', ['createComputePipeline', 'createComputePipelineAsync']],
  writes: ['GPUQueue', ['writeBuffer']],
  copies: ['GPUCommandEncoder', ['copyBufferToBuffer']],
  maps: ['GPUBuffer', ['mapAsync']],
}

/**
 * @param {() => Promise<unknown>} work
 * @returns {Promise<Counters>} what it asked for
 */
export async function count(work) {
  const counters = Object.fromEntries([...Object.keys(counted), 'bytesWritten'].map((name) => [name, 0]))
  const restores = []
  for (const [counter, [name, methods]] of Object.entries(counted))
    for (const method of methods) {
      const { prototype } = globalThis[name]
      const original = prototype[method]
      restores.push(() => {
        prototype[method] = original
      })
      prototype[method] = function (...given) {
        counters[counter]++
        if (counter === 'writes') counters.bytesWritten += bytesOf(...given.slice(2))
        return original.apply(this, given)
      }
    }
  try {
    await work()
  } finally {
    for (const restore of restores) restore()
  }
  return counters
}

/** What each of `units` steps costs that one run has more than another. */
export function each(more, fewer, units) {
  return Object.fromEntries(Object.entries(more).map(([name, value]) => [name, (value - fewer[name]) / units]))
}
