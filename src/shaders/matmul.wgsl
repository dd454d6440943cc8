// y [M, N] = A [M, K] B [K, N], each perhaps stored transposed (a [A_ROWS, ...], b [B_ROWS, ...]).
// A thread makes a tile of 4 x 4 from tiles of 4 x 4, as one product of mat4x4s. With SLICES > 1, y is [SLICES, Y_ROWS, N] of
// partial sums over GROUPS_IN_SLICE fours of K each, which combine.wgsl adds up. With SUMS, the sums of B's columns are wanted
// too: of a layer's slopes, the gradient of its bias.

const M_GROUPS = (M + 3u) / 4u;
const N_GROUPS = (N + 3u) / 4u;
const K_GROUPS = (K + 3u) / 4u;

@compute @workgroup_size(WORKGROUP_SIZE)
fn main(at: Invocation) {
  let i = (at.group.z * at.groups.x + at.group.x) * WORKGROUP_SIZE + at.lane;
  if (i >= THREADS) { return; }
  let n4 = i % N_GROUPS;
  let m4 = (i / N_GROUPS) % M_GROUPS;
  let slice = i / (N_GROUPS * M_GROUPS);
  var sum = mat4x4f();
  let end = min((slice + 1u) * GROUPS_IN_SLICE, K_GROUPS);
  var columnSum = vec4f(0.0);
  for (var k4 = slice * GROUPS_IN_SLICE; k4 < end; k4++) {
    let b = tileOfB(k4, n4);
    sum += b * tileOfA(m4, k4);
    // expand
    if (SUMS) { columnSum += b[0] + b[1] + b[2] + b[3]; }
  }
  // expand
  if (SUMS) {
    if (m4 == 0u) { store_sums4(slice, n4, columnSum); }
  }
  for (var r = 0u; r < 4u; r++) {
    let row = 4u * m4 + r;
    if (row < M) { store_y4(slice * Y_ROWS + row, n4, epilogue(row, n4, sum[r])); }
  }
}
