// y [count, LENGTH] = SCALE times the entries of data [n, LENGTH] at indices [count]; f32, or i32 with SCALE 1.

@compute @workgroup_size(WORKGROUP_SIZE)
fn main(at: Invocation) {
  let i = (at.group.z * at.groups.x + at.group.x) * WORKGROUP_SIZE + at.lane;
  if (i >= THREADS) { return; }
  y[i] = data[u32(indices[i / LENGTH]) * LENGTH + i % LENGTH] * SCALE;
}
