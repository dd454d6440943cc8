/**
 * What WebAssembly SIMD can do here at most: twelve independent chains of x·a + b in registers, no memory. Once with
 * mul and add, once with relaxed_madd where it validates. A share of the ceiling is a share of this, times the threads.
 */
const chains = 12
const roundsPerLoop = 4
/** A multiplication and an addition in each of four lanes. */
const flopsPerInstruction = 8

const simd = (opcode) => (opcode < 128 ? [0xfd, opcode] : [0xfd, (opcode & 127) | 128, opcode >> 7])
const leb = (value) => (value < 128 ? [value] : [(value & 127) | 128, ...leb(value >> 7)])
const section = (id, content) => [id, ...leb(content.length), ...content]
const constant = (value) => {
  const bytes = [...new Uint8Array(Float32Array.of(value).buffer)]
  return [...simd(12), ...bytes, ...bytes, ...bytes, ...bytes]
}
const [get, set] = [0x20, 0x21]
const arithmetics = {
  'mul+add': (x, a, b) => [get, x, get, a, ...simd(230), get, b, ...simd(228)],
  relaxed_madd: (x, a, b) => [get, x, get, a, get, b, ...simd(261)],
}

/** (rounds: i32) -> f32, of all chains' sum, so that none can be left out. */
function moduleBytes(arithmetic) {
  const [rounds, a, b] = [0, 1, 2]
  const x = Array.from({ length: chains }, (_, i) => 3 + i)
  const loop = Array.from({ length: roundsPerLoop }, () =>
    x.flatMap((chain) => [...arithmetic(chain, a, b), set, chain]),
  )
  const body = [
    ...[1, ...leb(chains + 2), 0x7b],
    ...[...constant(0.5), set, a, ...constant(1), set, b],
    ...x.flatMap((chain, i) => [...constant(i), set, chain]),
    ...[0x03, 0x40, ...loop.flat(), get, rounds, 0x41, 1, 0x6b, 0x22, rounds, 0x0d, 0, 0x0b],
    ...[get, x[0], ...x.slice(1).flatMap((chain) => [get, chain, ...simd(228)]), ...simd(31), 0],
    0x0b,
  ]
  return Uint8Array.from([
    ...[0, 0x61, 0x73, 0x6d, 1, 0, 0, 0],
    ...section(1, [1, 0x60, 1, 0x7f, 1, 0x7d]),
    ...section(3, [1, 0]),
    ...section(7, [1, 3, 0x72, 0x75, 0x6e, 0, 0]),
    ...section(10, [1, ...leb(body.length), ...body]),
  ])
}

/** @returns GFLOP/s of one thread by arithmetic; null where relaxed_madd does not validate */
export function measureCeiling() {
  return Object.fromEntries(
    Object.entries(arithmetics).map(([name, arithmetic]) => {
      const bytes = moduleBytes(arithmetic)
      if (!WebAssembly.validate(bytes)) return [name, null]
      const { run } = new WebAssembly.Instance(new WebAssembly.Module(bytes)).exports
      const rounds = 500_000
      let best = 0
      // The first calls are of unoptimised code.
      for (let i = 0; i < 12; i++) {
        const start = performance.now()
        run(rounds)
        const flops = rounds * roundsPerLoop * chains * flopsPerInstruction
        best = Math.max(best, flops / (performance.now() - start) / 1e6)
      }
      return [name, best]
    }),
  )
}
