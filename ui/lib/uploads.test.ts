import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { chosenFiles, pathTwice } from './uploads.ts';

/** A file as a browser gives it; below a folder when the whole folder was chosen. */
function fileOf(name: string, folder = ''): File {
  const file = new File(['x'], name);
  Object.defineProperty(file, 'webkitRelativePath', { value: folder === '' ? '' : `${folder}/${name}` });
  return file;
}

describe('files that somebody chooses for a version', () => {
  test('keep their paths below the folder; the only graph is called model.onnx', () => {
    const paths = (files: readonly File[]): string[] => chosenFiles(files).map(({ path }) => path);
    assert.deepEqual(paths([fileOf('churn.onnx'), fileOf('notes.md')]), ['model.onnx', 'notes.md']);
    assert.deepEqual(paths([fileOf('MLmodel', 'model'), fileOf('weights.bin', 'model/data')]), ['MLmodel', 'data/weights.bin']);
    assert.deepEqual(paths([fileOf('a.onnx'), fileOf('b.onnx')]), ['a.onnx', 'b.onnx']);
  });

  test('of one path are told apart before they are sent', () => {
    assert.equal(pathTwice(chosenFiles([fileOf('a.txt'), fileOf('b.txt')])), undefined);
    assert.equal(pathTwice(chosenFiles([fileOf('a.txt'), fileOf('a.txt')])), 'a.txt');
  });
});
