// The page's microphone and speaker: one AudioContext, one worklet.

export const RATE = 24_000;

/** Why there is no microphone, and what a person can do. */
const REASONS = {
  NotAllowedError:
    "The microphone is blocked. Open the settings beside the address of this page, allow the microphone, then try again.",
  NotFoundError: "No microphone was found. Connect one, then try again.",
  NotReadableError: "The microphone is used by another program. Close that, then try again.",
};
const INSECURE =
  "Browsers give a microphone only to pages of the same machine or over https. Open this page as http://localhost, or serve it with a certificate.";

const SILENT = "The browser plays no sound. Check its speaker, then try again.";
const TRIES = 2;
const PATIENCE = 4_000; // milliseconds in which a speaker has to be open

/**
 * Events: `chunk` (detail: at, mic, played, playing), `began` (id, at), `lost` (the microphone
 * is gone), `suspended` (the browser wants a gesture first).
 */
export class Sound extends EventTarget {
  #context = null;
  #node = null;
  #stream = null;
  #source = null;
  #waiting = new Map();
  #token = 0;
  #starting = null;
  #opening = null;
  #ownRate = false;

  get running() {
    return this.#context?.state === "running";
  }

  get hasMicrophone() {
    return this.#stream !== null;
  }

  /** Seconds between a sample that left the worklet and the ear. */
  get latency() {
    const { baseLatency = 0, outputLatency = 0 } = this.#context ?? {};
    return outputLatency || baseLatency || 0;
  }

  /**
   * Begin to play; to be called in answer to a tap or a key.
   * @returns {Promise<string | null>} why nothing can be heard; null if something can
   */
  start() {
    this.#context?.resume(); // at once: after waiting, some browsers see no tap or key behind it
    this.#starting ??= this.#start().finally(() => (this.#starting = null));
    return this.#starting;
  }

  async #start() {
    for (let tries = 0; tries < TRIES; tries++) {
      if (!this.#context) await this.#build();
      if (await this.#ticks()) return null;
      // A busy machine opens its speaker too late, and the browser does not try again by itself.
      this.#discard();
    }
    return SILENT;
  }

  async #build() {
    // The browser resamples in native code, where it can.
    const rate = this.#ownRate ? {} : { sampleRate: RATE };
    const context = new AudioContext({ latencyHint: "interactive", ...rate });
    this.#context = context;
    context.resume();
    await context.audioWorklet.addModule(new URL("./duplex-worklet.js", import.meta.url));
    this.#node = new AudioWorkletNode(context, "duplex", {
      numberOfInputs: 1,
      numberOfOutputs: 1,
      outputChannelCount: [1],
      channelCount: 1,
      channelCountMode: "explicit",
    });
    this.#node.port.onmessage = ({ data }) => this.#told(data);
    this.#node.connect(context.destination);
    context.onstatechange = () => {
      if (context.state !== "running") this.dispatchEvent(new Event("suspended"));
    };
    this.#hear();
  }

  /** Whether the audio thread runs: it tells of every 20 ms. */
  #ticks() {
    return new Promise((resolve) => {
      const late = setTimeout(() => resolve(false), PATIENCE);
      const came = () => (clearTimeout(late), resolve(true));
      this.addEventListener("chunk", came, { once: true });
    });
  }

  #discard() {
    const context = this.#context;
    context.onstatechange = null;
    this.#context = this.#node = this.#source = null;
    context.close().catch(() => {}); // takes as long as it takes
  }

  /**
   * Ask for the microphone.
   * @returns {Promise<string | null>} why there is none; null if there is one
   */
  openMicrophone() {
    // Who taps twice is asked once, and heard once.
    this.#opening ??= this.#openMicrophone().finally(() => (this.#opening = null));
    return this.#opening;
  }

  async #openMicrophone() {
    if (this.#stream) return null;
    if (!navigator.mediaDevices?.getUserMedia) return INSECURE;
    if (!this.#context) return SILENT;
    const wanted = { echoCancellation: true, noiseSuppression: true, autoGainControl: true, channelCount: 1 };
    try {
      this.#stream = await navigator.mediaDevices.getUserMedia({ audio: wanted });
    } catch (error) {
      return REASONS[error.name] ?? `The microphone cannot be used (${error.message || error.name}).`;
    }
    const [track] = this.#stream.getAudioTracks();
    track.onended = () => {
      this.closeMicrophone();
      this.dispatchEvent(new Event("lost"));
    };
    try {
      this.#hear();
    } catch (error) {
      if (this.#ownRate) return `The microphone cannot be used (${error.message}).`;
      this.#ownRate = true; // some browsers take a microphone at its own rate only
      this.#discard();
      return this.start();
    }
    return null;
  }

  #hear() {
    if (!this.#stream) return;
    this.#source = this.#context.createMediaStreamSource(this.#stream);
    this.#source.connect(this.#node);
  }

  closeMicrophone() {
    this.#source?.disconnect();
    for (const track of this.#stream?.getTracks() ?? []) track.stop();
    this.#source = this.#stream = null;
  }

  /** Play samples of an item after those before. @param {Int16Array} pcm */
  play(id, pcm) {
    this.#node?.port.postMessage({ type: "play", id, pcm }, [pcm.buffer]);
  }

  /** No more samples of an item will come. */
  end(id) {
    this.#node?.port.postMessage({ type: "end", id });
  }

  /** Drop what was not played. @returns {Promise<Object>} samples played of each item dropped */
  clear() {
    if (!this.#node) return Promise.resolve({});
    const token = ++this.#token;
    this.#node.port.postMessage({ type: "clear", token });
    return new Promise((resolve) => this.#waiting.set(token, resolve));
  }

  #told(data) {
    if (data.type === "cleared") {
      this.#waiting.get(data.token)?.(data.played);
      this.#waiting.delete(data.token);
    } else {
      this.dispatchEvent(new CustomEvent(data.type, { detail: data }));
    }
  }
}
