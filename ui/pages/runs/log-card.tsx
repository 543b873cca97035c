import type { JSX } from 'preact';
import { useEffect, useRef, useState } from 'preact/hooks';
import type { Run, RunLogLines } from '#contract';
import { counted } from '../../lib/format.ts';
import { useResource } from '../../lib/resource.ts';
import { Card } from '../../parts/page.tsx';

const askEveryMs = 2000;

/** The end of what a run writes, kept up while it goes on. */
export function LogCard({ run }: { readonly run: Run }): JSX.Element | null {
  const [file, setFile] = useState<string | undefined>(undefined);
  const query = file === undefined ? '' : `?file=${encodeURIComponent(file)}`;
  const log = useResource<RunLogLines>(`runs/${encodeURIComponent(run.id)}/log${query}`, ['run.finished']);
  const box = useRef<HTMLPreElement>(null);
  const { data, reload } = log;
  const isGoing = data?.going ?? run.status === 'RUNNING';
  useEffect(() => {
    if (!isGoing) return undefined;
    const timer = setInterval(() => {
      if (document.visibilityState === 'visible') reload();
    }, askEveryMs);
    return () => clearInterval(timer);
  }, [isGoing, reload]);
  const last = data?.lines.length ?? 0;
  useEffect(() => {
    const shown = box.current;
    if (shown !== null) shown.scrollTop = shown.scrollHeight;
  }, [last, data?.lines.at(-1)]);
  if (data === undefined || (data.lines.length === 0 && data.files.length === 0 && !isGoing)) return null;
  return (
    <Card
      title="Log"
      wide
      says={
        data.lines.length === 0
          ? 'Nothing was written yet. Files named *.log, stdout.txt and the like are shown here as they are uploaded.'
          : `${data.cut ? 'The last ' : ''}${counted(data.lines.length, 'line')}${data.going ? ', and more as they come' : ''}.`
      }
      aside={
        data.files.length > 1 && (
          <label>
            <span class="visually-hidden">Log file</span>
            <select value={data.from ?? ''} onChange={(event) => setFile(event.currentTarget.value)}>
              {data.files.map((path) => (
                <option key={path} value={path}>
                  {path}
                </option>
              ))}
            </select>
          </label>
        )
      }
    >
      {data.lines.length > 0 && (
        <pre class="preview-text log-text" tabIndex={0} ref={box} role="log" aria-label="Log">
          <code>{data.lines.join('\n')}</code>
        </pre>
      )}
    </Card>
  );
}
