// Gradient descent as in Keras, in place: velocity = MOMENTUM velocity - stepSize g, p += velocity.
// p, velocity, gradient [THREADS]; stepSize [1].

@compute @workgroup_size(WORKGROUP_SIZE)
fn main(@builtin(workgroup_id) group: vec3u, @builtin(local_invocation_index) lane: u32) {
  let i = (group.y * GRID_WIDTH + group.x) * WORKGROUP_SIZE + lane;
  if (i >= THREADS) { return; }
  let moved = MOMENTUM * velocity[i] - stepSize[0] * gradient[i];
  velocity[i] = moved;
  p[i] += moved;
}
