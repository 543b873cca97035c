/*
 * The Markdown of the platform and of people, as blocks to draw. `marked` reads it (CommonMark with GitHub's tables, task lists and strikes);
 * what becomes of it is decided here. Pure. Elements of HTML stay the text that they are, so that nothing in a document becomes a page's own;
 * links lead to pages of this platform, of the web or to a mailbox, never to a script; an image is a link to it, and asks nobody for anything.
 */
import { lexer } from 'marked';
import type { MarkedToken, Token, Tokens } from 'marked';

export type Span =
  | { readonly is: 'text' | 'code'; readonly text: string }
  | { readonly is: 'bold' | 'italic' | 'struck'; readonly spans: readonly Span[] }
  | { readonly is: 'link'; readonly href: string; readonly spans: readonly Span[] }
  | { readonly is: 'break' };

export interface Item {
  /** Of a list of tasks: whether it is done. */
  readonly done?: boolean;
  readonly blocks: readonly Block[];
}

export type Block =
  | { readonly is: 'heading'; readonly level: number; readonly spans: readonly Span[] }
  | { readonly is: 'paragraph'; readonly spans: readonly Span[] }
  | { readonly is: 'fence'; readonly language: string; readonly text: string }
  | { readonly is: 'list'; readonly from?: number; readonly items: readonly Item[] }
  | { readonly is: 'quote'; readonly blocks: readonly Block[] }
  | { readonly is: 'table'; readonly head: readonly (readonly Span[])[]; readonly rows: readonly (readonly (readonly Span[])[])[] }
  | { readonly is: 'rule' };

/** @param markdown of any kind: what cannot be read as Markdown is shown as it is */
export function blocksOf(markdown: string): readonly Block[] {
  try {
    return blocks(lexer(markdown), deepest);
  } catch (error) {
    if (error instanceof RangeError) return [{ is: 'fence', language: '', text: markdown }];
    throw error;
  }
}

/** Nobody writes quotes within quotes that deep, and drawing thousands would overflow the stack. */
const deepest = 30;

// The library leaves room for the tokens of extensions, of which there are none here.
const known = (tokens: readonly Token[]): readonly MarkedToken[] => tokens as readonly MarkedToken[];

function blocks(tokens: readonly Token[], deep: number): readonly Block[] {
  if (deep === 0) throw new RangeError('too deep');
  return known(tokens).flatMap((token): readonly Block[] => {
    switch (token.type) {
      case 'heading':
        return [{ is: 'heading', level: token.depth, spans: spans(token.tokens, deep) }];
      case 'paragraph':
        return [{ is: 'paragraph', spans: spans(token.tokens, deep) }];
      case 'text':
        return [{ is: 'paragraph', spans: token.tokens === undefined ? [plain(token.text)] : spans(token.tokens, deep) }];
      case 'code':
        return [{ is: 'fence', language: token.lang ?? '', text: token.text }];
      case 'list':
        return [
          { is: 'list', ...(token.ordered ? { from: Number(token.start) } : {}), items: token.items.map((item) => itemOf(item, deep)) },
        ];
      case 'blockquote':
        return [{ is: 'quote', blocks: blocks(token.tokens, deep - 1) }];
      case 'table':
        return [{ is: 'table', head: token.header.map(cellOf), rows: token.rows.map((row) => row.map(cellOf)) }];
      case 'hr':
        return [{ is: 'rule' }];
      case 'html':
        return [{ is: 'paragraph', spans: [{ is: 'text', text: token.text.trimEnd() }] }];
      default:
        return [];
    }
  });
}

function itemOf({ task, checked, tokens }: Tokens.ListItem, deep: number): Item {
  return { ...(task ? { done: checked === true } : {}), blocks: blocks(tokens, deep - 1) };
}

const cellOf = ({ tokens }: Tokens.TableCell): readonly Span[] => spans(tokens, deepest);

function spans(tokens: readonly Token[], deep: number): readonly Span[] {
  if (deep === 0) throw new RangeError('too deep');
  const found: Span[] = [];
  for (const span of known(tokens).flatMap((token) => spansOf(token, deep - 1))) {
    const last = found.at(-1);
    if (span.is === 'text' && last?.is === 'text') found[found.length - 1] = { is: 'text', text: last.text + span.text };
    else found.push(span);
  }
  return found;
}

function spansOf(token: MarkedToken, deep: number): readonly Span[] {
  switch (token.type) {
    case 'text':
      return token.text === '' ? [] : [plain(token.text)];
    case 'escape':
    case 'html':
      return [{ is: 'text', text: token.text }];
    case 'codespan':
      return [{ is: 'code', text: token.text }];
    case 'strong':
      return [{ is: 'bold', spans: spans(token.tokens, deep) }];
    case 'em':
      return [{ is: 'italic', spans: spans(token.tokens, deep) }];
    case 'del':
      return [{ is: 'struck', spans: spans(token.tokens, deep) }];
    case 'link':
      return isSafe(token.href) ? [{ is: 'link', href: token.href, spans: spans(token.tokens, deep) }] : [{ is: 'text', text: token.raw }];
    case 'image':
      return isSafe(token.href)
        ? [{ is: 'link', href: token.href, spans: [plain(token.text === '' ? token.href : token.text)] }]
        : [{ is: 'text', text: token.text === '' ? token.raw : token.text }];
    case 'br':
      return [{ is: 'break' }];
    default:
      return [];
  }
}

/** Of the web, of this platform, within the document, or a mailbox. */
function isSafe(href: string): boolean {
  return /^(?:https?:\/\/|mailto:|\/(?![/\\])|#)/i.test(href);
}

const entities: Readonly<Record<string, string>> = { amp: '&', lt: '<', gt: '>', quot: '"', apos: "'", nbsp: '\u00a0' };

/** Text in which the usual characters may be named. */
function plain(text: string): Span {
  return { is: 'text', text: text.replaceAll(/&(amp|lt|gt|quot|apos|nbsp);/g, (_, name: string) => entities[name] ?? '') };
}
