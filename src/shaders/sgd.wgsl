// Gradient descent as in Keras, in place: velocity = MOMENTUM velocity - stepSize g, p += velocity.
// p, velocity, gradient [THREADS]; stepSize [1].

@compute @workgroup_size(WORKGROUP_SIZE)
fn main(at: Invocation) {
  let i = (at.group.z * at.groups.x + at.group.x) * WORKGROUP_SIZE + at.lane;
  if (i >= THREADS) { return; }
  let moved = MOMENTUM * velocity[i] - stepSize[0] * gradient[i];
  velocity[i] = moved;
  p[i] += moved;
}
