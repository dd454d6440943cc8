/**
 * Kernels that end in a sum and take an epilogue: a bias, relu and a mask (see fuse.ts). The images' gradients take biases where they
 * are transposed convolutions.
 */
export const withEpilogue: ReadonlySet<string> = new Set([
  'conv2d',
  'conv2dInputGradient',
  'depthwiseConv2d',
  'depthwiseConv2dInputGradient',
  'matmul',
])

/** Those that may be multiplied by a gain, too, and take a residual: no gradients. */
export const withResidual: ReadonlySet<string> = new Set(['conv2d', 'depthwiseConv2d', 'matmul'])
