// x [N, HEIGHT, WIDTH, CHANNELS] -> y [N, OUT_HEIGHT, OUT_WIDTH, CHANNELS], the mean of each window: the sum of
// its pixels in the image / the number of its places that count.

fn counted(start: i32, window: i32, first: i32, end: i32) -> f32 {
  return f32(min(start + window, end) - max(start, first));
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
  var sum = 0.0;
  for (var row = max(top, 0i); row < min(top + WINDOW_HEIGHT, HEIGHT); row++) {
    for (var column = max(left, 0i); column < min(left + WINDOW_WIDTH, WIDTH); column++) {
      sum += x[((n * u32(HEIGHT) + u32(row)) * u32(WIDTH) + u32(column)) * CHANNELS + channel];
    }
  }
  let pixels = counted(top, WINDOW_HEIGHT, COUNT_TOP, COUNT_BOTTOM) * counted(left, WINDOW_WIDTH, COUNT_LEFT, COUNT_RIGHT);
  y[i] = sum / pixels;
}
