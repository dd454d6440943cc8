// y [THREADS]: uniform in [0, 1), 24 bits of a hash of (SEED, position[0], i): the same numbers on every device.

// PCG (Jarzynski & Olano, "Hash Functions for GPU Rendering", JCGT 2020).
fn pcgHash(value: u32) -> u32 {
  let state = value * 747796405u + 2891336453u;
  let word = ((state >> ((state >> 28u) + 4u)) ^ state) * 277803737u;
  return (word >> 22u) ^ word;
}

@compute @workgroup_size(WORKGROUP_SIZE)
fn main(at: Invocation) {
  let i = (at.group.z * at.groups.x + at.group.x) * WORKGROUP_SIZE + at.lane;
  if (i >= THREADS) { return; }
  let stream = pcgHash(SEED + pcgHash(u32(position[0])));
  y[i] = f32(pcgHash(i ^ stream) >> 8u) * 0x1p-24f;
}
