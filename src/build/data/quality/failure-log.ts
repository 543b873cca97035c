/** Which rows fail which checks; 8 bytes each. */
export interface FailureLog {
  add(check: string, row: number): void;
  /** Names a check before its rows come: a row's reasons stand in the order in which checks were named. */
  expect(check: string): void;
  /** The rows (0-based, rising) and the checks that each fails. */
  byRow(): { readonly rows: Int32Array; readonly reasons: readonly (readonly string[])[] };
  counts(): ReadonlyMap<string, number>;
}

export function failureLog(): FailureLog {
  const names: string[] = [];
  const codeOf = new Map<string, number>();
  let rows = new Int32Array(256);
  let codes = new Int32Array(256);
  let size = 0;
  const wider = (array: Int32Array): Int32Array<ArrayBuffer> => {
    const next = new Int32Array(array.length * 2);
    next.set(array);
    return next;
  };
  const codeFor = (check: string): number => {
    let code = codeOf.get(check);
    if (code === undefined) codeOf.set(check, (code = names.push(check) - 1));
    return code;
  };
  return {
    expect: codeFor,
    add: (check, row) => {
      const code = codeFor(check);
      if (size === rows.length) [rows, codes] = [wider(rows), wider(codes)];
      rows[size] = row;
      codes[size++] = code;
    },
    byRow: () => {
      const order = Int32Array.from({ length: size }, (_, i) => i).sort((a, b) => rows[a] - rows[b] || codes[a] - codes[b]);
      const failing: number[] = [];
      const reasons: string[][] = [];
      for (const at of order) {
        if (failing[failing.length - 1] !== rows[at]) {
          failing.push(rows[at]);
          reasons.push([]);
        }
        reasons[reasons.length - 1].push(names[codes[at]]);
      }
      return { rows: Int32Array.from(failing), reasons };
    },
    counts: () => {
      const counts = new Map<string, number>();
      for (let i = 0; i < size; i++) counts.set(names[codes[i]], (counts.get(names[codes[i]]) ?? 0) + 1);
      return counts;
    },
  };
}
