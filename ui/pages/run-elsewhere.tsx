import type { JSX } from 'preact';
import { useState } from 'preact/hooks';
import { executesCodeOnLoad, manifestTargets } from '#contract';
import type { EnvironmentState, ManifestFiles, ManifestRequest, ManifestTarget, ModelVersion } from '#contract';
import { ApiError, send } from '../lib/api.ts';
import { type Page as PageOf, useResource } from '../lib/resource.ts';
import { Card } from '../parts/page.tsx';
import { saveFile } from '../parts/save-file.ts';
import { Command, Copy } from '../parts/values.tsx';

const words: Readonly<Record<ManifestTarget, string>> = {
  kubernetes: 'Kubernetes',
  kustomize: 'Kubernetes, by Kustomize',
  openshift: 'OpenShift',
  knative: 'Knative',
  kserve: 'KServe',
  'cloud-run': 'Google Cloud Run',
  'container-instances': 'Azure Container Instances',
  compose: 'Docker Compose',
};

/** Manifests that run a version's image on a cluster, at a cloud or on one machine; nothing for a version that no image can hold. */
export function RunElsewhere({ version }: { readonly version: ModelVersion }): JSX.Element | null {
  const environments = useResource<PageOf<EnvironmentState>>('environments', ['deployment.']);
  const [target, setTarget] = useState<ManifestTarget>('kubernetes');
  const [environment, setEnvironment] = useState('');
  const [fields, setFields] = useState({ image: '', namespace: '', host: '', location: '', subnet: '' });
  const [busy, setBusy] = useState(false);
  const [answer, setAnswer] = useState<ManifestFiles | ApiError | undefined>(undefined);
  if (version.package === undefined || version.deletedAt !== undefined || executesCodeOnLoad(version)) return null;
  const write = async (event: Event): Promise<void> => {
    event.preventDefault();
    setBusy(true);
    const said = Object.fromEntries(Object.entries(fields).flatMap(([name, text]) => (text.trim() === '' ? [] : [[name, text.trim()]])));
    const request = { target, ...said, ...(environment === '' ? {} : { environment }) } as ManifestRequest;
    try {
      setAnswer(
        await send<ManifestFiles>('POST', `models/${encodeURIComponent(version.model)}/versions/${version.version}/manifests`, request),
      );
    } catch (error) {
      if (!(error instanceof ApiError)) throw error;
      setAnswer(error);
    } finally {
      setBusy(false);
    }
  };
  const field = (name: keyof typeof fields, label: string, hint: string, required = false): JSX.Element => (
    <label class="field">
      <span>{label}</span>
      <input
        value={fields[name]}
        placeholder={hint}
        required={required}
        autocomplete="off"
        onInput={(event) => setFields({ ...fields, [name]: event.currentTarget.value })}
      />
    </label>
  );
  return (
    <Card
      title="Run it elsewhere"
      wide
      says="Its image, on a cluster, at a cloud or on one machine. Nothing is sent there: these are the texts."
    >
      <form onSubmit={(event) => void write(event)}>
        <label class="field">
          <span>Where</span>
          <select value={target} onChange={(event) => setTarget(event.currentTarget.value as ManifestTarget)}>
            {manifestTargets.map((each) => (
              <option key={each} value={each}>
                {words[each]}
              </option>
            ))}
          </select>
        </label>
        <label class="field">
          <span>Environment, whose gates must be passed</span>
          <select value={environment} required={target === 'kustomize'} onChange={(event) => setEnvironment(event.currentTarget.value)}>
            <option value="">none of the project’s</option>
            {environments.data?.items.map(({ name }) => (
              <option key={name} value={name}>
                {name}
              </option>
            ))}
          </select>
        </label>
        {field('image', 'Image, by its digest, as gyre package --push says it', 'registry.example.org/churn@sha256:…', true)}
        {target !== 'compose' && target !== 'container-instances' && field('namespace', 'Namespace', 'the one that kubectl is set to')}
        {target !== 'compose' && target !== 'container-instances' && field('host', 'Host, to be reached from outside', 'from within alone')}
        {target === 'container-instances' && field('location', 'Location', 'westeurope', true)}
        {target === 'container-instances' && field('subnet', 'Subnet that it is reached from', '/subscriptions/…', true)}
        <div class="actions">
          <button type="submit" class="primary" disabled={busy}>
            Write the manifests
          </button>
        </div>
      </form>
      {answer instanceof ApiError && (
        <p class="failure" role="alert">
          {answer.message}
        </p>
      )}
      {answer !== undefined && !(answer instanceof ApiError) && <Written version={version} written={answer} />}
    </Card>
  );
}

function Written({ version, written: { files, use } }: { readonly version: ModelVersion; readonly written: ManifestFiles }): JSX.Element {
  const all = files.map(({ path, text }) => `---\n# ${path}\n${text}`).join('');
  return (
    <>
      {files.map(({ path, text }) => (
        <details key={path}>
          <summary>
            <code>{path}</code>
          </summary>
          <Copy text={text} what={path} />
          <pre class="preview-text" tabIndex={0} role="region" aria-label={path}>
            {text}
          </pre>
        </details>
      ))}
      <div class="actions">
        <button type="button" onClick={() => saveFile(`${version.model}-${version.version}.yaml`, 'application/yaml', all)}>
          Save as one file
        </button>
      </div>
      {use.map((command) => (
        <Command key={command}>{command}</Command>
      ))}
    </>
  );
}
