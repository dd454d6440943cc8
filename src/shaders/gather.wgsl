// y [count, LENGTH] = SCALE times the entries of data [n, LENGTH] at indices [count]; f32, or i32 with SCALE 1.

@compute @workgroup_size(WORKGROUP_SIZE)
fn main(@builtin(workgroup_id) group: vec3u, @builtin(local_invocation_index) lane: u32) {
  let i = (group.y * GRID_WIDTH + group.x) * WORKGROUP_SIZE + lane;
  if (i >= THREADS) { return; }
  y[i] = data[u32(indices[i / LENGTH]) * LENGTH + i % LENGTH] * SCALE;
}
