// y [N, IMAGE_PIXELS, IMAGE_CHANNELS]: the images that blend-load.wgsl describes, stored.

@compute @workgroup_size(WORKGROUP_SIZE)
fn main(@builtin(workgroup_id) group: vec3u, @builtin(local_invocation_index) lane: u32) {
  let i = (group.y * GRID_WIDTH + group.x) * WORKGROUP_SIZE + lane;
  if (i >= THREADS) { return; }
  y[i] = load_x(i / IMAGE_CHANNELS, i % IMAGE_CHANNELS);
}
