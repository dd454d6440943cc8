// y = x - log(sum of exp(x)) along each row; x, y [THREADS / INNER, CLASSES, INNER]. A thread makes a row.
// The largest exponential is 1; the others are added up by themselves, so that the logarithm of a nearly certain class keeps its
// digits.

@compute @workgroup_size(WORKGROUP_SIZE)
fn main(at: Invocation) {
  let i = (at.group.z * at.groups.x + at.group.x) * WORKGROUP_SIZE + at.lane;
  if (i >= THREADS) { return; }
  let first = (i / INNER) * CLASSES * INNER + i % INNER;
  var best = 0u;
  for (var c = 1u; c < CLASSES; c++) {
    if (x[first + c * INNER] > x[first + best * INNER]) { best = c; }
  }
  let largest = x[first + best * INNER];
  var others = 0.0;
  for (var c = 0u; c < CLASSES; c++) {
    if (c != best) { others += accurateExp(x[first + c * INNER] - largest); }
  }
  let logTotal = select(accurateLog(1.0 + others), accurateLog1p(min(others, 1.0)), others <= 1.0);
  for (var c = 0u; c < CLASSES; c++) { y[first + c * INNER] = (x[first + c * INNER] - largest) - logTotal; }
}
