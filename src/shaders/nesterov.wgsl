// Gradient descent with Nesterov's momentum as in Keras, in place: velocity = MOMENTUM velocity - stepSize g,
// p += MOMENTUM velocity - stepSize g. p, velocity, gradient [THREADS]; stepSize [1].

@compute @workgroup_size(WORKGROUP_SIZE)
fn main(at: Invocation) {
  let i = (at.group.z * at.groups.x + at.group.x) * WORKGROUP_SIZE + at.lane;
  if (i >= THREADS) { return; }
  let pull = stepSize[0] * gradient[i];
  let moved = MOMENTUM * velocity[i] - pull;
  velocity[i] = moved;
  p[i] += MOMENTUM * moved - pull;
}
