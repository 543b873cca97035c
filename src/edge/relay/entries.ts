/** A request that was acknowledged before the server had it. */
export interface Entry {
  readonly kind: 'request';
  /** Counts up over the journal's life. */
  readonly position: number;
  readonly method: string;
  /** Path and query below the server's address. */
  readonly path: string;
  /** What goes along with it: the content's type, and who asks. */
  readonly headers: Readonly<Record<string, string>>;
  /** UTC milliseconds. */
  readonly at: number;
  /** What it makes, with the id that the relay gave it. */
  readonly creates?: Creation;
  /** File in the spool that holds the body, with its size. */
  readonly spooled?: { readonly file: string; readonly size: number };
}

/** Something new that got its id from the relay. */
export interface Creation {
  readonly what: 'experiment' | 'run' | 'model';
  readonly id: string;
  /** The experiment's name, or the id of the experiment that holds it. */
  readonly within: string;
  /** Path below the artifacts’ proxy that its clients were told. */
  readonly artifacts?: string;
}

/** What the server called something that the relay had named. */
export interface Renaming {
  readonly from: string;
  readonly to: string;
}

/** Where the server keeps artifacts that clients send elsewhere; without `to` it is not reached through the server. */
export interface ArtifactMove {
  readonly from: string;
  readonly to?: string;
}

/** What a journal holds. */
export type Head =
  | Entry
  | {
      readonly kind: 'done';
      readonly position: number;
      readonly refused?: string;
      readonly renaming?: Renaming;
      readonly move?: ArtifactMove;
    }
  | { readonly kind: 'known'; readonly what: Creation['what']; readonly value: Facts }
  | { readonly kind: 'state'; readonly renamings: readonly Renaming[]; readonly moves: readonly ArtifactMove[]; readonly counts: Counts };

export interface Counts {
  readonly position: number;
  readonly delivered: number;
  readonly refused: number;
}

/** A JSON object of the protocol. */
export type Facts = Readonly<Record<string, unknown>>;

/** Whether a value is a JSON object. */
export function isFacts(value: unknown): value is Facts {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

/** A member that is an object; an empty one where it is not. */
export function factsOf(value: unknown): Facts {
  return isFacts(value) ? value : {};
}

/** A member that is a list of objects. */
export function listOf(value: unknown): readonly Facts[] {
  return Array.isArray(value) ? value.filter(isFacts) : [];
}

/** A member as text; undefined where it is neither text nor a number. */
export function textOf(value: unknown): string | undefined {
  if (typeof value === 'number') return String(value);
  return typeof value === 'string' && value !== '' ? value : undefined;
}
