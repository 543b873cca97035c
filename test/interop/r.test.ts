import assert from 'node:assert/strict';
import { execFile, execFileSync } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, test } from 'node:test';
import { promisify } from 'node:util';
import { done, repository, temporaryFolder, up } from '../harness/gyre-fixture.ts';
import { smallProject } from '../harness/projects-fixture.ts';

const rMissing = ((): string | false => {
  if (process.env['GYRE_REQUIRE_ALL'] === '1') return false;
  try {
    execFileSync('Rscript', ['--version'], { stdio: 'ignore' });
    return false;
  } catch {
    return 'no Rscript: .ci/run installs Debian’s r-base-core';
  }
})();

/** The line for R itself, as the documentation has it. */
function documentedLine(): string {
  const text = readFileSync(join(repository, 'docs/data/python-and-r.md'), 'utf8');
  const line = /^\| R \| `(.*)` \|$/m.exec(text)?.[1];
  assert.ok(line !== undefined, 'the line for R is not in docs/data/python-and-r.md');
  return line;
}

describe('R', { skip: rMissing }, () => {
  test('opens a version by the documented line, with the types and values of its columns', async () => {
    await using folder = await temporaryFolder();
    const cwd = await smallProject(folder.path);
    await using server = await up({ cwd });
    await done(['data', 'ls'], { cwd });
    assert.equal((await server.post('datasets', { dataset: 'people' })).status, 200);
    const token = readFileSync(join(server.dataFolder, 'secrets', 'owner-token'), 'utf8').trim();
    const script = `
      token <- Sys.getenv("GYRE_TOKEN"); address <- Sys.getenv("ADDRESS")
      rows <- ${documentedLine()}
      cat(nrow(rows), paste(names(rows), collapse = ","), paste(sapply(rows, function(x) class(x)[1]), collapse = ","), sum(rows$age),
        format(sum(rows$spend), digits = 15), sum(is.na(rows$plan) | rows$plan == ""), rows$joined[1], sum(rows$newsletter == "true"), sep = "\\n")`;
    const { stdout } = await promisify(execFile)('Rscript', ['--vanilla', '-e', script], {
      env: { PATH: process.env['PATH'], GYRE_TOKEN: token, ADDRESS: `${server.address}/api/v1/datasets/people/rows.csv` },
    });
    const [header, ...lines] = readFileSync(join(cwd, 'people.csv'), 'utf8').trimEnd().split('\n');
    const cells = lines.map((line) => line.split(','));
    const [rows, names, classes, age, spend, missing, joined, newsletter] = stdout.trimEnd().split('\n');
    assert.deepEqual([Number(rows), names], [lines.length, header]);
    assert.equal(classes, 'character,integer,character,numeric,character,character,numeric,character');
    const sumOf = (column: number): number => cells.reduce((sum, row) => sum + Number(row[column]), 0);
    assert.equal(Number(age), sumOf(1));
    assert.ok(Math.abs(Number(spend) - sumOf(6)) < 1e-6, 'the same numbers, added up in another order');
    assert.equal(Number(missing), cells.filter((row) => row[2] === '').length);
    assert.equal(joined, `${cells[0][5]}T00:00:00.000Z`);
    assert.equal(Number(newsletter), cells.filter((row) => row[4] === 'true').length);
  });
});
