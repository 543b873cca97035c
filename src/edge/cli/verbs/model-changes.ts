import { resolve } from 'node:path';
import type { Command } from 'commander';
import { lackingEvidence, modelStages } from '#contract';
import type { ModelVersion, RegisteredModel } from '#contract';
import { GyreError } from '#core';
import type { Bind } from '../verb.ts';
import { examples } from '../verb.ts';
import { exitCodes } from '../exit-codes.ts';
import { filesNamed, withUploads } from './model-files.ts';
import { modelVersion } from './model-reference.ts';
import { runTest } from './model-test.ts';

interface AddOptions {
  readonly description?: string;
  readonly tag?: readonly string[];
  readonly signature?: string;
  readonly examples?: string;
  readonly test?: boolean;
}

const pathOf = ({ model, version }: Pick<ModelVersion, 'model' | 'version'>): string =>
  `models/${encodeURIComponent(model)}/versions/${version}`;

/** Verbs that bring versions from elsewhere, and that change what is registered. */
export function registerModelChanges(model: Command, bind: Bind): void {
  model
    .command('add')
    .description(
      'Registers files of a model that was trained elsewhere as one version. What it takes is read from the ONNX graph or the MLmodel file.',
    )
    .argument('<name>', 'the model’s name; it is made when there is none')
    .argument('<files...>', 'files and folders; a single .onnx file is called model.onnx in the package')
    .option('--description <text>', 'what is special about this version')
    .option('--tag <key=value...>', 'tags of the version')
    .option('--signature <file>', 'what the model takes and gives, as signature.json of a package says it')
    .option('--examples <file>', 'reference answers (JSON: "inputs" or "rows", and "outputs"): the graph has to give the same')
    .option('--test', 'test it at once as the project tests its own models (gyre model test says more)')
    .addHelpText(
      'after',
      examples(
        'gyre model add churn model.onnx --description "trained on the cluster"',
        'gyre model add churn exported/ --examples reference.json',
      ),
    )
    .action(
      bind<AddOptions>((cli, options, name, ...places) =>
        cli.withClient(async (client) => {
          const at = (file: string): string => resolve(cli.host.folder, file);
          const files = [
            ...(await filesNamed(places.map(at))),
            ...(options.signature === undefined ? [] : [{ path: 'signature.json', file: at(options.signature) }]),
            ...(options.examples === undefined ? [] : [{ path: 'examples.json', file: at(options.examples) }]),
          ];
          const version = await withUploads(client, files, (source) =>
            client.post<ModelVersion>(`models/${encodeURIComponent(name)}/versions`, {
              source,
              ...(options.description === undefined ? {} : { description: options.description }),
              ...(options.tag === undefined ? {} : { tags: tagsOf(options.tag) }),
            }),
          );
          const named = `${version.model}/${version.version}: ${version.files.map(({ path }) => path).join(', ')}`;
          if (options.test === true) {
            // Said first: what is registered stays so, whatever its test comes to.
            cli.output.line(named);
            return runTest(cli, client, version, {});
          }
          cli.output.facts(version, () => {
            cli.output.line(named);
            const lacking = lackingEvidence(version);
            if (lacking.length > 0)
              cli.output.line(
                `to be released it lacks ${lacking.join(', ')}; gyre model test ${version.model}/${version.version} makes one`,
              );
          });
          return exitCodes.ok;
        }),
      ),
    );
  model
    .command('rename')
    .description('Gives a model another name; its versions, aliases and tags come along.')
    .argument('<name>', 'its name now')
    .argument('<new-name>', 'its name from now on')
    .action(
      bind<object>((cli, _options, name, to) =>
        cli.withClient(async (client) => {
          const renamed = await client.put<RegisteredModel>(`models/${encodeURIComponent(name)}`, { name: to });
          cli.output.facts(renamed, () => cli.output.line(`${name} is called ${renamed.name} now`));
        }),
      ),
    );
  model
    .command('describe')
    .description('Says what a model or a version is.')
    .argument('<what>', 'a model such as churn, or a version such as churn/3')
    .argument('<text>', 'the description')
    .action(
      bind<object>((cli, _options, what, description) =>
        cli.withClient(async (client) => {
          const path = /[/@]/.test(what) ? pathOf(await modelVersion(client, what)) : `models/${encodeURIComponent(what)}`;
          const described = await client.put<ModelVersion | RegisteredModel>(path, { description });
          cli.output.facts(described, () => cli.output.line(described.description));
        }),
      ),
    );
  model
    .command('stage')
    .description('Moves a version to a stage of MLflow’s registry.')
    .argument('<version>', 'such as churn/3')
    .argument('<stage>', modelStages.join(', '))
    .option('--archive-others', 'the versions that are in the stage now are archived')
    .action(
      bind<{ archiveOthers?: boolean }>((cli, { archiveOthers = false }, reference, stage) =>
        cli.withClient(async (client) => {
          const wanted = modelStages.find((one) => one.toLowerCase() === stage.toLowerCase());
          if (wanted === undefined) throw new GyreError('INVALID_ARGUMENT', `"${stage}" is no stage: ${modelStages.join(', ')} are`);
          const moved = await client.post<ModelVersion>(`${pathOf(await modelVersion(client, reference))}/stage`, {
            stage: wanted,
            archiveOthers,
          });
          cli.output.facts(moved, () => cli.output.line(`${moved.model}/${moved.version} is in the stage ${moved.stage}`));
        }),
      ),
    );
  model
    .command('tag')
    .description('Tags a model or a version; "key=" removes a tag.')
    .argument('<what>', 'a model such as churn, or a version such as churn/3')
    .argument('<tags...>', 'such as team=retention')
    .action(
      bind<object>((cli, _options, what, ...words) =>
        cli.withClient(async (client) => {
          const path = /[/@]/.test(what) ? pathOf(await modelVersion(client, what)) : `models/${encodeURIComponent(what)}`;
          const tags = Object.fromEntries(Object.entries(tagsOf(words)).map(([key, value]) => [key, value === '' ? null : value]));
          const tagged = await client.post<ModelVersion | RegisteredModel>(`${path}/tags`, { tags });
          cli.output.facts(tagged, () =>
            cli.output.line(
              Object.entries(tagged.tags)
                .map(([key, value]) => `${key}=${value}`)
                .join(' '),
            ),
          );
        }),
      ),
    );
  model
    .command('delete')
    .description('Deletes a model with its versions, or one version. Their records stay; their files go with the next gyre gc.')
    .argument('<what>', 'a model such as churn, or a version such as churn/3')
    .action(
      bind<object>((cli, _options, what) =>
        cli.withClient(async (client) => {
          const path = /[/@]/.test(what) ? pathOf(await modelVersion(client, what)) : `models/${encodeURIComponent(what)}`;
          const deleted = await client.remove<object>(path);
          cli.output.facts(deleted, () => cli.output.line(`${what} is deleted`));
        }),
      ),
    );
}

function tagsOf(words: readonly string[]): Record<string, string> {
  return Object.fromEntries(
    words.map((word) => {
      const at = word.indexOf('=');
      if (at < 1) throw new GyreError('INVALID_ARGUMENT', `"${word}" is no tag: key=value is needed`);
      return [word.slice(0, at), word.slice(at + 1)];
    }),
  );
}
