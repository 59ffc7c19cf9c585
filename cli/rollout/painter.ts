// Draws frames over one another on a terminal, without the alternate screen: what was printed before stays above.
import type { Output } from "../io.ts";

const ESC = "\u001b[";

export class Painter {
  readonly #out: Output;
  #lines = 0;
  #hidden = false;

  constructor(out: Output) {
    this.#out = out;
  }

  /** Replaces the last frame. Lines must fit the terminal's width. */
  draw(lines: readonly string[]): void {
    const hide = this.#hidden ? "" : `${ESC}?25l`;
    this.#hidden = true;
    this.#out.write(`${hide}${this.#up()}${lines.map((line) => `${line}${ESC}K\n`).join("")}${ESC}J`);
    this.#lines = lines.length;
  }

  /** Takes the frame away, or leaves the last one standing; shows the cursor again. */
  end(keep: boolean): void {
    if (!this.#hidden) return;
    this.#out.write(`${keep ? "" : `${this.#up()}${ESC}J`}${ESC}?25h`);
    this.#lines = 0;
    this.#hidden = false;
  }

  #up(): string {
    return this.#lines > 0 ? `${ESC}${this.#lines}A\r` : "";
  }
}
