// y [count, LENGTH] f32 = SCALE times the entries of data [n, LENGTH] at indices [count], 0 at -1; data are bytes, four a word.

@compute @workgroup_size(WORKGROUP_SIZE)
fn main(at: Invocation) {
  let i = (at.group.z * at.groups.x + at.group.x) * WORKGROUP_SIZE + at.lane;
  if (i >= THREADS) { return; }
  let index = indices[i / LENGTH];
  let byte = u32(max(index, 0i)) * LENGTH + i % LENGTH;
  y[i] = select(0.0, f32(extractBits(data[byte / 4u], 8u * (byte % 4u), 8u)) * SCALE, index >= 0i);
}
