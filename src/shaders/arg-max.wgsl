// y [outer, INNER] = the index of the first maximum along the middle axis of x [outer, REDUCED, INNER].

@compute @workgroup_size(WORKGROUP_SIZE)
fn main(at: Invocation) {
  let i = (at.group.z * at.groups.x + at.group.x) * WORKGROUP_SIZE + at.lane;
  if (i >= THREADS) { return; }
  let first = (i / INNER) * REDUCED * INNER + i % INNER;
  var best = 0u;
  for (var r = 1u; r < REDUCED; r++) {
    if (x[first + r * INNER] > x[first + best * INNER]) { best = r; }
  }
  y[i] = i32(best);
}
