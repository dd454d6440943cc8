// dx [rows, LENGTH] = SCALE times the sum of those entries of dy [COUNT, LENGTH] whose index is the row's, in order.

@compute @workgroup_size(WORKGROUP_SIZE)
fn main(@builtin(workgroup_id) group: vec3u, @builtin(local_invocation_index) lane: u32) {
  let i = (group.y * GRID_WIDTH + group.x) * WORKGROUP_SIZE + lane;
  if (i >= THREADS) { return; }
  let row = i32(i / LENGTH);
  var sum = 0.0;
  for (var entry = 0u; entry < COUNT; entry++) {
    if (indices[entry] == row) { sum += dy[entry * LENGTH + i % LENGTH]; }
  }
  dx[i] = sum * SCALE;
}
