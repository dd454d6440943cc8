// y [M, N] = epilogue(A [M, K] B [K, N]) for a few columns and long rows, a dense layer's last step. A workgroup makes ROWS rows
// by all FOURS fours of columns: its lanes take turns along K, then their sums are added up in order.

var<workgroup> parts: array<vec4f, WORKGROUP_SIZE>;
var<workgroup> sums: u32;

@compute @workgroup_size(WORKGROUP_SIZE)
fn main(at: Invocation) {
  let firstRow = (at.group.z * at.groups.x + at.group.x) * ROWS;
  var sum: array<vec4f, ROWS * FOURS>;
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
  sums = select(ROWS * FOURS, 0u, firstRow >= M);
  let madeHere = workgroupUniformLoad(&sums);
  for (var s = 0u; s < madeHere; s++) {
    parts[at.lane] = made[s];
    workgroupBarrier();
    let row = firstRow + s / FOURS;
    if ((at.lane == 0u) & (row < M)) {
      var total = parts[0];
      for (var other = 1u; other < WORKGROUP_SIZE; other++) { total += parts[other]; }
      store_y4(row, s % FOURS, epilogue(row, s % FOURS, total));
    }
    workgroupBarrier();
  }
}
