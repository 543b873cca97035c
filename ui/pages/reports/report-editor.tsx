import type { JSX } from 'preact';
import { useEffect, useState } from 'preact/hooks';
import { ApiError } from '../../lib/api.ts';
import { chartKinds } from '../../lib/report-chart.ts';
import { Card } from '../../parts/page.tsx';
import { ReportText } from './report-figure.tsx';

interface Draft {
  readonly title: string;
  readonly text: string;
  readonly basedOn: number;
}

/** While somebody writes, the preview follows after so long a rest. */
const restMs = 400;

/** A report’s title and Markdown beside what they become. What was written stays when it could not be saved. */
export function ReportEditor({
  title,
  text,
  basedOn: first,
  save,
  close,
}: Draft & { readonly save: (draft: Draft) => Promise<void>; readonly close: () => void }): JSX.Element {
  // Others may save meanwhile: this draft stays based on what it began from.
  const [basedOn] = useState(first);
  const [draft, setDraft] = useState({ title, text });
  const [shown, setShown] = useState(text);
  const [busy, setBusy] = useState(false);
  const [error, setError] = useState<ApiError | undefined>(undefined);
  useEffect(() => {
    const timer = setTimeout(() => setShown(draft.text), restMs);
    return () => clearTimeout(timer);
  }, [draft.text]);
  const submit = async (event: Event): Promise<void> => {
    event.preventDefault();
    if (busy || draft.title.trim() === '') return;
    setBusy(true);
    setError(undefined);
    try {
      await save({ title: draft.title.trim(), text: draft.text, basedOn });
    } catch (cause) {
      if (!(cause instanceof ApiError)) throw cause;
      setError(cause);
      setBusy(false);
    }
  };
  return (
    <Card
      title="Text and preview"
      wide
      says={`A figure is a block of lines between \`\`\`chart and \`\`\`: metric, experiment, filter, order, runs, limit, by, x, smooth, log, and kind (${chartKinds.join(', ')}).`}
    >
      <form class="report-editor" onSubmit={(event) => void submit(event)}>
        <div>
          <label class="field">
            <span>Title</span>
            <input
              value={draft.title}
              maxLength={200}
              required
              onInput={(event) => setDraft({ ...draft, title: event.currentTarget.value })}
            />
          </label>
          <label class="field">
            <span>Markdown</span>
            <textarea
              class="report-source"
              rows={24}
              spellcheck={false}
              value={draft.text}
              onInput={(event) => setDraft({ ...draft, text: event.currentTarget.value })}
            />
          </label>
          {error !== undefined && (
            <p class="failure" role="alert">
              Not saved, and still here: {error.message}
            </p>
          )}
          <div class="dialog-buttons">
            <button type="button" onClick={close}>
              Cancel
            </button>
            <button type="submit" class="primary" disabled={busy || draft.title.trim() === ''}>
              {busy ? 'Saving…' : 'Save'}
            </button>
          </div>
        </div>
        <section class="report-preview" aria-label="Preview">
          <ReportText title="Preview" text={shown} />
        </section>
      </form>
    </Card>
  );
}
