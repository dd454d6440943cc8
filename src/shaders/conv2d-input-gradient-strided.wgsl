// conv2d's gradient for its images: dy [N, OUT_HEIGHT, OUT_WIDTH, filters], kernel [WINDOW_HEIGHT, WINDOW_WIDTH, CHANNELS,
// filters] -> dx [N, HEIGHT, WIDTH, CHANNELS]. Every pixel gathers from the outputs whose window it was in; a thread makes
// a strip of four neighbouring pixels by four channels.

// Four filters of the output in whose window pixel x is tap kx; 0 where there is none. No branches around loads: they multiply the
// time of compiling.
fn output4(outRow: u32, x: i32, kx: i32, f4: u32) -> vec4f {
  let start = x + PAD_LEFT - kx * DILATION_X;
  let near = clamp(start / STRIDE_X, 0i, OUT_WIDTH - 1i);
  return select(vec4f(0.0), load_dy4(outRow * u32(OUT_WIDTH) + u32(near), f4), start == near * STRIDE_X);
}

fn weights4(tap: u32, channel: u32, f4: u32) -> vec4f {
  return load_kernel4(tap * CHANNELS + min(channel, CHANNELS - 1u), f4);
}

@compute @workgroup_size(WORKGROUP_SIZE)
fn main(at: Invocation) {
  let i = (at.group.z * at.groups.x + at.group.x) * WORKGROUP_SIZE + at.lane;
  if (i >= THREADS) { return; }
  let c4 = i % CHANNEL_GROUPS;
  let x = 4i * i32((i / CHANNEL_GROUPS) % STRIPS);
  let imageRow = i / (CHANNEL_GROUPS * STRIPS);
  let n = imageRow / u32(HEIGHT);
  let y = i32(imageRow % u32(HEIGHT));
  // Column p: pixel x + p, four channels.
  var sum = mat4x4f();
  for (var ky = 0i; ky < WINDOW_HEIGHT; ky++) {
    let start = y + PAD_TOP - ky * DILATION_Y;
    if (start < 0i || start % STRIDE_Y != 0i || start / STRIDE_Y >= OUT_HEIGHT) { continue; }
    let outRow = n * u32(OUT_HEIGHT) + u32(start / STRIDE_Y);
    for (var kx = 0i; kx < WINDOW_WIDTH; kx++) {
      let tap = u32(ky * WINDOW_WIDTH + kx);
      for (var f4 = 0u; f4 < FILTER_GROUPS; f4++) {
        let weights = mat4x4f(
          weights4(tap, 4u * c4, f4), weights4(tap, 4u * c4 + 1u, f4),
          weights4(tap, 4u * c4 + 2u, f4), weights4(tap, 4u * c4 + 3u, f4));
        let outputs = mat4x4f(
          output4(outRow, x, kx, f4), output4(outRow, x + 1i, kx, f4),
          output4(outRow, x + 2i, kx, f4), output4(outRow, x + 3i, kx, f4));
        sum += transpose(weights) * outputs;
      }
    }
  }
  for (var p = 0i; p < 4i; p++) {
    if (x + p < WIDTH) {
      let row = imageRow * u32(WIDTH) + u32(x + p);
      store_dx4(row, c4, epilogue(row, c4, sum[p]));
    }
  }
}
