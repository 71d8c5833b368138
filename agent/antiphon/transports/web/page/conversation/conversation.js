// A conversation over the Realtime API: microphone in, reply out, and what was heard of it.

import { RATE } from "../audio/sound.js";
import { decode, encode } from "./base64.js";
import { milestones } from "./milestones.js";

const MS = RATE / 1000;
const HANDS_FREE = { type: "semantic_vad", eagerness: "auto", create_response: true, interrupt_response: true };

/**
 * Events (detail in brackets): `ready` (session), `state` (idle, listening, thinking, speaking),
 * `user` (id, text, done), `reply` (a reply that changed), `latency` (milestones),
 * `problem` (a sentence), `models` (state, language_model), `tool` (name, arguments, text of its result).
 *
 * A reply is {id, text, words: [{text, start, end}], heardMs, done, stopped, cut, spoken}; of one
 * that was cut, `remembered` is what the agent remembers of it.
 */
export class Conversation extends EventTarget {
  state = "idle";
  muted = false;
  /** Whether the visitor holds a key to talk. */
  manual = false;
  talking = false;
  replies = new Map();
  #connection;
  #sound;
  #tools;
  #response = null; // the one that is in progress
  #asked = false; // an answer, while another is still being stopped
  #playing = null; // the id of the item that is heard
  #sent = 0; // samples of the microphone
  #sentFrom = null; // the worklet's time of the first of them; NaN once some were left out
  #sentUntil = 0; // and of what comes after the last
  #latency = null; // what was told last of it
  #choices = {};

  constructor(connection, sound, tools) {
    super();
    this.#connection = connection;
    this.#sound = sound;
    this.#tools = tools;
    connection.addEventListener("open", () => this.#opened());
    connection.addEventListener("down", () => this.#down());
    connection.addEventListener("message", ({ detail }) => this.#handlers[detail.type]?.(detail));
    sound.addEventListener("chunk", ({ detail }) => this.#chunk(detail));
    sound.addEventListener("began", ({ detail }) => this.#heardFirst(detail));
  }

  /** Choose voice, model, hearing, instructions, speed; kept for new connections. */
  configure(choices) {
    Object.assign(this.#choices, choices);
    this.#update();
  }

  /** Talk hands free, or by holding a key. */
  setManual(manual) {
    this.manual = manual;
    this.talking = false;
    this.#update();
  }

  /** The key is held: what plays is stopped, what is said now is one turn. */
  beginTalking() {
    if (!this.manual || this.talking) return;
    this.talking = true;
    this.interrupt();
    this.#connection.send({ type: "input_audio_buffer.clear" });
    this.#sent = 0;
    this.#setState("listening");
  }

  endTalking() {
    if (!this.talking) return;
    this.talking = false;
    if (this.#sent >= RATE / 5) {
      this.#connection.send({ type: "input_audio_buffer.commit" });
      this.#ask();
      this.#setState("thinking");
    } else {
      this.#setState("idle");
    }
  }

  /** Write instead of speaking. */
  write(text) {
    this.interrupt();
    const id = `web_${crypto.randomUUID?.().replaceAll("-", "").slice(0, 24) ?? Date.now()}`;
    const content = [{ type: "input_text", text }];
    const item = { id, type: "message", role: "user", content };
    if (!this.#connection.send({ type: "conversation.item.create", item })) return false;
    this.#ask();
    this.#emit("user", { id, text, done: true });
    this.#setState("thinking");
    return true;
  }

  /** Stop the reply, whether it is made or played. */
  interrupt() {
    if (this.#response) this.#connection.send({ type: "response.cancel" });
    this.#drop();
  }

  get speaking() {
    return this.#playing !== null || this.#response !== null;
  }

  // What the server tells

  #handlers = {
    "session.created": ({ session }) => this.#emit("ready", session),
    "session.updated": ({ session }) => this.#emit("ready", session),
    "antiphon.state": ({ state }) => {
      if (!this.manual || state !== "listening") this.#setState(state);
    },
    "input_audio_buffer.speech_started": ({ item_id: id }) => {
      if (this.speaking) this.#drop();
      this.#setState("listening");
      this.#emit("user", { id, text: "", done: false });
    },
    "input_audio_buffer.committed": ({ item_id: id }) => this.#emit("user", { id, text: "", done: false }),
    "conversation.item.input_audio_transcription.delta": ({ item_id: id, delta }) => {
      this.#emit("user", { id, delta, done: false });
    },
    "conversation.item.input_audio_transcription.completed": ({ item_id: id, transcript }) => {
      this.#emit("user", { id, text: transcript, done: true });
    },
    "conversation.item.input_audio_transcription.failed": ({ item_id: id }) => {
      this.#emit("user", { id, text: "", done: true });
    },
    "response.created": ({ response }) => {
      this.#response = response.id;
    },
    "response.output_audio.delta": ({ item_id: id, delta }) => {
      const reply = this.#reply(id);
      if (reply.stopped) return; // was under way when it was stopped
      reply.spoken = true;
      this.#sound.play(id, decode(delta));
    },
    "response.output_audio.done": ({ item_id: id }) => this.#sound.end(id),
    "response.output_audio_transcript.delta": ({ item_id: id, delta }) => this.#text(id, delta),
    "response.output_text.delta": ({ item_id: id, delta }) => this.#text(id, delta),
    "antiphon.words": ({ item_id: id, words }) => {
      const reply = this.#reply(id);
      if (reply.cut) return;
      reply.words.push(...words.map((word) => ({ text: word.text, start: word.start_ms, end: word.end_ms })));
      this.#emit("reply", reply);
    },
    "antiphon.models": (told) => this.#emit("models", told),
    "antiphon.latency": (told) => {
      this.#latency = told;
      this.#emit("latency", milestones(told, NaN));
    },
    "antiphon.interrupted": ({ item_id: id, heard_ms: heard, transcript }) => {
      const reply = this.replies.get(id);
      if (!reply) return;
      this.#cut(id, heard);
      reply.remembered = transcript;
      this.#emit("reply", reply);
    },
    "response.done": ({ response }) => this.#over(response),
    error: ({ error }) => {
      // It was over when it was stopped, or had been played to its end.
      if (/cancel|truncat|shorter/.test(`${error.code} ${error.message}`)) return;
      this.#emit("problem", error.message);
    },
  };

  #opened() {
    this.replies.clear();
    this.#sent = 0;
    this.#sentFrom = null;
    this.#update();
  }

  #down() {
    this.#response = null;
    this.#asked = false;
    this.#drop();
    this.#setState("idle");
  }

  #update() {
    const { voice, model, hearing, instructions, speed } = this.#choices;
    const output = { ...(voice && { voice }), ...(speed && { speed }) };
    this.#connection.send({
      type: "session.update",
      session: {
        type: "realtime",
        antiphon: { events: true, ...(model && { language_model: model }), ...(hearing && { hearing }) },
        instructions: instructions ?? "",
        output_modalities: ["audio"],
        tools: this.#tools.map(({ run, ...tool }) => tool),
        audio: { input: { transcription: {}, turn_detection: this.manual ? null : HANDS_FREE }, output },
      },
    });
  }

  #over(response) {
    if (response.id === this.#response) {
      this.#response = null;
      if (this.#asked) this.#ask();
    }
    if (response.status === "cancelled") this.#drop();
    if (response.status === "failed") {
      this.#emit("problem", response.status_details?.error?.message ?? "The answer failed.");
    }
    const calls = response.output.filter((item) => item.type === "function_call");
    if (response.status === "completed" && calls.length) this.#run(calls);
    for (const { id, type } of response.output) {
      const reply = type === "message" && this.replies.get(id);
      if (!reply) continue;
      this.#sound.end(id);
      reply.done = true;
      this.#emit("reply", reply);
    }
  }

  #run(calls) {
    for (const { call_id, name, arguments: given } of calls) {
      const output = run(this.#tools, name, given);
      this.#emit("tool", { name, output });
      const item = { type: "function_call_output", call_id, output: JSON.stringify(output) };
      this.#connection.send({ type: "conversation.item.create", item });
    }
    this.#ask();
  }

  /** Ask for an answer, once the one that was stopped is over. */
  #ask() {
    this.#asked = this.#response !== null;
    if (!this.#asked) this.#connection.send({ type: "response.create" });
  }

  // What is heard

  #chunk({ at, mic, playing }) {
    const wanted = this.#connection.open && this.#sound.hasMicrophone && (!this.manual || this.talking);
    if (wanted) {
      if (this.#sentFrom === null) this.#sentFrom = at;
      else if (this.#sentUntil !== at) this.#sentFrom = NaN;
      this.#sentUntil = at + mic.length;
      this.#sent += mic.length;
      const samples = this.muted ? new Int16Array(mic.length) : mic;
      this.#connection.send({ type: "input_audio_buffer.append", audio: encode(samples) });
    }
    const before = this.#playing;
    this.#playing = playing?.played ? playing.id : null;
    if (before && before !== this.#playing) this.#heard(before, Infinity);
    if (this.#playing) this.#heard(this.#playing, playing.played / MS - 1000 * this.#sound.latency);
  }

  #heard(id, ms) {
    const reply = this.replies.get(id);
    if (!reply || reply.cut) return;
    reply.heardMs = ms;
    this.#emit("reply", reply);
  }

  /** The first sample of an item is played. */
  #heardFirst({ at }) {
    if (!this.#latency) return;
    const known = this.#latency.microphone_ms * MS + this.#sentFrom; // what the server had heard then
    const later = (at - known) / MS + 1000 * this.#sound.latency;
    this.#emit("latency", milestones(this.#latency, later));
    this.#latency = null;
  }

  /** Stop what is heard; the server is told how much of it was. */
  async #drop() {
    const stopped = [...this.replies.values()].filter((each) => !each.done || each.id === this.#playing);
    for (const reply of stopped) reply.stopped = true;
    this.#playing = null;
    const played = await this.#sound.clear();
    for (const [id, samples] of Object.entries(played)) {
      const heard = Math.floor(samples / MS);
      this.#cut(id, heard);
      const where = { item_id: id, content_index: 0, audio_end_ms: heard };
      this.#connection.send({ type: "conversation.item.truncate", ...where });
    }
    for (const { id, heardMs } of stopped) this.#cut(id, heardMs);
  }

  #cut(id, heard) {
    const reply = this.#reply(id);
    if (reply.cut) return;
    reply.cut = reply.stopped = reply.done = true;
    reply.heardMs = heard;
    this.#emit("reply", reply);
  }

  #text(id, delta) {
    const reply = this.#reply(id);
    if (reply.cut) return;
    reply.text += delta;
    this.#emit("reply", reply);
  }

  #reply(id) {
    let reply = this.replies.get(id);
    if (!reply) {
      reply = { id, text: "", words: [], heardMs: 0, done: false, stopped: false, cut: false, spoken: false };
      this.replies.set(id, reply);
    }
    return reply;
  }

  #setState(state) {
    if (state === this.state) return;
    this.state = state;
    this.#emit("state", state);
  }

  #emit(kind, detail) {
    this.dispatchEvent(new CustomEvent(kind, { detail }));
  }
}

function run(tools, name, given) {
  try {
    const tool = tools.find((each) => each.name === name);
    return tool ? tool.run(JSON.parse(given || "{}")) : { error: `There is no ${name}.` };
  } catch (error) {
    return { error: String(error.message ?? error) };
  }
}
