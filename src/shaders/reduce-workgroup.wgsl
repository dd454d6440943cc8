// Folds x [outer, REDUCED] to y [outer, SLICES]. A workgroup makes a number: its lanes take turns along the slice, neighbours
// reading neighbours. What each has is folded within subgroups first, with SUBGROUP, of LANES lanes; then the PARTS in order.

var<workgroup> parts: array<f32, PARTS>;

@compute @workgroup_size(WORKGROUP_SIZE)
fn main(at: Invocation) {
  let i = at.group.z * at.groups.x + at.group.x;
  let outer = i / SLICES;
  let slice = i % SLICES;
  var folded = INITIAL;
  for (var r = slice * WORKGROUP_SIZE + at.lane; r < REDUCED; r += SLICES * WORKGROUP_SIZE) {
    folded = fold(folded, f32(x[min(outer, OUTER - 1u) * REDUCED + r]));
  }
  // expand
  if (SUBGROUP) {
    folded = foldSubgroup(folded);
    if (at.subgroupLane == 0u) { parts[at.lane / LANES] = folded; }
  } else {
    parts[at.lane] = folded;
  }
  workgroupBarrier();
  if ((at.lane == 0u) & (outer < OUTER)) {
    var total = parts[0];
    for (var part = 1u; part < PARTS; part++) { total = fold(total, parts[part]); }
    y[i] = total;
  }
}
