// Four taps (ky, kx, channel), in pixels, of the window whose first pixel is (top, left) in image n, where channels come in whole fours:
// the taps are neighbouring channels of one pixel, one load. 0 outside the image.

fn inputs4(ky: vec4i, kx: vec4i, channel: vec4u, n: u32, top: i32, left: i32) -> vec4f {
  let y = top + ky.x;
  let x = left + kx.x;
  if (y < 0i || y >= HEIGHT || x < 0i || x >= WIDTH) { return vec4f(0.0); }
  return load_x4((n * u32(HEIGHT) + u32(y)) * u32(WIDTH) + u32(x), channel.x / 4u);
}
