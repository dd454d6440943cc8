// conv2d's gradient for its kernel: x [N, HEIGHT, WIDTH, CHANNELS], dy [N, OUT_HEIGHT, OUT_WIDTH, filters] -> dk [TAPS,
// filters], where TAPS = WINDOW_HEIGHT WINDOW_WIDTH CHANNELS are the kernel's first three axes.
// A thread makes four taps by four filters, summed over ROWS_IN_SLICE of the ROWS = N OUT_HEIGHT rows of outputs, four pixels
// at a time; inputs4 reads what four taps see (taps-in-one-pixel.wgsl, taps-scattered.wgsl). dk is [slices, TAPS, filters] of partial sums, which combine.wgsl adds up; a single slice is the result.

fn output4(outRow: u32, ox: i32, f4: u32) -> vec4f {
  if (OUT_WIDTH % 4i != 0i && ox >= OUT_WIDTH) { return vec4f(0.0); }
  return load_dy4(outRow * u32(OUT_WIDTH) + u32(ox), f4);
}

const TAP_GROUPS = (TAPS + 3u) / 4u;

@compute @workgroup_size(WORKGROUP_SIZE)
fn main(at: Invocation) {
  let i = (at.group.z * at.groups.x + at.group.x) * WORKGROUP_SIZE + at.lane;
  if (i >= THREADS) { return; }
  let f4 = i % FILTER_GROUPS;
  let t4 = (i / FILTER_GROUPS) % TAP_GROUPS;
  let slice = i / (FILTER_GROUPS * TAP_GROUPS);
  let taps = vec4u(4u * t4) + vec4u(0u, 1u, 2u, 3u);
  let channel = taps % CHANNELS;
  let ky = vec4i(taps / CHANNELS) / WINDOW_WIDTH * DILATION_Y;
  let kx = vec4i(taps / CHANNELS) % WINDOW_WIDTH * DILATION_X;
  // Column r: tap 4 t4 + r, four filters.
  var sum = mat4x4f();
  let end = min((slice + 1u) * ROWS_IN_SLICE, ROWS);
  for (var outRow = slice * ROWS_IN_SLICE; outRow < end; outRow++) {
    let n = outRow / u32(OUT_HEIGHT);
    let top = i32(outRow % u32(OUT_HEIGHT)) * STRIDE_Y - PAD_TOP;
    for (var ox = 0i; ox < OUT_WIDTH; ox += 4i) {
      let left = ox * STRIDE_X - PAD_LEFT;
      let inputs = mat4x4f(
        inputs4(ky, kx, channel, n, top, left), inputs4(ky, kx, channel, n, top, left + STRIDE_X),
        inputs4(ky, kx, channel, n, top, left + 2i * STRIDE_X), inputs4(ky, kx, channel, n, top, left + 3i * STRIDE_X));
      let outputs = mat4x4f(
        output4(outRow, ox, f4), output4(outRow, ox + 1i, f4), output4(outRow, ox + 2i, f4), output4(outRow, ox + 3i, f4));
      sum += outputs * transpose(inputs);
    }
  }
  for (var r = 0u; r < 4u; r++) {
    let tap = 4u * t4 + r;
    if (tap < TAPS) { store_dk4(slice * TAPS + tap, f4, sum[r]); }
  }
}
