// x [N, HEIGHT, WIDTH, CHANNELS], dy [N, OUT_HEIGHT, OUT_WIDTH, CHANNELS] -> dx as x. A pixel gathers from the windows it is
// in, those whose first maximum in row-major order it is: no two threads write to one place.

// The first of places start, start + dilation, ... that is not before the image.
fn firstInside(start: i32, dilation: i32) -> i32 {
  return start + (max(-start, 0i) + dilation - 1i) / dilation * dilation;
}

fn pixelAt(n: u32, row: i32, column: i32, channel: u32) -> f32 {
  return x[((n * u32(HEIGHT) + u32(row)) * u32(WIDTH) + u32(column)) * CHANNELS + channel];
}

// Whether the pixel is greater than all before it in the window, and no smaller than those after it.
fn isFirstMaximum(n: u32, row: i32, column: i32, channel: u32, top: i32, left: i32) -> bool {
  let own = pixelAt(n, row, column, channel);
  for (var r = firstInside(top, DILATION_Y); r < min(top + WINDOW_HEIGHT * DILATION_Y, HEIGHT); r += DILATION_Y) {
    for (var c = firstInside(left, DILATION_X); c < min(left + WINDOW_WIDTH * DILATION_X, WIDTH); c += DILATION_X) {
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
  for (var oy = max((row + PAD_TOP - WINDOW_HEIGHT * DILATION_Y) / STRIDE_Y, 0i); oy < OUT_HEIGHT; oy++) {
    let top = oy * STRIDE_Y - PAD_TOP;
    if (top > row) { break; }
    if (top + WINDOW_HEIGHT * DILATION_Y <= row || (row - top) % DILATION_Y != 0i) { continue; }
    for (var ox = max((column + PAD_LEFT - WINDOW_WIDTH * DILATION_X) / STRIDE_X, 0i); ox < OUT_WIDTH; ox++) {
      let left = ox * STRIDE_X - PAD_LEFT;
      if (left > column) { break; }
      if (left + WINDOW_WIDTH * DILATION_X <= column || (column - left) % DILATION_X != 0i) { continue; }
      if (isFirstMaximum(n, row, column, channel, top, left)) {
        sum += dy[((n * u32(OUT_HEIGHT) + u32(oy)) * u32(OUT_WIDTH) + u32(ox)) * CHANNELS + channel];
      }
    }
  }
  dx[i] = sum;
}
