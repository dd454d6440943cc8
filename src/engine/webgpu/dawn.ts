import { DeviceError } from '../errors.ts'

/**
 * Dawn in Node: the npm package `webgpu`. What its create() gives is called an instance here. Dawn crashes, or hangs for
 * good, when an instance is collected while a promise is pending that came from it or from anything made with it. So an
 * instance is referenced by all that is made with it and can give promises, and by those promises until they have settled,
 * `lost` of a device included, which settles after its destroy(). Nothing else references it: then it may go.
 * Version 0.4 keeps Node's process running until then, too; 0.6 only while other promises than `lost` are pending.
 */

export interface Dawn {
  create(flags: readonly string[]): GPU
}

/** @throws DeviceError that says what to install where there is no such package */
export async function importDawn(): Promise<Dawn> {
  // By a variable: bundlers must not follow it.
  const name = 'webgpu'
  try {
    return (await import(/* @vite-ignore */ name)) as Dawn
  } catch (cause) {
    throw new DeviceError(
      'webgpu: Node has no WebGPU of its own. Install the package that brings it: npm install webgpu',
      { cause },
    )
  }
}

/** An instance that lives as long as Dawn needs it, whatever becomes of the references to it. */
export function createInstance(dawn: Dawn): GPU {
  destroyAtExit()
  const instance = dawn.create([])
  new PendingPromises(instance)
  return instance
}

/** How many instances are referenced because promises of theirs are pending: none once all work has ended. For tests. */
export function countPendingInstances(): number {
  return pending.size
}

const pending = new Set<PendingPromises>()

/**
 * Devices that are not lost yet. A process that ends destroys what its libraries share, while Dawn's threads may still compile
 * by it: that crashes, and the process's own exit code is gone. destroy() waits for those threads.
 */
const alive = new Set<GPUDevice>()

let isExitWatched = false

function destroyAtExit(): void {
  if (isExitWatched) return
  isExitWatched = true
  process.once('exit', () => {
    for (const device of alive) device.destroy()
  })
}

/**
 * Counts the pending promises of an instance and of all that is made with it: methods are replaced by ones that count the
 * promises they return, and watch the objects they make in turn.
 */
class PendingPromises {
  private count = 0

  /** The replaced methods, and the promises, reference the instance through this. */
  constructor(readonly instance: GPU) {
    const requestAdapter = instance.requestAdapter.bind(instance)
    instance.requestAdapter = async (options) => {
      const adapter = await this.counted(requestAdapter(options))
      if (adapter) this.watchAdapter(adapter)
      return adapter
    }
  }

  private watchAdapter(adapter: GPUAdapter): void {
    const requestDevice = adapter.requestDevice.bind(adapter)
    adapter.requestDevice = async (descriptor) => {
      const device = await this.counted(requestDevice(descriptor))
      this.watchDevice(device)
      return device
    }
  }

  private watchDevice(device: GPUDevice): void {
    alive.add(device)
    const forget = () => alive.delete(device)
    this.counted(device.lost).then(forget, forget)
    const popErrorScope = device.popErrorScope.bind(device)
    device.popErrorScope = () => this.counted(popErrorScope())
    const createComputePipelineAsync = device.createComputePipelineAsync.bind(device)
    device.createComputePipelineAsync = (descriptor) => this.counted(createComputePipelineAsync(descriptor))
    const createRenderPipelineAsync = device.createRenderPipelineAsync.bind(device)
    device.createRenderPipelineAsync = (descriptor) => this.counted(createRenderPipelineAsync(descriptor))
    const { queue } = device
    const onSubmittedWorkDone = queue.onSubmittedWorkDone.bind(queue)
    queue.onSubmittedWorkDone = () => this.counted(onSubmittedWorkDone())
    const createBuffer = device.createBuffer.bind(device)
    device.createBuffer = (descriptor) => {
      const buffer = createBuffer(descriptor)
      const mapAsync = buffer.mapAsync.bind(buffer)
      buffer.mapAsync = (...range) => this.counted(mapAsync(...range))
      return buffer
    }
    const createShaderModule = device.createShaderModule.bind(device)
    device.createShaderModule = (descriptor) => {
      const module = createShaderModule(descriptor)
      const getCompilationInfo = module.getCompilationInfo.bind(module)
      module.getCompilationInfo = () => this.counted(getCompilationInfo())
      return module
    }
  }

  private counted<T>(promise: Promise<T>): Promise<T> {
    this.count++
    pending.add(this)
    const settled = () => {
      this.count--
      if (this.count === 0) pending.delete(this)
    }
    promise.then(settled, settled)
    return promise
  }
}
