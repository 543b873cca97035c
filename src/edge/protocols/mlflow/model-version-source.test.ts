import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { requireSource } from './model-version-source.ts';

/** What is made again and again of one text. */
const repeated = (times: number, step: (text: string) => string, text: string): string =>
  times === 0 ? text : repeated(times - 1, step, step(text));
const encoded = (times: number, text: string): string => repeated(times, (one) => one.replaceAll('%', '%25'), text);

describe('the source of a model version', () => {
  test('may be any address that others keep models at', () => {
    for (const source of [
      's3://bucket/models/churn',
      'gs://bucket/a b/ünï',
      'abfss://container@account.dfs.core.windows.net/models',
      'wasbs://container@account.blob.core.windows.net/models',
      'hdfs://namenode:8020/models',
      'https://models.example.org:8443/churn.onnx?version=3#graph',
      'http://[2001:db8::1]/model',
      'ftp://user:secret@host/model',
      'dbfs:/models/churn',
      'runs:/0123456789abcdef0123456789abcdef/model',
      'models:/churn/3',
      'models:/m-0123456789abcdef0123456789abcdef',
      'mlflow-artifacts:/0/0123456789abcdef0123456789abcdef/artifacts/model',
      'mlflow-artifacts://host/0/run/artifacts/model',
      'S3://Bucket/..models/model..v2/...',
      'https://host/100%/50%25/%e4%ff',
    ]) {
      assert.doesNotThrow(() => requireSource(source, 'run'), source);
    }
  });

  test('is no path of the machine that reads it, however it is written', () => {
    for (const source of [
      '',
      ' ',
      '/etc/passwd',
      'etc/passwd',
      './model',
      '~/model',
      String.raw`C:\models\churn`,
      'c:/models/churn',
      'C:model',
      String.raw`\\server\share\model`,
      '//server/share/model',
      'file:/etc/passwd',
      'file:///etc/passwd',
      'file://localhost/etc/passwd',
      'file://host/etc/passwd',
      'FILE:///etc/passwd',
      ' file:///etc/passwd',
      '\tfile:///etc/passwd',
      '%66ile:///etc/passwd',
      'fi\nle:///etc/passwd',
      'local:etc/passwd',
      'unknown:///etc/passwd',
    ]) {
      for (const [of, parameter] of [
        ['run', 'run_id'],
        ['logged model', 'model_id'],
      ] as const) {
        assert.throws(
          () => requireSource(source, of),
          (error) =>
            error instanceof Error &&
            'code' in error &&
            error.code === 'INVALID_ARGUMENT' &&
            error.message.startsWith(`Invalid model version source: '${source}'. To use a local path`) &&
            error.message.includes(`the ${parameter} request parameter`),
          JSON.stringify(source),
        );
      }
    }
  });

  test('has no step up or aside in it, encoded once or many times', () => {
    const steps = ['..', '%2e%2e', '%2E.', '.%2e', '.', '%2e', String.raw`..\..`, '..%5c..', '%2e%2e%2f', 'a%2f..%2fb', 'a\0b', 'a%00b'];
    const roots = [
      's3://bucket/models',
      'https://host/models',
      'mlflow-artifacts:/0/run',
      'runs:/0123/model',
      'models:/churn',
      'dbfs:/models',
    ];
    for (const root of roots) {
      for (const step of steps) {
        for (const times of [0, 1, 2, 5]) {
          for (const source of [
            `${root}/${encoded(times, step)}/secret`,
            `${root}/${encoded(times, step)}`,
            `${root}?path=/${encoded(times, step)}/x`,
          ]) {
            assert.throws(
              () => requireSource(source, 'run'),
              { code: 'INVALID_ARGUMENT', message: /without relative path references/ },
              source,
            );
          }
        }
      }
    }
  });

  test('that is encoded deeper than anybody would is refused, not decoded for ever', () => {
    assert.throws(() => requireSource(`s3://bucket/${encoded(100, '%61')}`, 'run'), { code: 'INVALID_ARGUMENT' });
    assert.doesNotThrow(() => requireSource(`s3://bucket/${encoded(3, '%61')}`, 'run'));
  });

  test('of a prompt may be a mere word, but no local path and no address with steps', () => {
    for (const source of ['prompt-template', 'any words at all', 'https://host/prompt', '']) {
      assert.doesNotThrow(() => requireSource(source, 'prompt'), source);
    }
    for (const source of ['/etc/passwd', String.raw`\\server\share`, ' /etc/passwd', 'file:///etc/passwd', 'FILE:x']) {
      assert.throws(
        () => requireSource(source, 'prompt'),
        { code: 'INVALID_ARGUMENT', message: /Local source paths are not allowed/ },
        source,
      );
    }
    assert.throws(() => requireSource('https://host/%252e%252e/x', 'prompt'), {
      code: 'INVALID_ARGUMENT',
      message: /relative path references/,
    });
  });
});
