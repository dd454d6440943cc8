// x [N, HEIGHT, WIDTH, CHANNELS] -> y [N, OUT_HEIGHT, OUT_WIDTH, CHANNELS], the maximum of each window's part in the image.

// The first of places start, start + dilation, ... that is not before the image.
fn firstInside(start: i32, dilation: i32) -> i32 {
  return start + (max(-start, 0i) + dilation - 1i) / dilation * dilation;
}

@compute @workgroup_size(WORKGROUP_SIZE)
fn main(at: Invocation) {
  let i = (at.group.z * at.groups.x + at.group.x) * WORKGROUP_SIZE + at.lane;
  if (i >= THREADS) { return; }
  let channel = i % CHANNELS;
  let ox = i32(i / CHANNELS) % OUT_WIDTH;
  let outRow = i / (CHANNELS * u32(OUT_WIDTH));
  let n = outRow / u32(OUT_HEIGHT);
  let top = i32(outRow % u32(OUT_HEIGHT)) * STRIDE_Y - PAD_TOP;
  let left = ox * STRIDE_X - PAD_LEFT;
  var best = -0x1.fffffep+127f;
  for (var row = firstInside(top, DILATION_Y); row < min(top + WINDOW_HEIGHT * DILATION_Y, HEIGHT); row += DILATION_Y) {
    for (var column = firstInside(left, DILATION_X); column < min(left + WINDOW_WIDTH * DILATION_X, WIDTH); column += DILATION_X) {
      best = max(best, x[((n * u32(HEIGHT) + u32(row)) * u32(WIDTH) + u32(column)) * CHANNELS + channel]);
    }
  }
  y[i] = best;
}
