import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import type { Signable } from './signature.ts';
import { Signer, encodeKey, encodeQuery } from './signature.ts';

/** The worked examples of "Authorization Header: Transferring Payload in a Single Chunk", Amazon S3 API Reference. */
const signer = new Signer(
  { accessKeyId: 'AKIAIOSFODNN7EXAMPLE', secretAccessKey: 'wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY' },
  'us-east-1',
);
const instant = Date.UTC(2013, 4, 24);
const host = 'examplebucket.s3.amazonaws.com';
const nothing = 'e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855';

describe('signatures of version 4', () => {
  test('are those of the published examples', () => {
    const examples: readonly { readonly request: Signable; readonly signature: string }[] = [
      {
        request: { method: 'GET', path: '/test.txt', query: {}, headers: { host, range: 'bytes=0-9', 'x-amz-content-sha256': nothing } },
        signature: 'f0e8bdb87c964420e857bd35b5d6ed310bd44f0170aba48dd91039c6036bdb41',
      },
      {
        request: {
          method: 'PUT',
          path: encodeKey('/test$file.text'),
          query: {},
          headers: {
            date: 'Fri, 24 May 2013 00:00:00 GMT',
            host,
            'x-amz-content-sha256': '44ce7dd67c959e0d3524ffac1771dfbba87d2b6b4b4e99e42034a8b803f8b072',
            'x-amz-storage-class': 'REDUCED_REDUNDANCY',
          },
        },
        signature: '98ad721746da40c64f1a55b78f14c238d841ea1380cd77a1b5971af0ece108bd',
      },
      {
        request: { method: 'GET', path: '/', query: { lifecycle: '' }, headers: { host, 'x-amz-content-sha256': nothing } },
        signature: 'fea454ca298b7da1c68078a5d1bdbfbbe0d65c699e0f91ac7a200a0136783543',
      },
      {
        request: { method: 'GET', path: '/', query: { prefix: 'J', 'max-keys': '2' }, headers: { host, 'x-amz-content-sha256': nothing } },
        signature: '34b48302e7b5fa45bde8084f4b7868a86f0a534bc59db6670ed5711ef69dc6f7',
      },
    ];
    for (const { request, signature } of examples) {
      assert.ok(signer.sign(request, instant)['authorization'].endsWith(`Signature=${signature}`), request.path);
    }
  });

  test('cover a session’s token, and a new day has a new key', () => {
    const session = new Signer({ accessKeyId: 'a', secretAccessKey: 'b', sessionToken: 'the token' }, 'eu-west-1');
    const request = { method: 'GET', path: '/', query: {}, headers: { host, 'x-amz-content-sha256': nothing } };
    const today = session.sign(request, instant);
    assert.equal(today['x-amz-security-token'], 'the token');
    assert.match(
      today['authorization'],
      /Credential=a\/20130524\/eu-west-1\/s3\/aws4_request,SignedHeaders=[a-z0-9;-]*x-amz-security-token/,
    );
    const tomorrow = session.sign(request, instant + 86_400_000)['authorization'];
    assert.match(tomorrow, /\/20130525\//);
    assert.equal(session.sign(request, instant)['authorization'], today['authorization']);
  });

  test('encode what URLs leave alone', () => {
    assert.equal(encodeKey("it's/(odd)!*~ä+b c%20"), 'it%27s/%28odd%29%21%2A~%C3%A4%2Bb%20c%2520');
    assert.equal(encodeQuery({ prefix: 'a/b', 'list-type': '2', uploads: '' }), 'list-type=2&prefix=a%2Fb&uploads=');
  });
});
