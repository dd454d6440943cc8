// Four taps (ky, kx, channel), in pixels, of the window whose first pixel is (top, left) in image n, each anywhere. 0 outside the image.
// No branches: sixteen of them in one loop take SwiftShader a minute to compile.

fn inputs4(ky: vec4i, kx: vec4i, channel: vec4u, n: u32, top: i32, left: i32) -> vec4f {
  let y = top + ky;
  let x = left + kx;
  let nearY = vec4u(clamp(y, vec4i(0), vec4i(HEIGHT - 1i)));
  let nearX = vec4u(clamp(x, vec4i(0), vec4i(WIDTH - 1i)));
  let row = (n * u32(HEIGHT) + nearY) * u32(WIDTH) + nearX;
  let four = vec4f(
    load_x(row.x, channel.x), load_x(row.y, channel.y), load_x(row.z, channel.z), load_x(row.w, channel.w));
  return select(vec4f(0.0), four, (y == vec4i(nearY)) & (x == vec4i(nearX)));
}
