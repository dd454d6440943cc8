// Row position mod ROWS of ring [ROWS, WIDTH], from FIRST_COLUMN on, becomes valueOf(0), valueOf(1), ...

@compute @workgroup_size(WORKGROUP_SIZE)
fn main(@builtin(workgroup_id) group: vec3u, @builtin(local_invocation_index) lane: u32) {
  let i = (group.y * GRID_WIDTH + group.x) * WORKGROUP_SIZE + lane;
  if (i >= THREADS) { return; }
  ring[(u32(position[0]) % ROWS) * WIDTH + FIRST_COLUMN + i] = valueOf(i);
}
