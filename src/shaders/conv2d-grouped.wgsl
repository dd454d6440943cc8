// conv2d in groups, and depthwise: x [N, HEIGHT, WIDTH, channels], kernel [WINDOW_HEIGHT, WINDOW_WIDTH, GROUP_CHANNELS, FILTERS]
//      -> y [N, OUT_HEIGHT, OUT_WIDTH, FILTERS], and what is fused onto the sum (epilogue). GROUP_FILTERS neighbouring filters see
// the same GROUP_CHANNELS channels.
// A thread makes four filters of one pixel, which may be of different groups: x_four reads a channel for each.

@compute @workgroup_size(WORKGROUP_SIZE)
fn main(at: Invocation) {
  let i = (at.group.z * at.groups.x + at.group.x) * WORKGROUP_SIZE + at.lane;
  if (i >= THREADS) { return; }
  let f4 = i % FOURS;
  let output = i / FOURS;
  let outRow = output / u32(OUT_WIDTH);
  let n = outRow / u32(OUT_HEIGHT);
  let top = i32(outRow % u32(OUT_HEIGHT)) * STRIDE_Y - PAD_TOP;
  let left = i32(output % u32(OUT_WIDTH)) * STRIDE_X - PAD_LEFT;
  let filters = min(vec4u(4u * f4) + vec4u(0u, 1u, 2u, 3u), vec4u(FILTERS - 1u));
  // The first channel that each sees.
  let first = filters / GROUP_FILTERS * GROUP_CHANNELS;
  var sum = vec4f(0.0);
  for (var ky = 0i; ky < WINDOW_HEIGHT; ky++) {
    let y = top + ky * DILATION_Y;
    if (y < 0i || y >= HEIGHT) { continue; }
    for (var kx = 0i; kx < WINDOW_WIDTH; kx++) {
      let x = left + kx * DILATION_X;
      if (x < 0i || x >= WIDTH) { continue; }
      let pixel = (n * u32(HEIGHT) + u32(y)) * u32(WIDTH) + u32(x);
      let tap = u32(ky * WINDOW_WIDTH + kx) * GROUP_CHANNELS;
      for (var c = 0u; c < GROUP_CHANNELS; c++) {
        sum += load_kernel4(tap + c, f4) * x_four(pixel, first, c);
      }
    }
  }
  store_y4(output, f4, epilogue(output, f4, sum));
}
