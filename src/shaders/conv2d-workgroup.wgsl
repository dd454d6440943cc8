// A convolution whose window moves by one pixel, as conv2d-tile.wgsl, for GPUs: a workgroup makes a tile of TILE_HEIGHT x
// TILE_WIDTH pixels by 4 FILTER_LANES outputs. For CHANNELS_AT_ONCE channels at a time its lanes load the pixels that the tile's
// windows cover, and all weights, into workgroup memory, each number once; then each lane makes SEGMENT pixels of a row by
// four outputs from there. With RECOMPUTED an inner convolution makes those pixels from the images that it sees
// (conv2d-source.wgsl), of which the workgroup holds what the inner windows cover. With HALF the pixels and weights that it
// holds are f16, and so are their products, summed over a row of the window.

// Channel by channel, a number apart, so that lanes that store neighbouring channels use different banks.
var<workgroup> covered: array<Real, (COVERED_PIXELS + 1u) * CHANNELS_AT_ONCE>;
var<workgroup> source: array<f32, SOURCE_COVERED_HEIGHT * SOURCE_COVERED_WIDTH * SOURCE_CHANNELS>;
var<workgroup> weights: array<Four, WINDOW_HEIGHT * WINDOW_WIDTH * CHANNELS_AT_ONCE * FILTER_LANES>;

@compute @workgroup_size(WORKGROUP_SIZE)
fn main(at: Invocation) {
  let tile = at.group.z * at.groups.x + at.group.x;
  let first4 = at.group.y * FILTER_LANES;
  let left = i32((tile % TILES_ACROSS) * TILE_WIDTH);
  let top = i32(((tile / TILES_ACROSS) % TILES_DOWN) * TILE_HEIGHT);
  let images = image_count();
  let n = min(tile / (TILES_ACROSS * TILES_DOWN), images - 1u);
  let f = at.lane % FILTER_LANES;
  let segment = at.lane / FILTER_LANES;
  let row = segment / SEGMENTS_ACROSS;
  let column = (segment % SEGMENTS_ACROSS) * SEGMENT;
  var sum: array<vec4f, SEGMENT>;
  var partial: array<Four, PARTIALS>;
  var x: array<Real, SEGMENT_COVERED>;
  // A lane loads, or makes, the same of CHANNELS_AT_ONCE channels of all its pixels.
  let own = at.lane % CHANNELS_AT_ONCE;
  var innerWeights: array<f32, INNER_WEIGHTS>;
  // expand
  if (RECOMPUTED) {
    for (var i = at.lane; i < SOURCE_COVERED_HEIGHT * SOURCE_COVERED_WIDTH * SOURCE_CHANNELS; i += WORKGROUP_SIZE) {
      let place = i / SOURCE_CHANNELS;
      source[i] = source_pixel(
        n, top + i32(place / SOURCE_COVERED_WIDTH) - PAD_TOP - INNER_PAD_TOP,
        left + i32(place % SOURCE_COVERED_WIDTH) - PAD_LEFT - INNER_PAD_LEFT, i % SOURCE_CHANNELS);
    }
    workgroupBarrier();
  }
  for (var channel = 0u; channel < CHANNELS; channel += CHANNELS_AT_ONCE) {
    let ownChannel = min(channel + own, CHANNELS - 1u);
    // expand
    if (RECOMPUTED) {
      // expand
      for (var w = 0u; w < INNER_WEIGHTS; w++) {
        innerWeights[w] = inner_weight(w, ownChannel);
      }
    }
    // Neighbouring lanes load neighbouring channels, which lie side by side.
    for (var i = at.lane; i < COVERED_PIXELS * CHANNELS_AT_ONCE; i += WORKGROUP_SIZE) {
      let place = i / CHANNELS_AT_ONCE;
      let placeRow = place / COVERED_WIDTH;
      let placeColumn = place % COVERED_WIDTH;
      let y = top + i32(placeRow) - PAD_TOP;
      let x = left + i32(placeColumn) - PAD_LEFT;
      var made = 0.0;
      // expand
      if (RECOMPUTED) {
        made = inner_bias(ownChannel);
        // expand
        for (var ky = 0u; ky < INNER_HEIGHT; ky++) {
          // expand
          for (var kx = 0u; kx < INNER_WIDTH; kx++) {
            // expand
            for (var k = 0u; k < SOURCE_CHANNELS; k++) {
              made += innerWeights[(ky * INNER_WIDTH + kx) * SOURCE_CHANNELS + k] *
                source[((placeRow + ky) * SOURCE_COVERED_WIDTH + placeColumn + kx) * SOURCE_CHANNELS + k];
            }
          }
        }
        made = inner_epilogue(made);
      } else {
        let near = (n * u32(HEIGHT) + u32(clamp(y, 0i, HEIGHT - 1i))) * u32(WIDTH) + u32(clamp(x, 0i, WIDTH - 1i));
        made = load_channels(near, ownChannel).x;
      }
      // 0 outside the image and past the last channel.
      let inside = (u32(y) < u32(HEIGHT)) & (u32(x) < u32(WIDTH)) & (channel + own < CHANNELS);
      covered[own * (COVERED_PIXELS + 1u) + place] = Real(select(0.0, made, inside));
    }
    for (var i = at.lane; i < WINDOW_HEIGHT * WINDOW_WIDTH * CHANNELS_AT_ONCE * FILTER_LANES; i += WORKGROUP_SIZE) {
      let k = (i / FILTER_LANES) % CHANNELS_AT_ONCE;
      // Past the last channel the pixels are 0: any weight will do.
      weights[i] = Four(weight4(
        i / (FILTER_LANES * CHANNELS_AT_ONCE), min(channel + k, CHANNELS - 1u), first4 + i % FILTER_LANES));
    }
    workgroupBarrier();
    for (var ky = 0u; ky < WINDOW_HEIGHT; ky++) {
      for (var k = 0u; k < CHANNELS_AT_ONCE; k++) {
        // expand
        for (var s = 0u; s < SEGMENT_COVERED; s++) {
          x[s] = covered[k * (COVERED_PIXELS + 1u) + (row + ky) * COVERED_WIDTH + column + s];
        }
        // expand
        for (var kx = 0u; kx < WINDOW_WIDTH; kx++) {
          let weight = weights[((ky * WINDOW_WIDTH + kx) * CHANNELS_AT_ONCE + k) * FILTER_LANES + f];
          // expand
          for (var s = 0u; s < SEGMENT; s++) {
            // expand
            if (HALF) {
              partial[s] += weight * x[s + kx];
            } else {
              sum[s] += weight * x[s + kx];
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
    workgroupBarrier();
  }
  let y = u32(top) + row;
  let isHere = (tile < images * TILES_ACROSS * TILES_DOWN) & (y < u32(OUT_HEIGHT)) & (first4 + f < OUTPUT_GROUPS);
  // A loop over a copy, whose end compilers do not know: see conv2d-tile.wgsl.
  var made = sum;
  let madeHere = select(0u, min(SEGMENT, u32(max(0i, OUT_WIDTH - left - i32(column)))), isHere);
  for (var s = 0u; s < madeHere; s++) {
    let pixel = (n * u32(OUT_HEIGHT) + y) * u32(OUT_WIDTH) + u32(left) + column + s;
    store_y4(pixel, first4 + f, epilogue(pixel, first4 + f, made[s]));
  }
}
