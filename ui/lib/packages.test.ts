import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { packageDifferences, packagesIn } from './packages.ts';

describe('packages of an environment', () => {
  test('are read from requirements and from the lists of a conda file, names in one spelling', () => {
    const pip = packagesIn(
      '# made by mlflow\nmlflow==3.11.1\nscikit_learn[all]==1.7.2 ; python_version > "3.9"\ntorch>=2.4\n\n-r other.txt\n',
    );
    assert.deepEqual(
      [...pip],
      [
        ['mlflow', '3.11.1'],
        ['scikit-learn', '1.7.2'],
        ['torch', '>=2.4'],
      ],
    );
    assert.deepEqual(
      [...packagesIn('dependencies:\n- python=3.11.9\n- pip:\n  - numpy==2.3.0\n')],
      [
        ['python', '3.11.9'],
        ['numpy', '2.3.0'],
      ],
    );
  });

  test('differ where a version or a package does', () => {
    const [left, right] = [packagesIn('a==1\nb==2\nc==3'), packagesIn('a==1\nb==3\nd==4')];
    assert.deepEqual(packageDifferences(left, right), [
      { name: 'b', left: '2', right: '3' },
      { name: 'c', left: '3', right: undefined },
      { name: 'd', left: undefined, right: '4' },
    ]);
  });
});
