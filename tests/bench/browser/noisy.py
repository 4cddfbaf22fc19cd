"""Makes speech of known clarity: synthetic voices, and the same in seven kinds of noise.

    python noisy.py FOLDER

writes FOLDER/clean.f32 and FOLDER/KIND.f32, one channel at 48 kHz in single precision. The noise is drawn from a seed: the
files are the same wherever espeak-ng speaks the same.
"""

import io
import pathlib
import subprocess
import sys

import numpy
from scipy import signal
from scipy.io import wavfile

RATE = 48_000
FRAME = 480
PAUSE = RATE * 3 // 10
VOICES = [
    (
        "en-us",
        "Good morning everyone, thanks for joining the call. Let us start with the quarterly numbers and then move to the "
        "product roadmap for next year.",
    ),
    (
        "en-gb+f3",
        "I think the customer wants a smaller release first, and we can add the remaining features in the following weeks "
        "without any trouble.",
    ),
    (
        "de+m3",
        "Guten Morgen zusammen, heute sprechen wir über den neuen Plan und die offenen Fragen zum Projekt.",
    ),
]
# Signal to noise in decibels, counted where somebody speaks.
RATIOS = {"white": (0, 10), "pink": (0, 10), "fan": (0, 10), "keys": (5,)}


def speech():
    """All voices one after the other, in whole frames, half as loud as can be."""
    parts = []
    for voice, text in VOICES:
        spoken = subprocess.run(["espeak-ng", "-v", voice, "-s", "150", "--stdout", text], check=True, capture_output=True)
        # The length in the header of what is written to a pipe is not known yet when it is written.
        header = bytearray(spoken.stdout)
        header[4:8] = (len(header) - 8).to_bytes(4, "little")
        header[40:44] = (len(header) - 44).to_bytes(4, "little")
        rate, samples = wavfile.read(io.BytesIO(bytes(header)))
        parts += [signal.resample_poly(samples / 32768, RATE, rate), numpy.zeros(PAUSE)]
    clean = numpy.concatenate(parts)
    clean = clean[: len(clean) // FRAME * FRAME]
    return clean / numpy.abs(clean).max() / 2


def pink(random, count):
    """As much in each octave."""
    spectrum = numpy.fft.rfft(random.standard_normal(count))
    place = numpy.maximum(numpy.arange(len(spectrum)), 1)
    return numpy.fft.irfft(spectrum / numpy.sqrt(place), count)


def fan(random, count):
    """Low noise, and the hum of a motor at 120 Hz with its harmonics."""
    noise = signal.lfilter(*signal.butter(2, 800 / (RATE / 2)), random.standard_normal(count))
    time = numpy.arange(count) / RATE
    hum = sum(numpy.sin(2 * numpy.pi * 120 * order * time + order) / order for order in range(1, 8))
    return noise / noise.std() + 0.7 * hum / hum.std()


def keys(random, count):
    """A keyboard: short bursts, five or six a second."""
    noise = numpy.zeros(count)
    for second in numpy.cumsum(random.exponential(0.18, 2000)):
        start = int(second * RATE)
        if start + RATE // 10 >= count:
            break
        length = random.integers(800, 2400)
        decay = numpy.exp(-numpy.arange(length) / random.uniform(60, 200))
        noise[start : start + length] += random.standard_normal(length) * decay * random.uniform(0.4, 1)
    return noise


def main():
    folder = pathlib.Path(sys.argv[1])
    folder.mkdir(parents=True, exist_ok=True)
    clean = speech()
    count = len(clean)
    random = numpy.random.default_rng(1)
    noises = {
        "white": random.standard_normal(count),
        "pink": pink(random, count),
        "fan": fan(random, count),
        "keys": keys(random, count),
    }
    spoken = numpy.convolve(clean**2, numpy.ones(RATE // 10) / (RATE // 10), "same") > 1e-4
    power = (clean[spoken] ** 2).mean()
    for kind, noise in noises.items():
        for ratio in RATIOS[kind]:
            gain = numpy.sqrt(power / 10 ** (ratio / 10) / (noise**2).mean())
            (clean + gain * noise).astype(numpy.float32).tofile(folder / f"{kind}{ratio}.f32")
    clean.astype(numpy.float32).tofile(folder / "clean.f32")


main()
