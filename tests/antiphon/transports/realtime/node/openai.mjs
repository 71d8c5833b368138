// The npm package `openai`: a written turn, then a spoken one that calls a function.
import OpenAI from "openai";
import { OpenAIRealtimeWS } from "openai/realtime/ws";

const client = new OpenAI({ baseURL: `https://localhost:${process.argv[2]}/v1`, apiKey: "any" });
const line = new OpenAIRealtimeWS({ model: "gpt-realtime" }, client);
const told = { audio: 0, responses: [] };
line.on("error", (error) => (console.error(error), process.exit(1)));
line.on("response.output_audio.delta", (e) => (told.audio += Buffer.from(e.delta, "base64").length / 2));

function sound(seconds, level) {
  return Buffer.from(new Int16Array(24000 * seconds).fill(32767 * level).buffer).toString("base64");
}

line.socket.on("open", () => {
  const tool = {
    type: "function",
    name: "set_lamp",
    description: "Turn the lamp on.",
    parameters: { type: "object", properties: { on: { type: "boolean" } } },
  };
  line.send({ type: "session.update", session: { type: "realtime", output_modalities: ["text"], tools: [tool] } });
  const content = [{ type: "input_text", text: "Hello!" }];
  line.send({ type: "conversation.item.create", item: { type: "message", role: "user", content } });
  line.send({ type: "response.create" });
});

line.on("response.done", ({ response }) => {
  told.responses.push(response.output.map((item) => item.name ?? item.content[0].text ?? item.content[0].transcript));
  const [item] = response.output;
  if (told.responses.length === 1) {
    line.send({ type: "session.update", session: { type: "realtime", output_modalities: ["audio"] } });
    line.send({ type: "input_audio_buffer.append", audio: sound(0.4, 0.5) });
    line.send({ type: "input_audio_buffer.append", audio: sound(0.5, 0) });
  } else if (item.type === "function_call") {
    const output = { type: "function_call_output", call_id: item.call_id, output: '"The lamp is on."' };
    line.send({ type: "conversation.item.create", item: output });
    line.send({ type: "response.create" });
  } else {
    line.close();
    console.log(JSON.stringify(told));
  }
});
