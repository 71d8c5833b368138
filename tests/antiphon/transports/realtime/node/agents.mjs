// The npm package `@openai/agents-realtime`: a tool that the SDK runs by itself, then an interruption.
import { RealtimeAgent, RealtimeSession, tool } from "@openai/agents-realtime";
import { z } from "zod";

const told = { lamp: null, interrupted: 0, audio: 0, errors: [] };
const lamp = tool({
  name: "set_lamp",
  description: "Turn the lamp on.",
  parameters: z.object({ on: z.boolean() }),
  execute: async ({ on }) => ((told.lamp = on), "The lamp is on."),
});
const agent = new RealtimeAgent({ name: "Robot", instructions: "Be brief.", tools: [lamp] });
const session = new RealtimeSession(agent, { transport: "websocket", model: "gpt-realtime" });
const pause = (ms) => new Promise((resolve) => setTimeout(resolve, ms));
const sound = (seconds, level) => new Int16Array(24000 * seconds).fill(32767 * level).buffer;

async function speak(seconds, level) {
  for (let i = 0; i < seconds / 0.04; i++) {
    session.sendAudio(sound(0.04, level));
    await pause(40);
  }
}
async function until(condition) {
  for (let i = 0; i < 500 && !condition(); i++) await pause(20);
  if (!condition()) console.error("it never came true:", String(condition), JSON.stringify(told));
}
const said = () =>
  session.history
    .filter((item) => item.type === "message" && item.role === "assistant")
    .map((item) => item.content[0]?.transcript ?? item.content[0]?.text);

let turns = 0;
session.transport.on("turn_done", () => turns++);
if (process.env.TRACE) session.transport.on("*", (e) => console.error(Date.now() % 100000, e.type, e.response?.id ?? "", e.response?.status ?? "", e.item?.id ?? ""));
session.on("error", (error) => told.errors.push(error));
session.on("audio_interrupted", () => told.interrupted++);
session.on("audio", (event) => (told.audio += event.data.byteLength / 2));
await session.connect({ apiKey: "any", url: `wss://localhost:${process.argv[2]}/v1/realtime` });
await speak(0.4, 0.5);
await speak(0.5, 0);
await until(() => said().at(-1) === "The lamp is on." && turns === 2);
told.first = said();
session.sendMessage("Tell me something long.");
const before = told.audio;
await until(() => told.audio > before);
await speak(1.4, 0.5);
await until(() => told.interrupted > 0);
await speak(0.5, 0);
await until(() => said().length > 2 && said().at(-1));
told.said = said();
console.log(JSON.stringify(told));
session.close();
process.exit(0);
