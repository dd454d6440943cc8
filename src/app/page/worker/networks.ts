import { type Device, LimelightError, type Model } from '../../../engine/index.ts'
import { task } from '../../tasks/chosen-task.ts'
import { samplesOf } from '../../tasks/task.ts'
import type { DeviceChoice, DeviceStatus, NetworkName, ShippedNetwork } from '../contract/engine-api.ts'
import { openWorkingDevice } from './open-working-device.ts'
import { fetchShipped } from './shipped-networks.ts'

/** What else has to move when the device changes. */
export interface Mover {
  /** Before: ends what computes on the old device. The device may be lost already. */
  leave(): Promise<void>
  /** After: compiles for the new device what is compiled elsewhere, and goes on there. */
  arrive(device: Device): Promise<void>
}

/** The page's networks, all on one device that is known to work. */
export class Networks {
  private readonly known = new Map<NetworkName, Model>()
  /** Those that come with the page and were asked for: each is fetched once, and again where that failed. */
  private readonly fetched = new Map<ShippedNetwork, Promise<void>>()
  private current: Device | null = null
  /** Of a network that is being trained: it is compiled by its training. */
  private readonly compiledElsewhere = new Set<NetworkName>()
  private switching: Promise<unknown> = Promise.resolve()

  constructor(
    private readonly mover: Mover,
    private readonly onDevice: (status: DeviceStatus) => void,
  ) {}

  /** What computes now; waits for a switch under way. */
  async device(): Promise<Device> {
    await this.switching.catch(() => {})
    if (!this.current) throw new LimelightError('there is no device that computes')
    return this.current
  }

  /**
   * A network, on the device; waits for a switch under way. One that comes with the page is fetched when it is asked for first.
   * @throws LimelightError when it can't be had
   */
  async get(name: NetworkName): Promise<Model> {
    if (name !== 'own') await this.fetchOnce(name)
    await this.switching.catch(() => {})
    const network = this.known.get(name)
    if (!network) throw new LimelightError(`there is no network "${name}"`)
    return network
  }

  private fetchOnce(name: ShippedNetwork): Promise<void> {
    const before = this.fetched.get(name)
    if (before) return before
    const fetched = fetchShipped(name).then((network) => this.add(name, network))
    this.fetched.set(name, fetched)
    fetched.catch(() => this.fetched.delete(name))
    return fetched
  }

  find(name: NetworkName): Model | null {
    return this.known.get(name) ?? null
  }

  /** Puts a network on the device, in the place of what had its name. */
  async add(name: NetworkName, network: Model): Promise<void> {
    await this.switching.catch(() => {})
    if (this.current) await network.compile({ device: this.current })
    this.put(name, network)
  }

  /** As add(), for a network that somebody else compiles, and compiles again after each switch. */
  addCompiled(name: NetworkName, network: Model): void {
    this.put(name, network)
    this.compiledElsewhere.add(name)
  }

  private put(name: NetworkName, network: Model): void {
    const former = this.known.get(name)
    this.compiledElsewhere.delete(name)
    this.known.set(name, network)
    if (former !== network) former?.dispose()
  }

  /** One switch at a time: the next waits for the one before, whatever becomes of it. */
  useDevice(choice: DeviceChoice): Promise<DeviceStatus> {
    const status = this.switching.catch(() => {}).then(() => this.switchTo(choice))
    this.switching = status
    return status
  }

  private async switchTo(choice: DeviceChoice, lost?: string): Promise<DeviceStatus> {
    await this.mover.leave()
    const [first, ...others] = Array.from(this.known)
      .filter(([name]) => !this.compiledElsewhere.has(name))
      .map(([, network]) => network)
    const former = this.current
    this.current = null
    // compile() lets go of the former device's memory, so that device may go only afterwards.
    const { device, status } = await openWorkingDevice(choice, (candidate) => tryOut(first, candidate))
    for (const network of others) await network.compile({ device })
    await this.mover.arrive(device)
    this.current = device
    device.lost.then((error) => {
      if (this.current !== device) return
      this.switching = this.switching.then(() => this.switchTo('cpu', error.message)).catch(() => {})
    })
    const told = lost ? { ...status, problem: `The device was lost: ${lost} The processor computes instead.` } : status
    this.onDevice(told)
    former?.dispose()
    return told
  }
}

/** Compiles a network for a device and has it predict. */
async function tryOut(network: Model, device: Device): Promise<void> {
  await network.compile({ device })
  try {
    const [height, width] = task.inputShape
    const { data } = await network.predict(samplesOf(task, new Uint8Array(height * width)))
    if (data.length !== task.classNames.length || !data.every(Number.isFinite))
      throw new LimelightError('it computes something else than probabilities')
  } catch (error) {
    network.dispose()
    throw error
  }
}
