import type { JSX } from 'preact';
import { useEffect, useState } from 'preact/hooks';
import type { Mention } from '#contract';
import { send } from '../lib/api.ts';
import { counted } from '../lib/format.ts';
import { recordPath } from '../lib/records.ts';
import { type Resource, useResource } from '../lib/resource.ts';
import { Markdown } from '../parts/markdown.tsx';
import { Card, Empty, Load, Page } from '../parts/page.tsx';
import { When, Who } from '../parts/values.tsx';

interface Mentions {
  readonly items: readonly Mention[];
  readonly unseen: number;
}

/** Where the person who looks is mentioned. */
export function useMentions(): Resource<Mentions> {
  return useResource<Mentions>('mentions', ['run.commented', 'run.comment_deleted']);
}

/** The comments that mention whoever looks; from then on they count as seen. */
export function MentionsPage(): JSX.Element {
  const mentions = useMentions();
  const [fresh, setFresh] = useState<ReadonlySet<string>>(new Set());
  const newest = mentions.data?.items[0]?.comment.at;
  const unseen = mentions.data?.unseen ?? 0;
  useEffect(() => {
    if (newest === undefined || unseen === 0) return;
    // What is new stays marked for as long as it is looked at.
    const shown = mentions.data?.items.filter(({ seen }) => !seen).map(({ comment }) => comment.id) ?? [];
    setFresh((before) => new Set([...before, ...shown]));
    void send('POST', 'mentions/seen', { until: newest }).then(mentions.reload, () => undefined);
  }, [newest, unseen > 0]);
  return (
    <Page
      title="Mentions"
      truth={<p>{fresh.size === 0 ? 'Nothing is new.' : `${counted(fresh.size, 'comment')} since you last looked.`}</p>}
    >
      <Load of={mentions} what="Your mentions">
        {({ items }) =>
          items.length === 0 ? (
            <Empty title="Nobody has mentioned you.">A comment on a run that says @ and your name is found here.</Empty>
          ) : (
            <div class="cards">
              {items.map(({ comment, run }) => (
                <Card
                  key={comment.id}
                  title={`${fresh.has(comment.id) ? 'New: ' : ''}${run.name === '' ? run.id.slice(-8) : run.name}`}
                  wide
                  aside={<a href={`${recordPath('run', run.id)}#comments`}>Answer</a>}
                >
                  <p class="comment-head">
                    <Who actor={comment.by} /> <When at={comment.at} />
                  </p>
                  <Markdown text={comment.text} label={`Comment of ${comment.by.name}`} />
                </Card>
              ))}
            </div>
          )
        }
      </Load>
    </Page>
  );
}
