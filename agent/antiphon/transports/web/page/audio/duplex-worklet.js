// Microphone and speaker on one clock of 24 kHz, in the browser's audio thread.
//
// Every sample that is played is pulled from a queue at 24 kHz, silence if it is empty; so both
// directions are streams of equal length, and how much of an item was played is a count.

import { Resampler, Wire } from "./resampler.js";

const RATE = 24_000;
const CHUNK = 480; // 20 ms
const PRIME = 960; // samples that wait before an item begins, against jitter
const PATIENCE = 1_440; // after so many, it begins with what there is
const FADE = 120; // samples in which what is dropped fades

class Queue {
  items = []; // {id, chunks, offset, played, waited, done}

  push(id, pcm) {
    let item = this.items.at(-1);
    if (item?.id !== id) this.items.push((item = newItem(id)));
    item.chunks.push(pcm);
    item.queued += pcm.length;
  }

  end(id) {
    const item = this.items.find((each) => each.id === id);
    if (item) item.done = true;
  }

  /** The next sample, null if nothing plays. */
  next() {
    const item = this.items[0];
    if (!item) return null;
    if (item.queued === 0) {
      if (item.done || this.items.length > 1) this.items.shift();
      return null;
    }
    if (item.played === 0 && item.queued < PRIME && !item.done && item.waited++ < PATIENCE) return null;
    const chunk = item.chunks[0];
    const sample = chunk[item.offset++] / 32_768;
    if (item.offset === chunk.length) {
      item.chunks.shift();
      item.offset = 0;
    }
    item.queued--;
    item.played++;
    return sample;
  }

  /** Drop everything but a fade; returns what was played of each item, the fade included. */
  clear() {
    const fade = [];
    for (let i = 0; i < FADE; i++) {
      const sample = this.items[0]?.played ? this.next() : null;
      if (sample === null) break;
      fade.push(sample * (1 - i / FADE));
    }
    const played = Object.fromEntries(this.items.map((item) => [item.id, item.played]));
    this.items = [];
    return { fade, played };
  }
}

const newItem = (id) => ({ id, chunks: [], offset: 0, queued: 0, played: 0, waited: 0, done: false });

class Duplex extends AudioWorkletProcessor {
  constructor() {
    super();
    const same = sampleRate === RATE;
    this.inward = same ? new Wire() : new Resampler(sampleRate, RATE);
    this.outward = same ? new Wire() : new Resampler(RATE, sampleRate);
    this.queue = new Queue();
    this.fade = [];
    this.at = 0;
    this.open = true;
    this.#begin();
    this.port.onmessage = ({ data }) => this[data.type](data);
  }

  play({ id, pcm }) {
    this.queue.push(id, pcm);
  }

  end({ id }) {
    this.queue.end(id);
  }

  clear({ token }) {
    const { fade, played } = this.queue.clear();
    this.fade = fade;
    this.port.postMessage({ type: "cleared", token, played });
  }

  close() {
    this.open = false;
  }

  process([input], [output]) {
    const [mic] = input;
    for (let i = 0; i < output[0].length; i++) {
      while (this.outward.wanted > 0) this.outward.push(this.#source());
      output[0][i] = this.outward.pull();
      while (this.inward.wanted === 0) this.#heard(this.inward.pull());
      this.inward.push(mic ? mic[i] : 0);
    }
    for (let channel = 1; channel < output.length; channel++) output[channel].set(output[0]);
    return this.open;
  }

  #source() {
    const sample = this.fade.length ? this.fade.shift() : this.queue.next();
    const item = this.queue.items[0];
    if (sample !== null && item?.played === 1) {
      this.port.postMessage({ type: "began", id: item.id, at: this.at });
    }
    if (this.pulled < CHUNK + 64) this.played[this.pulled++] = pcm16(sample ?? 0);
    return sample ?? 0;
  }

  #heard(sample) {
    this.mic[this.count++] = pcm16(sample);
    this.at++;
    if (this.count < CHUNK) return;
    const item = this.queue.items[0];
    const { mic, played } = this;
    const playing = item && { id: item.id, played: item.played, queued: item.queued };
    const rest = played.slice(CHUNK, this.pulled);
    const message = { type: "chunk", at: this.at - CHUNK, mic, played: played.slice(0, CHUNK), playing };
    this.#begin(rest);
    this.port.postMessage(message, [mic.buffer, message.played.buffer]);
  }

  #begin(rest = []) {
    this.mic = new Int16Array(CHUNK);
    this.count = 0;
    this.played = new Int16Array(CHUNK + 64);
    this.played.set(rest);
    this.pulled = rest.length;
  }
}

const pcm16 = (sample) => Math.round(Math.max(-1, Math.min(1, sample)) * 32_767);

registerProcessor("duplex", Duplex);
