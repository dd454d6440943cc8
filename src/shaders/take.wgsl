// y [outer, COUNT, INNER] = the entries of data [outer, EXTENT, INNER] at indices [COUNT], which count from the end where they are
// negative; ZERO beyond the ends.

@compute @workgroup_size(WORKGROUP_SIZE)
fn main(at: Invocation) {
  let i = (at.group.z * at.groups.x + at.group.x) * WORKGROUP_SIZE + at.lane;
  if (i >= THREADS) { return; }
  let index = indices[(i / INNER) % COUNT];
  let entry = select(index, index + EXTENT, index < 0i);
  let outer = i / (INNER * COUNT);
  let row = outer * u32(EXTENT) + u32(clamp(entry, 0i, EXTENT - 1i));
  y[i] = select(ZERO, data[row * INNER + i % INNER], entry >= 0i && entry < EXTENT);
}
