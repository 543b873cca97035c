import type { ManifestFiles, ManifestRequest, ManifestTarget } from '#contract';
import { stringify } from 'yaml';
import { argoCdApplication } from './argo-cd.ts';
import { kubernetesObjects, type Written } from './kubernetes.ts';
import { kustomization } from './kustomize.ts';
import { cloudRunService, inferenceService, knativeService } from './serverless.ts';
import { composeFile, containerGroup } from './single-containers.ts';
import { type ImageContent, type Workload, workloadOf } from './workload.ts';

interface Target {
  readonly write: (workload: Workload) => readonly Written[];
  /** Commands that take the folder of the files where they are to run. */
  readonly use: (workload: Workload) => readonly string[];
}

const applied = ({ namespace }: Workload): string => `kubectl apply${namespace === undefined ? '' : ` --namespace ${namespace}`} -f .`;

const targets: Readonly<Record<ManifestTarget, Target>> = {
  kubernetes: { write: kubernetesObjects, use: (workload) => [applied(workload)] },
  kustomize: { write: kustomization, use: ({ environment = '' }) => [`kubectl apply -k overlays/${environment.toLowerCase()}`] },
  openshift: { write: (workload) => kubernetesObjects(workload, { openShift: true }), use: ({ namespace }) => [`oc apply${namespace === undefined ? '' : ` --namespace ${namespace}`} -f .`] }, // prettier-ignore
  knative: { write: knativeService, use: (workload) => [applied(workload)] },
  kserve: { write: inferenceService, use: (workload) => [applied(workload)] },
  'cloud-run': { write: cloudRunService, use: () => ['gcloud run services replace service.yaml'] },
  'container-instances': { write: containerGroup, use: () => ['az container create --resource-group GROUP --file container-group.yaml'] },
  compose: { write: composeFile, use: () => ['docker compose up --detach', 'podman-compose up --detach'] },
};

/** Read by tools of YAML 1.1 as well, to which `on` and `no` are no texts. */
const yamlOf = (object: object): string => stringify(object, { lineWidth: 0, compat: 'yaml-1.1' });

/**
 * Writes what runs an image at a target. The same request gives the same texts.
 * @param content which version the image holds
 * @throws GyreError INVALID_ARGUMENT naming what the target wants beside it
 */
export function manifestsFor(request: ManifestRequest, content: ImageContent): ManifestFiles {
  const workload = workloadOf(request, content);
  const { write, use } = targets[request.target];
  const written = [...write(workload)];
  const files = written.map(({ file, object }) => ({ path: file, text: yamlOf(object) }));
  if (request.argoCd === undefined) return { files, use: [...use(workload)] };
  const { file, object } = argoCdApplication(workload, request.target, request.argoCd);
  return {
    files: [...files, { path: file, text: yamlOf(object) }],
    use: [`kubectl apply -f ${file}`],
  };
}
