// What was said, as text; the words of a reply light up as they are heard.

/** Shows turns in a list and keeps the last one in sight. */
export class Captions {
  #list;
  #turns = new Map();
  #drawn = new Map();

  /** @param {HTMLOListElement} list */
  constructor(list) {
    this.#list = list;
  }

  get empty() {
    return this.#turns.size === 0;
  }

  /** @param {{id: string, text?: string, delta?: string, done: boolean}} turn of the visitor */
  user({ id, text, delta, done }) {
    const line = this.#line(id, "user", "You");
    const said = text || (line.dataset.said ?? "") + (delta ?? "");
    line.dataset.said = said;
    if (done && !said) return this.#remove(id);
    line.classList.toggle("pending", !done);
    line.lastChild.textContent = said || "…";
    this.#follow();
  }

  /** @param {Object} reply see `Conversation` */
  reply(reply) {
    const line = this.#line(reply.id, "agent", "Antiphon");
    const body = line.lastChild;
    if (reply.cut && reply.remembered !== undefined) {
      body.textContent = reply.remembered;
    } else if (!reply.words.length) {
      // A written reply, or one without the times of its words.
      const text = reply.cut && reply.spoken && !reply.heardMs ? "" : reply.text;
      if (body.textContent !== text) body.textContent = text;
    } else {
      this.#words(reply, body);
    }
    line.classList.toggle("cut", reply.cut);
    if (reply.cut && !body.textContent.trim()) this.#remove(reply.id);
  }

  clear() {
    this.#list.replaceChildren();
    this.#turns.clear();
    this.#drawn.clear();
  }

  #words(reply, body) {
    let drawn = this.#drawn.get(reply.id);
    if (!drawn) {
      // Until now it was shown without the times of its words.
      body.textContent = "";
      this.#drawn.set(reply.id, (drawn = []));
    }
    for (const word of reply.words.slice(drawn.length)) {
      const span = document.createElement("span");
      span.textContent = word.text;
      body.append(drawn.length ? " " : "", span);
      drawn.push(span);
      this.#follow();
    }
    reply.words.forEach((word, i) => {
      const heard = reply.heardMs >= word.start;
      drawn[i].classList.toggle("heard", heard);
      drawn[i].classList.toggle("now", heard && reply.heardMs < word.end && !reply.cut);
      // Of a reply that was stopped, only what was heard remains.
      if (reply.cut) drawn[i].hidden = reply.heardMs < word.end - 0.3 * (word.end - word.start);
    });
    if (reply.cut && drawn.every((span) => span.hidden)) body.textContent = "";
  }

  #line(id, kind, name) {
    let line = this.#turns.get(id);
    if (line) return line;
    line = document.createElement("li");
    line.className = `turn ${kind}`;
    const who = document.createElement("span");
    who.className = "who";
    who.textContent = name;
    const body = document.createElement("p");
    line.append(who, body);
    this.#list.append(line);
    this.#turns.set(id, line);
    this.#follow();
    return line;
  }

  #remove(id) {
    this.#turns.get(id)?.remove();
    this.#turns.delete(id);
    this.#drawn.delete(id);
  }

  #follow() {
    const scroller = this.#list.parentElement;
    scroller.scrollTop = scroller.scrollHeight;
  }
}
