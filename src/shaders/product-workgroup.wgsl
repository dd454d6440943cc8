// y [rows, outputs] = epilogue(x [rows, K] weights [K, outputs]), as product-tile.wgsl, for GPUs: a workgroup makes a tile of TILE_ROWS rows
// by FOURS_ACROSS fours of outputs. For K_AT_ONCE numbers of a row at a time its lanes load the tile's rows and all weights into workgroup
// memory, each number once; then each lane makes LANE_ROWS rows by LANE_FOURS fours of outputs from there. With HALF what it holds there is
// f16, and so are products, summed over the K_AT_ONCE numbers in hand.

const LANES_ACROSS = FOURS_ACROSS / LANE_FOURS;
const LANES_DOWN = TILE_ROWS / LANE_ROWS;
const X_FOURS = K_AT_ONCE / 4u;

// One number of all rows after the other, with a gap, so that lanes that store neighbouring numbers use different banks.
var<workgroup> x: array<Real, K_AT_ONCE * (TILE_ROWS + 1u)>;
var<workgroup> weights: array<Four, K_AT_ONCE * FOURS_ACROSS>;

@compute @workgroup_size(WORKGROUP_SIZE)
fn main(at: Invocation) {
  let rows = row_count();
  let firstRow = (at.group.z * at.groups.x + at.group.x) * TILE_ROWS;
  let first4 = at.group.y * FOURS_ACROSS;
  let across = at.lane % LANES_ACROSS;
  let down = at.lane / LANES_ACROSS;
  var sum: array<vec4f, LANE_ROWS * LANE_FOURS>;
  var partial: array<Four, PARTIALS>;
  var own: array<Four, LANE_FOURS>;
  for (var k = 0u; k < K; k += K_AT_ONCE) {
    for (var i = at.lane; i < TILE_ROWS * X_FOURS; i += WORKGROUP_SIZE) {
      let row = i / X_FOURS;
      let k4 = k / 4u + i % X_FOURS;
      let loaded = load_rows4(min(firstRow + row, rows - 1u), min(k4, (K - 1u) / 4u));
      // 0 past a row's end, and past the weights': infinity times 0 is no number.
      let four = select(vec4f(0.0), loaded, vec4u(4u * k4) + vec4u(0u, 1u, 2u, 3u) < vec4u(K));
      // expand
      for (var c = 0u; c < 4; c++) {
        x[(4u * (i % X_FOURS) + c) * (TILE_ROWS + 1u) + row] = Real(four[c]);
      }
    }
    for (var i = at.lane; i < K_AT_ONCE * FOURS_ACROSS; i += WORKGROUP_SIZE) {
      let weight = Four(weight4(min(k + i / FOURS_ACROSS, K - 1u), min(first4 + i % FOURS_ACROSS, OUTPUT_GROUPS - 1u)));
      weights[i] = select(Four(), weight, k + i / FOURS_ACROSS < K);
    }
    workgroupBarrier();
    for (var i = 0u; i < K_AT_ONCE; i++) {
      // expand
      for (var f = 0u; f < LANE_FOURS; f++) {
        own[f] = weights[i * FOURS_ACROSS + f * LANES_ACROSS + across];
      }
      // expand
      for (var r = 0u; r < LANE_ROWS; r++) {
        let number = x[i * (TILE_ROWS + 1u) + r * LANES_DOWN + down];
        // expand
        for (var f = 0u; f < LANE_FOURS; f++) {
          // expand
          if (HALF) {
            partial[r * LANE_FOURS + f] += own[f] * number;
          } else {
            sum[r * LANE_FOURS + f] += own[f] * number;
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
    workgroupBarrier();
  }
  // expand
  for (var f = 0u; f < LANE_FOURS; f++) {
    let four = first4 + f * LANES_ACROSS + across;
    if (four < OUTPUT_GROUPS) {
      let ends = ends_of(four);
      // expand
      for (var r = 0u; r < LANE_ROWS; r++) {
        let row = firstRow + r * LANES_DOWN + down;
        if (row < rows) { store_y4(row, four, finish(row, four, sum[r * LANE_FOURS + f], ends)); }
      }
    }
  }
}
