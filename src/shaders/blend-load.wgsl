// A perturbed image, made while it is read: sample n shows image where the mask bit of the pixel's segment is 1, else fudged.
// image, fudged [IMAGE_PIXELS, IMAGE_CHANNELS]; segments i32 [IMAGE_PIXELS]; masks i32 [N, MASK_WORDS], bit s % 32 of word
// s / 32 for segment s. row = n IMAGE_PIXELS + pixel.

fn load_x(row: u32, channel: u32) -> f32 {
  let pixel = row % IMAGE_PIXELS;
  let segment = u32(segments[pixel]);
  let word = u32(masks[(row / IMAGE_PIXELS) * MASK_WORDS + segment / 32u]);
  let at = pixel * IMAGE_CHANNELS + channel;
  if (extractBits(word, segment % 32u, 1u) == 1u) { return image[at]; }
  return fudged[at];
}
