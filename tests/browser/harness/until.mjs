// Waiting for something to become true, never for time to pass.

/** Polls `probe` until it gives something truthy, and gives that back. */
export async function until(what, probe, timeoutMs = 15_000) {
  const end = performance.now() + timeoutMs;
  let last;
  for (;;) {
    last = await probe();
    if (last) return last;
    if (performance.now() > end) throw new Error(`not within ${timeoutMs} ms: ${what}`);
    await new Promise((resolve) => setTimeout(resolve, 50));
  }
}
