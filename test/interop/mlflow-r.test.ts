import assert from 'node:assert/strict';
import { execFile, execFileSync } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, test } from 'node:test';
import { promisify } from 'node:util';
import { temporaryFolder, up } from '../harness/gyre-fixture.ts';
import { smallProject } from '../harness/projects-fixture.ts';

// Not even CI insists: the client's sources are in MLflow's repository and on CRAN alone.
const checkout = process.env['GYRE_MLFLOW_TESTS'] ?? '';
const missing = ((): string | false => {
  if (checkout === '') return 'GYRE_MLFLOW_TESTS names no checkout of MLflow, whose client for R this is';
  try {
    execFileSync(
      'Rscript',
      ['-e', 'for (name in c("httr", "jsonlite", "purrr", "zeallot", "rlang", "base64enc")) library(name, character.only = TRUE)'],
      {
        stdio: 'ignore',
      },
    );
    return false;
  } catch {
    return 'the packages that MLflow’s client for R wants are not here (Debian: r-cran-httr r-cran-purrr r-cran-zeallot)';
  }
})();

describe('MLflow’s client for R, from a checkout of MLflow', { skip: missing }, () => {
  test('logs, reads, searches, and keeps models', { timeout: 240_000 }, async () => {
    await using folder = await temporaryFolder();
    await using server = await up({ cwd: await smallProject(folder.path) });
    const token = readFileSync(join(server.dataFolder, 'secrets', 'owner-token'), 'utf8').trim();
    const { stdout } = await promisify(execFile)('Rscript', [join(import.meta.dirname, 'mlflow_client.R'), checkout, server.address], {
      env: { ...process.env, MLFLOW_TRACKING_TOKEN: token },
    });
    const said = stdout
      .split('\n')
      .filter((line) => line.includes('\t'))
      .map((line) => line.split('\t'));
    assert.deepEqual(
      said.filter(([, came]) => came !== 'ok'),
      [],
    );
    assert.ok(said.length > 30, stdout);
  });
});
