// y = exp(x - the row's maximum) / their sum; x, y [THREADS / INNER, CLASSES, INNER]. A thread makes a row.

@compute @workgroup_size(WORKGROUP_SIZE)
fn main(at: Invocation) {
  let i = (at.group.z * at.groups.x + at.group.x) * WORKGROUP_SIZE + at.lane;
  if (i >= THREADS) { return; }
  let first = (i / INNER) * CLASSES * INNER + i % INNER;
  var largest = x[first];
  for (var c = 1u; c < CLASSES; c++) { largest = max(largest, x[first + c * INNER]); }
  var total = 0.0;
  for (var c = 0u; c < CLASSES; c++) {
    let power = accurateExp(x[first + c * INNER] - largest);
    y[first + c * INNER] = power;
    total += power;
  }
  for (var c = 0u; c < CLASSES; c++) { y[first + c * INNER] /= total; }
}
