// dx [outer, EXTENT, INNER] = the sum of those entries of dy [outer, COUNT, INNER] whose index is the row's, in order. Negative
// indices count from the end.

@compute @workgroup_size(WORKGROUP_SIZE)
fn main(at: Invocation) {
  let i = (at.group.z * at.groups.x + at.group.x) * WORKGROUP_SIZE + at.lane;
  if (i >= THREADS) { return; }
  let row = i32(i / INNER) % EXTENT;
  let outer = i / (INNER * u32(EXTENT));
  var sum = 0.0;
  for (var entry = 0u; entry < COUNT; entry++) {
    let index = indices[entry];
    if (select(index, index + EXTENT, index < 0i) == row) { sum += dy[(outer * COUNT + entry) * INNER + i % INNER]; }
  }
  dx[i] = sum;
}
