// 4 x 4 tiles of A [M, K] and B [K, N], each perhaps stored transposed (a [A_ROWS, ...], b [B_ROWS, ...]); 0 beyond their edges.

fn rowOfA(row: u32, four: u32) -> vec4f {
  if (A_ROWS % 4u != 0u && row >= A_ROWS) { return vec4f(0.0); }
  return load_a4(row, four);
}

fn rowOfB(row: u32, four: u32) -> vec4f {
  if (B_ROWS % 4u != 0u && row >= B_ROWS) { return vec4f(0.0); }
  return load_b4(row, four);
}

// Column r: row 4 m4 + r of A, along k.
fn tileOfA(m4: u32, k4: u32) -> mat4x4f {
  let row = 4u * select(m4, k4, TRANSPOSE_A);
  let four = select(k4, m4, TRANSPOSE_A);
  let tile = mat4x4f(rowOfA(row, four), rowOfA(row + 1u, four), rowOfA(row + 2u, four), rowOfA(row + 3u, four));
  if (TRANSPOSE_A) { return transpose(tile); }
  return tile;
}

// Column r: row 4 k4 + r of B, along n.
fn tileOfB(k4: u32, n4: u32) -> mat4x4f {
  let row = 4u * select(k4, n4, TRANSPOSE_B);
  let four = select(n4, k4, TRANSPOSE_B);
  let tile = mat4x4f(rowOfB(row, four), rowOfB(row + 1u, four), rowOfB(row + 2u, four), rowOfB(row + 3u, four));
  if (TRANSPOSE_B) { return transpose(tile); }
  return tile;
}
