// exp, log, sigmoid and tanh to a few units in the last place everywhere. WGSL lets the built-in exp lose 2|x| units, the
// built-in log 2^-21 absolutely around 1, and tanh whatever sinh / cosh loses around 0.

// e^x = 2^k e^r with |r| <= ln(2) / 2; ln(2) in two parts, so that k ln(2) is exact.
fn accurateExp(x: f32) -> f32 {
  let bounded = clamp(x, -104.0, 89.0);
  let k = round(bounded * 1.44269504);
  let r = (bounded - k * 0.693359375) + k * 2.12194440e-4;
  let half = i32(k) / 2;
  return ldexp(ldexp(exp(r), half), i32(k) - half);
}

// log(1 + f) for f in [-1/2, 1]: 2 atanh(s) with s = f / (2 + f), |s| <= 1/3.
fn accurateLog1p(f: f32) -> f32 {
  let s = f / (2.0 + f);
  let z = s * s;
  let tail = z * (1.0 / 3.0 + z * (1.0 / 5.0 + z * (1.0 / 7.0 + z * (1.0 / 9.0
    + z * (1.0 / 11.0 + z * (1.0 / 13.0 + z * (1.0 / 15.0 + z / 17.0)))))));
  return 2.0 * (s + s * tail);
}

fn accurateLog(x: f32) -> f32 {
  if (x >= 0.5 && x <= 2.0) { return accurateLog1p(x - 1.0); }
  return log(x);
}

fn accurateSigmoid(x: f32) -> f32 {
  let e = accurateExp(-abs(x));
  return select(e, 1.0, x >= 0.0) / (1.0 + e);
}

// Around 0 Lambert's continued fraction, elsewhere 1 - 2 / (e^2|x| + 1).
fn accurateTanh(x: f32) -> f32 {
  let z = x * x;
  let near = x * (945.0 + z * (105.0 + z)) / (945.0 + z * (420.0 + 15.0 * z));
  let far = sign(x) * (1.0 - 2.0 / (accurateExp(2.0 * min(abs(x), 20.0)) + 1.0));
  return select(far, near, abs(x) < 0.3);
}
