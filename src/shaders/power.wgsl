// a^b as IEEE 754 has it; WGSL's pow knows no numbers below 0 and loses digits of large results.

fn firstTwelveBits(x: f32) -> f32 { return bitcast<f32>(bitcast<u32>(x) & 0xfffff000u); }

// 2^(b log2 a) for finite a > 0 and b. The logarithm is a sum of two numbers, the larger of 12 bits, as is b: their product
// is exact, and the result as good as its exponent's fraction.
fn powerOfPositive(a: f32, b: f32) -> f32 {
  // a = 2^e m with m from 0.7 to 1.4. Numbers too small for frexp are 2^24 times as large first.
  let isTiny = a < 1.2e-38;
  let bits = bitcast<u32>(select(a, a * 16777216.0, isTiny));
  let shifted = i32(bits) - 0x3f3504f3;
  let e = f32(shifted >> 23u) - select(0.0, 24.0, isTiny);
  let m = bitcast<f32>((u32(shifted) & 0x7fffffu) + 0x3f3504f3u);
  // log2(m) = 2 / ln 2 atanh(s) with s = f / (2 + f), in two parts.
  let f = m - 1.0;
  let g = 2.0 + f;
  let gHigh = firstTwelveBits(g);
  let gLow = f - (gHigh - 2.0);
  let s = f / g;
  let sHigh = firstTwelveBits(s);
  let sLow = ((f - sHigh * gHigh) - sHigh * gLow) / g;
  let z = s * s;
  let tail = s * z * (1.0 / 3.0 + z * (1.0 / 5.0 + z * (1.0 / 7.0 + z * (1.0 / 9.0 + z / 11.0))));
  let high = 2.884765625 * sHigh;
  let low = 6.24456778e-4 * sHigh + 2.88539008 * (sLow + tail);
  let first = firstTwelveBits(e + high);
  let second = ((e - first) + high) + low;
  let bHigh = firstTwelveBits(b);
  let product = clamp(bHigh * first, -1000.0, 1000.0);
  let rest = (b - bHigh) * first + b * second;
  let whole = clamp(round(product + rest), -160.0, 160.0);
  let half = i32(whole) / 2;
  return ldexp(ldexp(exp2(clamp((product - whole) + rest, -1.0, 1.0)), half), i32(whole) - half);
}

fn power(a: f32, b: f32) -> f32 {
  if (a == 1.0 || b == 0.0) { return 1.0; }
  if (isNan(a) || isNan(b)) { return notANumber(); }
  let size = abs(a);
  let exponent = abs(b);
  let isInfinite = size > 0x1.fffffep+127f;
  // From 2^24 on all numbers are even.
  let isWhole = exponent >= 16777216.0 || exponent == floor(exponent);
  let isOdd = exponent < 16777216.0 && isWhole && (i32(exponent) & 1) == 1;
  if (a < 0.0 && !isInfinite && !isWhole) { return notANumber(); }
  var magnitude = 1.0;
  if (size == 0.0 || isInfinite || exponent > 1e12) {
    let grows = (size > 1.0) == (b > 0.0);
    if (size != 1.0) { magnitude = select(0.0, infinity(), grows); }
  } else if (size != 1.0) {
    magnitude = powerOfPositive(size, b);
  }
  return select(magnitude, -magnitude, isOdd && (bitcast<u32>(a) >> 31u) == 1u);
}
