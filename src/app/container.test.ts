import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { containerOf } from './container.ts';

describe('what a platform says in the environment of its container', () => {
  test('is passed over until the platform is named', async () => {
    assert.equal(await containerOf({}, { AIP_HTTP_PORT: '9000', SAGEMAKER_BIND_TO_PORT: '9001' }), undefined);
    assert.equal(await containerOf({ container: 'off' }, { GYRE_CONTAINER: 'vertex' }), undefined);
    await assert.rejects(containerOf({ container: 'azure' }, {}), /"azure"; port, sagemaker, vertex and off are known/);
  });

  test('of SageMaker: its port, a second one only where it may lie, the model where it puts it', async () => {
    const model = ['model.onnx'];
    const plain = await containerOf({ model }, { GYRE_CONTAINER: 'sagemaker' });
    assert.deepEqual(plain, { container: 'sagemaker', flags: { model, host: '0.0.0.0', port: 8080, grpcPort: 'off', insecureHttp: true } });
    const told = await containerOf({ container: 'sagemaker', model }, { SAGEMAKER_BIND_TO_PORT: '8501' });
    assert.equal(told?.flags.port, 8501);
    const range = { SAGEMAKER_SAFE_PORT_RANGE: '21000-21999' };
    assert.equal((await containerOf({ container: 'sagemaker', model, grpcPort: 21_500 }, range))?.flags.grpcPort, 21_500);
    await assert.rejects(containerOf({ container: 'sagemaker', model, grpcPort: 8081 }, range), /8081 lies outside.*21000-21999/);
    await assert.rejects(
      containerOf({ container: 'sagemaker' }, { SAGEMAKER_BASE_DIR: '/nowhere' }),
      /no model: \/nowhere\/model is no folder/,
    );
    await assert.rejects(containerOf({ container: 'sagemaker', model }, { SAGEMAKER_BIND_TO_PORT: 'http' }), /"http"; a port/);
  });

  test('of one that says the port alone: PORT, on every address, and the model is the image’s own', async () => {
    const told = await containerOf({ model: ['churn=/app/model'] }, { GYRE_CONTAINER: 'port', PORT: '8099' });
    assert.deepEqual(told, {
      container: undefined,
      flags: { model: ['churn=/app/model'], host: '0.0.0.0', port: 8099, grpcPort: 'off', insecureHttp: true },
    });
    assert.equal((await containerOf({ manifest: 'm.json' }, { GYRE_CONTAINER: 'port' }))?.flags.port, 8080);
    assert.equal((await containerOf({ port: 7080 }, { GYRE_CONTAINER: 'port', PORT: '8099' }))?.flags.port, 7080);
    await assert.rejects(containerOf({}, { GYRE_CONTAINER: 'port', PORT: 'http' }), /PORT is "http"; a port/);
  });

  test('of Vertex AI: port, routes, and a model that can be read from here', async () => {
    const environment = {
      GYRE_CONTAINER: 'vertex',
      AIP_HTTP_PORT: '8123',
      AIP_HEALTH_ROUTE: '/v1/endpoints/7/deployedModels/9',
      AIP_PREDICT_ROUTE: '/v1/endpoints/7/deployedModels/9:predict',
    };
    const told = await containerOf({}, { ...environment, AIP_STORAGE_URI: '/models/churn' });
    assert.deepEqual(told?.container, { health: environment.AIP_HEALTH_ROUTE, predict: environment.AIP_PREDICT_ROUTE });
    assert.deepEqual([told?.flags.port, told?.flags.model], [8123, ['/models/churn']]);
    await assert.rejects(containerOf({}, environment), /AIP_STORAGE_URI is empty/);
    await assert.rejects(
      containerOf({}, { ...environment, AIP_STORAGE_URI: 'gs://bucket/model' }),
      /gs:\/\/bucket\/model, which is not read/,
    );
    await assert.rejects(containerOf({ model: ['m.onnx'] }, { ...environment, AIP_PREDICT_ROUTE: 'predict' }), /begins with \//);
  });
});
