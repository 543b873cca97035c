import { readFile } from 'node:fs/promises';
import { relative, resolve } from 'node:path';
import type { PolicyItem, PublishedPolicy, ReleasePolicy } from '#contract';
import type { Cli } from '../cli.ts';
import { exitCodes } from '../exit-codes.ts';
import type { Page } from '../lists.ts';
import { short, when } from '../output.ts';
import type { Register, VerbResult } from '../verb.ts';
import { examples } from '../verb.ts';

/** What versions need before they are released. */
export const registerPolicies: Register = (program, bind) => {
  const policy = program
    .command('policy')
    .summary('what versions need before they are released')
    .description(
      'Release policies: evidence, certification, approvals, how long they count, findings that block. A published version never changes; a change is a new version.',
    )
    .addHelpText(
      'after',
      examples('gyre policy check high-risk.yaml', 'gyre policy publish high-risk.yaml', 'gyre policy show high-risk/1'),
    );
  policy
    .command('check')
    .description('Checks a policy: each problem with file, line, column and what would be right. Publishes nothing.')
    .argument('<file>', 'the policy in YAML')
    .action(bind<object>(check));
  policy
    .command('publish')
    .description('Publishes a version of a policy, which never changes from then on.')
    .argument('<file>', 'the policy in YAML')
    .action(
      bind<object>((cli, _options, file) =>
        cli.withClient(async (client) => {
          const text = await readFile(resolve(cli.host.folder, file), 'utf8');
          const published = await client.post<PublishedPolicy>('release-policies', { text, file });
          cli.output.facts(published, () =>
            cli.output.line(`policy ${published.name}/${published.version} is published: ${short(published.digest)}`),
          );
        }),
      ),
    );
  policy
    .command('list')
    .alias('ls')
    .description('Lists published policies, every version.')
    .action(
      bind<object>((cli) =>
        cli.withClient(async (client) => {
          const page = await client.get<Page<PublishedPolicy>>('release-policies', { limit: 1000 });
          cli.output.facts(page, () =>
            cli.output.table(page.items, [
              { title: 'POLICY', of: ({ name, version }) => `${name}/${version}` },
              { title: 'ENVIRONMENTS', of: ({ policy: { appliesTo } }) => appliesTo?.environments?.join(', ') ?? 'all' },
              {
                title: 'RISK',
                of: ({ policy: { appliesTo }, builtIn }) => appliesTo?.risk?.join(', ') ?? (builtIn ? 'where no other holds' : 'by name'),
              },
              { title: 'DIGEST', of: ({ digest }) => short(digest) },
              { title: 'BY', of: ({ publishedBy }) => publishedBy?.name },
              { title: 'WHEN', of: ({ publishedAt }) => when(publishedAt) },
            ]),
          );
        }),
      ),
    );
  policy
    .command('show')
    .description('Shows what a policy asks for.')
    .argument('<policy>', 'such as high-risk, or high-risk/1')
    .action(
      bind<object>((cli, _options, reference) =>
        cli.withClient(async (client) => {
          const [name, version] = reference.split('/');
          show(
            cli,
            await client.get<PublishedPolicy>(`release-policies/${encodeURIComponent(name)}`, version === undefined ? {} : { version }),
          );
        }),
      ),
    );
};

async function check(cli: Cli, _options: object, file: string): VerbResult {
  const { problemText, readReleasePolicy } = await import('#project');
  const path = resolve(cli.host.folder, file);
  const { policy, problems } = readReleasePolicy(relative(cli.host.folder, path), await readFile(path, 'utf8'));
  cli.output.facts({ valid: policy !== undefined, problems }, () => {
    for (const problem of problems) cli.output.line(problemText(problem));
    if (policy !== undefined) cli.output.line(`${cli.output.style('green', 'right')}: policy ${policy.policy}/${policy.version}`);
  });
  return policy === undefined ? exitCodes.failed : exitCodes.ok;
}

function show(cli: Cli, published: PublishedPolicy): void {
  const { policy, name, version, builtIn, digest } = published;
  cli.output.facts(published, () => {
    cli.output.line(`policy ${name}/${version}${builtIn ? ' (built in)' : ''}: ${short(digest)}`);
    if (policy.description !== undefined) cli.output.line(policy.description);
    const rows = (policy.stages ?? []).flatMap((stage) => stage.evidence.map((item) => ({ stage: stage.name, item })));
    cli.output.table(rows, [
      { title: 'STAGE', of: ({ stage }) => stage },
      { title: 'ITEM', of: ({ item }) => item.id },
      { title: 'ASKED OF', of: ({ item }) => ('check' in item ? 'Gyre' : item.by) },
      { title: 'WHAT', of: ({ item }) => itemWords(item) },
    ]);
    const { certify, approve, findings } = policy;
    if (certify !== undefined) cli.output.line(`certified by ${certify.role}${validWords(certify)}`);
    if (approve !== undefined) cli.output.line(`approved by ${approve.people ?? 1} of the role ${approve.role}${validWords(approve)}`);
    if (findings !== undefined) cli.output.line(`blocked by open findings that are ${findings.block} or worse`);
  });
}

function itemWords(item: PolicyItem): string {
  if ('statement' in item) return `answer: ${item.statement}`;
  if ('document' in item) return `document: ${item.document}${item.mediaTypes === undefined ? '' : ` (${item.mediaTypes.join(', ')})`}`;
  if (item.check === 'requirement') return `application tests pass ${item.requirement ?? ''}`;
  if (item.check === 'application_tests') return `application tests pass${item.profile === undefined ? '' : `, profile ${item.profile}`}`;
  return item.check === 'package' ? 'every byte of the package is what its digest names' : 'the gates of the test report pass';
}

function validWords({ validFor, untilDrift }: NonNullable<ReleasePolicy['certify' | 'approve']>): string {
  const age = validFor === undefined ? [] : [`for ${validFor}`];
  const drift = untilDrift === undefined ? [] : [`until drift is PSI ${untilDrift.psi} in ${untilDrift.windows ?? 1} windows in a row`];
  const words = [...age, ...drift];
  return words.length === 0 ? '' : `, which counts ${words.join(' and ')}`;
}
