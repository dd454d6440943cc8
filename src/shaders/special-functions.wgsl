// Functions of elementwise rows, to a few units in the last place of the largest result nearby, and in the tails of their own.
// WGSL's sin and cos lose 2^-11 absolutely, and all digits outside [-pi, pi].

// Where e^x has no digits left. For a product x f(x) whose f vanishes at -infinity: it is 0 from here on.
fn boundedBelow(x: f32) -> f32 { return max(x, -150.0); }

// What WGSL leaves open, software adapters answer with any number: 0, infinity and numbers below 0.
fn logOrNone(x: f32) -> f32 {
  if (x < 0.0) { return notANumber(); }
  if (x == 0.0) { return -infinity(); }
  return select(accurateLog(x), x, x > 0x1.fffffep+127f);
}

// e^x - 1: close to 0 by its series.
fn accurateExpm1(x: f32) -> f32 {
  let series = x * (1.0 + x / 2.0 * (1.0 + x / 3.0 * (1.0 + x / 4.0 * (1.0 + x / 5.0 * (1.0 + x / 6.0
    * (1.0 + x / 7.0 * (1.0 + x / 8.0 * (1.0 + x / 9.0))))))));
  return select(accurateExp(x) - 1.0, series, abs(x) < 0.5);
}

fn softplus(x: f32) -> f32 { return max(x, 0.0) + accurateLog1p(accurateExp(-abs(x))); }

// x e^x / (1 + e^x) where x < 0. Half of the exponential is multiplied at a time: the product is a number where e^x is none.
fn silu(x: f32) -> f32 {
  let root = accurateExp(-0.5 * abs(x));
  let n = root * root;
  return select(boundedBelow(x) * root * root, x, x > 0.0) / (1.0 + n);
}

// tanh(log(1 + n)) = n (n + 2) / (n (n + 2) + 2) with n = e^x; divided by n^2 for x > 0.
fn mish(x: f32) -> f32 {
  let root = accurateExp(-0.5 * abs(x));
  let n = root * root;
  let below = boundedBelow(x) * root * (root * (n + 2.0)) / (n * (n + 2.0) + 2.0);
  let above = 1.0 + 2.0 * n;
  return select(below, x * (above / (above + 2.0 * n * n)), x > 0.0);
}

// x sigmoid(2 sqrt(2 / pi) (x + 0.044715 x^3)); beyond 30 the sigmoid is 0 or 1.
fn geluTanh(x: f32) -> f32 {
  let near = clamp(x, -30.0, 30.0);
  return boundedBelow(x) * accurateSigmoid(1.59576912 * (near + 0.044715 * near * near * near));
}

// e^(-x x / 2) for 0 <= x: the square of x's first 12 bits is exact.
fn expOfMinusHalfSquare(x: f32) -> f32 {
  let high = bitcast<f32>(bitcast<u32>(x) & 0xfffff000u);
  return accurateExp(-0.5 * high * high) * accurateExp(-0.5 * (x - high) * (x + high));
}

// e^(x x) (1 - erf x) for x >= 1: t times a polynomial of t = 2 / (2 + x), fitted at 200 of Chebyshev's points.
fn erfcx(x: f32) -> f32 {
  let t = 2.0 / (2.0 + x);
  return t * (0.2820947925 + t * (0.2820945529 + t * (0.2468465908 + t * (0.1760074725 + t * (0.08713037056
    + t * (-0.0261421091 + t * (0.02756932501 + t * (-0.2508771249 + t * (0.2535697395 - t * 0.07849261884)))))))));
}

// erf(x) for |x| <= 1: Taylor's series, 2 / sqrt(pi) (-1)^n x^(2n + 1) / (n! (2n + 1)).
fn erfOfSmall(x: f32) -> f32 {
  let z = x * x;
  return x * (1.1283791671 - z * (0.37612638903 - z * (0.11283791671 - z * (0.026866170645 - z * (0.0052239776255
    - z * (8.5483270234e-4 - z * (1.2055332982e-4 - z * (1.4925650358e-5 - z * 1.6462114366e-6))))))));
}

fn erf(x: f32) -> f32 {
  // From 4 on it is 1.
  let size = min(abs(x), 5.0);
  let far = sign(x) * (1.0 - expOfMinusHalfSquare(size * 1.41421356) * erfcx(size));
  return select(far, erfOfSmall(x), size < 1.0);
}

// x P(X < x) of the standard normal distribution; far from 0 by its tail.
fn gelu(x: f32) -> f32 {
  // The tail has no digits beyond 15.
  let size = min(abs(x), 20.0);
  let density = expOfMinusHalfSquare(size);
  let ratio = 0.5 * erfcx(size * 0.70710678);
  let b = boundedBelow(x);
  // In this order: the tail itself may be no number any more where x times it is one.
  let far = select(b * ratio * density, b * (1.0 - ratio * density), x > 0.0);
  let near = b * (0.5 + 0.5 * erfOfSmall(x * 0.70710678));
  return select(far, near, size < 1.4);
}

// The sine of x and some quarter turns: x less whole quarter turns, within pi / 4, and Taylor's series of sine or cosine
// there. pi / 2 is in four parts, of 11 bits but for the last: their multiples up to 2^13 are exact.
fn sineAhead(x: f32, quarters: i32) -> f32 {
  let turns = round(x * 0.636619772);
  let reduced = (((x - turns * 1.5703125) - turns * 0.0004837512969970703) - turns * 7.549533620476723e-08) - turns * 2.56334415e-12;
  // Of very large x nothing is left but rounding: it must stay an angle.
  let r = clamp(reduced, -0.8, 0.8);
  let z = r * r;
  let sine = r * (1.0 - z * (1.0 / 6.0 - z * (1.0 / 120.0 - z * (1.0 / 5040.0 - z / 362880.0))));
  let cosine = 1.0 - z * (0.5 - z * (1.0 / 24.0 - z * (1.0 / 720.0 - z * (1.0 / 40320.0 - z / 3628800.0))));
  let quarter = i32(clamp(turns, -1e9, 1e9)) + quarters;
  let value = select(sine, cosine, (quarter & 1) == 1);
  // Of infinity there is none.
  if (abs(x) > 0x1.fffffep+127f) { return notANumber(); }
  return select(value, -value, (quarter & 2) == 2);
}
