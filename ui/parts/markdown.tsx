import type { ComponentChildren, JSX } from 'preact';
import { type Block, blocksOf, type Span } from '../lib/markdown.ts';

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
    case 'bullets':
      return (
        <ul>
          {block.items.map((item, index) => (
            <li key={index}>{spans(item)}</li>
          ))}
        </ul>
      );
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

function spans(list: readonly Span[]): JSX.Element[] {
  return list.map((span, index) => {
    if (span.is === 'link')
      return (
        <a key={index} href={span.href} rel={span.href.startsWith('/') ? undefined : 'noopener noreferrer'}>
          {span.text}
        </a>
      );
    if (span.is === 'bold') return <b key={index}>{span.text}</b>;
    return span.is === 'code' ? <code key={index}>{span.text}</code> : <span key={index}>{span.text}</span>;
  });
}
