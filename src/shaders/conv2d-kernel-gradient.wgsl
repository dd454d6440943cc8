// conv2d's gradient for its kernel and, with SUMS, its bias, where the window moves by one pixel: x [N, HEIGHT, WIDTH,
// CHANNELS], dy [N, OUT_HEIGHT, OUT_WIDTH, filters] -> partial sums dk [slices, DK_ROWS, filters], which combine.wgsl adds up.
// The DK_ROWS are the kernel's first three axes, and one for the bias. A slice is ROWS_IN_SLICE of the ROWS = N OUT_HEIGHT
// rows of outputs.
// A thread makes all taps of one channel by FOURS fours of filters. It walks along the rows, STEP outputs at a time, and
// keeps the part of x that their windows cover. Neighbouring lanes have neighbouring channels and the same outputs: with
// SUBGROUP each of the LANES lanes loads its part of dy and hands it round.

// 0 outside the image. No branches, not even those of &&: they multiply the time of compiling.
fn pixel(n: u32, row: i32, column: i32, channel: u32) -> f32 {
  let inside = (u32(row) < u32(HEIGHT)) & (u32(column) < u32(WIDTH));
  let near = (n * u32(HEIGHT) + u32(clamp(row, 0i, HEIGHT - 1i))) * u32(WIDTH) + u32(clamp(column, 0i, WIDTH - 1i));
  return select(0.0, load_x(near, channel), inside);
}

// 0 past a row's end, and in rows past the last.
fn output4(row: u32, column: i32, four: u32) -> vec4f {
  let near = min(row, ROWS - 1u) * u32(OUT_WIDTH) + u32(min(column, OUT_WIDTH - 1i));
  return select(vec4f(0.0), load_dy4(near, four), (row < ROWS) & (column < OUT_WIDTH));
}

@compute @workgroup_size(WORKGROUP_SIZE)
fn main(at: Invocation) {
  let i = (at.group.z * at.groups.x + at.group.x) * WORKGROUP_SIZE + at.lane;
  // A subgroup needs all its lanes: those that are too many do the last thread's work again.
  let thread = min(i, THREADS - 1u);
  let channel = thread % CHANNELS;
  let first4 = FOURS * ((thread / CHANNELS) % FILTER_GROUPS);
  let slice = thread / (CHANNELS * FILTER_GROUPS);
  var sum: array<vec4f, WINDOW_HEIGHT * WINDOW_WIDTH * FOURS>;
  var biasSum: array<vec4f, FOURS>;
  var covered: array<f32, WINDOW_HEIGHT * COVERED_WIDTH>;
  var packed: array<vec4f, PACKED>;
  var slope: vec4f;
  for (var rowInSlice = 0u; rowInSlice < ROWS_IN_SLICE; rowInSlice++) {
    let row = slice * ROWS_IN_SLICE + rowInSlice;
    let n = min(row, ROWS - 1u) / u32(OUT_HEIGHT);
    let top = i32(min(row, ROWS - 1u) % u32(OUT_HEIGHT)) - PAD_TOP;
    // expand
    for (var ky = 0u; ky < WINDOW_HEIGHT; ky++) {
      // expand
      for (var column = 0u; column < OVERLAP; column++) {
        covered[ky * COVERED_WIDTH + STEP + column] = pixel(n, top + i32(ky), i32(column) - PAD_LEFT, channel);
      }
    }
    for (var left = 0i; left < OUT_WIDTH; left += i32(STEP)) {
      // expand
      for (var ky = 0u; ky < WINDOW_HEIGHT; ky++) {
        // expand
        for (var column = 0u; column < OVERLAP; column++) {
          covered[ky * COVERED_WIDTH + column] = covered[ky * COVERED_WIDTH + STEP + column];
        }
        // expand
        for (var column = 0u; column < STEP; column++) {
          covered[ky * COVERED_WIDTH + OVERLAP + column] =
            pixel(n, top + i32(ky), left + i32(OVERLAP + column) - PAD_LEFT, channel);
        }
      }
      // expand
      if (SUBGROUP) {
        // expand
        for (var part = 0u; part < PACKED; part++) {
          let o = min(part * LANES + at.subgroupLane, STEP * FOURS - 1u);
          packed[part] = output4(row, left + i32(o / FOURS), first4 + o % FOURS);
        }
      }
      // expand
      for (var step = 0u; step < STEP; step++) {
        // expand
        for (var f = 0u; f < FOURS; f++) {
          // expand
          if (SUBGROUP) {
            slope = subgroupBroadcast(packed[(step * FOURS + f) / LANES], (step * FOURS + f) % LANES);
          } else {
            slope = output4(row, left + i32(step), first4 + f);
          }
          // expand
          for (var ky = 0u; ky < WINDOW_HEIGHT; ky++) {
            // expand
            for (var kx = 0u; kx < WINDOW_WIDTH; kx++) {
              sum[(ky * WINDOW_WIDTH + kx) * FOURS + f] += slope * covered[ky * COVERED_WIDTH + step + kx];
            }
          }
          // expand
          if (SUMS) {
            biasSum[f] += slope;
          }
        }
      }
    }
  }
  // A loop over a copy, whose end compilers do not know: see conv2d-tile.wgsl.
  var made = sum;
  let madeHere = select(WINDOW_HEIGHT * WINDOW_WIDTH * FOURS, 0u, i >= THREADS);
  for (var s = 0u; s < madeHere; s++) {
    store_dk4(slice * DK_ROWS + (s / FOURS) * CHANNELS + channel, first4 + s % FOURS, made[s]);
  }
  // expand
  if (SUMS) {
    if ((madeHere > 0u) & (channel == 0u)) {
      // expand
      for (var f = 0u; f < FOURS; f++) {
        store_dk4(slice * DK_ROWS + DK_ROWS - 1u, first4 + f, biasSum[f]);
      }
    }
  }
}
