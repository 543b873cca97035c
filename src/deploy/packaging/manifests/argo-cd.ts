import type { ManifestRequest, ManifestTarget } from '#contract';
import { GyreError } from '#core';
import type { Written } from './kubernetes.ts';
import { labelsOf, type Workload } from './workload.ts';

/**
 * An Application of Argo CD that keeps a cluster as a branch of a repository says.
 * @throws GyreError INVALID_ARGUMENT where the target is none of a cluster, or it has no namespace
 */
export function argoCdApplication(
  workload: Workload,
  target: ManifestTarget,
  { repository, path, revision }: NonNullable<ManifestRequest['argoCd']>,
): Written {
  const { name, namespace, environment = '' } = workload;
  if (target === 'cloud-run' || target === 'container-instances' || target === 'compose')
    throw new GyreError('INVALID_ARGUMENT', `Argo CD keeps clusters: it cannot run ${target}`, { field: 'argoCd' });
  if (namespace === undefined)
    throw new GyreError('INVALID_ARGUMENT', 'an Application of Argo CD names the namespace that it keeps: say it', { field: 'namespace' });
  // The overlays of one base have an Application each.
  const own = target === 'kustomize' ? environment.toLowerCase() : undefined;
  return {
    // It lies beside what it names, and Argo CD must not take it for a part of that.
    file: `argo-cd/${own ?? 'application'}.yaml`,
    object: {
      apiVersion: 'argoproj.io/v1alpha1',
      kind: 'Application',
      metadata: {
        name: own === undefined ? name : `${name}-${own}`,
        namespace: 'argocd',
        labels: labelsOf(workload),
        finalizers: ['resources-finalizer.argocd.argoproj.io'],
      },
      spec: {
        project: 'default',
        source: {
          repoURL: repository,
          targetRevision: revision,
          path: own === undefined ? path : `${path}/overlays/${own}`,
          ...(own !== undefined ? {} : { directory: { exclude: 'argo-cd/*' } }),
        },
        destination: { server: 'https://kubernetes.default.svc', namespace },
        syncPolicy: {
          automated: { prune: true, selfHeal: true },
          syncOptions: ['CreateNamespace=true'],
          retry: { limit: 5, backoff: { duration: '5s', factor: 2, maxDuration: '3m' } },
        },
      },
    },
  };
}
