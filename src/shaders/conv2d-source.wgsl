// A number of the images that an inner convolution sees, 0 outside: what conv2d-tile.wgsl and conv2d-workgroup.wgsl recompute
// their x from.
fn source_pixel(n: u32, row: i32, column: i32, channel: u32) -> f32 {
  let inside = (u32(row) < u32(SOURCE_HEIGHT)) & (u32(column) < u32(SOURCE_WIDTH));
  let near = u32(clamp(row, 0i, SOURCE_HEIGHT - 1i)) * u32(SOURCE_WIDTH) + u32(clamp(column, 0i, SOURCE_WIDTH - 1i));
  return select(0.0, load_source(n, near, channel), inside);
}
