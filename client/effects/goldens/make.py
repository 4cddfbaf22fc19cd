r"""Makes the goldens: photographs, and what TensorFlow Lite says about them.

    python3 -m venv target/goldens
    target/goldens/bin/pip install ai-edge-litert==2.3.0 scikit-image==0.26.0 matplotlib==3.11.2 mahotas==1.4.19 \
        pillow==13.0.0
    npm ci
    target/goldens/bin/python client/effects/goldens/make.py

Writes beside itself NAME.picture.png, and for each VARIANT of the light NAME.VARIANT.mask.png: sixteen bits, 65535 for 1.
The size of a picture says which of the two models it is for. README.md says whose the photographs are.
"""

import pathlib

import mahotas.demos
import matplotlib
import numpy
import skimage.data
from ai_edge_litert.interpreter import Interpreter
from PIL import Image

HERE = pathlib.Path(__file__).resolve().parent
MODELS = HERE.parents[2] / "node_modules/@mediapipe/selfie_segmentation"
# Width and height of the picture, and the file of the model.
LANDSCAPE = ((256, 144), "selfie_segmentation_landscape.tflite")
SQUARE = ((256, 256), "selfie_segmentation.tflite")


def photographs():
    """Each photograph by name, with the part of it (left, top, right, bottom) that a camera of either kind might show."""
    hopper = pathlib.Path(matplotlib.get_data_path()) / "sample_data/grace_hopper.jpg"
    astronaut = Image.fromarray(skimage.data.astronaut())
    cameraman = Image.fromarray(skimage.data.camera()).convert("RGB")
    hopper = Image.open(hopper).convert("RGB")
    yield "astronaut", LANDSCAPE, astronaut.crop((0, 0, 512, 288))
    yield "astronaut-near", LANDSCAPE, astronaut.crop((80, 0, 400, 180))
    yield "astronaut", SQUARE, astronaut
    yield "cameraman", LANDSCAPE, cameraman.crop((0, 40, 512, 328))
    yield "cameraman", SQUARE, cameraman
    yield "hopper", LANDSCAPE, hopper.crop((0, 20, 512, 308))
    yield "hopper", SQUARE, hopper.crop((0, 20, 512, 532))
    pair = Image.new("RGB", (1024, 576))
    pair.paste(astronaut.crop((0, 0, 512, 576)), (0, 0))
    pair.paste(hopper.crop((0, 12, 512, 588)), (512, 0))
    yield "pair", LANDSCAPE, pair
    coelho = Image.fromarray(mahotas.demos.load("luispedro"))
    yield "coelho", LANDSCAPE, coelho.crop((0, 10, 300, 179))
    yield "coelho", SQUARE, coelho.crop((0, 20, 300, 320))
    yield "leaning", SQUARE, astronaut.rotate(25, Image.Resampling.BICUBIC).crop((70, 40, 430, 400))
    three = Image.new("RGB", (1536, 864))
    for at, one in enumerate([hopper.crop((98, 12, 414, 545)), coelho.crop((30, 0, 253, 377)), astronaut.crop((60, 0, 363, 512))]):
        three.paste(one.resize((512, 864), Image.Resampling.BILINEAR), (512 * at, 0))
    yield "three", LANDSCAPE, three


def variants(picture):
    """The picture in other light, in whole numbers, so that the tests can repeat it."""
    wide = picture.astype(numpy.uint16)
    yield "plain", picture
    yield "mirrored", picture[:, ::-1]
    yield "dark", (wide * 3 // 10).astype(numpy.uint8)
    yield "bright", numpy.minimum(wide * 8 // 5, 255).astype(numpy.uint8)
    yield "warm", numpy.stack([wide[..., 0], wide[..., 1] * 8 // 10, wide[..., 2] // 2], -1).astype(numpy.uint8)


def main():
    for name, (size, model), photograph in photographs():
        name = f"{name}-{size[0]}x{size[1]}"
        photograph = photograph.resize(size, Image.Resampling.BILINEAR)
        photograph.save(HERE / f"{name}.picture.png", optimize=True)
        interpreter = Interpreter(str(MODELS / model), num_threads=1)
        interpreter.allocate_tensors()
        for variant, picture in variants(numpy.asarray(photograph)):
            tensor = (picture.astype(numpy.float32) / 255)[None]
            interpreter.set_tensor(interpreter.get_input_details()[0]["index"], tensor)
            interpreter.invoke()
            mask = interpreter.get_tensor(interpreter.get_output_details()[0]["index"])[0, :, :, 0]
            sixteen = numpy.round(mask * 65535).astype(numpy.uint16)
            Image.fromarray(sixteen).save(HERE / f"{name}.{variant}.mask.png", optimize=True)
            print(f"{name}.{variant}: {100 * (mask > 0.5).mean():.1f} % person")


main()
