// Numbers beyond all numbers. WGSL refuses them as constants and lets comparisons forget them: these are made and told by their bits.

var<private> infinityBits: u32 = 0x7f800000u;
var<private> nanBits: u32 = 0x7fc00000u;

fn infinity() -> f32 { return bitcast<f32>(infinityBits); }

fn notANumber() -> f32 { return bitcast<f32>(nanBits); }

fn isNan(x: f32) -> bool { return (bitcast<u32>(x) & 0x7fffffffu) > 0x7f800000u; }
