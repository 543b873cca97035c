import { eventType, executesCodeOnLoad, isTrained } from '#contract';
import type { Actor, Brought, BroughtEvidence, ModelVersion, PackageFile, Signature, TestReport } from '#contract';
import { GyreError, asSha256 } from '#core';
import type { BroughtGraph, ModelSource } from '#evaluation';
import { openSession } from '#onnx';
import type { Session } from '#onnx';
import type { Tx } from '#store';
import type { Frame } from '#tables';
import { filesAsBrought } from './brought/as-brought.ts';
import type { BroughtFile } from './brought/as-brought.ts';
import { readForeignGraph } from './brought/foreign-graph.ts';
import type { ForeignGraph } from './brought/foreign-graph.ts';
import { knownWiring } from './brought/known-wiring.ts';
import { readMlModel } from './brought/mlmodel-file.ts';
import { graphFile, largestGraph, textReader } from './brought/package-facts.ts';
import { settleWiring } from './brought/settle-wiring.ts';
import type { Wiring } from './brought/settle-wiring.ts';
import { mlModelFile, pythonPackage, requirePython, standPython } from './brought/python-model.ts';
import { wireGraph } from './brought/wire-graph.ts';
import { requireWiringParity } from './brought/wiring-parity.ts';
import { requireJudged } from './judged.ts';
import type { Lookup } from './lookup.ts';
import { changeModel } from './models-store.ts';
import { packBrought } from './package/brought-package.ts';
import { outputsOf } from './package/signature.ts';
import type { Registry, RegistryDeps, TestVersion } from './port.ts';
import { changeVersion, keepEarlierPackage, lockModel, selectVersions } from './versions-store.ts';

/** A version's model behind named columns: its graph, or a process of Python's. */
interface Standing {
  readonly wiring: Wiring;
  /** What was brought: the graph, or the file that tells Python how to load the model. */
  readonly file: BroughtFile;
  readonly graph?: ForeignGraph;
  readonly onnx?: Uint8Array;
  readonly python?: BroughtEvidence['python'];
  readonly open: (signature: Signature) => Promise<Session>;
}

interface Judged {
  readonly version: ModelVersion;
  readonly package: string;
  readonly files: PackageFile[];
  readonly signature: Signature;
  readonly brought: Brought;
  readonly report: TestReport;
  readonly by: Actor;
  readonly at: number;
}

/** Tests of versions that were trained elsewhere, and the models of versions wherever they were trained. */
export function openTesting(deps: RegistryDeps, lookup: Lookup): Pick<Registry, 'testVersion' | 'modelSource'> {
  const { store, blobs, events, clock, data, reports, inUse } = deps;

  const keep = async (tx: Tx, { version, by, at, report, ...judged }: Judged): Promise<void> => {
    const { id, model, version: number } = version;
    await lockModel(tx, model);
    const [found] = await selectVersions(tx, { id }, 1);
    if (found?.version.package !== version.package)
      throw new GyreError('ABORTED', `version ${number} of "${model}" was ${found === undefined ? 'deleted' : 'tested'} meanwhile`, { id });
    if (version.testReport !== undefined && version.package !== undefined && version.package !== judged.package)
      await keepEarlierPackage(tx, { package: version.package, version: id });
    await changeVersion(tx, id, {
      package: judged.package,
      files: judged.files,
      signature: judged.signature,
      brought: judged.brought,
      test_report: report.id,
      tests_passed: report.passed,
      charter: report.charter,
      updated_at: at,
    });
    await changeModel(tx, model, { updated_at: at });
    events.publish(tx, {
      type: eventType('model_version.tested'),
      subject: id,
      actor: by.identity,
      data: { id, model, version: number, package: judged.package, report: report.id, passed: report.passed },
    });
  };

  /** A package that is served cannot become another under the feet of its deployment. */
  const requireIdle = async (version: ModelVersion): Promise<void> => {
    const reason = version.testReport === undefined ? undefined : await inUse?.(version);
    if (reason === undefined) return;
    throw new GyreError('FAILED_PRECONDITION', `version ${version.version} of "${version.model}" cannot be tested anew: it ${reason}`, {
      id: version.id,
    });
  };

  const foreignGraph = async (version: ModelVersion): Promise<{ readonly file: BroughtFile; readonly graph: ForeignGraph }> => {
    const file = await graphOf(deps, version);
    return { file, graph: readForeignGraph(await blobs.read(asSha256(file.digest))) };
  };

  const graphStanding = async (version: ModelVersion, request: TestVersion, rows: Frame): Promise<Standing> => {
    const { file, graph } = await foreignGraph(version);
    const wiring = settleWiring(graph, request, await knownWiring(blobs, filesAsBrought(version)), rows);
    const onnx = wireGraph(graph, wiring);
    return { wiring, file, graph, onnx, open: () => openSession(onnx) };
  };
  const openPython = async (version: ModelVersion, signature: Signature): Promise<Session> =>
    requirePython(deps.python).open(pythonPackage(version, signature));
  const pythonStanding = async (version: ModelVersion, request: TestVersion, rows: Frame): Promise<Standing> => {
    const standing = await standPython(requirePython(deps.python), blobs, version, request, rows);
    return { ...standing, file: mlModelFile(version), open: (signature) => openPython(version, signature) };
  };

  return {
    async testVersion(request) {
      const version = await lookup.numbered(request.model, request.version);
      if (isTrained(version))
        throw new GyreError(
          'FAILED_PRECONDITION',
          `version ${version.version} of "${version.model}" was trained by Gyre: its run was tested before it was registered (test report ${version.testReport})`,
          { id: version.id },
        );
      await requireIdle(version);
      const rows = await data.open(request.test);
      const standing =
        executesCodeOnLoad(version) && deps.python?.isAllowed() === true
          ? await pythonStanding(version, request, rows)
          : await graphStanding(version, request, rows);
      const { wiring, onnx, python, file } = standing;
      const model: BroughtGraph = {
        modelVersion: version.id,
        open: () => standing.open(signatureOf(wiring)),
        signature: signatureOf(wiring),
        target: request.target,
        ...(request.key === undefined ? {} : { key: request.key }),
      };
      const parity = await (async () => {
        if (standing.graph === undefined) return undefined;
        await using wired = await reports.openModel(model);
        return await requireWiringParity(standing.graph, wiring, wired, rows);
      })();
      const report = await reports.judge(judgementOf(request, model));
      const signature: Signature = {
        ...model.signature,
        ...(report.threshold === undefined ? {} : { threshold: report.threshold.value }),
      };
      const brought = broughtOf(version, file, wiring, request);
      const packed = await packBrought(deps, {
        version,
        ...(onnx === undefined ? {} : { onnx }),
        signature,
        report,
        charter: request.charter,
        evidence: evidenceOf(version, { brought, graph: file.digest, report, request, parity, python }),
        rows,
        ...(request.outliers === undefined ? {} : { outliers: request.outliers }),
      });
      await requireIdle(version);
      const { digest, files } = packed;
      await store.write(keep, { version, package: digest, files, signature, brought, report, by: request.by, at: clock.now() });
      return { version: requireJudged(await lookup.numbered(request.model, request.version), 'what a test leaves'), report };
    },

    async modelSource(version): Promise<ModelSource> {
      const { id, brought, run, signature, files } = version;
      if (brought === undefined && run !== undefined) return run;
      if (brought !== undefined && executesCodeOnLoad(version)) {
        const { target, key } = brought;
        return {
          modelVersion: id,
          open: () => openPython(version, signature),
          signature,
          target,
          ...(key === undefined ? {} : { key }),
        };
      }
      const graph = files.find(({ path }) => path === 'model.onnx');
      if (brought === undefined || graph === undefined)
        throw new GyreError('DATA_LOSS', `version ${version.version} of "${version.model}" has neither a run nor a graph`, { id });
      const { target, key } = brought;
      return {
        modelVersion: id,
        open: async () => openSession(await blobs.read(asSha256(graph.digest))),
        signature,
        target,
        ...(key === undefined ? {} : { key }),
      };
    },
  };
}

const howToConvert =
  'convert the model where it was trained (skl2onnx for scikit-learn, onnxmltools for LightGBM and XGBoost, torch.onnx for PyTorch) and register it with the .onnx file in its folder';

const orAllow = '; or have a Python process of its own execute the code in its files (serve.python in gyre.yaml)';

async function graphOf({ blobs }: Pick<RegistryDeps, 'blobs'>, version: ModelVersion): Promise<BroughtFile> {
  const { id, model, version: number, source } = version;
  const name = `version ${number} of "${model}"`;
  if (version.package === undefined)
    throw new GyreError(
      'FAILED_PRECONDITION',
      `${name} has no files in Gyre: they are at ${source}. Register it from there (gyre model add)`,
      { id },
    );
  const files = filesAsBrought(version);
  const said = await textReader(blobs, files)('MLmodel');
  const graph = graphFile(files, said === undefined ? undefined : readMlModel(said)?.graph);
  const found = files.find(({ path }) => path === graph?.path);
  if (found === undefined) {
    const graphs = files.filter(({ path }) => path.endsWith('.onnx')).map(({ path }) => path);
    const flavors = version.flavors === undefined ? '' : ` (it can be loaded as ${version.flavors.join(', ')})`;
    throw new GyreError(
      'FAILED_PRECONDITION',
      graphs.length > 1
        ? `${name} has several graphs, and nothing says which is the model: ${graphs.join(', ')}. Call it model.onnx`
        : `${name} has no ONNX graph${flavors}, and Gyre opens no pickle: ${howToConvert}${executesCodeOnLoad(version) ? orAllow : ''}`,
      { id },
    );
  }
  if (found.size > largestGraph)
    throw new GyreError('FAILED_PRECONDITION', `the graph ${found.path} of ${name} has ${found.size} bytes; ${largestGraph} are the most`, {
      id,
    });
  return found;
}

function signatureOf({ task, inputs, classes, positive }: Wiring): BroughtGraph['signature'] {
  return {
    task,
    inputs: [...inputs],
    outputs: outputsOf(task, classes),
    classes: [...classes],
    ...(positive === undefined ? {} : { positive }),
  };
}

function judgementOf({ test, validation, validationSets, spec, charter, champion, by }: TestVersion, model: BroughtGraph) {
  return {
    model,
    test,
    charter,
    by,
    ...(validation === undefined ? {} : { parts: { validation } }),
    ...(validationSets === undefined ? {} : { validationSets }),
    ...(spec === undefined ? {} : { spec }),
    ...(champion === undefined ? {} : { champion }),
  };
}

function broughtOf(version: ModelVersion, graph: BroughtFile, { tensors, scores }: Wiring, { target, key }: TestVersion): Brought {
  return {
    package: version.brought?.package ?? version.package ?? '',
    graph: graph.path,
    tensors: tensors.map(({ tensor, columns }) => ({ name: tensor.name, columns: [...columns] })),
    output: scores.name,
    target,
    ...(key === undefined ? {} : { key }),
  };
}

function evidenceOf(
  { model, source, createdBy, createdAt }: ModelVersion,
  facts: {
    readonly brought: Brought;
    readonly graph: string;
    readonly report: TestReport;
    readonly request: TestVersion;
    readonly parity: BroughtEvidence['parity'];
    readonly python: BroughtEvidence['python'];
  },
): Omit<BroughtEvidence, 'onnx'> {
  const { brought, graph, report, request, parity, python } = facts;
  return {
    model,
    brought,
    source,
    by: createdBy,
    at: createdAt,
    graph,
    datasets: { test: request.test, ...(request.validation === undefined ? {} : { validation: request.validation }) },
    testReport: report.digest,
    charter: request.charter.digest,
    ...(parity === undefined ? {} : { parity }),
    ...(python === undefined ? {} : { python }),
  };
}
