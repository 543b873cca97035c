import { eventType } from '#contract';
import type { Actor, ModelPackage, ModelVersion, PackageFile } from '#contract';
import { digestOf } from '#core';
import type { Tx } from '#store';
import { filesAsBrought } from './brought/as-brought.ts';
import { factsOf, requireReferenceAnswers } from './brought/package-facts.ts';
import { versionNamedBy } from './brought/version-address.ts';
import { requireTrained } from './judged.ts';
import type { Lookup } from './lookup.ts';
import { guarded } from './model-verbs.ts';
import { changeModel, hasModel, insertModel } from './models-store.ts';
import { buildPackage } from './package/build-package.ts';
import type { RegisterVersion, Registry, RegistryDeps } from './port.ts';
import type { VersionRow } from './tables.ts';
import { insertVersion, lockModel, selectVersions } from './versions-store.ts';
import type { NewVersion } from './versions-store.ts';

export type RegisterMade = (request: {
  readonly from: ModelVersion;
  readonly files: readonly PackageFile[];
  readonly description: string;
  readonly tags: Readonly<Record<string, string>>;
  readonly by: Actor;
}) => Promise<ModelVersion>;

interface Registering extends Pick<Registry, 'createVersion' | 'registerVersion'> {
  /** Registers files that were made of another version's. */
  readonly registerMade: RegisterMade;
}

/** What a version's files say; nothing where Gyre has none of them. */
type Content = Pick<VersionRow, 'package' | 'files' | 'signature' | 'flavors'>;
const noContent: Content = { package: null, files: [], signature: null, flavors: null };

interface Registration {
  readonly row: NewVersion;
  /** Whether a model that there is not is made. */
  readonly makesModel: boolean;
  /** Of the model; kept when absent. */
  readonly modelDescription?: string;
  /** Whether a tested version of the same package is what is meant. */
  readonly once: boolean;
}

/** Brings versions into the registry: the own trainers' with all their evidence, and those that were trained elsewhere. */
export function openRegistering(deps: RegistryDeps, lookup: Lookup): Registering {
  const { store, events, clock, newId, reports, blobs, kept, grants } = deps;

  const create = async (tx: Tx, { row, makesModel, modelDescription, once }: Registration): Promise<ModelVersion> => {
    await lockModel(tx, row.model);
    if (once && row.package !== null) {
      const [known] = await selectVersions(tx, { model: row.model, package: row.package, tested: true }, 1);
      if (known !== undefined) return known.version;
    }
    if (makesModel) await makeModel(tx, row, modelDescription);
    const version = await insertVersion(tx, row);
    const { id, model, version: number, source, package: digest, run, description, tags } = version;
    events.publish(tx, {
      type: eventType('model_version.created'),
      subject: id,
      actor: row.created_by.identity,
      data: {
        id,
        model,
        version: number,
        source,
        ...(digest === undefined ? {} : { package: digest }),
        ...(run === undefined ? {} : { run }),
        description,
        tags,
      },
    });
    return version;
  };
  const makeModel = async (tx: Tx, row: NewVersion, description: string | undefined): Promise<void> => {
    if (await hasModel(tx, row.model)) {
      if (description !== undefined) await changeModel(tx, row.model, { description, updated_at: row.created_at });
      return;
    }
    await insertModel(tx, { name: row.model, description: description ?? '', created_at: row.created_at });
    await grants?.own(tx, guarded(row.model), row.created_by);
    events.publish(tx, {
      type: eventType('registered_model.created'),
      subject: row.model,
      actor: row.created_by.identity,
      data: { model: row.model, description: description ?? '', tags: {} },
    });
  };

  /** A version without what only the own trainers leave. */
  const broughtRow = (
    { model, description = '', tags = {}, by }: Pick<RegisterVersion, 'model' | 'description' | 'tags'> & { readonly by: Actor },
    rest: Pick<NewVersion, 'source'> & Partial<NewVersion>,
  ): NewVersion => ({
    id: newId(),
    model,
    location: null,
    ...noContent,
    run: null,
    logged_model: null,
    test_report: null,
    tests_passed: false,
    charter: null,
    brought: null,
    description,
    stage: 'None',
    run_link: null,
    created_at: clock.now(),
    created_by: by,
    tags,
    ...rest,
  });

  const contentOf = async (files: readonly PackageFile[], checksExamples: boolean): Promise<Content> => {
    if (files.length === 0) return noContent;
    const sorted = files.toSorted((left, right) => (left.path < right.path ? -1 : 1));
    const listed: ModelPackage = { format: 'gyre.package.v1', files: sorted };
    const { signature, flavors } = await factsOf(blobs, sorted);
    if (checksExamples) await requireReferenceAnswers(blobs, sorted, signature);
    return { package: digestOf(listed), files: sorted, signature: signature ?? null, flavors: flavors ?? null };
  };

  /** What a version that is registered already hands on to its copy. */
  const copied = async (source: string): Promise<Partial<NewVersion> | undefined> => {
    const named = versionNamedBy(source);
    if (named === undefined) return undefined;
    const original = await lookup.get(named.model, named.version);
    const { model, version } = original;
    // A copy of a version that was tested here is what was brought, for whoever has it to test.
    if (original.brought !== undefined)
      return {
        ...(await contentOf(
          filesAsBrought(original).map(({ path, digest, size }) => ({ path, digest, size })),
          false,
        )),
        run: original.run ?? null,
        logged_model: original.loggedModel ?? null,
      };
    return {
      package: original.package ?? null,
      files: original.files,
      signature: original.signature ?? null,
      flavors: original.flavors ?? null,
      location: original.package === undefined ? await lookup.location({ model, version }) : null,
      run: original.run ?? null,
      logged_model: original.loggedModel ?? null,
    };
  };

  const brought = async (request: RegisterVersion): Promise<Partial<NewVersion>> => {
    const copy = await copied(request.source);
    if (copy !== undefined) return copy;
    const found = await kept?.filesAt(request);
    return found === undefined ? {} : { ...(await contentOf(found.files, request.checksExamples === true)), run: found.run ?? null };
  };

  return {
    async createVersion({ model, description, run, report: reportId, charter, outliers, tags = {}, by }) {
      const report = await reports.getReport(reportId);
      const { digest, files, signature } = await buildPackage(deps, {
        model,
        run,
        report,
        charter,
        ...(outliers === undefined ? {} : { outliers }),
      });
      const row = broughtRow(
        { model, tags, by },
        {
          source: `runs:/${run.replaceAll('-', '')}`,
          package: digest,
          files,
          signature,
          run,
          test_report: report.id,
          tests_passed: report.passed,
          charter: charter.digest,
        },
      );
      const version = await store.write(create, {
        row,
        makesModel: true,
        once: true,
        ...(description === undefined ? {} : { modelDescription: description }),
      });
      return requireTrained(version, 'what a trainer leaves');
    },
    async registerMade({ from, files, description, tags, by }) {
      const { model, version, run, loggedModel } = from;
      const row = broughtRow(
        { model, description, tags, by },
        {
          ...(await contentOf(files, false)),
          source: `models:/${model}/${version}`,
          run: run ?? null,
          logged_model: loggedModel ?? null,
        },
      );
      return store.write(create, { row, makesModel: false, once: false });
    },
    async registerVersion(request) {
      const { source, run, loggedModel, runLink, makesModel = false } = request;
      try {
        const row = broughtRow(request, {
          ...(await brought(request)),
          source,
          ...(run === undefined ? {} : { run }),
          ...(loggedModel === undefined ? {} : { logged_model: loggedModel }),
          ...(runLink === undefined ? {} : { run_link: runLink }),
        });
        return await store.write(create, { row, makesModel, once: false });
      } catch (error) {
        // A model that is not there is told before all else, with those that are.
        if (!makesModel) await lookup.getModel(request.model);
        throw error;
      }
    },
  };
}
