// The planes of kernels for Winograd's convolution: 3 x 3 taps -> kernelPlanes [PATCH PATCH, CHANNELS, OUTPUT_GROUPS], four
// outputs at a time. A thread maps the taps of one channel and four outputs (kernel_planes, in the header: G g Gᵀ).

@compute @workgroup_size(WORKGROUP_SIZE)
fn main(at: Invocation) {
  let i = (at.group.z * at.groups.x + at.group.x) * WORKGROUP_SIZE + at.lane;
  if (i >= THREADS) { return; }
  var taps: array<vec4f, 9>;
  var planes: array<vec4f, PATCH * PATCH>;
  // expand
  for (var tap = 0u; tap < 9u; tap++) {
    taps[tap] = weight4(tap, i / OUTPUT_GROUPS, i % OUTPUT_GROUPS);
  }
  kernel_planes(&taps, &planes);
  // expand
  for (var plane = 0u; plane < PATCH * PATCH; plane++) {
    kernelPlanes[plane * THREADS + i] = planes[plane];
  }
}
