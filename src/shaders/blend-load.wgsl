// A perturbed image, made while it is read: sample n shows image where the mask bit of the pixel's segment is 1, else fudged.
// image, fudged [IMAGE_PIXELS, IMAGE_CHANNELS]; segments i32 [IMAGE_PIXELS]; masks i32 [N, MASK_WORDS], bit s % 32 of word
// s / 32 for segment s.

fn load_source(n: u32, pixel: u32, channel: u32) -> f32 {
  let segment = u32(segments[pixel]);
  // One word serves all pixels, where compilers see it.
  let word = u32(masks[n * MASK_WORDS + select(segment / 32u, 0u, MASK_WORDS == 1u)]);
  let at = pixel * IMAGE_CHANNELS + channel;
  // No branch: kernels load dozens of these, and compilers take minutes for so many.
  return select(fudged[at], image[at], extractBits(word, segment % 32u, 1u) == 1u);
}

fn load_x(row: u32, channel: u32) -> f32 { return load_source(row / IMAGE_PIXELS, row % IMAGE_PIXELS, channel); }
