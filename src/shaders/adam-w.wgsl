// Adam with decoupled weight decay, in place: p -= decay p, then adam.wgsl's step.
// p, m, v, gradient [THREADS]; stepSize [1] as Adam's; decay [1], the learning rate times the weight decay.

@compute @workgroup_size(WORKGROUP_SIZE)
fn main(at: Invocation) {
  let i = (at.group.z * at.groups.x + at.group.x) * WORKGROUP_SIZE + at.lane;
  if (i >= THREADS) { return; }
  let g = gradient[i];
  let mean = BETA1 * m[i] + ONE_MINUS_BETA1 * g;
  let square = BETA2 * v[i] + ONE_MINUS_BETA2 * g * g;
  m[i] = mean;
  v[i] = square;
  let kept = p[i] - decay[0] * p[i];
  p[i] = kept - stepSize[0] * mean / (sqrt(square) + EPSILON);
}
