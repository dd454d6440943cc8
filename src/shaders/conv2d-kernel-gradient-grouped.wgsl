// The gradient for its kernel of conv2d in groups, and depthwise: x [N, HEIGHT, WIDTH, channels], dy [N, OUT_HEIGHT, OUT_WIDTH,
// FILTERS] -> dk [TAPS, FILTERS], where TAPS = WINDOW_HEIGHT WINDOW_WIDTH GROUP_CHANNELS are the kernel's first three axes.
// A thread makes one tap of four filters, which may be of different groups (x_four reads a channel for each), summed over
// ROWS_IN_SLICE of the ROWS = N OUT_HEIGHT rows of outputs. dk is [slices, TAPS, FILTERS] of partial sums, which combine.wgsl adds
// up; a single slice is the result.

@compute @workgroup_size(WORKGROUP_SIZE)
fn main(at: Invocation) {
  let i = (at.group.z * at.groups.x + at.group.x) * WORKGROUP_SIZE + at.lane;
  if (i >= THREADS) { return; }
  let f4 = i % FOURS;
  let tap = (i / FOURS) % TAPS;
  let slice = i / (FOURS * TAPS);
  let filters = min(vec4u(4u * f4) + vec4u(0u, 1u, 2u, 3u), vec4u(FILTERS - 1u));
  let first = filters / GROUP_FILTERS * GROUP_CHANNELS;
  let channel = tap % GROUP_CHANNELS;
  let place = i32(tap / GROUP_CHANNELS);
  let down = place / WINDOW_WIDTH * DILATION_Y - PAD_TOP;
  let across = place % WINDOW_WIDTH * DILATION_X - PAD_LEFT;
  var sum = vec4f(0.0);
  let end = min((slice + 1u) * ROWS_IN_SLICE, ROWS);
  for (var outRow = slice * ROWS_IN_SLICE; outRow < end; outRow++) {
    let y = i32(outRow % u32(OUT_HEIGHT)) * STRIDE_Y + down;
    if (y < 0i || y >= HEIGHT) { continue; }
    let imageRow = outRow / u32(OUT_HEIGHT) * u32(HEIGHT) + u32(y);
    for (var ox = 0i; ox < OUT_WIDTH; ox++) {
      let x = ox * STRIDE_X + across;
      if (x < 0i || x >= WIDTH) { continue; }
      sum += load_dy4(outRow * u32(OUT_WIDTH) + u32(ox), f4) * x_four(imageRow * u32(WIDTH) + u32(x), first, channel);
    }
  }
  store_dk4(slice * TAPS + tap, f4, sum);
}
