// y [ROWS, width] = epilogue(the sum of partials [SLICES, ROWS, width] over slices, in order). A thread makes 4 numbers.

@compute @workgroup_size(WORKGROUP_SIZE)
fn main(at: Invocation) {
  let i = (at.group.z * at.groups.x + at.group.x) * WORKGROUP_SIZE + at.lane;
  if (i >= THREADS) { return; }
  let row = i / GROUPS;
  let four = i % GROUPS;
  var sum = load_partials4(row, four);
  for (var slice = 1u; slice < SLICES; slice++) { sum += load_partials4(slice * ROWS + row, four); }
  store_y4(row, four, epilogue(row, four, sum));
}
