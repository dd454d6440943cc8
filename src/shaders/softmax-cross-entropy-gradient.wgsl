// dlogits = (softmax(logits) - onehot(label)) dloss; the loss for storeLoss and whether the label's logit is the largest for
// storeHit, if they are wanted too.
// logits, dlogits [THREADS, CLASSES]; labels, dloss, loss [THREADS]. A thread makes a row.
// The label's p - 1 is made as minus the sum of the other probabilities: a nearly certain sample keeps its digits.

@compute @workgroup_size(WORKGROUP_SIZE)
fn main(at: Invocation) {
  let i = (at.group.z * at.groups.x + at.group.x) * WORKGROUP_SIZE + at.lane;
  if (i >= THREADS) { return; }
  let first = i * CLASSES;
  let label = u32(labels[i]);
  var best = 0u;
  for (var c = 1u; c < CLASSES; c++) {
    if (logits[first + c] > logits[first + best]) { best = c; }
  }
  let largest = logits[first + best];
  // Sums of exponentials without the largest, and without the label's.
  var notBest = 0.0;
  var notLabel = 0.0;
  for (var c = 0u; c < CLASSES; c++) {
    let power = accurateExp(logits[first + c] - largest);
    dlogits[first + c] = power;
    if (c != best) { notBest += power; }
    if (c != label) { notLabel += power; }
  }
  let scale = dloss[i] / (1.0 + notBest);
  for (var c = 0u; c < CLASSES; c++) {
    dlogits[first + c] = scale * select(dlogits[first + c], -notLabel, c == label);
  }
  let logTotal = select(accurateLog(1.0 + notBest), accurateLog1p(min(notBest, 1.0)), notBest <= 1.0);
  storeHit(i, select(0.0, 1.0, best == label));
  storeLoss(i, logTotal + (largest - logits[first + label]));
}
