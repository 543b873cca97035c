import { GyreError } from '#core';
import { stringify } from 'yaml';
import { kubernetesObjects, type Written } from './kubernetes.ts';
import { defaultSize, resourcesOf, type Workload } from './workload.ts';

/** What differs from one environment to the next stands in its overlay: those of other environments stay as they are. */
const ofEnvironments = new Set(['autoscaler.yaml', 'ingress.yaml', 'service-monitor.yaml']);

/**
 * A base, and the overlay of an environment with its namespace, its image and how many there are of it.
 * @throws GyreError INVALID_ARGUMENT without an environment
 */
export function kustomization(workload: Workload): readonly Written[] {
  const { environment, image, content, namespace } = workload;
  if (environment === undefined)
    throw new GyreError('INVALID_ARGUMENT', 'an overlay is of an environment: say which, such as production', { field: 'environment' });
  const [name = image, digest = ''] = image.split('@');
  const { environment: _own, namespace: _of, ...common } = workload;
  // What one environment asks for must not reach the pods of another by the base.
  const base = kubernetesObjects({ ...common, ...defaultSize, image: name, content: { model: content.model } }).filter(
    ({ file }) => !ofEnvironments.has(file),
  );
  const own = kubernetesObjects(workload).filter(({ file }) => ofEnvironments.has(file));
  const folder = `overlays/${environment.toLowerCase()}`;
  return [
    ...base.map(({ file, object }) => ({ file: `base/${file}`, object })),
    { file: 'base/kustomization.yaml', object: listed(base.map(({ file }) => file)) },
    ...own.map(({ file, object }) => ({ file: `${folder}/${file}`, object })),
    {
      file: `${folder}/kustomization.yaml`,
      object: {
        ...listed(['../../base', ...own.map(({ file }) => file)]),
        ...(namespace === undefined ? {} : { namespace }),
        images: [{ name, digest }],
        patches: [{ target: { kind: 'Deployment' }, patch: stringify([sized(workload)]) }],
        ...annotated(workload),
      },
    },
  ];
}

const sized = (workload: Workload): object => ({
  op: 'replace',
  path: '/spec/template/spec/containers/0/resources',
  value: resourcesOf(workload),
});

/** Which version that digest is stands in the overlay, beside the digest. */
function annotated({ content, environment = '' }: Workload): object {
  return {
    commonAnnotations: {
      'gyre.dev/environment': environment,
      ...(content.version === undefined ? {} : { 'gyre.dev/version': content.version }),
      ...(content.modelVersion === undefined ? {} : { 'gyre.dev/model-version': content.modelVersion }),
      ...(content.package === undefined ? {} : { 'gyre.dev/package': content.package }),
    },
  };
}

const listed = (resources: readonly string[]): object => ({
  apiVersion: 'kustomize.config.k8s.io/v1beta1',
  kind: 'Kustomization',
  resources,
});
