"""scikit-image's segmenters on one picture: `scikit_image.py picture OUT` writes the picture it measures on (raw float64, 512 x 512 x 3),
`scikit_image.py measure PICTURE ROUNDS` prints a JSON line a segmenter: its milliseconds, and its label map's SHA-256."""

import hashlib
import json
import sys
import time

import numpy as np
import skimage
from skimage.segmentation import felzenszwalb, quickshift, slic

segmenters = {
    'quickshift': lambda image: quickshift(image, kernel_size=4, max_dist=200, ratio=0.2, random_seed=42),
    'felzenszwalb': lambda image: felzenszwalb(image),
    'slic': lambda image: slic(image, start_label=0),
}


def picture(out):
    """The astronaut that scikit-image brings, as people try segmenters on."""
    image = skimage.util.img_as_float64(skimage.data.astronaut())
    image.tofile(out)
    print(json.dumps({'version': skimage.__version__, 'shape': image.shape}))


def measure(path, rounds):
    image = np.fromfile(path).reshape(512, 512, 3)
    for name, segment in segmenters.items():
        times = []
        for _ in range(rounds):
            start = time.perf_counter()
            labels = segment(image)
            times.append((time.perf_counter() - start) * 1000)
        digest = hashlib.sha256(labels.astype('<i4').tobytes()).hexdigest()
        print(json.dumps({'name': name, 'ms': times, 'segments': int(labels.max()) + 1, 'labels': digest}), flush=True)


if __name__ == '__main__':
    if sys.argv[1] == 'picture':
        picture(sys.argv[2])
    else:
        measure(sys.argv[2], int(sys.argv[3]))
