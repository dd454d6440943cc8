// dx [rows, LENGTH] = SCALE times the sum of those entries of dy [COUNT, LENGTH] whose index is the row's, in order.

@compute @workgroup_size(WORKGROUP_SIZE)
fn main(at: Invocation) {
  let i = (at.group.z * at.groups.x + at.group.x) * WORKGROUP_SIZE + at.lane;
  if (i >= THREADS) { return; }
  let row = i32(i / LENGTH);
  var sum = 0.0;
  for (var entry = 0u; entry < COUNT; entry++) {
    if (indices[entry] == row) { sum += dy[entry * LENGTH + i % LENGTH]; }
  }
  dx[i] = sum * SCALE;
}
