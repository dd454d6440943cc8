// y [M, N] = epilogue(A [M, K] B [K, N]) for a few columns and long rows, a dense layer's last step. A workgroup makes ROWS rows
// by all FOURS fours of columns: its lanes take turns along K, then their sums are added up in order.

var<workgroup> parts: array<vec4f, WORKGROUP_SIZE>;

fn rowOfB(row: u32, four: u32) -> vec4f { return load_b4(min(row, K - 1u), four); }

@compute @workgroup_size(WORKGROUP_SIZE)
fn main(at: Invocation) {
  let firstRow = (at.group.z * GRID_WIDTH + at.group.x) * ROWS;
  var sum: array<vec4f, ROWS * FOURS>;
  for (var k4 = at.lane; k4 < (K + 3u) / 4u; k4 += WORKGROUP_SIZE) {
    // expand
    for (var f = 0u; f < FOURS; f++) {
      let weights = mat4x4f(
        rowOfB(4u * k4, f), rowOfB(4u * k4 + 1u, f), rowOfB(4u * k4 + 2u, f), rowOfB(4u * k4 + 3u, f));
      // expand
      for (var row = 0u; row < ROWS; row++) {
        sum[row * FOURS + f] += weights * load_a4(min(firstRow + row, M - 1u), k4);
      }
    }
  }
  // expand
  for (var row = 0u; row < ROWS; row++) {
    // expand
    for (var f = 0u; f < FOURS; f++) {
      parts[at.lane] = sum[row * FOURS + f];
      workgroupBarrier();
      if (at.lane == 0u) {
        var total = parts[0];
        for (var other = 1u; other < WORKGROUP_SIZE; other++) { total += parts[other]; }
        if (firstRow + row < M) { store_y4(firstRow + row, f, epilogue(firstRow + row, f, total)); }
      }
      workgroupBarrier();
    }
  }
}
