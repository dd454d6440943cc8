// y = VALUE around the elements of x and between them: indexOfX(i) says which of its COUNT elements i is, or NONE. y [THREADS]

const NONE = 0xffffffffu;

@compute @workgroup_size(WORKGROUP_SIZE)
fn main(at: Invocation) {
  let i = (at.group.z * at.groups.x + at.group.x) * WORKGROUP_SIZE + at.lane;
  if (i >= THREADS) { return; }
  let element = indexOfX(i);
  y[i] = select(VALUE, x[min(element, COUNT - 1u)], element != NONE);
}
