"""DeepFilterNet3 as its graphs define it, with ONNX Runtime for the networks and NumPy for what is around them.

Schröter et al., "DeepFilterNet: Perceptually Motivated Real-Time Speech Enhancement" (2023), and the paper on deep filtering
before it. Offline: whole recordings at once, every stage for every frame.
"""

import io
import tarfile

import numpy
import onnxruntime

HOP, BINS, BANDS, FILTERED, ORDER, AHEAD = 480, 481, 32, 96, 5, 2
# exp(−hop / rate / 1 s), rounded to what the networks were trained with.
ALPHA = 0.99


def window():
    """Vorbis' window."""
    sine = numpy.sin(numpy.pi / (2 * HOP) * (numpy.arange(2 * HOP) + 0.5))
    return numpy.sin(numpy.pi / 2 * sine**2)


def bands():
    """Bins of each band: equal steps on the ERB scale (Glasberg and Moore 1990), at least two bins each."""
    width = 24.7 * 9.265
    end = 9.265 * numpy.log1p(24000 / width)
    counts, before, owed = [], 0, 0
    for band in range(1, BANDS + 1):
        bin_ = int(numpy.floor(width * (numpy.exp(end * band / BANDS / 9.265) - 1) / 50 + 0.5))
        count = bin_ - before - owed
        owed = max(2 - count, 0)
        counts.append(max(count, 2))
        before = bin_
    counts[-1] += 1
    counts[-1] -= max(sum(counts) - BINS, 0)
    return numpy.array(counts)


def spectra(samples):
    """The spectrum of each frame with the frame before it."""
    frames = numpy.concatenate([numpy.zeros(HOP), samples]).reshape(-1, HOP)
    pairs = numpy.concatenate([frames[:-1], frames[1:]], 1) * window()
    return numpy.fft.rfft(pairs, axis=1) / (2 * HOP)


def samples(spectra):
    """The sound of spectra; it is one frame late."""
    pairs = numpy.fft.irfft(spectra, axis=1) * (2 * HOP) * window()
    late = numpy.concatenate([numpy.zeros((1, HOP)), pairs[:-1, HOP:]])
    return (pairs[:, :HOP] + late).ravel()


def features(spectra):
    """Levels of the bands, and the lowest bins, each relative to its own recent past."""
    edges = numpy.concatenate([[0], numpy.cumsum(bands())])
    power = numpy.abs(spectra) ** 2
    levels = numpy.stack([power[:, a:b].mean(1) for a, b in zip(edges, edges[1:])], 1)
    levels = 10 * numpy.log10(levels + 1e-10)
    mean, unit = numpy.linspace(-60, -90, BANDS), numpy.linspace(1e-3, 1e-4, FILTERED)
    erb, low = numpy.zeros_like(levels), numpy.zeros((len(spectra), FILTERED), complex)
    for at, spectrum in enumerate(spectra[:, :FILTERED]):
        mean = ALPHA * mean + (1 - ALPHA) * levels[at]
        erb[at] = (levels[at] - mean) / 40
        unit = ALPHA * unit + (1 - ALPHA) * numpy.abs(spectrum)
        low[at] = spectrum / numpy.sqrt(unit)
    return erb.astype(numpy.float32), numpy.stack([low.real, low.imag]).astype(numpy.float32)


def graphs(archive):
    """The three graphs in the archive, as bytes, by name."""
    with tarfile.open(fileobj=io.BytesIO(archive)) as tar:
        return {name: tar.extractfile(f"tmp/export/{name}.onnx").read() for name in ("enc", "erb_dec", "df_dec")}


def networks(graphs, erb, low):
    """Gains of the bands, coefficients of the deep filter and the local SNR, of each frame."""
    session = {name: onnxruntime.InferenceSession(graph, providers=["CPUExecutionProvider"]) for name, graph in graphs.items()}
    names = ["e0", "e1", "e2", "e3", "emb", "c0", "lsnr"]
    encoded = dict(zip(names, session["enc"].run(names, {"feat_erb": erb[None, None], "feat_spec": low[None]})))
    gains = session["erb_dec"].run(["m"], {name: encoded[name] for name in ("emb", "e3", "e2", "e1", "e0")})[0]
    coefficients = session["df_dec"].run(["coefs"], {name: encoded[name] for name in ("emb", "c0")})[0]
    return gains[0, 0], coefficients[0], encoded["lsnr"][0, :, 0]


def enhance(archive_graphs, noisy, stages=None):
    """The whole way. `stages` may say, from the local SNR of a frame, which of gains and deep filter are used."""
    spectrum = spectra(noisy)
    gains, coefficients, snr = networks(archive_graphs, *features(spectrum))
    # What the networks say at a frame is about the frame two before it.
    past = numpy.concatenate([numpy.zeros((ORDER - 1, BINS)), spectrum])
    result = past[AHEAD : AHEAD + len(spectrum)] * numpy.repeat(gains, bands(), axis=1)
    taps = (coefficients[..., 0::2] + 1j * coefficients[..., 1::2]).reshape(-1, FILTERED, ORDER)
    low = sum(past[tap : tap + len(spectrum), :FILTERED] * taps[..., tap] for tap in range(ORDER))
    if stages is None:
        result[:, :FILTERED] = low
    else:
        for at, (has_gains, has_filter, silent) in enumerate(map(stages, snr)):
            if silent: result[at] = 0
            elif not has_gains: result[at] = past[AHEAD + at]
            elif has_filter: result[at, :FILTERED] = low[at]
    return samples(result), gains, coefficients, snr
