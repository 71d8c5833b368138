// Where the time went between the visitor's last word and the first sound of the answer.

const STEPS = [
  ["silence", "silence"],
  ["made", "sound made"],
  ["turn", "turn over"],
  ["sent", "sound sent"],
  ["heard", "sound heard"],
];

/** @param {HTMLElement} root @param {Object} latency milliseconds, null where unknown */
export function showLatency(root, latency) {
  const steps = STEPS.map(([name, about]) => ({ name, about, ms: latency[name] }))
    .filter(({ ms }) => ms !== null && ms !== undefined && ms >= 0)
    .sort((a, b) => a.ms - b.ms);
  const total = latency.heard ?? latency.sent;
  const end = Math.max(total, ...steps.map(({ ms }) => ms), 1);
  root.querySelector("#v2v").textContent = `${total} ms`;
  root.querySelector("#bar").replaceChildren(
    ...steps.map(({ ms, name }) => {
      const mark = document.createElement("i");
      mark.style.left = `${(100 * ms) / end}%`;
      mark.className = name;
      return mark;
    }),
  );
  root.querySelector("#steps").replaceChildren(
    ...steps.map(({ ms, about, name }) => {
      const line = document.createElement("li");
      const number = document.createElement("b");
      number.textContent = ms;
      line.className = name;
      line.append(number, about);
      return line;
    }),
  );
  root.hidden = false;
}
