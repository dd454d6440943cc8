// Adam as in Keras, in place: m = BETA1 m + (1 - BETA1) g, v = BETA2 v + (1 - BETA2) g^2, p -= stepSize m / (sqrt(v) + EPSILON).
// p, m, v, gradient [THREADS]; stepSize [1], the learning rate with the bias corrections of the step.

@compute @workgroup_size(WORKGROUP_SIZE)
fn main(at: Invocation) {
  let i = (at.group.z * at.groups.x + at.group.x) * WORKGROUP_SIZE + at.lane;
  if (i >= THREADS) { return; }
  let g = gradient[i];
  let mean = BETA1 * m[i] + ONE_MINUS_BETA1 * g;
  let square = BETA2 * v[i] + ONE_MINUS_BETA2 * g * g;
  m[i] = mean;
  v[i] = square;
  p[i] -= stepSize[0] * mean / (sqrt(square) + EPSILON);
}
