// Folds x [outer, REDUCED, INNER] to y [outer, SLICES, INNER]. Slice s takes elements s, s + SLICES, s + 2 SLICES, ... in
// that order, so that neighbouring threads read neighbouring numbers. A long run is folded to slices and these once more.

@compute @workgroup_size(WORKGROUP_SIZE)
fn main(at: Invocation) {
  let i = (at.group.z * at.groups.x + at.group.x) * WORKGROUP_SIZE + at.lane;
  if (i >= THREADS) { return; }
  let inner = i % INNER;
  let slice = (i / INNER) % SLICES;
  let outer = i / (INNER * SLICES);
  var folded = INITIAL;
  for (var r = slice; r < REDUCED; r += SLICES) {
    folded = fold(folded, f32(x[(outer * REDUCED + r) * INNER + inner]));
  }
  y[i] = folded;
}
