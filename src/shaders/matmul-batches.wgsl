// y [batches, M, N] = A B for every batch, of a [matrices, M, K] and b [matrices, K, N], each perhaps stored transposed. matrixOfA
// and matrixOfB say which matrix a batch takes. A thread makes a tile of 4 x 4 from tiles of 4 x 4, as one product of mat4x4s.

const M_GROUPS = (M + 3u) / 4u;
const N_GROUPS = (N + 3u) / 4u;
const K_GROUPS = (K + 3u) / 4u;

var<private> firstRowOfA: u32;
var<private> firstRowOfB: u32;

fn load_a4(row: u32, four: u32) -> vec4f { return load_aMatrices4(firstRowOfA + row, four); }

fn load_b4(row: u32, four: u32) -> vec4f { return load_bMatrices4(firstRowOfB + row, four); }

@compute @workgroup_size(WORKGROUP_SIZE)
fn main(at: Invocation) {
  let i = (at.group.z * at.groups.x + at.group.x) * WORKGROUP_SIZE + at.lane;
  if (i >= THREADS) { return; }
  let n4 = i % N_GROUPS;
  let m4 = (i / N_GROUPS) % M_GROUPS;
  let batch = i / (N_GROUPS * M_GROUPS);
  firstRowOfA = matrixOfA(batch) * A_ROWS;
  firstRowOfB = matrixOfB(batch) * B_ROWS;
  var sum = mat4x4f();
  for (var k4 = 0u; k4 < K_GROUPS; k4++) {
    sum += tileOfB(k4, n4) * tileOfA(m4, k4);
  }
  for (var r = 0u; r < 4u; r++) {
    let row = 4u * m4 + r;
    if (row < M) { store_y4(batch * M + row, n4, epilogue(batch * M + row, n4, sum[r])); }
  }
}
