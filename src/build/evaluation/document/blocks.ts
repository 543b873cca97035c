/** A document as data, so that one description gives both a web page and Markdown. Texts are plain: writers escape them. */
export interface Document {
  readonly title: string;
  /** A line under the title. */
  readonly subtitle?: string;
  readonly blocks: readonly Block[];
}

export type Tone = 'good' | 'bad' | 'warning' | 'plain';

export type Block =
  | { readonly kind: 'heading'; readonly text: string }
  | { readonly kind: 'text'; readonly text: string }
  | { readonly kind: 'note'; readonly tone: Tone; readonly text: string }
  | { readonly kind: 'list'; readonly items: readonly string[] }
  | { readonly kind: 'facts'; readonly items: readonly (readonly [term: string, value: string])[] }
  | { readonly kind: 'commands'; readonly lines: readonly string[] }
  | Table
  /** Drawings stand side by side on a page; Markdown leaves them out, so what they show is said elsewhere too. */
  | { readonly kind: 'figures'; readonly figures: readonly Figure[] };

export interface Table {
  readonly kind: 'table';
  readonly caption: string;
  readonly columns: readonly { readonly title: string; readonly numeric?: boolean }[];
  /** The first cell of a row is its heading. */
  readonly rows: readonly (readonly Cell[])[];
}

export type Cell = string | { readonly text: string; readonly tone: Tone };

export interface Figure {
  readonly caption: string;
  /** Inline SVG, made by our own code from numbers and escaped texts. */
  readonly svg: string;
}
