// dy [N, OUT_HEIGHT, OUT_WIDTH, CHANNELS] -> dx [N, HEIGHT, WIDTH, CHANNELS]: a pixel gathers its share of each window it is
// in: dy / the number of the window's places that count.

fn counted(start: i32, window: i32, first: i32, end: i32) -> f32 {
  return f32(min(start + window, end) - max(start, first));
}

@compute @workgroup_size(WORKGROUP_SIZE)
fn main(at: Invocation) {
  let i = (at.group.z * at.groups.x + at.group.x) * WORKGROUP_SIZE + at.lane;
  if (i >= THREADS) { return; }
  let channel = i % CHANNELS;
  let column = i32(i / CHANNELS) % WIDTH;
  let imageRow = i / (CHANNELS * u32(WIDTH));
  let n = imageRow / u32(HEIGHT);
  let row = i32(imageRow % u32(HEIGHT));
  var sum = 0.0;
  for (var oy = max((row + PAD_TOP - WINDOW_HEIGHT) / STRIDE_Y, 0i); oy < OUT_HEIGHT; oy++) {
    let top = oy * STRIDE_Y - PAD_TOP;
    if (top > row) { break; }
    if (top + WINDOW_HEIGHT <= row) { continue; }
    for (var ox = max((column + PAD_LEFT - WINDOW_WIDTH) / STRIDE_X, 0i); ox < OUT_WIDTH; ox++) {
      let left = ox * STRIDE_X - PAD_LEFT;
      if (left > column) { break; }
      if (left + WINDOW_WIDTH <= column) { continue; }
      let pixels = counted(top, WINDOW_HEIGHT, COUNT_TOP, COUNT_BOTTOM) * counted(left, WINDOW_WIDTH, COUNT_LEFT, COUNT_RIGHT);
      sum += dy[((n * u32(OUT_HEIGHT) + u32(oy)) * u32(OUT_WIDTH) + u32(ox)) * CHANNELS + channel] / pixels;
    }
  }
  dx[i] = sum;
}
