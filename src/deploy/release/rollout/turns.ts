/** Work on the same thing goes one after the other; on different things side by side. */
export type Turns = <T>(what: string, work: () => Promise<T>) => Promise<T>;

export function inTurns(): Turns {
  const last = new Map<string, Promise<unknown>>();
  return (what, work) => {
    const turn = (last.get(what) ?? Promise.resolve()).then(work);
    const settled = turn.catch(() => undefined);
    last.set(what, settled);
    void settled.then(() => {
      if (last.get(what) === settled) last.delete(what);
    });
    return turn;
  };
}
