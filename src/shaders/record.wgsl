// Row position mod ROWS of ring [ROWS, WIDTH], from FIRST_COLUMN on: column c becomes scaleOf(c) times the sum of lengthOf(c)
// values. A workgroup makes a column: its lanes take turns, then their sums are added up in order.

var<workgroup> parts: array<f32, WORKGROUP_SIZE>;

@compute @workgroup_size(WORKGROUP_SIZE)
fn main(at: Invocation) {
  let column = at.group.x;
  var sum = 0.0;
  for (var i = at.lane; i < lengthOf(column); i += WORKGROUP_SIZE) { sum += valueOf(column, i); }
  parts[at.lane] = sum;
  workgroupBarrier();
  if (at.lane == 0u) {
    var total = parts[0];
    for (var other = 1u; other < WORKGROUP_SIZE; other++) { total += parts[other]; }
    ring[(u32(position[0]) % ROWS) * WIDTH + FIRST_COLUMN + column] = scaleOf(column) * total;
  }
}
