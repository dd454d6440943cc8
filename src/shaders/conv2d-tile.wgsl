// A convolution whose window has no gaps: x [N, HEIGHT, WIDTH, CHANNELS] -> y [N, OUT_HEIGHT, OUT_WIDTH, outputs], and
// what is fused onto the sum (epilogue). Serves conv2d and, with the kernel turned round, the gradient of its images:
// weight4(tap, channel, four) comes with the header.
// A thread makes a tile of TILE_HEIGHT x TILE_WIDTH pixels by FOURS fours of outputs, so that each number it loads serves many
// sums; for CHANNELS_AT_ONCE channels at a time it holds what the tile's windows cover. Lanes stand side by side in
// the image and use the same weights: with SUBGROUP each of the LANES lanes loads its part of them and hands it round.
// With RECOMPUTED, where windows move by one pixel, x is not stored but made here, by an inner convolution of images [N, SOURCE_HEIGHT, SOURCE_WIDTH,
// SOURCE_CHANNELS]: what the inner windows of a tile cover is loaded once for all channels.
// With HALF products are f16, and so are their sums over the CHANNELS_AT_ONCE channels in hand; what is loaded, stored and summed
// over all channels is f32.

@compute @workgroup_size(WORKGROUP_SIZE)
fn main(at: Invocation) {
  let i = (at.group.z * at.groups.x + at.group.x) * WORKGROUP_SIZE + at.lane;
  let tiles = image_count() * TILES_ACROSS * TILES_DOWN;
  // A subgroup needs all its lanes: those that are too many do the last tile again.
  let tile = min(i, tiles - 1u);
  let first4 = at.group.y * FOURS;
  let left = i32((tile % TILES_ACROSS) * TILE_WIDTH);
  let top = i32(((tile / TILES_ACROSS) % TILES_DOWN) * TILE_HEIGHT);
  let n = tile / (TILES_ACROSS * TILES_DOWN);
  var sum: array<vec4f, TILE_HEIGHT * TILE_WIDTH * FOURS>;
  var partial: array<Four, PARTIALS>;
  var covered: array<Real, COVERED_HEIGHT * COVERED_WIDTH * CHANNELS_AT_ONCE>;
  var packed: array<Four, PACKED>;
  var weights: Four;
  var source: array<f32, SOURCE_COVERED_HEIGHT * SOURCE_COVERED_WIDTH * SOURCE_CHANNELS>;
  var innerPacked: array<Channels, INNER_PACKED>;
  var innerWeights: array<Channels, INNER_WEIGHTS>;
  // expand
  if (RECOMPUTED) {
    // expand
    for (var row = 0u; row < SOURCE_COVERED_HEIGHT; row++) {
      // expand
      for (var column = 0u; column < SOURCE_COVERED_WIDTH; column++) {
        // expand
        for (var k = 0u; k < SOURCE_CHANNELS; k++) {
          source[(row * SOURCE_COVERED_WIDTH + column) * SOURCE_CHANNELS + k] = source_pixel(
            n, top + i32(row) - PAD_TOP - INNER_PAD_TOP, left + i32(column) - PAD_LEFT - INNER_PAD_LEFT, k);
        }
      }
    }
  }
  for (var channel = 0u; channel < CHANNELS; channel += CHANNELS_AT_ONCE) {
    // expand
    if (RECOMPUTED) {
      // expand
      if (SUBGROUP) {
        // expand
        for (var part = 0u; part < INNER_PACKED; part++) {
          innerPacked[part] = inner_weight(min(part * LANES + at.subgroupLane, INNER_WEIGHTS - 1u), channel);
        }
      }
      // expand
      for (var w = 0u; w < INNER_WEIGHTS; w++) {
        // expand
        if (SUBGROUP) {
          innerWeights[w] = subgroupBroadcast(innerPacked[w / LANES], w % LANES);
        } else {
          innerWeights[w] = inner_weight(w, channel);
        }
      }
    }
    // expand
    for (var row = 0u; row < COVERED_HEIGHT; row++) {
      // expand
      for (var column = 0u; column < COVERED_WIDTH; column++) {
        // No branches around loads, not even those of &&: they multiply the time of compiling.
        let y = top * i32(STEPS_DOWN) + i32(row) - PAD_TOP;
        let x = left * i32(STEPS_ACROSS) + i32(column) - PAD_LEFT;
        var channels: vec4f;
        // expand
        if (RECOMPUTED) {
          var made = inner_bias(channel);
          // expand
          for (var ky = 0u; ky < INNER_HEIGHT; ky++) {
            // expand
            for (var kx = 0u; kx < INNER_WIDTH; kx++) {
              // expand
              for (var k = 0u; k < SOURCE_CHANNELS; k++) {
                made += innerWeights[(ky * INNER_WIDTH + kx) * SOURCE_CHANNELS + k] *
                  source[((row + ky) * SOURCE_COVERED_WIDTH + column + kx) * SOURCE_CHANNELS + k];
              }
            }
          }
          channels = as_four(inner_epilogue(made));
        } else {
          let near = (n * u32(HEIGHT) + u32(clamp(y, 0i, HEIGHT - 1i))) * u32(WIDTH) + u32(clamp(x, 0i, WIDTH - 1i));
          channels = load_channels(near, channel);
        }
        channels = select(vec4f(0.0), channels, (u32(y) < u32(HEIGHT)) & (u32(x) < u32(WIDTH)));
        // expand
        for (var k = 0u; k < CHANNELS_AT_ONCE; k++) {
          covered[(row * COVERED_WIDTH + column) * CHANNELS_AT_ONCE + k] = Real(channels[k]);
        }
      }
    }
    // expand
    if (SUBGROUP) {
      // expand
      for (var part = 0u; part < PACKED; part++) {
        let w = min(part * LANES + at.subgroupLane, PACKED_WEIGHTS - 1u);
        let k = (w / FOURS) % CHANNELS_AT_ONCE;
        packed[part] = Four(weight4(w / (FOURS * CHANNELS_AT_ONCE), channel + k, first4 + w % FOURS));
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
              weights = Four(weight4(ky * WINDOW_WIDTH + kx, channel + k, first4 + f));
            }
            // expand
            for (var row = 0u; row < TILE_HEIGHT; row++) {
              // expand
              for (var column = 0u; column < TILE_WIDTH; column++) {
                // expand
                if (HALF) {
                  partial[(row * TILE_WIDTH + column) * FOURS + f] +=
                    weights * covered[((row * STEPS_DOWN + ky) * COVERED_WIDTH + column * STEPS_ACROSS + kx) * CHANNELS_AT_ONCE + k];
                } else {
                  sum[(row * TILE_WIDTH + column) * FOURS + f] +=
                    weights * covered[((row * STEPS_DOWN + ky) * COVERED_WIDTH + column * STEPS_ACROSS + kx) * CHANNELS_AT_ONCE + k];
                }
              }
            }
          }
        }
      }
    }
    // expand
    if (HALF) {
      // expand
      for (var s = 0u; s < PARTIALS; s++) {
        sum[s] += vec4f(partial[s]);
        partial[s] = Four();
      }
    }
  }
  // A loop as it is, over a copy: stores written out, each with its epilogue, would be most of what is compiled. Its end is
  // one that compilers do not know, and so do not unroll.
  var made = sum;
  let madeHere = select(TILE_HEIGHT * TILE_WIDTH * FOURS, 0u, i >= tiles);
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
