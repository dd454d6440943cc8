// y [count, LENGTH] = SCALE times the entries of data [n, LENGTH] at indices [count], 0 at -1; f32, or i32 with SCALE 1.

@compute @workgroup_size(WORKGROUP_SIZE)
fn main(at: Invocation) {
  let i = (at.group.z * at.groups.x + at.group.x) * WORKGROUP_SIZE + at.lane;
  if (i >= THREADS) { return; }
  let index = indices[i / LENGTH];
  let entry = data[u32(max(index, 0i)) * LENGTH + i % LENGTH] * SCALE;
  y[i] = select(SCALE - SCALE, entry, index >= 0i);
}
