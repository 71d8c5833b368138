// How loud it is.

const FLOOR = -54; // dB of full scale that show as nothing
const FALL = 0.86; // of the last value, in 20 ms

/** @param {Int16Array} samples @returns {number} 0 to 1 */
export function level(samples) {
  let sum = 0;
  for (const sample of samples) sum += sample * sample;
  const db = 10 * Math.log10(sum / samples.length / 32_768 ** 2 + 1e-10);
  return Math.max(0, Math.min(1, (db - FLOOR) / (-12 - FLOOR)));
}

export class Meter {
  value = 0;
  #element;

  /** @param {HTMLElement} element of role meter */
  constructor(element) {
    this.#element = element;
  }

  show(value) {
    this.value = Math.max(value, this.value * FALL);
    this.#element.style.setProperty("--level", this.value.toFixed(2));
  }

  /** Tell those who do not see; seldom, or they hear nothing else. */
  announce() {
    this.#element.setAttribute("aria-valuenow", Math.round(100 * this.value));
  }
}
