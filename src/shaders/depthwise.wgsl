// depthwise conv2d without gaps, a filter for each channel: x [N, HEIGHT, WIDTH, channels], kernel [TAPS_DOWN, TAPS_ACROSS, channels]
//      -> y [N, OUT_HEIGHT, OUT_WIDTH, channels], and what is fused onto the sum (epilogue).
// A thread goes down a strip of STRIP_WIDTH results of four channels, PIECE_HEIGHT results high, so that each row of x is loaded once for
// all results that see it: it has the sums of ROWS_IN_HAND rows of results in hand, of which one is done with every STEPS_DOWN rows of x.

@compute @workgroup_size(WORKGROUP_SIZE)
fn main(at: Invocation) {
  let i = (at.group.z * at.groups.x + at.group.x) * WORKGROUP_SIZE + at.lane;
  let f4 = i % FOURS;
  let strip = (i / FOURS) % STRIPS;
  let piece = (i / (FOURS * STRIPS)) % PIECES;
  let n = i / (FOURS * STRIPS * PIECES);
  if (n >= image_count()) { return; }
  let left = i32(strip * STRIP_WIDTH * STEPS_ACROSS) - PAD_LEFT;
  let firstRow = piece * PIECE_HEIGHT;
  let top = i32(firstRow * STEPS_DOWN) - PAD_TOP;
  // Bounds are looked at once: what a thread sees of a row is in the same columns of all rows.
  var column: array<u32, COVERED>;
  var isInside: array<bool, COVERED>;
  // expand
  for (var c = 0u; c < COVERED; c++) {
    column[c] = u32(clamp(left + i32(c), 0i, WIDTH - 1i));
    isInside[c] = u32(left + i32(c)) < u32(WIDTH);
  }
  var weights: array<vec4f, TAPS_DOWN * TAPS_ACROSS>;
  // expand
  for (var w = 0u; w < TAPS_DOWN * TAPS_ACROSS; w++) {
    weights[w] = load_kernel4(w, f4);
  }
  let ends = ends_of(f4);
  var x: array<vec4f, COVERED>;
  // Row d of results in hand: the one that began d rows ago.
  var sum: array<vec4f, ROWS_IN_HAND * STRIP_WIDTH>;
  let rowsHere = min(PIECE_HEIGHT, u32(OUT_HEIGHT) - firstRow) + ROWS_IN_HAND - 1u;
  for (var t = 0u; t < rowsHere; t++) {
    // expand
    for (var r = 0u; r < STEPS_DOWN; r++) {
      let y = top + i32(t * STEPS_DOWN + r);
      let isRow = u32(y) < u32(HEIGHT);
      let start = (n * u32(HEIGHT) + u32(clamp(y, 0i, HEIGHT - 1i))) * u32(WIDTH);
      // expand
      for (var c = 0u; c < COVERED; c++) {
        x[c] = select(vec4f(0.0), load_x4(start + column[c], f4), isRow & isInside[c]);
      }
      // expand
      for (var d = 0u; d < ROWS_IN_HAND; d++) {
        // Numbers that compilers know: what is past the window's end is no code.
        if (r + STEPS_DOWN * d < TAPS_DOWN) {
          // expand
          for (var kx = 0u; kx < TAPS_ACROSS; kx++) {
            // expand
            for (var s = 0u; s < STRIP_WIDTH; s++) {
              sum[d * STRIP_WIDTH + s] +=
                weights[min(r + STEPS_DOWN * d, TAPS_DOWN - 1u) * TAPS_ACROSS + kx] * x[s * STEPS_ACROSS + kx];
            }
          }
        }
      }
    }
    if (t + 1u >= ROWS_IN_HAND) {
      let row = (n * u32(OUT_HEIGHT) + firstRow + t + 1u - ROWS_IN_HAND) * u32(OUT_WIDTH);
      // expand
      for (var s = 0u; s < STRIP_WIDTH; s++) {
        let place = strip * STRIP_WIDTH + s;
        if (place < u32(OUT_WIDTH)) {
          store_y4(row + place, f4, finish(row + place, f4, sum[(ROWS_IN_HAND - 1u) * STRIP_WIDTH + s], ends));
        }
      }
    }
    // expand
    for (var back = 0u; back < OLDER_ROWS; back++) {
      // expand
      for (var s = 0u; s < STRIP_WIDTH; s++) {
        sum[(OLDER_ROWS - back) * STRIP_WIDTH + s] = sum[(OLDER_ROWS - back - 1u) * STRIP_WIDTH + s];
      }
    }
    // expand
    for (var s = 0u; s < STRIP_WIDTH; s++) {
      sum[s] = vec4f(0.0);
    }
  }
}
