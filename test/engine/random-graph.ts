import seedrandom from 'seedrandom'
import { ShapeError } from '../../src/engine/errors.ts'
import { ops } from '../../src/engine/ops/public.ts'
import {
  align,
  byteLengthOf,
  constant,
  Input,
  Resident,
  type Shape,
  sizeOf,
  type Tensor,
} from '../../src/engine/tensor.ts'

/** A chain of random operations on random shapes. */
export class RandomGraph {
  readonly inputs: Record<string, Float32Array> = {}
  readonly leaves: { readonly name: string; readonly tensor: Tensor }[] = []
  /** Of the leaves that live in the block `parameters`, by their offsets. */
  readonly parameters = new Map<number, Float32Array>()
  parameterBytes = 0
  readonly tensors: Tensor[] = []
  readonly log: string[] = []
  private readonly random: () => number

  /** @param parameters the share of the leaves but the first that live in the block `parameters`; the others are inputs */
  constructor(
    seed: number,
    private readonly shareOfParameters = 0,
  ) {
    this.random = seedrandom(`graph ${seed}`)
    const images = this.chance(0.6)
    const batch = this.pick([1, 1, 2, 3, 9])
    const extent = (below: number) => 1 + this.below(below)
    this.tensors.push(this.leaf(images ? [batch, extent(9), extent(9), extent(7)] : [extent(40), extent(40)]))
    for (let left = 2 + this.below(6); left > 0; left--) this.grow()
  }

  below(limit: number): number {
    return Math.floor(this.random() * limit)
  }

  chance(probability: number): boolean {
    return this.random() < probability
  }

  pick<T>(items: readonly T[]): T {
    return items[this.below(items.length)]
  }

  leaf(shape: Shape): Tensor {
    const name = `x${this.leaves.length}`
    // Away from 0: relu, step and abs have a kink there, which rounding may cross.
    const values = Float32Array.from({ length: sizeOf(shape) }, () => {
      const value = this.random() * 2 - 1
      return Math.abs(value) < 0.02 ? value + 0.1 : value
    })
    const isParameter = this.leaves.length > 0 && this.shareOfParameters > 0 && this.chance(this.shareOfParameters)
    const tensor = isParameter ? new Resident('parameters', this.parameterBytes, shape) : new Input(name, shape)
    if (tensor instanceof Resident) {
      this.parameters.set(this.parameterBytes, values)
      this.parameterBytes += align(byteLengthOf(tensor))
    } else this.inputs[name] = values
    this.leaves.push({ name, tensor })
    return tensor
  }

  get last(): Tensor {
    return this.tensors[this.tensors.length - 1]
  }

  private grow(): void {
    const x = this.chance(0.75) ? this.last : this.pick(this.tensors)
    try {
      const y = this.apply(x)
      if (sizeOf(y.shape) > 0 && sizeOf(y.shape) < 20_000) this.tensors.push(y)
    } catch (error) {
      // A window that does not fit, shapes that do not broadcast: another operation, then.
      if (!(error instanceof ShapeError)) throw error
    }
  }

  private apply(x: Tensor): Tensor {
    const { shape } = x
    const kind = this.below(17)
    if (kind > 14) return this.normalise(x)
    if (kind > 11) return this.move(x)
    if (kind < 5 && shape.length === 4) return this.convolve(x)
    if (kind < 5 && shape.length === 2) return this.multiply(x)
    if (kind < 7 && shape.length === 4) {
      if (this.chance(0.25)) return this.resize(x)
      this.log.push(`pool ${shape}`)
      const window = {
        poolSize: this.pick([2, 3]),
        strides: this.pick([1, 2, 3]),
        padding: this.pick([
          'same',
          'valid',
          1,
          [
            [0, 1],
            [1, 0],
          ],
        ] as const),
        ceilMode: this.chance(0.3),
      }
      return this.chance(0.5)
        ? ops.maxPool(x, { ...window, dilation: this.pick([1, 1, 2]) })
        : ops.avgPool(x, { ...window, countIncludePad: this.chance(0.3) })
    }
    if (kind < 7 && this.chance(0.3)) return this.take(x)
    if (kind < 7) return ops.flatten(x)
    if (kind < 8)
      return this.pick<(x: Tensor) => Tensor>([
        ops.relu,
        ops.tanh,
        ops.sigmoid,
        ops.neg,
        ops.square,
        ops.abs,
        ops.step,
        ops.erf,
        ops.gelu,
        (image) => ops.gelu(image, { approximate: true }),
        ops.silu,
        ops.softplus,
        ops.mish,
        ops.hardSwish,
        ops.hardSigmoid,
        ops.leakyRelu,
        ops.elu,
        ops.selu,
        ops.relu6,
        (image) => ops.clip(image, { min: -0.37, max: 0.61 }),
        ops.sin,
        ops.cos,
      ])(x)
    if (kind < 10) {
      const stretched = shape.map((extent) => (this.chance(0.4) ? 1 : extent)).slice(this.below(shape.length))
      const other = this.chance(0.4) ? this.leaf(stretched) : this.pick(this.tensors)
      this.log.push(`binary ${shape} ${other.shape}`)
      return this.pick([ops.add, ops.sub, ops.mul, ops.maximum, ops.prelu, selected])(x, other)
    }
    if (kind < 11 && shape.length > 1)
      return this.pick([ops.sum, ops.mean, ops.max, ops.min, ops.product, ops.l2])(x, {
        axes: this.below(shape.length),
        keepDims: this.chance(0.6),
      })
    const axis = this.below(shape.length)
    // As probabilities both: the gradient of what shifts all logarithms alike is 0, and theirs cancels from large numbers.
    return this.chance(0.5) ? ops.softmax(x, { axis }) : ops.exp(ops.logSoftmax(x, { axis }))
  }

  /**
   * Numbers made such of mean 0 and variance 1, of whatever is taken together; scaled and shifted afterwards, or not. They are squashed
   * before: the gradients of what only shifts them all (a bias) are 0, and cancel from large numbers.
   */
  private normalise(x: Tensor): Tensor {
    const channels = x.shape[x.shape.length - 1]
    const some = () => (this.chance(0.5) ? this.leaf([channels]) : undefined)
    const options = { gamma: some(), beta: some(), epsilon: this.pick([undefined, 0.1]) }
    const groups = this.pick([1, 2, 3].filter((count) => channels % count === 0))
    const kind = this.below(6)
    this.log.push(`normalise ${kind} ${x.shape} ${groups} ${options.epsilon}`)
    switch (kind) {
      case 0:
        return ops.batchNorm(ops.tanh(x), options)
      case 1: {
        const [mean, root] = [this.leaf([channels]), this.leaf([channels])]
        return ops.batchNorm(x, { ...options, mean, variance: ops.square(root) })
      }
      case 2:
        return ops.layerNorm(ops.tanh(x), options)
      case 3:
        return ops.groupNorm(ops.tanh(x), groups, options)
      case 4:
        return ops.instanceNorm(ops.tanh(x), options)
      default:
        return ops.localResponseNorm(x, { size: this.pick([1, 2, 3, 5]), alpha: 0.3, bias: this.pick([1, 2]) })
    }
  }

  private resize(x: Tensor): Tensor {
    const options = {
      size: [1 + this.below(12), 1 + this.below(12)] as const,
      mode: this.pick(['nearest', 'bilinear'] as const),
      coordinates: this.pick(['halfPixel', 'pytorchHalfPixel', 'alignCorners', 'asymmetric'] as const),
      rounding: this.pick(['roundPreferFloor', 'roundPreferCeil', 'floor', 'ceil'] as const),
    }
    this.log.push(`resize ${x.shape} ${JSON.stringify(options)}`)
    return ops.resize(x, options)
  }

  private take(x: Tensor): Tensor {
    const axis = this.below(x.shape.length)
    const indices = Array.from({ length: 1 + this.below(9) }, () => this.below(2 * x.shape[axis]) - x.shape[axis])
    this.log.push(`take ${x.shape} ${axis} ${indices}`)
    return ops.take(x, constant(indices, [indices.length], 'i32'), { axis })
  }

  /** The numbers elsewhere, some of them, or with others. */
  private move(x: Tensor): Tensor {
    const { shape } = x
    const axis = this.below(shape.length)
    switch (this.below(6)) {
      case 0: {
        const axes = shape.map((_, i) => i)
        for (let i = axes.length - 1; i > 0; i--) {
          const j = this.below(i + 1)
          ;[axes[i], axes[j]] = [axes[j], axes[i]]
        }
        this.log.push(`transpose ${shape} ${axes}`)
        return ops.transpose(x, axes)
      }
      case 1: {
        const begin = shape.map((extent) => this.below(extent))
        const steps = shape.map(() => this.pick([1, 1, 1, 2, -1, -2]))
        this.log.push(`slice ${shape} from ${begin} by ${steps}`)
        return ops.slice(x, { begin, steps })
      }
      case 2: {
        const margins = shape.map(() => [this.below(4) - 1, this.below(4) - 1] as const)
        const mode = this.pick(['constant', 'constant', 'reflect', 'edge'] as const)
        this.log.push(`pad ${shape} ${JSON.stringify(margins)} ${mode}`)
        return ops.pad(x, margins, { mode, value: mode === 'constant' ? 0.5 : undefined })
      }
      case 3: {
        const [first, ...others] = ops.split(x, shape[axis], { axis })
        this.log.push(`split ${shape} ${axis}`)
        return ops.concat([...others, first], { axis })
      }
      case 4: {
        const fitting = this.tensors.filter(
          (other) =>
            other.shape.length === shape.length && other.shape.every((extent, i) => i === axis || extent === shape[i]),
        )
        const others = Array.from({ length: 1 + this.below(9) }, () =>
          this.pick([ops.neg, ops.square])(this.pick(fitting)),
        )
        this.log.push(`concat ${[x, ...others].map((part) => `[${part.shape}]`)} ${axis}`)
        return ops.concat([...others, x], { axis })
      }
      default: {
        const batches = shape.slice(0, -2).map((extent) => (this.chance(0.5) ? 1 : extent))
        const transposeB = this.chance(0.5)
        const [inner, columns] = [shape[shape.length - 1], 1 + this.below(9)]
        const b = this.leaf([...batches.slice(this.below(2)), ...(transposeB ? [columns, inner] : [inner, columns])])
        this.log.push(`matmul of batches ${shape} ${b.shape}`)
        const product = ops.matmul(x, b, { transposeB })
        return this.chance(0.6) ? ops.relu(ops.add(product, this.leaf([columns]))) : product
      }
    }
  }

  private convolve(x: Tensor): Tensor {
    const [, height, width, channels] = x.shape
    const window = [1 + this.below(Math.min(4, height)), 1 + this.below(Math.min(4, width))]
    const kind = this.pick(['conv2d', 'conv2d', 'depthwiseConv2d', 'conv2dTranspose'] as const)
    const groups = this.chance(0.7) ? 1 : this.pick([1, 2, 3, 4, 5, 6, 7].filter((count) => channels % count === 0))
    const multiplier = 1 + this.below(3)
    const filters =
      kind === 'depthwiseConv2d' ? channels * multiplier : groups * (1 + this.below(Math.ceil(20 / groups)))
    const kernel = this.leaf(
      {
        conv2d: [...window, channels / groups, filters],
        depthwiseConv2d: [...window, channels, multiplier],
        conv2dTranspose: [...window, filters / groups, channels],
      }[kind],
    )
    const options = {
      bias: this.chance(0.6) ? this.leaf([filters]) : undefined,
      strides: this.pick([1, 1, 2, [1, 3]] as const),
      padding: this.pick([
        'same',
        'same',
        'valid',
        'valid',
        1,
        [0, 2],
        [
          [0, 1],
          [3, 0],
        ],
      ] as const),
      dilation: this.pick([1, 1, 1, 2, [3, 1]] as const),
    }
    this.log.push(`${kind} ${x.shape} ${kernel.shape} ${JSON.stringify({ ...options, bias: undefined, groups })}`)
    const y =
      kind === 'depthwiseConv2d'
        ? ops.depthwiseConv2d(x, kernel, options)
        : ops[kind](x, kernel, { ...options, groups })
    return this.chance(0.6) ? ops.relu(y) : y
  }

  private multiply(x: Tensor): Tensor {
    const transposeA = this.chance(0.3)
    const transposeB = this.chance(0.3)
    const inner = x.shape[transposeA ? 0 : 1]
    const columns = 1 + this.below(40)
    const product = ops.matmul(x, this.leaf(transposeB ? [columns, inner] : [inner, columns]), {
      transposeA,
      transposeB,
    })
    this.log.push(`matmul ${x.shape} ${columns}`)
    const shifted = this.chance(0.6) ? ops.add(product, this.leaf([columns])) : product
    return this.chance(0.6) ? ops.relu(shifted) : shifted
  }
}

/** Whichever is larger: as where has it. */
function selected(a: Tensor, b: Tensor): Tensor {
  return ops.where(ops.greater(a, b), a, b)
}
