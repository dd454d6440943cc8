// x [N, HEIGHT, WIDTH, CHANNELS], dy [N, OUT_HEIGHT, OUT_WIDTH, CHANNELS] -> dx as x. A pixel gathers from the windows it is
// in, those whose first maximum in row-major order it is: no two threads write to one place.

fn pixelAt(n: u32, row: i32, column: i32, channel: u32) -> f32 {
  return x[((n * u32(HEIGHT) + u32(row)) * u32(WIDTH) + u32(column)) * CHANNELS + channel];
}

// Whether the pixel is greater than all before it in the window, and no smaller than those after it.
fn isFirstMaximum(n: u32, row: i32, column: i32, channel: u32, top: i32, left: i32) -> bool {
  let own = pixelAt(n, row, column, channel);
  for (var r = max(top, 0i); r < min(top + WINDOW_HEIGHT, HEIGHT); r++) {
    for (var c = max(left, 0i); c < min(left + WINDOW_WIDTH, WIDTH); c++) {
      let other = pixelAt(n, r, c, channel);
      let isBefore = r < row || (r == row && c < column);
      if (other > own || (isBefore && other == own)) { return false; }
    }
  }
  return true;
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
      if (isFirstMaximum(n, row, column, channel, top, left)) {
        sum += dy[((n * u32(OUT_HEIGHT) + u32(oy)) * u32(OUT_WIDTH) + u32(ox)) * CHANNELS + channel];
      }
    }
  }
  dx[i] = sum;
}
