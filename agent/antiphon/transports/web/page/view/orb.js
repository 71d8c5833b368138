// The circle in the middle: it breathes, listens, thinks and speaks.

const POINTS = 120;
const FRAME_MS = 30; // 30 frames a second are smooth here, and leave the machine to the models
const SETTLE = 0.3; // part of the way to a new value in one frame

/** How a state looks: size, how far the voice moves the edge, how fast it turns. */
const LOOKS = {
  off: { size: 0.6, swing: 0, turn: 0, glow: 0.25 },
  idle: { size: 0.62, swing: 0.1, turn: 0.12, glow: 0.45 },
  listening: { size: 0.66, swing: 0.5, turn: 0.25, glow: 0.7 },
  thinking: { size: 0.58, swing: 0.05, turn: 1.1, glow: 0.6 },
  speaking: { size: 0.7, swing: 0.6, turn: 0.4, glow: 1 },
};

export class Orb {
  state = "off";
  /** Loudness of who speaks, 0 to 1. */
  level = 0;
  #canvas;
  #now = { ...LOOKS.off, level: 0 };
  #angle = 0;
  #still = matchMedia("(prefers-reduced-motion: reduce)");
  #colours = {};
  #time = 0;

  /** @param {HTMLCanvasElement} canvas */
  constructor(canvas) {
    this.#canvas = canvas;
    new ResizeObserver(() => this.#fit()).observe(canvas);
    this.recolour();
    requestAnimationFrame((time) => this.#frame(time));
  }

  /** Read the colours of the style sheet again. */
  recolour() {
    const style = getComputedStyle(this.#canvas);
    for (const name of ["accent", "light"]) {
      this.#colours[name] = style.getPropertyValue(`--${name}-rgb`).trim();
    }
  }

  #fit() {
    const ratio = Math.min(devicePixelRatio || 1, 2);
    this.#canvas.width = this.#canvas.clientWidth * ratio;
    this.#canvas.height = this.#canvas.clientHeight * ratio;
    this.#draw(0); // another size clears it
  }

  #frame(time) {
    requestAnimationFrame((next) => this.#frame(next));
    if (time - this.#time < FRAME_MS) return;
    const seconds = Math.min((time - this.#time) / 1000, 0.1);
    this.#time = time;
    const aim = { ...LOOKS[this.state], level: this.level };
    for (const name in aim) this.#now[name] += (aim[name] - this.#now[name]) * SETTLE;
    if (!this.#still.matches) this.#angle += this.#now.turn * seconds;
    this.#draw(this.#still.matches ? 0 : time / 1000);
  }

  #draw(seconds) {
    const { width, height } = this.#canvas;
    const pen = this.#canvas.getContext("2d");
    const { size, swing, glow, level } = this.#now;
    const half = Math.min(width, height) / 2;
    const breath = 1 + 0.015 * Math.sin(seconds * 1.3);
    const radius = half * size * 0.82 * breath * (1 + 0.1 * swing * level);
    const { accent, light } = this.#colours;
    pen.clearRect(0, 0, width, height);
    pen.save();
    pen.translate(width / 2, height / 2);

    const halo = pen.createRadialGradient(0, 0, radius * 0.7, 0, 0, half);
    halo.addColorStop(0, `rgb(${accent} / ${0.26 * glow})`);
    halo.addColorStop(1, `rgb(${accent} / 0)`);
    pen.fillStyle = halo;
    pen.fillRect(-half, -half, 2 * half, 2 * half);

    for (let ring = 2; ring >= 0; ring--) {
      const room = (half * 0.97 - radius) * (0.2 + 0.8 * level) * swing;
      this.#edge(pen, radius + ring * (half * 0.035 + room * 0.22), seconds + ring * 1.9, ring + 1);
      if (ring) {
        pen.strokeStyle = `rgb(${accent} / ${(0.16 + 0.5 * level * swing) / ring})`;
        pen.lineWidth = half * 0.008;
        pen.stroke();
      } else {
        const body = pen.createRadialGradient(-radius * 0.35, -radius * 0.45, radius * 0.1, 0, 0, radius * 1.15);
        body.addColorStop(0, `color-mix(in srgb, rgb(${accent}) ${40 + 20 * glow}%, rgb(${light}))`);
        body.addColorStop(1, `rgb(${accent} / ${0.55 + 0.4 * glow})`);
        pen.fillStyle = body;
        pen.fill();
      }
    }
    if (this.state === "thinking") this.#arc(pen, radius + half * 0.13, half);
    pen.restore();
  }

  #edge(pen, radius, seconds, ring) {
    const { swing, level } = this.#now;
    const depth = radius * 0.16 * swing * (0.06 + level) * (0.5 + 0.35 * ring);
    pen.beginPath();
    for (let i = 0; i <= POINTS; i++) {
      const angle = (i / POINTS) * 2 * Math.PI;
      const wave =
        Math.sin(3 * angle + seconds * 1.7 + this.#angle) * 0.5 +
        Math.sin(5 * angle - seconds * 2.3) * 0.3 +
        Math.sin(2 * angle + seconds * 0.9) * 0.35;
      const r = radius + depth * wave;
      pen.lineTo(r * Math.cos(angle), r * Math.sin(angle));
    }
    pen.closePath();
  }

  #arc(pen, radius, half) {
    pen.lineCap = "round";
    pen.lineWidth = half * 0.02;
    pen.strokeStyle = `rgb(${this.#colours.accent} / 0.9)`;
    const from = this.#angle * 3;
    pen.beginPath();
    pen.arc(0, 0, radius, from, from + 1.1);
    pen.stroke();
  }
}
