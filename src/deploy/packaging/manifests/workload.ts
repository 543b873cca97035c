import type { ManifestRequest } from '#contract';
import { sha256 } from '#core';
import { user } from '../runtime/plane-runtime.ts';

/** Which registered version an image holds. */
export interface ImageContent {
  readonly model: string;
  /** The number of a registered version. */
  readonly version?: string;
  /** The id of a registered version. */
  readonly modelVersion?: string;
  /** Digest of the package. */
  readonly package?: string;
}

/** A request with everything decided that it left open. */
export interface Workload extends Omit<ManifestRequest, 'target'> {
  readonly content: ImageContent;
  readonly name: string;
  readonly maxReplicas: number;
  readonly cpu: string;
  readonly memory: string;
}

/** On which the image listens, as PORT says it. */
export const containerPort = 8080;
/** How long what is under way may take when it is told to end. */
export const graceSeconds = 60;
/** New connections still come for so long after an endpoint began to go: load balancers hear of it late. */
export const lingerSeconds = 5;

/** What a model has where nothing is said. */
export const defaultSize = { cpu: '1', memory: '512Mi' } as const;

/** Below which the pods of an autoscaled workload never go. */
export const fewestReplicas = ({ minReplicas = 2 }: Pick<Workload, 'minReplicas'>): number => Math.max(1, minReplicas);

/** A workload of a request. */
export function workloadOf(request: ManifestRequest, content: ImageContent): Workload {
  const { target, ...asked } = request;
  return {
    ...asked,
    content,
    // A base is of all environments.
    name: asked.name ?? nameOf(content.model, target === 'kustomize' ? undefined : asked.environment),
    maxReplicas: Math.max(asked.maxReplicas ?? 10, fewestReplicas(asked)),
    cpu: asked.cpu ?? defaultSize.cpu,
    memory: asked.memory ?? defaultSize.memory,
  };
}

/** As long as Cloud Run takes them, which takes the shortest. */
const longestName = 49;

/** The name of a model in an environment as labels of RFC 1123 allow it; where that loses something, with a digest, so that no two are called the same. */
function nameOf(model: string, environment = ''): string {
  const end = environment === '' ? '' : `-${labelOf(environment)}`;
  const label = labelOf(model);
  const room = longestName - end.length;
  if (label === model && label.length <= room) return label + end;
  const digest = sha256(Buffer.from(`${model}/${environment}`)).slice(0, 6);
  const kept = label.slice(0, room - 7).replace(/-+$/, ''); // prettier-ignore
  return `${kept === '' ? 'model' : kept}-${digest}${end}`;
}

const labelOf = (text: string): string =>
  text.toLowerCase().replaceAll(/[^a-z0-9]+/g, '-').replace(/^[^a-z]+/, '').replace(/-+$/, ''); // prettier-ignore

/** The recommended labels of Kubernetes. */
export function labelsOf({ name, content }: Workload): Readonly<Record<string, string>> {
  return {
    'app.kubernetes.io/name': name,
    ...(content.version === undefined ? {} : { 'app.kubernetes.io/version': content.version }),
    'app.kubernetes.io/component': 'inference',
    'app.kubernetes.io/managed-by': 'gyre',
  };
}

export const selectorOf = ({ name }: Workload): Readonly<Record<string, string>> => ({ 'app.kubernetes.io/name': name });

/** What was released, so that it is found again from the cluster. */
export function annotationsOf({ content, environment }: Workload): Readonly<Record<string, string>> {
  return {
    'gyre.dev/model': content.model,
    ...(content.modelVersion === undefined ? {} : { 'gyre.dev/model-version': content.modelVersion }),
    ...(content.package === undefined ? {} : { 'gyre.dev/package': content.package }),
    ...(environment === undefined ? {} : { 'gyre.dev/environment': environment }),
  };
}

export const metadataOf = (workload: Workload, name = workload.name): object => ({
  name,
  ...(workload.namespace === undefined ? {} : { namespace: workload.namespace }),
  labels: labelsOf(workload),
  annotations: annotationsOf(workload),
});

const probe = (path: string, port: string | number): object => ({ httpGet: { path, port }, periodSeconds: 5, timeoutSeconds: 2 });

/** When it may be asked, and when it has to be started anew. @param port by its name or number */
export function probesOf(port: string | number): Readonly<Record<'startupProbe' | 'readinessProbe' | 'livenessProbe', object>> {
  return {
    startupProbe: { ...probe('/v2/health/ready', port), periodSeconds: 2, failureThreshold: 60 },
    readinessProbe: probe('/v2/health/ready', port),
    livenessProbe: { ...probe('/v2/health/live', port), periodSeconds: 10, failureThreshold: 3 },
  };
}

/** Not root, nothing but /tmp to write to, nothing that it may do beyond that ("restricted" of the Pod Security Standards). */
export const containerSecurity = {
  allowPrivilegeEscalation: false,
  readOnlyRootFilesystem: true,
  capabilities: { drop: ['ALL'] },
};

/** @param asUser whether the user is named here; OpenShift chooses one of its own */
export const podSecurity = (asUser: boolean): object => ({
  runAsNonRoot: true,
  ...(asUser ? { runAsUser: user, runAsGroup: user } : {}),
  seccompProfile: { type: 'RuntimeDefault' },
});

/** Memory is what it may have; of processors it takes what is free. */
export const resourcesOf = ({ cpu, memory }: Workload): object => ({ requests: { cpu, memory }, limits: { memory } });
