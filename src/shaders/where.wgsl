// y = a where the condition is not 0, else b, element by element, over broadcast shapes: indexOfCondition, indexOfA and indexOfB
// say where element i of the result finds its arguments. y [THREADS]

@compute @workgroup_size(WORKGROUP_SIZE)
fn main(at: Invocation) {
  let i = (at.group.z * at.groups.x + at.group.x) * WORKGROUP_SIZE + at.lane;
  if (i >= THREADS) { return; }
  y[i] = select(b[indexOfB(i)], a[indexOfA(i)], isTrue(condition[indexOfCondition(i)]));
}
