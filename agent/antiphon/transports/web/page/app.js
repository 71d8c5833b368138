// The page: joins sound, conversation and what is seen.

import { Recording } from "./audio/recording.js";
import { Sound } from "./audio/sound.js";
import { Connection } from "./conversation/connection.js";
import { Conversation } from "./conversation/conversation.js";
import { COLOURS, lampTools } from "./conversation/lamp.js";
import { Captions } from "./view/captions.js";
import { keys, whileHeld } from "./view/keys.js";
import { level, Meter } from "./view/meter.js";
import { Orb } from "./view/orb.js";
import { panel } from "./view/panel.js";
import { theme } from "./view/theme.js";
import { showLatency } from "./view/timeline.js";
import { wording } from "./view/wording.js";

const by = (id) => document.getElementById(id);

const sound = new Sound();
const recording = new Recording();
const connection = new Connection(new URL(".", location.href));
const lamp = by("lamp");
const conversation = new Conversation(connection, sound, lampTools(showLamp));
const captions = new Captions(by("captions"));
const orb = new Orb(by("orb").querySelector("canvas"));
const mic = new Meter(by("mic-level"));
const voice = new Meter(by("voice-level"));
let choices = {};
let shown = "";

theme(by("theme"), () => orb.recolour());
const settings = panel((chosen) => {
  if (choices.manual !== chosen.manual) conversation.setManual(chosen.manual);
  choices = chosen;
  const { voice, "language-model": model, hearing, instructions, speed } = chosen;
  conversation.configure({ voice, model, hearing, instructions, speed });
  show();
});
settings.tell();

// What is seen

function showLamp({ on, colour }) {
  lamp.classList.toggle("on", on);
  lamp.style.setProperty("--light", COLOURS[colour]);
  const now = `The lamp is ${on ? (colour === "yellow" ? "on" : `on, ${colour}`) : "off"}`;
  lamp.setAttribute("aria-label", now);
  tell(now);
}

/** Bring buttons and words up to what is going on. */
function show() {
  const { speaking, muted, talking } = conversation;
  const live = sound.running && sound.hasMicrophone;
  const state = speaking && conversation.state === "idle" ? "speaking" : conversation.state;
  const now = { connected: connection.open, live, speaking, muted, talking, manual: choices.manual, state };
  const { word, hint, label } = wording(now);
  by("state").textContent = word;
  by("hint").textContent = hint;
  by("orb-label").textContent = label;
  orb.state = !now.connected || (!sound.running && state === "idle") ? "off" : state;
  by("mute").hidden = choices.manual;
  by("mute").disabled = !live;
  by("mute").setAttribute("aria-pressed", muted);
  by("hold").hidden = !choices.manual;
  by("stop").disabled = !speaking && state !== "thinking";
  shown = `${conversation.state} ${speaking}`;
}

/** Tell those who do not see. */
function tell(sentence) {
  by("live").textContent = sentence;
}

function notice(sentence, { token = false, retry = null } = {}) {
  by("notice").hidden = !sentence;
  by("notice").firstElementChild.textContent = sentence ?? "";
  by("token-form").hidden = !token;
  by("retry").hidden = !retry;
  by("retry").onclick = retry;
}

// What the visitor does

function reconnect() {
  if (!connection.open && !connection.connecting) connection.connect();
}

async function start() {
  notice(null);
  reconnect();
  const problem = (await sound.start()) ?? (await sound.openMicrophone());
  if (problem) notice(`${problem} You can also write.`, { retry: start });
  show();
}

function mute() {
  if (by("mute").disabled || choices.manual) return;
  conversation.muted = !conversation.muted;
  tell(conversation.muted ? "Muted" : "Not muted");
  show();
}

function interrupt() {
  conversation.interrupt();
  show();
}

function tap() {
  if (conversation.speaking) interrupt();
  else if (!sound.running || !sound.hasMicrophone) start();
  else if (!connection.open) reconnect();
  else if (!choices.manual) mute();
}

const hold = {
  begin() {
    if (!choices.manual || !sound.hasMicrophone) return;
    conversation.beginTalking();
    by("hold").classList.add("held");
    show();
  },
  end() {
    conversation.endTalking();
    by("hold").classList.remove("held");
    show();
  },
};

by("orb").addEventListener("click", tap);
whileHeld(by("orb"), hold);
whileHeld(by("hold"), { begin: () => (sound.hasMicrophone ? hold.begin() : start()), end: hold.end });
by("mute").addEventListener("click", mute);
by("stop").addEventListener("click", interrupt);
keys({ enabled: () => choices.keys, interrupt, mute, hold, write: () => by("message").focus() });

by("write").addEventListener("submit", async (event) => {
  event.preventDefault();
  const text = by("message").value.trim();
  if (!text) return;
  by("message").value = ""; // at once, or a second press of the key sends it again
  await sound.start(); // a tap or a key: now the answer may be heard
  if (!conversation.write(text)) {
    by("message").value ||= text;
    notice("Not connected: send it again in a moment.");
    reconnect();
  }
  show();
});

by("token-form").addEventListener("submit", (event) => {
  event.preventDefault();
  connect(by("token").value.trim());
});

by("download").addEventListener("click", () => {
  const link = document.createElement("a");
  link.href = URL.createObjectURL(recording.wav());
  link.download = `antiphon-${new Date().toISOString().slice(0, 16).replace(/[:T]/g, "-")}.wav`;
  link.click();
  setTimeout(() => URL.revokeObjectURL(link.href), 10_000);
});

by("new").addEventListener("click", () => {
  recording.clear();
  captions.clear();
  by("latency").hidden = true;
  by("panel").close();
  connection.connect(); // a connection is a conversation
});

// What happens

connection.addEventListener("open", () => {
  by("link").className = "up";
  by("link").lastElementChild.textContent = "Connected";
  notice(null);
  show();
});

connection.addEventListener("down", ({ detail: { reason, token, again } }) => {
  by("link").className = "down";
  by("link").lastElementChild.textContent = again ? "Reconnecting …" : "Not connected";
  const sentence = again ? `${reason} Trying again …` : reason;
  notice(sentence, { token, retry: token || again ? null : () => connect() });
  show();
});

conversation.addEventListener("ready", ({ detail }) => {
  settings.offered(detail);
  const { language_model: model } = detail.antiphon ?? {};
  by("link").lastElementChild.textContent = model ? `Connected, ${model}` : "Connected";
});
conversation.addEventListener("models", ({ detail }) => {
  settings.loading(detail);
  if (detail.state === "loading") by("link").lastElementChild.textContent = `Loading ${detail.language_model} …`;
});
conversation.addEventListener("state", show);
conversation.addEventListener("user", ({ detail }) => {
  captions.user(detail);
  if (detail.done && detail.text) tell(`You: ${detail.text}`);
});
conversation.addEventListener("reply", ({ detail: reply }) => {
  captions.reply(reply);
  // A reply that is heard need not be read out as well.
  if (reply.done && !reply.spoken) tell(`Antiphon: ${reply.text}`);
});
conversation.addEventListener("latency", ({ detail }) => showLatency(by("latency"), detail));
conversation.addEventListener("problem", ({ detail }) => notice(detail, { retry: null }));

sound.addEventListener("lost", () => {
  notice("The microphone is gone. Connect it again.", { retry: start });
  show();
});
sound.addEventListener("suspended", show);
sound.addEventListener("chunk", ({ detail: { mic: heard, played, playing } }) => {
  recording.add(heard, played);
  mic.show(conversation.muted || (choices.manual && !conversation.talking) ? 0 : level(heard));
  voice.show(level(played));
  orb.level = playing ? voice.value : mic.value;
  if (shown !== `${conversation.state} ${conversation.speaking}`) show();
});
setInterval(() => {
  mic.announce();
  voice.announce();
  const seconds = Math.round(recording.seconds);
  by("download").disabled = seconds < 1;
  if (seconds) by("recorded").textContent = `${seconds} s are recorded. The recording stays in this browser.`;
}, 1_000);

/** A token may come with the address, behind #token=, where servers do not log it. */
function connect(given) {
  const token = given ?? new URLSearchParams(location.hash.slice(1)).get("token") ?? undefined;
  connection.connect(token);
}

connect();
document.documentElement.dataset.ready = Math.round(performance.now());
