// y = compute(x), element by element; compute is a row of the elementwise table. x, y [THREADS]

@compute @workgroup_size(WORKGROUP_SIZE)
fn main(@builtin(workgroup_id) group: vec3u, @builtin(local_invocation_index) lane: u32) {
  let i = (group.y * GRID_WIDTH + group.x) * WORKGROUP_SIZE + lane;
  if (i >= THREADS) { return; }
  y[i] = compute(f32(x[i]));
}
