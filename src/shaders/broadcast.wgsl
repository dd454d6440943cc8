// y[i] = x[indexOfX(i)]: stretches x, or copies it. y [THREADS]

@compute @workgroup_size(WORKGROUP_SIZE)
fn main(at: Invocation) {
  let i = (at.group.z * at.groups.x + at.group.x) * WORKGROUP_SIZE + at.lane;
  if (i >= THREADS) { return; }
  y[i] = x[indexOfX(i)];
}
