// y [M, N] = epilogue(A [M, K] B [K, N]) for a few columns and long rows, a dense layer's last step. A workgroup makes ROWS rows
// by all FOURS fours of columns: its lanes take turns along K. What each has is added up within subgroups first, with SUBGROUP,
// of LANES lanes; then one lane for each of the SUMS adds its PARTS in order.

const SUMS = ROWS * FOURS;

var<workgroup> parts: array<vec4f, PARTS * SUMS>;
var<workgroup> sumsHere: u32;

@compute @workgroup_size(WORKGROUP_SIZE)
fn main(at: Invocation) {
  let firstRow = (at.group.z * at.groups.x + at.group.x) * ROWS;
  var sum: array<vec4f, SUMS>;
  var a: array<f32, ROWS>;
  for (var k = at.lane; k < K; k += WORKGROUP_SIZE) {
    // expand
    for (var row = 0u; row < ROWS; row++) {
      a[row] = load_a(min(firstRow + row, M - 1u), k);
    }
    // expand
    for (var f = 0u; f < FOURS; f++) {
      let weights = load_b4(k, f);
      // expand
      for (var row = 0u; row < ROWS; row++) {
        sum[row * FOURS + f] += weights * a[row];
      }
    }
  }
  // A loop over a copy, whose end compilers do not know: see conv2d-tile.wgsl.
  var made = sum;
  sumsHere = select(SUMS, 0u, firstRow >= M);
  let madeHere = workgroupUniformLoad(&sumsHere);
  for (var s = 0u; s < madeHere; s++) {
    // expand
    if (SUBGROUP) {
      let part = subgroupAdd(made[s]);
      if (at.subgroupLane == 0u) { parts[(at.lane / LANES) * SUMS + s] = part; }
    } else {
      parts[at.lane * SUMS + s] = made[s];
    }
  }
  workgroupBarrier();
  let row = firstRow + at.lane / FOURS;
  let four = at.lane % FOURS;
  if ((at.lane < SUMS) & (row < M)) {
    var total = parts[at.lane];
    for (var part = 1u; part < PARTS; part++) { total += parts[part * SUMS + at.lane]; }
    store_y4(row, four, epilogue(row, four, total));
  }
}
