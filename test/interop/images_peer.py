"""Pillow and imagehash: decodes, resizes and hashes the pictures of the test."""

import base64
import hashlib
import io
import json
import sys

import imagehash
from PIL import Image

given = json.load(sys.stdin)

if "near" in given:
    hashes = [imagehash.phash(Image.open(io.BytesIO(base64.b64decode(encoded))).convert("RGB")) for encoded in given["near"]]
    firsts, groups = [], []
    for row, found in enumerate(hashes):
        apart = [int(found - hashes[first]) for first in firsts]
        if apart and min(apart) <= given["bits"]:
            groups[apart.index(min(apart))].append(row)
        else:
            firsts.append(row)
            groups.append([row])
    json.dump([group for group in groups if len(group) > 1], sys.stdout)
    sys.exit()

answer = []
for encoded in given["images"]:
    image = Image.open(io.BytesIO(base64.b64decode(encoded))).convert("RGB")
    sha = lambda picture: hashlib.sha256(picture.tobytes()).hexdigest()
    resized = {}
    for name, (width, height) in given["sizes"].items():
        for kernel, resample in (("bilinear", Image.Resampling.BILINEAR), ("lanczos", Image.Resampling.LANCZOS)):
            resized[f"{name} {kernel}"] = sha(image.resize((width, height), resample))
    wide = image.resize((128, 80), Image.Resampling.BILINEAR)
    answer.append(
        {
            "size": image.size,
            "pixels": sha(image),
            "luma": sha(image.convert("L")),
            "resized": resized,
            "covered": sha(wide.resize((50, 50), Image.Resampling.BILINEAR, box=(24, 0, 104, 80))),
            "phash": str(imagehash.phash(image)),
        }
    )
json.dump(answer, sys.stdout)
