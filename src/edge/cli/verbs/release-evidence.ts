import { readFile } from 'node:fs/promises';
import { basename, extname, resolve } from 'node:path';
import type { Command } from 'commander';
import type { Attestation, PolicyEvidence } from '#contract';
import type { Cli } from '../cli.ts';
import { exitCodes } from '../exit-codes.ts';
import type { Bind } from '../verb.ts';
import { modelVersion } from './model-reference.ts';

const mediaTypes: Readonly<Record<string, string>> = {
  '.pdf': 'application/pdf',
  '.md': 'text/markdown',
  '.txt': 'text/plain',
  '.csv': 'text/csv',
  '.html': 'text/html',
  '.json': 'application/json',
  '.docx': 'application/vnd.openxmlformats-officedocument.wordprocessingml.document',
  '.xlsx': 'application/vnd.openxmlformats-officedocument.spreadsheetml.sheet',
  '.odt': 'application/vnd.oasis.opendocument.text',
};

/** The verbs by which people give what a policy asks for. */
export function registerReleaseEvidence(release: Command, bind: Bind): void {
  release
    .command('evidence')
    .description(
      'Shows what the policy asks for before a version comes to an environment, and what of it is there; exit code 1 while something is missing.',
    )
    .argument('<version>', 'such as churn/2')
    .argument('[environment]', 'where it should go', 'production')
    .action(
      bind<object>((cli, _options, reference, environment = 'production') =>
        cli.withClient(async (client) => {
          const version = await modelVersion(client, reference);
          const evidence = await client.get<PolicyEvidence>('policy-evidence', { modelVersion: version.id, environment });
          showEvidence(cli, evidence);
          return evidence.items.every(({ met }) => met) ? exitCodes.ok : exitCodes.failed;
        }),
      ),
    );
  release
    .command('attest')
    .description('Answers a question that a policy asks.')
    .argument('<version>', 'such as churn/2')
    .requiredOption('--item <id>', 'the item of the policy, as gyre release evidence lists it')
    .requiredOption('--statement <text>', 'the answer: it is kept and signed')
    .action(
      bind<{ item: string; statement: string }>((cli, { item, statement }, reference) =>
        cli.withClient(async (client) => {
          const version = await modelVersion(client, reference);
          showAttestation(cli, await client.post<Attestation>('attestations', { modelVersion: version.id, item, statement }));
        }),
      ),
    );
  release
    .command('attach')
    .description('Uploads a document that a policy asks for, 16 MiB at most.')
    .argument('<version>', 'such as churn/2')
    .argument('<file>', 'the document')
    .requiredOption('--item <id>', 'the item of the policy, as gyre release evidence lists it')
    .option('--media-type <type>', 'such as application/pdf (default: by the name of the file)')
    .action(
      bind<{ item: string; mediaType?: string }>((cli, options, reference, file) =>
        cli.withClient(async (client) => {
          const version = await modelVersion(client, reference);
          const content = (await readFile(resolve(cli.host.folder, file))).toString('base64');
          const mediaType = options.mediaType ?? mediaTypes[extname(file).toLowerCase()] ?? 'application/octet-stream';
          const body = { modelVersion: version.id, item: options.item, name: basename(file), mediaType, content };
          showAttestation(cli, await client.post<Attestation>('attestations/documents', body));
        }),
      ),
    );
}

function showAttestation(cli: Cli, attestation: Attestation): void {
  const { item, policy, attestedBy, role, id } = attestation;
  cli.output.facts(attestation, () =>
    cli.output.line(`${item} of policy ${policy.name}/${policy.version} is given by ${attestedBy.name}, ${role}: attestation ${id}`),
  );
}

function showEvidence(cli: Cli, evidence: PolicyEvidence): void {
  const { policy, items } = evidence;
  cli.output.facts(evidence, () => {
    cli.output.line(`policy ${policy.name}/${policy.version}`);
    cli.output.table(items, [
      { title: 'STAGE', of: ({ stage }) => stage },
      { title: 'ITEM', of: ({ item }) => item.id },
      { title: 'ASKED OF', of: ({ item }) => ('check' in item ? 'Gyre' : item.by) },
      { title: 'STATE', of: ({ met }) => (met ? 'there' : 'missing') },
      { title: 'BY', of: ({ attestation }) => attestation?.attestedBy.name },
      { title: 'SAYS', of: ({ attestation, lack }) => lack ?? attestation?.statement ?? attestation?.document?.name },
    ]);
  });
}
