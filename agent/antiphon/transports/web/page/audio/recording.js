// What was said and played, as a stereo file: left the visitor, right the agent.

import { RATE } from "./sound.js";

const PIECE = 500; // chunks of a Blob: ten seconds
const MAX_PIECES = 360; // an hour; of more, the oldest is dropped

export class Recording {
  #pieces = [];
  #chunks = [];

  get seconds() {
    const bytes = this.#pieces.reduce((sum, piece) => sum + piece.size, 0);
    return bytes / (4 * RATE) + this.#chunks.length * 0.02;
  }

  /** @param {Int16Array} mic @param {Int16Array} played of the same length */
  add(mic, played) {
    const both = new Int16Array(2 * mic.length);
    for (let i = 0; i < mic.length; i++) {
      both[2 * i] = mic[i];
      both[2 * i + 1] = played[i];
    }
    this.#chunks.push(both);
    if (this.#chunks.length === PIECE) {
      this.#pieces.push(new Blob(this.#chunks)); // the browser keeps it where there is room
      this.#chunks = [];
      if (this.#pieces.length > MAX_PIECES) this.#pieces.shift();
    }
  }

  clear() {
    this.#pieces = [];
    this.#chunks = [];
  }

  /** @returns {Blob} a WAV file */
  wav() {
    const body = new Blob([...this.#pieces, ...this.#chunks]);
    const view = new DataView(new ArrayBuffer(44));
    const text = (at, letters) => [...letters].forEach((letter, i) => view.setUint8(at + i, letter.charCodeAt(0)));
    text(0, "RIFF");
    view.setUint32(4, 36 + body.size, true);
    text(8, "WAVEfmt ");
    view.setUint32(16, 16, true);
    view.setUint16(20, 1, true);
    view.setUint16(22, 2, true);
    view.setUint32(24, RATE, true);
    view.setUint32(28, 4 * RATE, true);
    view.setUint16(32, 4, true);
    view.setUint16(34, 16, true);
    text(36, "data");
    view.setUint32(40, body.size, true);
    return new Blob([view, body], { type: "audio/wav" });
  }
}
