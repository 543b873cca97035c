import type { JSX } from 'preact';

/** A difference as git writes it, lines that came and went told by their sign and their colour. */
export function DiffText({ text, label }: { readonly text: string; readonly label: string }): JSX.Element {
  return (
    <pre class="diff" tabIndex={0} role="region" aria-label={label}>
      <code>
        {text
          .replace(/\n$/, '')
          .split('\n')
          .map((line, at) => (
            <span key={at} class={kindOf(line)}>
              {line}
              {'\n'}
            </span>
          ))}
      </code>
    </pre>
  );
}

function kindOf(line: string): string | undefined {
  if (/^(diff |index |--- |\+\+\+ |new file|deleted file|similarity|rename|Binary|GIT binary)/.test(line)) return 'diff-file';
  if (line.startsWith('@@')) return 'diff-place';
  if (line.startsWith('+')) return 'diff-added';
  return line.startsWith('-') ? 'diff-removed' : undefined;
}
