// Winograd's convolution from its planes: in each plane the images' are multiplied with the kernels' and summed over the
// channels, and a tile of TILE x TILE outputs is Aᵀ (those sums) A, of which OUTPUT_MAP is Aᵀ, [TILE, PATCH].
// A thread makes TILES_AT_ONCE tiles, far apart so that neighbouring threads read neighbouring numbers, by FOURS fours of
// outputs. It goes from plane to plane and adds each one's sums to what it gives of the outputs: by rows of planes first.

@compute @workgroup_size(WORKGROUP_SIZE)
fn main(at: Invocation) {
  let i = (at.group.z * at.groups.x + at.group.x) * WORKGROUP_SIZE + at.lane;
  let first4 = at.group.y * FOURS;
  let tiles = image_count() * TILES_ACROSS * TILES_DOWN;
  let apart = (tiles + TILES_AT_ONCE - 1u) / TILES_AT_ONCE;
  var tile: array<u32, TILES_AT_ONCE>;
  // A subgroup needs all its lanes: those that are too many do the last tiles again.
  // expand
  for (var t = 0u; t < TILES_AT_ONCE; t++) {
    tile[t] = min(i + t * apart, tiles - 1u);
  }
  var outputs: array<vec4f, TILE * TILE * TILES_AT_ONCE * FOURS>;
  var packed: array<vec4f, PACKED>;
  var weights: vec4f;
  var x: array<f32, TILES_AT_ONCE>;
  for (var planeRow = 0u; planeRow < PATCH; planeRow++) {
    // Given their zeros: Tint does not clear the variables of a loop once more.
    var rowOutputs = array<vec4f, TILE * TILES_AT_ONCE * FOURS>();
    for (var planeColumn = 0u; planeColumn < PATCH; planeColumn++) {
      var sum = array<vec4f, TILES_AT_ONCE * FOURS>();
      for (var channel = 0u; channel < CHANNELS; channel += CHANNELS_AT_ONCE) {
        let row = (planeRow * PATCH + planeColumn) * CHANNELS + channel;
        // expand
        if (SUBGROUP) {
          // expand
          for (var part = 0u; part < PACKED; part++) {
            let w = min(part * LANES + at.subgroupLane, CHANNELS_AT_ONCE * FOURS - 1u);
            packed[part] = kernelPlanes[(row + w / FOURS) * OUTPUT_GROUPS + first4 + w % FOURS];
          }
        }
        // expand
        for (var k = 0u; k < CHANNELS_AT_ONCE; k++) {
          // expand
          for (var t = 0u; t < TILES_AT_ONCE; t++) {
            x[t] = imagePlanes[(row + k) * tiles + tile[t]];
          }
          // expand
          for (var f = 0u; f < FOURS; f++) {
            // expand
            if (SUBGROUP) {
              const w = k * FOURS + f;
              weights = subgroupBroadcast(packed[w / LANES], w % LANES);
            } else {
              weights = kernelPlanes[(row + k) * OUTPUT_GROUPS + first4 + f];
            }
            // expand
            for (var t = 0u; t < TILES_AT_ONCE; t++) {
              sum[t * FOURS + f] += weights * x[t];
            }
          }
        }
      }
      // expand
      for (var column = 0u; column < TILE; column++) {
        let share = OUTPUT_MAP[column * PATCH + planeColumn];
        // expand
        for (var s = 0u; s < TILES_AT_ONCE * FOURS; s++) {
          rowOutputs[column * TILES_AT_ONCE * FOURS + s] += share * sum[s];
        }
      }
    }
    // expand
    for (var row = 0u; row < TILE; row++) {
      let share = OUTPUT_MAP[row * PATCH + planeRow];
      // expand
      for (var s = 0u; s < TILE * TILES_AT_ONCE * FOURS; s++) {
        outputs[row * TILE * TILES_AT_ONCE * FOURS + s] += share * rowOutputs[s];
      }
    }
  }
  // A loop over a copy, whose end compilers do not know: see conv2d-tile.wgsl.
  var made = outputs;
  let madeHere = select(TILE * TILE * TILES_AT_ONCE * FOURS, 0u, i >= apart);
  for (var s = 0u; s < madeHere; s++) {
    let here = i + ((s / FOURS) % TILES_AT_ONCE) * apart;
    let place = s / (FOURS * TILES_AT_ONCE);
    let four = first4 + s % FOURS;
    let x = (here % TILES_ACROSS) * TILE + place % TILE;
    let y = ((here / TILES_ACROSS) % TILES_DOWN) * TILE + place / TILE;
    if ((here < tiles) & (y < u32(OUT_HEIGHT)) & (x < u32(OUT_WIDTH))) {
      let pixel = (here / (TILES_ACROSS * TILES_DOWN) * u32(OUT_HEIGHT) + y) * u32(OUT_WIDTH) + x;
      store_y4(pixel, four, epilogue(pixel, four, made[s]));
    }
  }
}
