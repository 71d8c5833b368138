// The settings: what this visitor chose before, and what the server offers.

const PERSONAS = {
  "As the server says": "",
  "A patient teacher": "You are a patient teacher. You explain one thing at a time in short, simple sentences.",
  "A ship’s captain": "You are an old ship’s captain. You speak briefly and always find a word about the sea.",
  "A cheerful cook": "You are a cheerful cook. You know recipes and give short, friendly advice.",
};
const OWN = "In my own words";
const KEY = "antiphon";

const by = (id) => document.getElementById(id);

/** @param {(choices: Object) => void} changed is told what the visitor chose */
export function panel(changed) {
  const kept = read();
  const dialog = by("panel");
  const choices = () => ({
    manual: document.querySelector("[name=talking]:checked").value === "hold",
    voice: by("voice").value,
    "language-model": by("language-model").value,
    hearing: by("hearing").value,
    persona: by("persona").value,
    instructions: by("instructions").value,
    speed: Number(by("speed").value),
    keys: by("keys").checked,
  });
  const tell = () => {
    const own = by("persona").value === OWN;
    by("instructions").hidden = !own;
    if (!own) by("instructions").value = PERSONAS[by("persona").value] ?? "";
    by("speed-now").textContent = Number(by("speed").value).toFixed(2).replace(/0$/, "");
    write(choices());
    changed(choices());
  };

  offer(by("persona"), [...Object.keys(PERSONAS), OWN], kept.persona);
  by("instructions").value = kept.instructions ?? "";
  by("speed").value = kept.speed ?? 1;
  by("keys").checked = kept.keys ?? true;
  if (kept.manual) document.querySelector("[name=talking][value=hold]").checked = true;
  for (const element of dialog.querySelectorAll("select, textarea, fieldset input")) {
    element.addEventListener("change", tell);
  }
  by("open-panel").addEventListener("click", () => dialog.showModal());
  dialog.addEventListener("click", (event) => event.target === dialog && dialog.close());

  return {
    tell,
    /** @param {Object} session as the server sent it */
    offered(session) {
      const made = session.antiphon ?? {};
      const lists = [
        ["voice", made.voices, session.audio?.output?.voice],
        ["language-model", made.language_models, made.language_model],
        ["hearing", made.hearings, made.hearing || made.recognizer],
      ];
      let wished = false;
      for (const [id, names = [], now] of lists) {
        const wanted = names.includes(kept[id]) ? kept[id] : now;
        kept[id] = null; // once: later, the server repeats what was chosen here
        offer(by(id), names, wanted);
        wished ||= wanted !== now;
      }
      if (wished) tell();
    },
    /** @param {{state: string, language_model: string, reason: string | null}} models as the server told */
    loading({ state, reason }) {
      const told = { loading: "Loading. Until it is there, the others answer.", failed: reason };
      by("loading").textContent = told[state] ?? "";
    },
  };
}

/** Fill a list; with one entry there is nothing to choose, and it is only shown. */
function offer(select, names, chosen) {
  const options = names.length ? names.map((name) => new Option(name, name)) : [new Option(chosen || "the server’s own", "")];
  select.replaceChildren(...options);
  if (names.includes(chosen)) select.value = chosen;
  select.disabled = names.length < 2;
}

function read() {
  try {
    return JSON.parse(localStorage.getItem(KEY)) ?? {};
  } catch {
    return {};
  }
}

function write(choices) {
  try {
    localStorage.setItem(KEY, JSON.stringify({ ...read(), ...choices }));
  } catch {
    // A browser that keeps nothing: the choices hold until the page is closed.
  }
}
