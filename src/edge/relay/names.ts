import type { ArtifactMove, Renaming } from './entries.ts';

/** Ids as they stand in addresses and bodies: 32 hex digits of runs and models, and the 18 digits that the relay gives to experiments. */
const anyId = /[0-9a-f]{32}|(?<!\d)\d{18}(?!\d)/g;

/** Where artifacts go through the server. */
export const artifactsPath = '/mlflow-artifacts/artifacts/';

/**
 * Names of things that the relay made while the server was away, and what the server calls them. A server of Gyre takes the relay's ids of
 * runs and models; any other makes its own, so ids are put across in both directions for as long as the journal knows them.
 */
export class Names {
  readonly #toServer = new Map<string, string>();
  readonly #toClient = new Map<string, string>();
  readonly #moves = new Map<string, string | undefined>();

  rename({ from, to }: Renaming): void {
    // Models are called m-<hex>: what is put across is the hex.
    const [ours, theirs] = [from.replace(/^m-/, ''), to.replace(/^m-/, '')];
    if (ours === theirs) return;
    this.#toServer.set(ours, theirs);
    this.#toClient.set(theirs, ours);
  }

  move({ from, to }: ArtifactMove): void {
    this.#moves.set(from, to);
  }

  get renamings(): readonly Renaming[] {
    return [...this.#toServer].map(([from, to]) => ({ from, to }));
  }

  get moves(): readonly ArtifactMove[] {
    return [...this.#moves].map(([from, to]) => (to === undefined ? { from } : { from, to }));
  }

  /** Text for the server: a body, or an address's path and query. */
  outward(text: string): string {
    return this.#toServer.size === 0 ? text : text.replace(anyId, (id) => this.#toServer.get(id) ?? id);
  }

  /** Text for a client. */
  inward(text: string): string {
    return this.#toClient.size === 0 ? text : text.replace(anyId, (id) => this.#toClient.get(id) ?? id);
  }

  /** Whether answers can be handed on as they are. */
  get isEmpty(): boolean {
    return this.#toServer.size === 0;
  }

  /**
   * The address at the server.
   * @returns undefined for artifacts that do not reach their place through the server
   */
  address(path: string): string | undefined {
    const start = path.indexOf(artifactsPath);
    if (start >= 0) {
      const behind = path.slice(start + artifactsPath.length);
      for (const [from, to] of this.#moves) {
        if (behind !== from && !behind.startsWith(`${from}/`)) continue;
        return to === undefined ? undefined : path.slice(0, start + artifactsPath.length) + to + behind.slice(from.length);
      }
    }
    return this.outward(path);
  }
}

/** The path below the artifacts’ proxy that an artifact address names; undefined for any other place. */
export function proxiedPath(uri: string | undefined): string | undefined {
  const path = /^mlflow-artifacts:(?:\/\/[^/]*)?\/*(.*)$/.exec(uri ?? '')?.[1];
  return path === undefined ? undefined : path.replace(/\/+$/, '');
}

/** How clients call a new run that was given no name. @param random whole numbers below a bound */
export function newRunName(random: (below: number) => number): string {
  const first = [
    'amber',
    'brisk',
    'calm',
    'deft',
    'early',
    'fair',
    'gentle',
    'hardy',
    'keen',
    'lively',
    'mellow',
    'nimble',
    'quiet',
    'swift',
  ];
  const second = ['badger', 'crane', 'dolphin', 'egret', 'falcon', 'heron', 'ibex', 'lynx', 'marten', 'otter', 'plover', 'raven', 'stork'];
  return `${first[random(first.length)]}-${second[random(second.length)]}-${random(1000)}`;
}
