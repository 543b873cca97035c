import assert from 'node:assert/strict';
import { mkdir, mkdtemp, readFile, readdir, rm, symlink, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { after, before, describe, test } from 'node:test';
import { buildUi } from './build-ui.ts';

describe('bundling the web pages', () => {
  let root = '';

  before(async () => {
    root = await mkdtemp(join(tmpdir(), 'gyre-ui-'));
    await mkdir(join(root, 'ui'));
    await symlink(resolve(import.meta.dirname, '../../node_modules'), join(root, 'node_modules'));
    await writeFile(join(root, 'package-lock.json'), '{}');
    await writeFile(join(root, 'ui/index.html'), '<!doctype html><title>Gyre</title><!-- bundle --><div id="app"></div>');
    await writeFile(join(root, 'ui/style.css'), 'body { color: red }');
    await writeFile(
      join(root, 'ui/main.tsx'),
      `import { render } from 'preact';\nimport './style.css';\nrender(<p>first page</p>, document.body);\n`,
    );
  });
  after(() => rm(root, { recursive: true, force: true }));

  const page = (): Promise<string> => readFile(join(root, 'ui/dist/index.html'), 'utf8');

  test('writes a page that names its script and style by their content', async () => {
    const { folder, rebuilt } = await buildUi(root);
    assert.equal(rebuilt, true);
    assert.equal(folder, join(root, 'ui/dist'));
    const html = await page();
    const script = /src="\/assets\/(main-[A-Z0-9]+\.js)"/.exec(html)?.[1] ?? '';
    const style = /href="\/assets\/(main-[A-Z0-9]+\.css)"/.exec(html)?.[1] ?? '';
    assert.match(await readFile(join(folder, 'assets', script), 'utf8'), /first page/);
    assert.match(await readFile(join(folder, 'assets', style), 'utf8'), /color/);
  });

  test('does nothing while the sources stay as they are', async () => {
    assert.equal((await buildUi(root)).rebuilt, false);
  });

  test('bundles again after a change, under another name', async () => {
    const old = await page();
    await writeFile(
      join(root, 'ui/main.tsx'),
      `import { render } from 'preact';\nimport './style.css';\nrender(<p>second page, longer</p>, document.body);\n`,
    );
    assert.equal((await buildUi(root)).rebuilt, true);
    assert.notEqual(await page(), old);
    assert.equal((await buildUi(root)).rebuilt, false);
  });

  test('keeps the last good bundle when a source is wrong, names the place, and leaves nothing behind', async () => {
    const good = await page();
    await writeFile(join(root, 'ui/main.tsx'), 'render(<p>,');
    await assert.rejects(buildUi(root), /main\.tsx:1:/);
    assert.equal(await page(), good);
    assert.deepEqual((await readdir(join(root, 'ui'))).sort(), ['dist', 'index.html', 'main.tsx', 'style.css']);
  });

  test('done twice at once, both end with a whole bundle', async () => {
    await writeFile(join(root, 'ui/main.tsx'), `import { render } from 'preact';\nrender(<b>third</b>, document.body);\n`);
    await Promise.all([buildUi(root), buildUi(root)]);
    const script = /src="\/(assets\/main-[A-Z0-9]+\.js)"/.exec(await page())?.[1] ?? '';
    assert.match(await readFile(join(root, 'ui/dist', script), 'utf8'), /third/);
  });
});
