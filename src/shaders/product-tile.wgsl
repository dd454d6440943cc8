// y [rows, outputs] = epilogue(x [rows, K] weights [K, outputs]): a pointwise convolution, whose rows are pixels, or a dense layer.
// A thread makes a tile of TILE_ROWS rows by FOURS fours of outputs, so that each number it loads serves many sums; for K_AT_ONCE
// numbers of a row at a time. Lanes stand side by side along the rows and use the same weights: with SUBGROUP each of the LANES lanes
// loads its part of them and hands it round.
// With HALF products are f16, and so are their sums over the K_AT_ONCE numbers in hand; what is loaded, stored and summed over all of
// them is f32.

@compute @workgroup_size(WORKGROUP_SIZE)
fn main(at: Invocation) {
  let i = (at.group.z * at.groups.x + at.group.x) * WORKGROUP_SIZE + at.lane;
  let rows = row_count();
  let tiles = (rows + TILE_ROWS - 1u) / TILE_ROWS;
  // A subgroup needs all its lanes: those that are too many do the last tile again.
  let firstRow = min(i, tiles - 1u) * TILE_ROWS;
  let first4 = at.group.y * FOURS;
  var sum: array<vec4f, TILE_ROWS * FOURS>;
  var partial: array<Four, PARTIALS>;
  var x: array<Four, TILE_ROWS>;
  var packed: array<Four, PACKED>;
  var weights: Four;
  for (var k = 0u; k < K; k += K_AT_ONCE) {
    // expand
    for (var r = 0u; r < TILE_ROWS; r++) {
      x[r] = Four(load_fours(min(firstRow + r, rows - 1u), k));
    }
    // expand
    if (SUBGROUP) {
      // expand
      for (var part = 0u; part < PACKED; part++) {
        let w = min(part * LANES + at.subgroupLane, K_AT_ONCE * FOURS - 1u);
        packed[part] = Four(weight4(k + w / FOURS, first4 + w % FOURS));
      }
    }
    // expand
    for (var own = 0u; own < K_AT_ONCE; own++) {
      // expand
      for (var f = 0u; f < FOURS; f++) {
        // expand
        if (SUBGROUP) {
          const w = own * FOURS + f;
          weights = subgroupBroadcast(packed[w / LANES], w % LANES);
        } else {
          weights = Four(weight4(k + own, first4 + f));
        }
        // expand
        for (var r = 0u; r < TILE_ROWS; r++) {
          // expand
          if (HALF) {
            partial[r * FOURS + f] += weights * x[r][own];
          } else {
            sum[r * FOURS + f] += weights * x[r][own];
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
  let rowsHere = select(min(TILE_ROWS, rows - firstRow), 0u, i >= tiles);
  // expand
  for (var f = 0u; f < FOURS; f++) {
    let ends = ends_of(first4 + f);
    // expand
    for (var r = 0u; r < TILE_ROWS; r++) {
      if (r < rowsHere) {
        store_y4(firstRow + r, first4 + f, finish(firstRow + r, first4 + f, sum[r * FOURS + f], ends));
      }
    }
  }
}
