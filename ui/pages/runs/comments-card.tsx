import type { JSX } from 'preact';
import { useState } from 'preact/hooks';
import type { Run, RunComment } from '#contract';
import { ApiError, send } from '../../lib/api.ts';
import { useResource } from '../../lib/resource.ts';
import { lacks, may, who } from '../../lib/session.ts';
import { Markdown } from '../../parts/markdown.tsx';
import { Card, Load } from '../../parts/page.tsx';
import { When, Who } from '../../parts/values.tsx';

/** What people said about a run, and a place to say something. */
export function CommentsCard({ run }: { readonly run: Run }): JSX.Element {
  const route = `runs/${encodeURIComponent(run.id)}/comments`;
  const comments = useResource<{ readonly items: readonly RunComment[] }>(route, ['run.comment']);
  const [edited, setEdited] = useState<string | undefined>(undefined);
  const missing = lacks('log');
  return (
    <Card title="Comments" id="comments" wide>
      <Load of={comments} what="The comments">
        {({ items }) => (
          <>
            {items.length === 0 && <p class="quiet">Nobody has said anything yet. @name mentions somebody, who is told.</p>}
            <ol class="comments">
              {items.map((comment) => (
                <li key={comment.id}>
                  <p class="comment-head">
                    <Who actor={comment.by} /> <When at={comment.at} />
                    {comment.editedAt !== undefined && <span class="quiet"> changed</span>}
                    {comment.by.identity === who.value?.identity.id && edited !== comment.id && (
                      <button type="button" class="plain" onClick={() => setEdited(comment.id)}>
                        Edit<span class="visually-hidden"> this comment</span>
                      </button>
                    )}
                    {(comment.by.identity === who.value?.identity.id || may('administer')) && (
                      <DeleteButton address={`${route}/${encodeURIComponent(comment.id)}`} done={comments.reload} />
                    )}
                  </p>
                  {edited === comment.id ? (
                    <CommentForm
                      label="Change the comment"
                      text={comment.text}
                      send={(text) => send('PUT', `${route}/${encodeURIComponent(comment.id)}`, { text })}
                      done={() => {
                        setEdited(undefined);
                        comments.reload();
                      }}
                    />
                  ) : (
                    <Markdown text={comment.text} label={`Comment of ${comment.by.name}`} />
                  )}
                </li>
              ))}
            </ol>
            {missing === undefined ? (
              <CommentForm label="Comment" text="" send={(text) => send('POST', route, { text })} done={comments.reload} />
            ) : (
              <p class="quiet">{missing}</p>
            )}
          </>
        )}
      </Load>
    </Card>
  );
}

/** Deletes a comment at the second press. */
function DeleteButton({ address, done }: { readonly address: string; readonly done: () => void }): JSX.Element {
  const [asked, setAsked] = useState(false);
  const press = async (): Promise<void> => {
    if (!asked) return setAsked(true);
    await send('DELETE', address);
    done();
  };
  return (
    <button type="button" class="plain" onBlur={() => setAsked(false)} onClick={() => void press()}>
      {asked ? 'Delete it for good?' : 'Delete'}
    </button>
  );
}

interface CommentFormProps {
  readonly label: string;
  readonly text: string;
  readonly send: (text: string) => Promise<unknown>;
  readonly done: () => void;
}

function CommentForm({ label, text: first, send: sendText, done }: CommentFormProps): JSX.Element {
  const [text, setText] = useState(first);
  const [error, setError] = useState<string | undefined>(undefined);
  const submit = async (event: Event): Promise<void> => {
    event.preventDefault();
    if (text.trim() === '') return;
    try {
      await sendText(text.trim());
      setText('');
      setError(undefined);
      done();
    } catch (cause) {
      if (!(cause instanceof ApiError)) throw cause;
      setError(cause.message);
    }
  };
  return (
    <form class="comment-form" onSubmit={(event) => void submit(event)}>
      <label class="field">
        <span class="visually-hidden">{label}</span>
        <textarea
          rows={2}
          value={text}
          placeholder="What was seen, what to try next; @name asks somebody"
          onInput={(event) => setText(event.currentTarget.value)}
        />
      </label>
      {error !== undefined && (
        <p class="failure" role="alert">
          {error}
        </p>
      )}
      <button type="submit" disabled={text.trim() === ''}>
        {label}
      </button>
    </form>
  );
}
