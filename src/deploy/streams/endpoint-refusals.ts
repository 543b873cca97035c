/** Where no other is left to be answered meanwhile, overload looks the same: one refusal in so long says enough. */
const lookedEveryMs = 10_000;

/** How often one message was refused as the only one that was asked about, by an endpoint that answered something else since. */
export class Refusals {
  readonly #elapsed: () => number;
  /** Answers to all messages until it was first refused, and until a refusal last counted. */
  #answersAtFirst: number | undefined;
  #answersAtLast = 0;
  #countedAtMs = 0;
  #counted = 0;

  /** @param elapsed milliseconds since some fixed moment, not stepping back */
  constructor(elapsed: () => number) {
    this.#elapsed = elapsed;
  }

  get counted(): number {
    return this.#counted;
  }

  /** Whether others were answered since it was first refused, but none for long: whether the endpoint answers at all has to be looked at. */
  wantLook(answers: number): boolean {
    if (this.#answersAtFirst === undefined || answers === this.#answersAtFirst) return false;
    return answers === this.#answersAtLast && this.#elapsed() - this.#countedAtMs >= lookedEveryMs;
  }

  /** @param answers to all messages until now @param isAlone no other was asked about with it @param isUp the endpoint was looked at just before */
  add(answers: number, isAlone: boolean, isUp: boolean): void {
    if (this.#answersAtFirst === undefined) {
      this.#answersAtFirst = answers;
      this.#answersAtLast = answers;
    } else if (isAlone && (answers > this.#answersAtLast || isUp)) {
      this.#answersAtLast = answers;
      this.#countedAtMs = this.#elapsed();
      this.#counted += 1;
    }
  }
}
