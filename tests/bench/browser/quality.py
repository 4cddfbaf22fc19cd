"""How much of the speech is left, and how much of the noise.

    python quality.py FOLDER

compares every FOLDER/WHO/KIND.f32 with FOLDER/clean.f32 (one channel, 48 kHz, single precision), and prints as JSON for each
WHO, and for the noisy files themselves as "noisy", lists over the kinds of noise: PESQ (ITU-T P.862.2, wide band), STOI (Taal
2011) in percent, the scale-invariant ratio of signal to distortion in decibels (Le Roux 2019), and the delay in milliseconds.
"""

import json
import pathlib
import sys

import numpy
from pesq import pesq
from pystoi import stoi
from scipy import signal

RATE = 48_000
# Both measures are defined at 16 kHz.
MEASURED_RATE = 16_000
# So much of the beginning says by how much a file is late.
ALIGNED = 8 * RATE


def aligned(clean, heard):
    """Both from the same moment on, and by how many samples the latter was late."""
    product = signal.correlate(heard[:ALIGNED], clean[:ALIGNED], "full", method="fft")
    late = int(numpy.argmax(numpy.abs(product))) - (len(clean[:ALIGNED]) - 1)
    if late >= 0:
        heard = heard[late:]
        return clean[: len(heard)], heard, late
    heard = heard[: len(heard) + late]
    return clean[-late:][: len(heard)], heard, late


def distortion(clean, heard):
    scaled = (heard @ clean) / (clean @ clean) * clean
    return 10 * numpy.log10((scaled**2).sum() / ((heard - scaled) ** 2).sum())


def score(clean, path):
    clean, heard, late = aligned(clean, numpy.fromfile(path, numpy.float32).astype(numpy.float64))
    clean, heard = (signal.resample_poly(samples, 1, RATE // MEASURED_RATE) for samples in (clean, heard))
    return {
        "pesq": pesq(MEASURED_RATE, clean, heard, "wb"),
        "stoi_percent": 100 * float(stoi(clean, heard, MEASURED_RATE)),
        "si_sdr_db": float(distortion(clean, heard)),
        "delay_ms": 1000 * late / RATE,
    }


def main():
    folder = pathlib.Path(sys.argv[1])
    clean = numpy.fromfile(folder / "clean.f32", numpy.float32).astype(numpy.float64)
    kinds = sorted(file.name for file in folder.glob("*.f32") if file.name != "clean.f32")
    contenders = {"noisy": folder} | {place.name: place for place in sorted(folder.iterdir()) if place.is_dir()}
    result = {}
    for who, place in contenders.items():
        scores = [score(clean, place / kind) for kind in kinds]
        result[who] = {measure: [each[measure] for each in scores] for measure in scores[0]}
    print(json.dumps(result))


main()
