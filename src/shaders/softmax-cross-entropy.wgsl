// loss = log(sum of exp(logits)) - logits[label]; logits [THREADS, CLASSES], labels, loss [THREADS]. A thread makes a row.
// The largest exponential is 1; the others are added up by themselves, so that a small loss keeps its digits.

@compute @workgroup_size(WORKGROUP_SIZE)
fn main(at: Invocation) {
  let i = (at.group.z * at.groups.x + at.group.x) * WORKGROUP_SIZE + at.lane;
  if (i >= THREADS) { return; }
  let first = i * CLASSES;
  var best = 0u;
  for (var c = 1u; c < CLASSES; c++) {
    if (logits[first + c] > logits[first + best]) { best = c; }
  }
  let largest = logits[first + best];
  var others = 0.0;
  for (var c = 0u; c < CLASSES; c++) {
    if (c != best) { others += accurateExp(logits[first + c] - largest); }
  }
  let logTotal = select(accurateLog(1.0 + others), accurateLog1p(min(others, 1.0)), others <= 1.0);
  loss[i] = logTotal + (largest - logits[first + u32(labels[i])]);
}
