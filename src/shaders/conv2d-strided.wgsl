// conv2d: x [N, HEIGHT, WIDTH, CHANNELS], kernel [WINDOW_HEIGHT, WINDOW_WIDTH, CHANNELS, filters]
//      -> y [N, OUT_HEIGHT, OUT_WIDTH, filters], and what is fused onto the sum (epilogue).
// A thread makes a strip of four neighbouring pixels by four filters: for four channels of one tap, one product of mat4x4s.
// load_x4 reads stored images, or blends them (blend-load.wgsl).

// The strip may leave the image: by the padding, or by its last pixels.
const LEAVES_X = PAD_LEFT > 0i || (OUT_WIDTH - 1i) * STRIDE_X + (WINDOW_WIDTH - 1i) * DILATION_X + 1i > WIDTH || OUT_WIDTH % 4i != 0i;
const WHOLE_FOURS = CHANNELS / 4u;

fn pixel4(imageRow: u32, x: i32, four: u32) -> vec4f {
  if (LEAVES_X && (x < 0i || x >= WIDTH)) { return vec4f(0.0); }
  return load_x4(imageRow * u32(WIDTH) + u32(x), four);
}

fn pixel(imageRow: u32, x: i32, channel: u32) -> f32 {
  if (LEAVES_X && (x < 0i || x >= WIDTH)) { return 0.0; }
  return load_x(imageRow * u32(WIDTH) + u32(x), channel);
}

@compute @workgroup_size(WORKGROUP_SIZE)
fn main(at: Invocation) {
  let i = (at.group.z * at.groups.x + at.group.x) * WORKGROUP_SIZE + at.lane;
  if (i >= THREADS) { return; }
  let f4 = i % FILTER_GROUPS;
  let ox = 4i * i32((i / FILTER_GROUPS) % STRIPS);
  let outRow = i / (FILTER_GROUPS * STRIPS);
  let n = outRow / u32(OUT_HEIGHT);
  let oy = i32(outRow % u32(OUT_HEIGHT));
  // Column p: pixel ox + p, four filters.
  var sum = mat4x4f();
  for (var ky = 0i; ky < WINDOW_HEIGHT; ky++) {
    let y = oy * STRIDE_Y + ky * DILATION_Y - PAD_TOP;
    if (y < 0i || y >= HEIGHT) { continue; }
    let imageRow = n * u32(HEIGHT) + u32(y);
    for (var kx = 0i; kx < WINDOW_WIDTH; kx++) {
      let x = ox * STRIDE_X + kx * DILATION_X - PAD_LEFT;
      let tap = u32(ky * WINDOW_WIDTH + kx) * CHANNELS;
      for (var c4 = 0u; c4 < WHOLE_FOURS; c4++) {
        let weights = mat4x4f(
          load_kernel4(tap + 4u * c4, f4), load_kernel4(tap + 4u * c4 + 1u, f4),
          load_kernel4(tap + 4u * c4 + 2u, f4), load_kernel4(tap + 4u * c4 + 3u, f4));
        let pixels = mat4x4f(
          pixel4(imageRow, x, c4), pixel4(imageRow, x + STRIDE_X, c4),
          pixel4(imageRow, x + 2i * STRIDE_X, c4), pixel4(imageRow, x + 3i * STRIDE_X, c4));
        sum += weights * pixels;
      }
      for (var c = 4u * WHOLE_FOURS; c < CHANNELS; c++) {
        let weight = load_kernel4(tap + c, f4);
        sum += mat4x4f(
          weight * pixel(imageRow, x, c), weight * pixel(imageRow, x + STRIDE_X, c),
          weight * pixel(imageRow, x + 2i * STRIDE_X, c), weight * pixel(imageRow, x + 3i * STRIDE_X, c));
      }
    }
  }
  for (var p = 0i; p < 4i; p++) {
    if (ox + p < OUT_WIDTH) {
      let row = outRow * u32(OUT_WIDTH) + u32(ox + p);
      store_y4(row, f4, epilogue(row, f4, sum[p]));
    }
  }
}
