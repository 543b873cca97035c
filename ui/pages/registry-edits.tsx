import type { JSX } from 'preact';
import { modelStages } from '#contract';
import type { ModelVersion, RegisteredModel } from '#contract';
import { send } from '../lib/api.ts';
import { recordPath } from '../lib/records.ts';
import { navigate } from '../lib/router.ts';
import { tagLines, tagsIn } from '../lib/tag-lines.ts';
import { Action } from '../parts/action.tsx';

const routeOf = (model: string): string => `models/${encodeURIComponent(model)}`;

/** Description and tags of what stands at a route. */
function Words({
  route,
  record,
  hints,
}: {
  readonly route: string;
  readonly record: Pick<RegisteredModel, 'description' | 'tags'>;
  readonly hints: { readonly description: string; readonly tags: string };
}): JSX.Element {
  return (
    <>
      <Action
        label="Describe"
        permission="build"
        explain={<p>A description in Markdown.</p>}
        statement={{ label: 'Description', hint: hints.description, initial: record.description }}
        act={(description) => send('PUT', route, { description })}
      />
      <Action
        label="Tag"
        permission="build"
        explain={<p>A key without a value takes the tag away.</p>}
        statement={{ label: 'Tags, one a line', hint: hints.tags, initial: tagLines(record.tags) }}
        act={(text) => send('POST', `${route}/tags`, { tags: tagsIn(text) })}
      />
    </>
  );
}

/** What people say of a model, and that it goes. */
export function ModelEdits({ model }: { readonly model: RegisteredModel }): JSX.Element {
  const route = routeOf(model.name);
  return (
    <>
      <Words route={route} record={model} hints={{ description: 'what it is for, and for whom', tags: 'team=vision' }} />
      <Action
        label="Delete"
        permission="build"
        explain={<p>Deletes the model with all its versions. Their records stay; their files go with the next garbage collection.</p>}
        confirmWord={model.name}
        act={async () => {
          await send('DELETE', route);
          navigate('/models');
        }}
      />
    </>
  );
}

/** An alias of a model, which can be taken away. */
export function RemoveAlias({ model, alias }: { readonly model: string; readonly alias: string }): JSX.Element {
  return (
    <Action
      label={`Remove @${alias}`}
      permission="build"
      explain={<p>Whoever asks for the version by this alias finds none. The version itself stays as it is.</p>}
      act={() => send('DELETE', `${routeOf(model)}/aliases/${encodeURIComponent(alias)}`)}
    />
  );
}

/** What people say of a version, which names it has, and that it goes. */
export function VersionEdits({ version }: { readonly version: ModelVersion }): JSX.Element | null {
  if (version.deletedAt !== undefined) return null;
  const ofModel = routeOf(version.model);
  const route = `${ofModel}/versions/${version.version}`;
  return (
    <>
      <Words route={route} record={version} hints={{ description: 'what is special about it', tags: 'data=2026-10' }} />
      <Action
        label="Give an alias"
        permission="build"
        explain={<p>Whoever asks for this alias of {version.model} finds this version; the version that has it now loses it.</p>}
        statement={{ label: 'Alias', hint: 'challenger' }}
        act={(alias) => send('POST', `${ofModel}/aliases`, { alias, version: version.version })}
      />
      <Action
        label="Move to a stage"
        permission="build"
        explain={<p>For clients that still name versions by stage.</p>}
        statement={{ label: 'Stage', hint: '', initial: version.stage, choices: modelStages }}
        act={(stage) => send('POST', `${route}/stage`, { stage })}
      />
      <Action
        label="Delete"
        permission="build"
        explain={<p>Deletes this version. Its record stays; its files go with the next garbage collection.</p>}
        confirmWord={`${version.model} ${version.version}`}
        act={async () => {
          await send('DELETE', route);
          navigate(recordPath('model', version.model));
        }}
      />
    </>
  );
}
