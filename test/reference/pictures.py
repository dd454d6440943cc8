"""Writes pictures.safetensors: small pictures in the formats that people have, what Pillow reads from them, and what it makes of
them in other sizes; and photographs.json: digests of what Pillow reads from larger ones, which are no part of the repository. Run as:
python3 test/reference/pictures.py PHOTOS, the folder of scikit-image's photographs in many formats.
"""

import hashlib
import io
import json
import os
import struct
import subprocess
import sys
import tempfile

import numpy as np
from PIL import Image, ImageOps, __version__

tensors = {}


def record(name, array):
    tensors[name] = np.ascontiguousarray(array)


def on_white(image):
    """[height, width, channels]: red, green, blue, or grey, transparency laid on white, to the nearest level."""
    rgba = np.asarray(image.convert("RGBA")).astype(np.int64)
    alpha = rgba[..., 3:]
    return np.floor((rgba[..., :3] * alpha + 255 * (255 - alpha)) / 255 + 0.5).astype(np.uint8)


def picture(name, data, pixels=None):
    image = Image.open(io.BytesIO(data))
    record(f"file/{name}", np.frombuffer(data, np.uint8))
    record(f"pixels/{name}", on_white(image) if pixels is None else pixels)


def saved(image, form, **options):
    out = io.BytesIO()
    image.save(out, form, **options)
    return out.getvalue()


photo = Image.open(f"{sys.argv[1]}/coffee-alpha.png").convert("RGB").crop((180, 90, 366, 220)).resize((37, 26), Image.BILINEAR)
grey = photo.convert("L")
rng = np.random.default_rng(19)
opacity = Image.fromarray(rng.integers(0, 256, (26, 37), np.uint8))
clear = photo.copy()
clear.putalpha(opacity)

# JPEG. Pillow takes inks as they are upside down, with and without Adobe's marker.
for subsampling, kind in enumerate(["444", "422", "420"]):
    picture(f"jpeg-{kind}", saved(photo, "JPEG", quality=80, subsampling=subsampling))
picture("jpeg-progressive", saved(photo, "JPEG", quality=80, progressive=True))
grey_jpeg = saved(grey, "JPEG", quality=80)
picture("jpeg-grey", grey_jpeg, np.asarray(Image.open(io.BytesIO(grey_jpeg)))[..., None])
cmyk = saved(photo.convert("CMYK"), "JPEG", quality=80)
adobe = cmyk.index(b"\xff\xee")


def light_of_inks(data):
    inks = np.asarray(Image.open(io.BytesIO(data))).astype(np.int64)
    return np.floor((255 - inks[..., :3]) * (255 - inks[..., 3:]) / 255 + 0.5).astype(np.uint8)


ycck = bytearray(cmyk)
ycck[adobe + 15] = 2
plain = cmyk[:adobe] + cmyk[adobe + 16 :]
for name, data in [("jpeg-cmyk", cmyk), ("jpeg-ycck", bytes(ycck)), ("jpeg-cmyk-plain", plain)]:
    picture(name, data, light_of_inks(data))
exif = Image.Exif()
for orientation in range(1, 9):
    exif[0x0112] = orientation
    data = saved(photo, "JPEG", quality=80, exif=exif)
    picture(f"jpeg-exif-{orientation}", data, np.asarray(ImageOps.exif_transpose(Image.open(io.BytesIO(data)))))

# WebP.
picture("webp-lossy", saved(photo, "WEBP", quality=80))
picture("webp-lossless", saved(photo, "WEBP", lossless=True))
picture("webp-lossy-alpha", saved(clear, "WEBP", quality=80))
picture("webp-lossless-alpha", saved(clear, "WEBP", lossless=True, exact=True))
others = [Image.fromarray(rng.integers(0, 256, (26, 37, 4), np.uint8), "RGBA") for _ in range(2)]
picture("webp-animated", saved(clear, "WEBP", save_all=True, append_images=others, lossless=True, exact=True))
picture("webp-animated-lossy", saved(clear, "WEBP", save_all=True, append_images=others, quality=80))

# GIF.
few = photo.quantize(64)
picture("gif", saved(few, "GIF"))
picture("gif-interlaced", saved(few, "GIF", interlace=1))
picture("gif-transparent", saved(few, "GIF", transparency=few.getpixel((3, 3))))
picture("gif-animated", saved(few, "GIF", save_all=True, append_images=[other.convert("RGB").quantize(64) for other in others]))


# AVIF, which is read in browsers alone: libavif's avifenc writes it, lossless, as Pillow does not know it.
with tempfile.TemporaryDirectory() as folder:
    photo.save(f"{folder}/photo.png")
    subprocess.run(["avifenc", "--lossless", f"{folder}/photo.png", f"{folder}/photo.avif"], check=True, stdout=subprocess.DEVNULL)
    with open(f"{folder}/photo.avif", "rb") as file:
        record("browser-file/avif", np.frombuffer(file.read(), np.uint8))
record("browser-pixels/avif", np.asarray(photo))

# BMP, by hand where Pillow writes none.
def bmp(bits, rows, compression=0, palette=b"", masks=b"", height=26):
    data = b"".join(rows)
    header = struct.pack("<IiiHHIIiiII", 40, 37, height, 1, bits, compression, len(data), 2835, 2835, len(palette) // 4, 0)
    start = 14 + len(header) + len(masks) + len(palette)
    return struct.pack("<2sIHHI", b"BM", start + len(data), 0, 0, start) + header + masks + palette + data


def padded(row):
    return row + bytes(-len(row) % 4)


picture("bmp-1", saved(photo.convert("1"), "BMP"))
picture("bmp-8-grey", saved(grey, "BMP"))
picture("bmp-8", saved(few, "BMP"))
picture("bmp-24", saved(photo, "BMP"))
pixels = np.asarray(photo).astype(np.int64)
top_down = bmp(24, [padded(row[:, ::-1].astype(np.uint8).tobytes()) for row in pixels], height=-26)
picture("bmp-24-top-down", top_down)
for name, shifts, depths, masks in [("555", (10, 5, 0), (5, 5, 5), None), ("565", (11, 5, 0), (5, 6, 5), (0xF800, 0x07E0, 0x001F))]:
    words = sum((pixels[..., c] >> (8 - depths[c])) << shifts[c] for c in range(3)).astype("<u2")
    rows = [padded(row.tobytes()) for row in words[::-1]]
    levels = np.stack([(words.astype(np.int64) >> shifts[c]) & (2 ** depths[c] - 1) for c in range(3)], -1)
    most = np.array([2**depth - 1 for depth in depths])
    expected = np.floor(levels * 255 / most + 0.5).astype(np.uint8)
    data = bmp(16, rows, 3 if masks else 0, masks=struct.pack("<III", *masks) if masks else b"")
    picture(f"bmp-{name}", data, expected)
with_rest = np.concatenate([pixels[..., ::-1], np.zeros((26, 37, 1), np.int64)], -1).astype(np.uint8)
picture("bmp-32", bmp(32, [row.tobytes() for row in with_rest[::-1]]), pixels.astype(np.uint8))
sixteen = photo.quantize(16)
colours = np.array(sixteen.getpalette()[:48], np.uint8).reshape(16, 3)
palette = b"".join(bytes([b, g, r, 0]) for r, g, b in colours)
index = np.asarray(sixteen)
nibbles = [padded(bytes((int(a) << 4) | int(b) for a, b in zip(row[::2], [*row[1::2], 0]))) for row in index[::-1]]
picture("bmp-4", bmp(4, nibbles, palette=palette), colours[index])
runs = []
for row in index[::-1]:
    line, at = b"", 0
    while at < 37:
        end = at
        while end < 37 and row[end] == row[at]:
            end += 1
        line += bytes([end - at, row[at]])
        at = end
    runs.append(line + b"\0\0")
picture("bmp-rle8", bmp(8, [*runs, b"\0\1"], 1, palette), colours[index])

# Other sizes, by Image.BILINEAR: of whole levels, and of numbers, which Pillow does not round.
noise = rng.integers(0, 256, (26, 37, 3), np.uint8)
for name, source in [("photo", np.asarray(photo)), ("noise", noise), ("pixel", noise[:1, :1]), ("row", noise[:1, :9]), ("column", noise[:7, :1])]:
    record(f"source/{name}", source)
    for height, width in [(1, 1), (5, 3), (13, 18), (26, 37), (26, 5), (40, 37), (52, 74), (61, 7), (33, 101)]:
        record(f"resized/{name}/{height}x{width}", np.asarray(Image.fromarray(source).resize((width, height), Image.BILINEAR)))
        if name == "noise":
            numbers = [Image.fromarray(source[..., c].astype(np.float32)).resize((width, height), Image.BILINEAR) for c in range(3)]
            record(f"numbers/{name}/{height}x{width}", np.stack([np.asarray(part) for part in numbers], -1))

# Photographs: of 16 bits as they are, of inks as above.
photographs = {}
for name in sorted(os.listdir(sys.argv[1])):
    with open(f"{sys.argv[1]}/{name}", "rb") as file:
        data = file.read()
    image = ImageOps.exif_transpose(Image.open(io.BytesIO(data)))
    if image.mode == "CMYK":
        levels = light_of_inks(data)
    elif image.mode.startswith("I"):
        levels = np.asarray(image).astype("<u2")[..., None]
    else:
        is_grey = image.mode in ("1", "L", "LA") and not name.endswith(".bmp")
        levels = on_white(image)[..., : 1 if is_grey else 3]
    digest = hashlib.sha256(np.ascontiguousarray(levels).tobytes()).hexdigest()
    photographs[name] = {"height": levels.shape[0], "width": levels.shape[1], "channels": levels.shape[2], "sha256": digest}
with open(__file__.replace("pictures.py", "photographs.json"), "w") as out:
    json.dump(photographs, out, indent=2)
    out.write("\n")

header, at = {"__metadata__": {"pillow": __version__}}, 0
# Wider numbers first, so that each is aligned.
tensors = dict(sorted(tensors.items(), key=lambda item: -item[1].itemsize))
for name, array in tensors.items():
    kind = {"uint8": "U8", "float32": "F32"}[str(array.dtype)]
    header[name] = {"dtype": kind, "shape": list(array.shape), "data_offsets": [at, at + array.nbytes]}
    at += array.nbytes
text = json.dumps(header, separators=(",", ":")).encode()
text += b" " * (-len(text) % 8)
with open(__file__.replace(".py", ".safetensors"), "wb") as out:
    out.write(struct.pack("<Q", len(text)) + text + b"".join(array.tobytes() for array in tensors.values()))
print(len(tensors), "tensors", at, "bytes")
