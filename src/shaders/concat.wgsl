// Puts some parts of a concatenation into y [outer, RUN], from FIRST on in each run: neighbouring threads write neighbours.
// partAt finds the number, of the LENGTH that these parts bring to a run. THREADS = outer * LENGTH

@compute @workgroup_size(WORKGROUP_SIZE)
fn main(at: Invocation) {
  let i = (at.group.z * at.groups.x + at.group.x) * WORKGROUP_SIZE + at.lane;
  if (i >= THREADS) { return; }
  let outer = i / LENGTH;
  let position = i % LENGTH;
  y[outer * RUN + FIRST + position] = partAt(outer, position);
}
