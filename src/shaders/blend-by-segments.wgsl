// y [N, IMAGE_PIXELS, IMAGE_CHANNELS]: the images that blend-load.wgsl describes, stored.

@compute @workgroup_size(WORKGROUP_SIZE)
fn main(at: Invocation) {
  let i = (at.group.z * at.groups.x + at.group.x) * WORKGROUP_SIZE + at.lane;
  if (i >= THREADS) { return; }
  y[i] = load_x(i / IMAGE_CHANNELS, i % IMAGE_CHANNELS);
}
