// What a visitor can ask for: a lamp on the page, as functions of the Realtime API.

/** The lamp's colours by the names that are spoken. */
export const COLOURS = {
  white: "#f4efe2",
  red: "#e5564b",
  orange: "#ef8a3c",
  yellow: "#f2c14b",
  green: "#58b368",
  blue: "#4f86e8",
  purple: "#9b6bd6",
};

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
        properties: { color: { type: "string", enum: Object.keys(COLOURS) } },
        required: ["color"],
      },
      run({ color }) {
        if (!(color in COLOURS)) return { error: `The lamp cannot be ${color}.` };
        change({ on: true, colour: color });
        return { result: `The lamp is ${color}.` };
      },
    },
  ];
}
