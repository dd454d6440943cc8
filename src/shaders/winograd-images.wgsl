// The planes of images for Winograd's convolution: x [N, HEIGHT, WIDTH, CHANNELS] -> imagePlanes [PATCH PATCH, CHANNELS, tiles].
// A thread takes the patch of PATCH x PATCH pixels that one tile of outputs depends on, of one channel, and maps it
// (image_planes, in the header: Bᵀ d B). Neighbouring threads make neighbouring tiles.

@compute @workgroup_size(WORKGROUP_SIZE)
fn main(at: Invocation) {
  let i = (at.group.z * at.groups.x + at.group.x) * WORKGROUP_SIZE + at.lane;
  let tiles = arrayLength(&imagePlanes) / (PATCH * PATCH * CHANNELS);
  if (i >= tiles * CHANNELS) { return; }
  let tile = i % tiles;
  let channel = i / tiles;
  let left = i32((tile % TILES_ACROSS) * TILE) - PAD_LEFT;
  let top = i32(((tile / TILES_ACROSS) % TILES_DOWN) * TILE) - PAD_TOP;
  let n = tile / (TILES_ACROSS * TILES_DOWN);
  var covered: array<f32, PATCH * PATCH>;
  var planes: array<f32, PATCH * PATCH>;
  // expand
  for (var row = 0u; row < PATCH; row++) {
    // expand
    for (var column = 0u; column < PATCH; column++) {
      let y = top + i32(row);
      let x = left + i32(column);
      let near = (n * u32(HEIGHT) + u32(clamp(y, 0i, HEIGHT - 1i))) * u32(WIDTH) + u32(clamp(x, 0i, WIDTH - 1i));
      let inside = (u32(y) < u32(HEIGHT)) & (u32(x) < u32(WIDTH));
      covered[row * PATCH + column] = select(0.0, load_channels(near, channel).x, inside);
    }
  }
  image_planes(&covered, &planes);
  // expand
  for (var plane = 0u; plane < PATCH * PATCH; plane++) {
    imagePlanes[plane * CHANNELS * tiles + i] = planes[plane];
  }
}
