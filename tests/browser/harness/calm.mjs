// Telling a machine that stands still from a product that does.

/** Cameras of the tests make a picture every 50 ms: a longer gap in a slot with which nothing is done is the machine's. */
const STILL_MS = 150;

/**
 * Measures a gap and, at the same time, the longest one in slots with which nothing is done: `measure` gives both, as `gap` and
 * `control`. A gap over `mostMs` while these stood still as well says nothing, and is measured again after `undo`; a machine that
 * stands still every time is a failure. What is given back may well be over `mostMs`: then it was not the machine.
 */
export async function calmly(mostMs, measure, undo = () => {}, tries = 8) {
  const seen = [];
  for (let at = 0; at < tries; at += 1) {
    const { gap, control } = await measure();
    seen.push([Math.round(gap.longestGapMs), Math.round(control.longestGapMs)]);
    if (gap.longestGapMs <= mostMs || control.longestGapMs <= STILL_MS) return gap;
    await undo();
  }
  throw new Error(`this machine stands still every time (gaps and those without a reason, in ms): ${JSON.stringify(seen)}`);
}
