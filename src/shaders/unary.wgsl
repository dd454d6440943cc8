// y = compute(x), element by element; compute is a row of the elementwise table. x, y [THREADS]

@compute @workgroup_size(WORKGROUP_SIZE)
fn main(at: Invocation) {
  let i = (at.group.z * at.groups.x + at.group.x) * WORKGROUP_SIZE + at.lane;
  if (i >= THREADS) { return; }
  y[i] = compute(f32(x[i]));
}
