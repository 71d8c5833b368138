// The WebSocket of the Realtime API: opened, lost, found again.

const FIRST_WAIT = 500; // milliseconds before the first new try
const LONGEST_WAIT = 8_000;
const IDLE = /^Nothing was sent/;

/**
 * Events: `open`, `message` (detail: a server event), `down` (detail: reason, token: whether the
 * server wants one, again: whether it tries again by itself).
 */
export class Connection extends EventTarget {
  #socket = null;
  #wait = FIRST_WAIT;
  #timer = 0;
  #token = "";

  /** @param {URL} page the page's own address: the server is where it came from */
  constructor(page) {
    super();
    this.address = new URL("v1/realtime?antiphon=events", page);
    this.address.protocol = page.protocol === "https:" ? "wss:" : "ws:";
    this.address.hash = "";
    this.guarded = new URL("v1/models", page); // asks for the same token
  }

  get open() {
    return this.#socket?.readyState === WebSocket.OPEN;
  }

  get connecting() {
    return this.#socket?.readyState === WebSocket.CONNECTING;
  }

  connect(token = this.#token) {
    this.#token = token;
    clearTimeout(this.#timer);
    this.close();
    const protocols = token ? ["realtime", `openai-insecure-api-key.${token}`] : ["realtime"];
    const socket = new WebSocket(this.address, protocols);
    let opened = false;
    socket.onopen = () => {
      opened = true;
      this.#wait = FIRST_WAIT;
      this.dispatchEvent(new Event("open"));
    };
    socket.onmessage = ({ data }) => {
      this.dispatchEvent(new CustomEvent("message", { detail: JSON.parse(data) }));
    };
    socket.onclose = (event) => {
      if (socket === this.#socket) this.#lost(event, opened);
    };
    this.#socket = socket;
  }

  /** @returns {boolean} whether it could be sent */
  send(event) {
    if (this.open) this.#socket.send(JSON.stringify(event));
    return this.open;
  }

  close() {
    const socket = this.#socket;
    this.#socket = null;
    socket?.close();
  }

  async #lost({ reason }, opened) {
    const refused = opened ? null : await this.#refusal();
    if (this.#socket?.readyState !== WebSocket.CLOSED) return; // connected anew meanwhile
    // Who was dismissed because nobody used the page comes back when somebody does.
    const again = refused ? (refused.again ?? false) : !IDLE.test(reason);
    const told = refused?.reason || reason || "The server does not answer.";
    this.dispatchEvent(
      new CustomEvent("down", { detail: { reason: told, token: refused?.token ?? false, again } }),
    );
    if (!again) return;
    this.#timer = setTimeout(() => this.connect(), refused ? LONGEST_WAIT : this.#wait);
    this.#wait = Math.min(2 * this.#wait, LONGEST_WAIT);
  }

  /** A browser does not tell why a WebSocket was refused; an ordinary request does. */
  async #refusal() {
    const headers = this.#token ? { authorization: `Bearer ${this.#token}` } : {};
    try {
      const { ok, status } = await fetch(this.guarded, { headers });
      const wrong = "This token is not the server’s.";
      if (status === 401) return { token: true, reason: this.#token ? wrong : "This server asks for a token." };
      if (status === 403) return { token: false, reason: "This server does not let this page connect: see --allow-origin." };
      if (status === 404) return { token: false, reason: "This server was started without --realtime, which this page needs." };
      if (ok) return { again: true, reason: "All places at this server are taken just now." };
    } catch {
      // It is gone; it may come back.
    }
    return null;
  }
}
