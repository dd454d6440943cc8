// The gradient for its images of conv2d in groups, and depthwise: dy [N, OUT_HEIGHT, OUT_WIDTH, filters], kernel [WINDOW_HEIGHT,
// WINDOW_WIDTH, GROUP_CHANNELS, filters] -> dx [N, HEIGHT, WIDTH, CHANNELS]. GROUP_CHANNELS neighbouring channels get what
// GROUP_FILTERS filters give back. Every pixel gathers from the outputs whose window it was in.
// A thread makes four channels of one pixel, which may be of different groups: dy_four and kernel_four read a filter for each.

@compute @workgroup_size(WORKGROUP_SIZE)
fn main(at: Invocation) {
  let i = (at.group.z * at.groups.x + at.group.x) * WORKGROUP_SIZE + at.lane;
  if (i >= THREADS) { return; }
  let c4 = i % FOURS;
  let pixel = i / FOURS;
  let imageRow = pixel / u32(WIDTH);
  let n = imageRow / u32(HEIGHT);
  let y = i32(imageRow % u32(HEIGHT)) + PAD_TOP;
  let x = i32(pixel % u32(WIDTH)) + PAD_LEFT;
  let channels = min(vec4u(4u * c4) + vec4u(0u, 1u, 2u, 3u), vec4u(CHANNELS - 1u));
  // The first filter that sees each, and where it stands in its group.
  let first = channels / GROUP_CHANNELS * GROUP_FILTERS;
  let own = channels % GROUP_CHANNELS;
  var sum = vec4f(0.0);
  for (var ky = 0i; ky < WINDOW_HEIGHT; ky++) {
    let startY = y - ky * DILATION_Y;
    if (startY < 0i || startY % STRIDE_Y != 0i || startY / STRIDE_Y >= OUT_HEIGHT) { continue; }
    let outRow = n * u32(OUT_HEIGHT) + u32(startY / STRIDE_Y);
    for (var kx = 0i; kx < WINDOW_WIDTH; kx++) {
      let startX = x - kx * DILATION_X;
      if (startX < 0i || startX % STRIDE_X != 0i || startX / STRIDE_X >= OUT_WIDTH) { continue; }
      let output = outRow * u32(OUT_WIDTH) + u32(startX / STRIDE_X);
      let rows = vec4u(u32(ky * WINDOW_WIDTH + kx) * GROUP_CHANNELS) + own;
      for (var f = 0u; f < GROUP_FILTERS; f++) {
        sum += kernel_four(rows, first, f) * dy_four(output, first, f);
      }
    }
  }
  store_dx4(pixel, c4, epilogue(pixel, c4, sum));
}
