// A stand-in for the browser's choice of a screen: a canvas with moving text, and a tone.

/** For `freshPage`: what `getDisplayMedia` gives from now on. `window.screens` collects the streams, `window.refusal` refuses. */
export function screenOfPage({ tone = 440, width = 1280, height = 720 } = {}) {
  return { run: standIn, with: [tone, width, height] };
}

/** The browser's own bar ends the sharing. */
export const endByBrowser = (page) => page.evaluate(() => {
  for (const track of window.screens.at(-1).getTracks()) {
    track.stop();
    track.dispatchEvent(new Event('ended'));
  }
});

function standIn(tone, width, height) {
  const devices = navigator.mediaDevices;
  // An empty page has none.
  if (!devices) return;
  Object.assign(window, { screens: [], asked: [], refusal: null });
  devices.getDisplayMedia = async (options) => {
    window.asked.push(JSON.parse(JSON.stringify(options)));
    if (window.refusal) throw new DOMException(window.refusal.message, window.refusal.name);
    const canvas = Object.assign(document.createElement('canvas'), { width, height });
    const context = canvas.getContext('2d');
    let count = 0;
    const draw = () => {
      context.fillStyle = '#f8f8f2';
      context.fillRect(0, 0, width, height);
      context.fillStyle = '#222';
      context.font = '24px sans-serif';
      for (let line = 1; line < height / 40; line += 1) context.fillText(`Line ${line} of what is shared, ${count}`, 40, 40 * line);
      count += 1;
    };
    draw();
    setInterval(draw, 100);
    const stream = canvas.captureStream(10);
    if (tone) {
      const audio = new AudioContext();
      const oscillator = audio.createOscillator();
      oscillator.frequency.value = tone;
      const destination = audio.createMediaStreamDestination();
      oscillator.connect(destination);
      oscillator.start();
      stream.addTrack(destination.stream.getAudioTracks()[0]);
    }
    window.screens.push(stream);
    return stream;
  };
}
