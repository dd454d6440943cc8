/** What a WebGPU adapter says of itself. */

/** "nvidia ampere", "mesa llvmpipe: Mesa 25.0.7 …" */
export function adapterName({ vendor, architecture, device, description }) {
  return [vendor, architecture, description || device].filter(Boolean).join(' ')
}

/** It computes on the processor. */
export function isSoftware(info) {
  return info.isFallbackAdapter || /swiftshader|llvmpipe|lavapipe|basic render/i.test(adapterName(info))
}
