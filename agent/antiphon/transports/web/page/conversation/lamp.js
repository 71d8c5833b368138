// What a visitor can ask for: a lamp on the page, as functions of the Realtime API.

const COLOURS = ["white", "red", "orange", "yellow", "green", "blue", "purple"];

/**
 * @param {(lamp: {on: boolean, colour: string}) => void} show lights it
 * @returns {Array} functions with their `run`
 */
export function lampTools(show) {
  const lamp = { on: false, colour: "yellow" };
  const change = (changes) => {
    Object.assign(lamp, changes);
    show(lamp);
  };
  return [
    {
      type: "function",
      name: "turn_on_lamp",
      description: "Turn on the lamp",
      parameters: { type: "object", properties: {} },
      run: () => change({ on: true }) ?? { result: "The lamp is on." },
    },
    {
      type: "function",
      name: "turn_off_lamp",
      description: "Turn off the lamp",
      parameters: { type: "object", properties: {} },
      run: () => change({ on: false }) ?? { result: "The lamp is off." },
    },
    {
      type: "function",
      name: "set_lamp_color",
      description: "Change the color of the lamp",
      parameters: {
        type: "object",
        properties: { color: { type: "string", enum: COLOURS } },
        required: ["color"],
      },
      run({ color }) {
        if (!COLOURS.includes(color)) return { error: `The lamp cannot be ${color}.` };
        change({ on: true, colour: color });
        return { result: `The lamp is ${color}.` };
      },
    },
  ];
}
