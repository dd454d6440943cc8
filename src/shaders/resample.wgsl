// x [N, HEIGHT, WIDTH, CHANNELS] -> y [N, OUT_HEIGHT, OUT_WIDTH, CHANNELS]. Row oy is made of rows [OUT_HEIGHT, DOWN] of x in the
// shares rowWeights, a column ox likewise of columns [OUT_WIDTH, ACROSS]; -1 stands for none.

@compute @workgroup_size(WORKGROUP_SIZE)
fn main(at: Invocation) {
  let i = (at.group.z * at.groups.x + at.group.x) * WORKGROUP_SIZE + at.lane;
  if (i >= THREADS) { return; }
  let channel = i % CHANNELS;
  let ox = (i / CHANNELS) % OUT_WIDTH;
  let outRow = i / (CHANNELS * OUT_WIDTH);
  let n = outRow / OUT_HEIGHT;
  let oy = outRow % OUT_HEIGHT;
  var sum = 0.0;
  for (var r = oy * DOWN; r < (oy + 1u) * DOWN; r++) {
    let row = rows[r];
    if (row < 0i) { continue; }
    for (var c = ox * ACROSS; c < (ox + 1u) * ACROSS; c++) {
      let column = columns[c];
      if (column < 0i) { continue; }
      let pixel = (n * HEIGHT + u32(row)) * WIDTH + u32(column);
      sum += rowWeights[r] * columnWeights[c] * x[pixel * CHANNELS + channel];
    }
  }
  y[i] = sum;
}
