import { Type, type Static } from 'typebox';
import { Name, oneOf, strict } from './common.ts';

/** What manifests can be written for. */
export const manifestTargets = [
  'kubernetes',
  'kustomize',
  'openshift',
  'knative',
  'kserve',
  'cloud-run',
  'container-instances',
  'compose',
] as const;
export type ManifestTarget = (typeof manifestTargets)[number];

const dnsLabel = '^[a-z](?:[a-z0-9-]{0,51}[a-z0-9])?$';

/** What a model's image is to run as, wherever that is. */
export const ManifestRequest = strict({
  target: oneOf([...manifestTargets]),
  image: Type.String({
    maxLength: 500,
    pattern: '^[a-zA-Z0-9.:\\[\\]-]+/[a-z0-9._/-]+@sha256:[0-9a-f]{64}$',
    description: 'HOST/REPOSITORY@sha256:…: what was tested is what runs, so a tag does not do',
  }),
  environment: Type.Optional({ ...Name, description: 'which of the project’s environments it is for: its gates must be passed' }),
  name: Type.Optional(
    Type.String({ pattern: dnsLabel, description: 'of what runs: a DNS label. Default: the model’s, and the environment’s' }),
  ),
  namespace: Type.Optional(Type.String({ pattern: dnsLabel, description: 'default: the one that the tool which applies it is set to' })),
  minReplicas: Type.Optional(Type.Integer({ minimum: 0, maximum: 1000, description: 'default 2; 0 where the target may sleep' })),
  maxReplicas: Type.Optional(Type.Integer({ minimum: 1, maximum: 1000, description: 'default 10' })),
  cpu: Type.Optional(
    Type.String({ pattern: '^(?:[1-9]\\d{0,2}|[1-9]\\d{1,5}m)$', description: 'processors, such as 2 or 500m. Default 1' }),
  ),
  memory: Type.Optional(Type.String({ pattern: '^[1-9]\\d{0,5}(?:Mi|Gi)$', description: 'such as 512Mi or 2Gi. Default 512Mi' })),
  port: Type.Optional(Type.Integer({ minimum: 1, maximum: 65_535, description: 'of this machine, for compose. Default 8080' })),
  host: Type.Optional(
    Type.String({
      maxLength: 253,
      pattern: '^[a-z0-9-]+(?:\\.[a-z0-9-]+)+$',
      description: 'by which it is reached from outside, over TLS. Default: from within alone',
    }),
  ),
  serviceMonitor: Type.Optional(Type.Boolean({ description: 'have the Prometheus operator scrape it. Default false' })),
  location: Type.Optional(Type.String({ pattern: '^[a-z0-9-]{1,50}$', description: 'of container instances, such as westeurope' })),
  subnet: Type.Optional(
    Type.String({
      maxLength: 500,
      pattern: '^/subscriptions/[^\\s]+$',
      description: 'id of the subnet that container instances are reached from',
    }),
  ),
  argoCd: Type.Optional(
    strict({
      repository: Type.String({ maxLength: 500, pattern: '^(?:https://|ssh://|git@)[^\\s]+$', description: 'which Argo CD reads' }),
      path: Type.String({
        maxLength: 300,
        pattern: '^(?!\\.{1,2}(?:/|$))[A-Za-z0-9._-]+(?:/(?!\\.{1,2}(?:/|$))[A-Za-z0-9._-]+)*$',
        description: 'of these manifests in it',
      }),
      revision: Type.String({ maxLength: 200, pattern: '^[A-Za-z0-9._/-]+$', description: 'the branch' }),
    }),
  ),
});
export type ManifestRequest = Static<typeof ManifestRequest>;

/** Texts to write under a folder, to commit, or to give to the target's own tool. */
export const ManifestFiles = strict({
  files: Type.Array(strict({ path: Type.String(), text: Type.String() })),
  use: Type.Array(Type.String(), { description: 'commands that take them where they are to run' }),
});
export type ManifestFiles = Static<typeof ManifestFiles>;
