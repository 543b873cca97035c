const mostNames = 500;
const mostSeen = 5000;

/**
 * Names for statements that come again: a connection plans one that has a name once, and planning takes longer than what most of them do.
 * As many as a connection may well keep have one; the others are planned each time.
 */
export class StatementNames {
  readonly #names = new Map<string, string>();
  readonly #seenOnce = new Set<string>();

  /** @returns no name for a statement that is seen for the first time, or that begins or ends a transaction */
  of(text: string): { readonly name?: string } {
    const known = this.#names.get(text);
    if (known !== undefined) return { name: known };
    if (!/^\s*(select|insert|update|delete)\b/i.test(text) || this.#names.size >= mostNames) return {};
    if (!this.#seenOnce.has(text)) {
      if (this.#seenOnce.size >= mostSeen) this.#seenOnce.clear();
      this.#seenOnce.add(text);
      return {};
    }
    this.#seenOnce.delete(text);
    const name = `gyre_${this.#names.size}`;
    this.#names.set(text, name);
    return { name };
  }
}
