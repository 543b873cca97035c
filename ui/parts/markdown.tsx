import type { ComponentChildren, JSX } from 'preact';
import { type Block, blocksOf, type Item, type Span } from '../lib/markdown.ts';

export interface MarkdownProps {
  readonly text: string;
  readonly label: string;
  /** Draws fenced blocks of a language; undefined: as the text that it is. */
  readonly fence?: (language: string, text: string) => ComponentChildren;
}

/** A document, its first heading being of level 2 as it stands in a page. */
export function Markdown({ text, label, fence }: MarkdownProps): JSX.Element {
  return (
    <article class="document" aria-label={label}>
      {blocksOf(text).map((block, index) => {
        const drawn = block.is === 'fence' ? fence?.(block.language, block.text) : undefined;
        if (drawn !== undefined) return <div key={index}>{drawn}</div>;
        return <BlockView key={index} block={block} place={`${label}, part ${index + 1}`} />;
      })}
    </article>
  );
}

function BlockView({ block, place }: { readonly block: Block; readonly place: string }): JSX.Element {
  switch (block.is) {
    case 'heading':
      if (block.level === 1) return <h2>{spans(block.spans)}</h2>;
      return block.level === 2 ? <h3>{spans(block.spans)}</h3> : <h4>{spans(block.spans)}</h4>;
    case 'paragraph':
      return <p>{spans(block.spans)}</p>;
    case 'fence':
      return (
        <pre class="preview-text" tabIndex={0} role="region" aria-label={place}>
          <code>{block.text}</code>
        </pre>
      );
    case 'list': {
      const items = block.items.map((item, index) => <ItemView key={index} item={item} place={`${place}, item ${index + 1}`} />);
      return block.from === undefined ? <ul>{items}</ul> : <ol start={block.from}>{items}</ol>;
    }
    case 'quote':
      return <blockquote>{blocks(block.blocks, place)}</blockquote>;
    case 'rule':
      return <hr />;
    case 'table':
      return (
        <div class="table-scroll" tabIndex={0} role="region" aria-label={place}>
          <table>
            <thead>
              <tr>
                {block.head.map((cell, index) => (
                  <th key={index} scope="col">
                    {spans(cell)}
                  </th>
                ))}
              </tr>
            </thead>
            <tbody>
              {block.rows.map((row, index) => (
                <tr key={index}>
                  {row.map((cell, at) => (
                    <td key={at}>{spans(cell)}</td>
                  ))}
                </tr>
              ))}
            </tbody>
          </table>
        </div>
      );
  }
}

/** An item of one paragraph is a line; one of several blocks keeps them apart. */
function ItemView({ item: { done, blocks: within }, place }: { readonly item: Item; readonly place: string }): JSX.Element {
  const [first, ...rest] = within;
  const mark = done === undefined ? undefined : done ? '☑ ' : '☐ ';
  return (
    <li class={mark === undefined ? undefined : 'task'}>
      {mark !== undefined && <span aria-label={done === true ? 'done' : 'to do'}>{mark}</span>}
      {first?.is === 'paragraph' ? spans(first.spans) : first !== undefined && <BlockView block={first} place={`${place}, part 1`} />}
      {blocks(rest, place, 2)}
    </li>
  );
}

function blocks(list: readonly Block[], place: string, from = 1): JSX.Element[] {
  return list.map((block, index) => <BlockView key={index} block={block} place={`${place}, part ${index + from}`} />);
}

function spans(list: readonly Span[]): JSX.Element[] {
  return list.map((span, index) => {
    switch (span.is) {
      case 'link':
        return (
          <a key={index} href={span.href} rel={/^[/#]/.test(span.href) ? undefined : 'noopener noreferrer'}>
            {spans(span.spans)}
          </a>
        );
      case 'bold':
        return <b key={index}>{spans(span.spans)}</b>;
      case 'italic':
        return <i key={index}>{spans(span.spans)}</i>;
      case 'struck':
        return <s key={index}>{spans(span.spans)}</s>;
      case 'code':
        return <code key={index}>{span.text}</code>;
      case 'break':
        return <br key={index} />;
      case 'text':
        return <span key={index}>{span.text}</span>;
    }
  });
}
