// A convolution whose window moves by one pixel: x [N, HEIGHT, WIDTH, CHANNELS] -> y [N, OUT_HEIGHT, OUT_WIDTH, outputs], and
// what is fused onto the sum (epilogue). Serves conv2d and, with the kernel turned round, the gradient of its images:
// weight4(tap, channel, four) comes with the header.
// A thread makes a tile of TILE_HEIGHT x TILE_WIDTH pixels by FOURS fours of outputs, so that each number it loads serves many
// sums; for CHANNELS_AT_ONCE channels at a time it holds what the tile's windows cover. Lanes stand side by side in
// the image and use the same weights: with SUBGROUP each of the LANES lanes loads its part of them and hands it round.

// Channels of one pixel, 0 outside the image. No branches, not even those of &&: they multiply the time of compiling.
fn pixel(n: u32, row: i32, column: i32, channel: u32) -> vec4f {
  let inside = (u32(row) < u32(HEIGHT)) & (u32(column) < u32(WIDTH));
  let near = (n * u32(HEIGHT) + u32(clamp(row, 0i, HEIGHT - 1i))) * u32(WIDTH) + u32(clamp(column, 0i, WIDTH - 1i));
  return select(vec4f(0.0), load_channels(near, channel), inside);
}

@compute @workgroup_size(WORKGROUP_SIZE)
fn main(at: Invocation) {
  let i = (at.group.z * GRID_WIDTH + at.group.x) * WORKGROUP_SIZE + at.lane;
  // A subgroup needs all its lanes: those that are too many do the last tile again.
  let tile = min(i, TILES - 1u);
  let first4 = at.group.y * FOURS;
  let left = i32((tile % TILES_ACROSS) * TILE_WIDTH);
  let top = i32(((tile / TILES_ACROSS) % TILES_DOWN) * TILE_HEIGHT);
  let n = tile / (TILES_ACROSS * TILES_DOWN);
  var sum: array<vec4f, TILE_HEIGHT * TILE_WIDTH * FOURS>;
  var covered: array<f32, COVERED_HEIGHT * COVERED_WIDTH * CHANNELS_AT_ONCE>;
  var packed: array<vec4f, PACKED>;
  var weights: vec4f;
  for (var channel = 0u; channel < CHANNELS; channel += CHANNELS_AT_ONCE) {
    // expand
    for (var row = 0u; row < COVERED_HEIGHT; row++) {
      // expand
      for (var column = 0u; column < COVERED_WIDTH; column++) {
        let channels = pixel(n, top + i32(row) - PAD_TOP, left + i32(column) - PAD_LEFT, channel);
        // expand
        for (var k = 0u; k < CHANNELS_AT_ONCE; k++) {
          covered[(row * COVERED_WIDTH + column) * CHANNELS_AT_ONCE + k] = channels[k];
        }
      }
    }
    // expand
    if (SUBGROUP) {
      // expand
      for (var part = 0u; part < PACKED; part++) {
        let w = min(part * LANES + at.subgroupLane, PACKED_WEIGHTS - 1u);
        let k = (w / FOURS) % CHANNELS_AT_ONCE;
        packed[part] = weight4(w / (FOURS * CHANNELS_AT_ONCE), channel + k, first4 + w % FOURS);
      }
    }
    // expand
    for (var ky = 0u; ky < WINDOW_HEIGHT; ky++) {
      // expand
      for (var kx = 0u; kx < WINDOW_WIDTH; kx++) {
        // expand
        for (var k = 0u; k < CHANNELS_AT_ONCE; k++) {
          // expand
          for (var f = 0u; f < FOURS; f++) {
            // expand
            if (SUBGROUP) {
              const w = ((ky * WINDOW_WIDTH + kx) * CHANNELS_AT_ONCE + k) * FOURS + f;
              weights = subgroupBroadcast(packed[w / LANES], w % LANES);
            } else {
              weights = weight4(ky * WINDOW_WIDTH + kx, channel + k, first4 + f);
            }
            // expand
            for (var row = 0u; row < TILE_HEIGHT; row++) {
              // expand
              for (var column = 0u; column < TILE_WIDTH; column++) {
                sum[(row * TILE_WIDTH + column) * FOURS + f] +=
                  weights * covered[((row + ky) * COVERED_WIDTH + column + kx) * CHANNELS_AT_ONCE + k];
              }
            }
          }
        }
      }
    }
  }
  // A loop as it is, over a copy: stores written out, each with its epilogue, would be most of what is compiled. Its end is
  // one that compilers do not know, and so do not unroll.
  var made = sum;
  let madeHere = select(TILE_HEIGHT * TILE_WIDTH * FOURS, 0u, i >= TILES);
  for (var s = 0u; s < madeHere; s++) {
    let four = first4 + s % FOURS;
    let y = u32(top) + s / (FOURS * TILE_WIDTH);
    let x = u32(left) + (s / FOURS) % TILE_WIDTH;
    if ((y < u32(OUT_HEIGHT)) & (x < u32(OUT_WIDTH))) {
      let pixel = (n * u32(OUT_HEIGHT) + y) * u32(OUT_WIDTH) + x;
      store_y4(pixel, four, epilogue(pixel, four, made[s]));
    }
  }
}
