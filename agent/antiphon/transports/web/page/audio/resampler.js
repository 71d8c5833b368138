// A streaming resampler: windowed sinc, one set of taps for each phase of a rational ratio.

const LOBES = 16; // zero crossings on each side, at the lower of both rates
const CUTOFF = 0.92; // of the lower Nyquist frequency

const gcd = (a, b) => (b ? gcd(b, a % b) : a);

/** What takes the place of a resampler where both rates are one. */
export class Wire {
  held = null;

  get wanted() {
    return this.held === null ? 1 : 0;
  }

  push(sample) {
    this.held = sample;
  }

  pull() {
    const sample = this.held;
    this.held = null;
    return sample;
  }
}

export class Resampler {
  /** @param {number} from samples a second that are given @param {number} to that are made */
  constructor(from, to) {
    const common = gcd(from, to);
    this.up = to / common;
    this.down = from / common;
    const cutoff = CUTOFF * Math.min(1, to / from);
    this.half = Math.ceil(LOBES / cutoff);
    this.taps = Array.from({ length: this.up }, (_, phase) => this.#phase(phase / this.up, cutoff));
    this.reset();
  }

  /** Forget what was given; silence is before the first sample. */
  reset() {
    this.length = 2 * this.half;
    this.line = new Float32Array(2 * this.length); // twice the same: the newest lie in one piece
    this.at = 0;
    this.phase = 0;
  }

  /** Samples that are needed before the next one can be made. */
  get wanted() {
    return Math.floor(this.phase / this.up);
  }

  /** Take one sample. */
  push(sample) {
    this.line[this.at] = this.line[this.at + this.length] = sample;
    this.at = (this.at + 1) % this.length;
    this.phase -= this.up;
  }

  /** The next sample, once `wanted` is 0. */
  pull() {
    const taps = this.taps[this.phase];
    let sum = 0;
    for (let i = 0; i < taps.length; i++) sum += taps[i] * this.line[this.at + i];
    this.phase += this.down;
    return sum;
  }

  #phase(fraction, cutoff) {
    const taps = new Float32Array(2 * this.half);
    let total = 0;
    for (let i = 0; i < taps.length; i++) {
      const x = i - this.half + 1 - fraction;
      const window = Math.abs(x) < this.half ? Math.cos((Math.PI * x) / (2 * this.half)) ** 2 : 0;
      const angle = Math.PI * x * cutoff;
      taps[i] = window * (angle === 0 ? 1 : Math.sin(angle) / angle);
      total += taps[i];
    }
    return taps.map((tap) => tap / total);
  }
}
