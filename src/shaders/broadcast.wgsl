// y[i] = x[indexOfX(i)]: stretches x, or copies it. y [THREADS]

@compute @workgroup_size(WORKGROUP_SIZE)
fn main(@builtin(workgroup_id) group: vec3u, @builtin(local_invocation_index) lane: u32) {
  let i = (group.y * GRID_WIDTH + group.x) * WORKGROUP_SIZE + lane;
  if (i >= THREADS) { return; }
  y[i] = x[indexOfX(i)];
}
