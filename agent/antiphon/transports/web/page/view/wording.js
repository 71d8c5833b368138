// What the page says of itself.

const STATES = { idle: "Listening", listening: "I hear you", thinking: "Thinking", speaking: "Speaking" };

/**
 * @param {{connected: boolean, live: boolean, speaking: boolean, muted: boolean, talking: boolean,
 *   manual: boolean, state: string}} now `live`: there is a microphone; `manual`: a key is held to talk
 * @returns {{word: string, hint: string, label: string}} what is going on, what one can do, and what
 *   a tap on the circle does
 */
export function wording({ connected, live, speaking, muted, talking, manual, state }) {
  const idle = state === "idle";
  const word = STATES[state];
  if (!connected) return { word: "Not connected", hint: "Waiting for the server", label: "Connect" };
  if (speaking) {
    return { word, hint: live && !manual ? "Speak or tap to interrupt" : "Tap to interrupt", label: "Interrupt" };
  }
  if (!live) return { word: idle ? "Say hello" : word, hint: "Tap the circle and speak", label: "Start talking" };
  if (manual) {
    const hint = talking ? "Let go when you have finished" : "Hold the circle or the space bar";
    return { word: idle ? "Ready" : word, hint, label: "Hold to talk" };
  }
  if (muted) return { word: "Muted", hint: "Tap to be heard again", label: "Unmute" };
  const hint = { idle: "Just speak", listening: "Pause when you have finished" }[state] ?? "";
  return { word, hint, label: "Mute" };
}
