"""How good the two noise suppressions are: PESQ (wide band), STOI and SI-SDR on synthetic voices in seven noises.

    apt-get install espeak-ng
    python3 -m venv target/quality
    target/quality/bin/pip install numpy==2.4.6 scipy==1.17.1 pesq==0.0.4 pystoi==0.4.1
    cargo xtask setup deep-filter
    cargo build --release -p denoise -p deep_filter --examples
    target/quality/bin/python tests/denoise/quality.py

Read the ranking: the voices are synthetic. With `--each` it prints every noise.
"""

import pathlib
import subprocess
import sys
import tempfile

import numpy
import scipy.signal
from pesq import pesq
from pystoi import stoi
from scipy.io import wavfile

ROOT = pathlib.Path(__file__).resolve().parents[2]
PROGRAMS = ROOT / "target/release/examples"
WEIGHTS = ROOT / "target/deep_filter/deep_filter.weights"
RATE = 48000
TEXTS = [
    (
        "en-us",
        "Good morning everyone, thanks for joining the call. Let us start with the quarterly numbers and then move to"
        " the product roadmap for next year.",
    ),
    (
        "en-gb+f3",
        "I think the customer wants a smaller release first, and we can add the remaining features in the following"
        " weeks without any trouble.",
    ),
    (
        "de+m3",
        "Guten Morgen zusammen, heute sprechen wir ueber den neuen Plan und die offenen Fragen zum Projekt.",
    ),
]
# What is measured, how it is run, and by how many samples it is late.
ENGINES = [
    ("noisy", None, 0),
    ("RNNoise", [PROGRAMS / "denoise"], 480),
    ("DeepFilterNet3", [PROGRAMS / "deep_filter", WEIGHTS], 1440),
]


def voices(folder):
    """25 s of three voices, with pauses."""
    parts = []
    for voice, text in TEXTS:
        wav = folder / "voice.wav"
        subprocess.run(["espeak-ng", "-v", voice, "-s", "150", "-w", wav, text], check=True)
        rate, sound = wavfile.read(wav)
        parts += [scipy.signal.resample_poly(sound.astype(float) / 32768, RATE, rate), numpy.zeros(RATE * 3 // 10)]
    sound = numpy.concatenate(parts)
    sound = sound[: len(sound) // 480 * 480]
    return sound / numpy.abs(sound).max() * 0.5


def noises(length):
    """White, pink, a fan with hum, and a keyboard, each with the ratios to the voice that are tried."""
    random = numpy.random.default_rng(1)
    yield "white", random.standard_normal(length), [0, 10]
    spectrum, at = numpy.fft.rfft(random.standard_normal(length)), numpy.arange(length // 2 + 1)
    yield "pink", numpy.fft.irfft(spectrum / numpy.sqrt(numpy.maximum(at, 1)), length), [0, 10]
    time = numpy.arange(length) / RATE
    fan = scipy.signal.lfilter(*scipy.signal.butter(2, 800 / (RATE / 2)), random.standard_normal(length))
    hum = sum(numpy.sin(2 * numpy.pi * 120 * k * time + k) / k for k in range(1, 8))
    yield "fan", fan / fan.std() + 0.7 * hum / hum.std(), [0, 10]
    keys = numpy.zeros(length)
    for moment in numpy.cumsum(random.exponential(0.18, 2000)):
        start = int(moment * RATE)
        if start + 4800 >= length:
            break
        count = random.integers(800, 2400)
        decay = numpy.exp(-numpy.arange(count) / random.uniform(60, 200))
        keys[start : start + count] += random.standard_normal(count) * decay * random.uniform(0.4, 1)
    yield "keys", keys, [5]


def recordings(voice):
    is_voice = numpy.convolve(voice**2, numpy.ones(4800) / 4800, "same") > 1e-4
    power = (voice[is_voice] ** 2).mean()
    for name, noise, ratios in noises(len(voice)):
        for ratio in ratios:
            gain = numpy.sqrt(power / 10 ** (ratio / 10) / (noise**2).mean())
            yield f"{name} {ratio} dB", (voice + gain * noise).astype("<f4")


def scores(voice, sound, late):
    sound = scipy.signal.resample_poly(sound[late:].astype(float), 1, 3)
    voice = scipy.signal.resample_poly(voice[: len(voice) - late], 1, 3)
    part = (sound @ voice) / (voice @ voice) * voice
    ratio = 10 * numpy.log10((part**2).sum() / ((sound - part) ** 2).sum())
    return pesq(RATE // 3, voice, sound, "wb"), stoi(voice, sound, RATE // 3), ratio


def main():
    table = {name: [] for name, _, _ in ENGINES}
    with tempfile.TemporaryDirectory() as folder:
        folder = pathlib.Path(folder)
        voice = voices(folder)
        for label, noisy in recordings(voice):
            noisy.tofile(folder / "noisy")
            for name, command, late in ENGINES:
                sound = noisy
                if command:
                    subprocess.run([*command, folder / "noisy", folder / "clean"], check=True, stderr=subprocess.DEVNULL)
                    sound = numpy.fromfile(folder / "clean", "<f4")
                table[name].append((label, scores(voice, sound, late)))
    print(f"{'':26} PESQ   STOI   SI-SDR")
    for name, rows in table.items():
        if "--each" in sys.argv:
            for label, (quality, clarity, ratio) in rows:
                print(f"  {name:14} {label:10} {quality:.2f}  {clarity:.3f}  {ratio:6.2f} dB")
        quality, clarity, ratio = numpy.mean([row for _, row in rows], 0)
        print(f"{name:26} {quality:.2f}  {clarity:.3f}  {ratio:6.2f} dB")


main()
