import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { mkdtemp, readFile, rm, symlink, writeFile } from 'node:fs/promises';
import { createServer } from 'node:http';
import type { IncomingMessage, Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, describe, test } from 'node:test';
import { hasCode } from '#core';
import { FrameBuffer } from './frame-buffer.ts';
import { confinedVideo, listVideos, openVideoStream, videoSource } from './index.ts';
import type { SaidFrame, VideoStream } from './index.ts';
import { FilmCamera } from './testing-rtsp.ts';

describe('a buffer of frames', () => {
  test('keeps the newest and counts what it drops; what is left is still taken after the end', async () => {
    const buffer = new FrameBuffer<number>(2);
    for (const item of [1, 2, 3, 4]) buffer.put(item);
    assert.equal(buffer.dropped, 2);
    assert.equal(await buffer.take(), 3);
    buffer.end();
    assert.deepEqual([await buffer.take(), await buffer.take()], [4, undefined]);
  });

  test('hands the next one to whoever waits longest', async () => {
    const buffer = new FrameBuffer<number>(1);
    const waiting = [buffer.take(), buffer.take()];
    buffer.put(1);
    buffer.put(2);
    assert.deepEqual(await Promise.all(waiting), [1, 2]);
    assert.equal(buffer.dropped, 0);
  });
});

describe('the videos that may be named', () => {
  test('are files, cameras and RTSP addresses; nothing else is opened, and no name is an option', async () => {
    for (const input of [
      'http://camera/1',
      'https://camera/1',
      'concat:a|b',
      'file:///etc/passwd',
      'data:video/mp4;base64,AAAA',
      'tcp://x',
    ])
      await assert.rejects(videoSource(input, '/'), (error) => hasCode(error, 'INVALID_ARGUMENT'));
    await assert.rejects(videoSource('none.mp4', tmpdir()), (error) => hasCode(error, 'NOT_FOUND'));
    await assert.rejects(videoSource(tmpdir(), '/'), (error) => hasCode(error, 'INVALID_ARGUMENT'));
    await assert.rejects(
      videoSource('/dev/video999', '/'),
      (error) =>
        hasCode(error, 'NOT_FOUND') && /no camera \/dev\/video999; (this machine has none|there are \/dev\/video)/.test(error.message),
    );
    const camera = await videoSource('rtsp://user:secret@camera/1', '/');
    assert.equal(camera.name, 'rtsp://…@camera/1');
    const folder = await mkdtemp(join(tmpdir(), 'gyre-video-'));
    await writeFile(join(folder, '-i.mp4'), 'x');
    const file = await videoSource('-i.mp4', folder);
    assert.equal(file.args.at(-1), `file:${join(folder, '-i.mp4')}`);
    await rm(folder, { recursive: true });
  });

  test('lie below the folders that are allowed, also behind links', async () => {
    const folder = await mkdtemp(join(tmpdir(), 'gyre-video-'));
    await writeFile(join(folder, 'a.mp4'), 'x');
    await writeFile(join(folder, 'a.txt'), 'x');
    await symlink('/etc/hostname', join(folder, 'out.mp4'));
    assert.deepEqual(await listVideos([folder, join(folder, 'none')]), [{ path: 'a.mp4', bytes: 1 }]);
    assert.ok((await confinedVideo('a.mp4', [folder])).endsWith('a.mp4'));
    for (const path of ['out.mp4', '../..', '/etc/hostname'])
      await assert.rejects(confinedVideo(path, [folder]), (error) => hasCode(error, 'PERMISSION_DENIED'), path);
    await assert.rejects(confinedVideo('none.mp4', [folder]), (error) => hasCode(error, 'NOT_FOUND'));
    await rm(folder, { recursive: true });
  });
});

const missing = spawnSync('ffmpeg', ['-version']).status === 0 ? false : 'ffmpeg is not installed';
if (missing !== false && process.env['GYRE_REQUIRE_ALL'] === '1') throw new Error(missing);

/** Asks as a data plane is asked; answers "light" or "dark" by the first pixel. */
class PlayedModel {
  readonly server: Server;
  /** How each question is met; by its number. */
  answers: (question: number) => number | 'slow' = () => 200;
  questions = 0;

  constructor() {
    this.server = createServer(
      (request, response) =>
        void this.#answer(request, (status, body) => {
          response.writeHead(status, { 'content-type': 'application/json' });
          response.end(JSON.stringify(body));
        }),
    );
  }

  async #answer(request: IncomingMessage, say: (status: number, body: object) => void): Promise<void> {
    const chunks: Buffer[] = [];
    for await (const chunk of request) chunks.push(chunk as Buffer);
    if (request.method === 'GET') {
      const image = {
        function: 'image/1',
        width: 8,
        height: 6,
        fit: 'stretch',
        kernel: 'bilinear',
        layout: 'NHWC',
        channels: 'RGB',
        datatype: 'UINT8',
      };
      const outputs = [{ name: 'label' }, { name: 'probabilities', parameters: { classes: ['dark', 'light'] } }];
      return say(200, { name: 'm', inputs: [{ name: 'image', datatype: 'BYTES', shape: [-1], parameters: { image } }], outputs });
    }
    const how = this.answers(this.questions++);
    if (how === 'slow') await new Promise((resolve) => setTimeout(resolve, 300));
    if (typeof how === 'number' && how !== 200) return say(how, { error: `status ${how}` });
    const body = Buffer.concat(chunks).subarray(Number(request.headers['inference-header-content-length']));
    assert.equal(body.length, 8 * 6 * 3);
    const share = body[0] / 255;
    say(200, {
      parameters: { prediction_ids: 'p' },
      outputs: [
        { name: 'label', data: [share > 0.5 ? 'light' : 'dark'] },
        { name: 'probabilities', data: [1 - share, share] },
      ],
    });
  }
}

describe('a video that is played to a model', { skip: missing }, () => {
  let folder = '';
  let model: PlayedModel;
  let address = '';
  const made = (name: string, args: readonly string[]): string => {
    const path = join(folder, name);
    const { status, stderr } = spawnSync('ffmpeg', ['-hide_banner', '-loglevel', 'error', '-y', ...args, path]);
    assert.equal(status, 0, String(stderr));
    return path;
  };
  before(async () => {
    folder = await mkdtemp(join(tmpdir(), 'gyre-video-'));
    model = new PlayedModel();
    await new Promise<void>((resolve) => model.server.listen(0, '127.0.0.1', resolve));
    address = `http://127.0.0.1:${(model.server.address() as AddressInfo).port}`;
    // A second of white and a second of black, 25 frames each.
    const white = 'color=white:s=64x48:r=25:d=1';
    made('film.mp4', ['-f', 'lavfi', '-i', white, '-f', 'lavfi', '-i', white.replace('white', 'black'), '-filter_complex', 'concat=n=2']);
  });
  after(async () => {
    model.server.closeAllConnections();
    await new Promise((resolve) => model.server.close(resolve));
    await rm(folder, { recursive: true, force: true });
  });
  const play = async (input: string, more: Partial<Parameters<typeof openVideoStream>[0]> = {}): Promise<VideoStream> => {
    model.questions = 0;
    const source = await videoSource(input, folder);
    const signal = new AbortController().signal;
    return openVideoStream({ address, model: 'm', source, elapsed: () => performance.now(), signal, ...more });
  };
  const all = async (stream: VideoStream): Promise<SaidFrame[]> => {
    const said: SaidFrame[] = [];
    for await (const one of stream.frames()) said.push(one);
    return said;
  };

  test('is answered frame by frame, at the model’s size; every frame is counted once', async () => {
    model.answers = () => 200;
    await using stream = await play('film.mp4', { waiting: 1000 });
    const said = await all(stream);
    const { frames, answered, dropped, failed, labels } = stream.counts();
    assert.deepEqual([frames, answered, dropped, failed], [50, 50, 0, 0]);
    assert.deepEqual(labels, { light: 25, dark: 25 });
    const first = said.find((one) => one.said.frame === 0);
    assert.equal(first?.said.label, 'light');
    assert.ok((first?.said.confidence ?? 0) > 0.9);
    assert.equal(first?.pixels.length, 8 * 6 * 3);
  });

  test('drops the oldest frames when the model is slower than the video, and says how many', async () => {
    model.answers = () => 'slow';
    await using stream = await play('film.mp4', { waiting: 2, inFlight: 1 });
    const said = await all(stream);
    const { frames, answered, dropped, failed } = stream.counts();
    assert.equal(answered + dropped + failed, frames);
    assert.ok(dropped > 0 && answered > 0 && answered < frames, `${answered} answered, ${dropped} dropped`);
    assert.ok((said.at(-1)?.said.frame ?? 0) >= frames - 3, 'the newest frames were asked about');
  });

  test('takes as many frames a second as it is told', async () => {
    model.answers = () => 200;
    await using stream = await play('film.mp4', { fps: 5, waiting: 1000 });
    await all(stream);
    const { frames } = stream.counts();
    assert.ok(frames >= 9 && frames <= 11, `${frames} frames of 2 s`);
  });

  test('goes on when the server was away and comes back', async () => {
    model.answers = (question) => (question < 5 ? 503 : 200);
    await using stream = await play('film.mp4', { waiting: 1000 });
    const said = await all(stream);
    const { frames, answered, failed } = stream.counts();
    assert.equal(failed, 5);
    assert.equal(answered, frames - 5);
    assert.match(said.find((one) => one.said.error !== undefined)?.said.error ?? '', /503: status 503/);
  });

  test('ends at once, with the reason, when the model refuses frames', async () => {
    model.answers = () => 400;
    await using stream = await play('film.mp4');
    await assert.rejects(all(stream), (error) => hasCode(error, 'INVALID_ARGUMENT') && /answered 400: status 400/.test(error.message));
    const { frames, answered, failed, dropped } = stream.counts();
    assert.equal(answered, 0);
    assert.equal(failed + dropped, frames);
  });

  test('that is broken is told, before its first frame or after its last whole one', async () => {
    model.answers = () => 200;
    await writeFile(join(folder, 'none.mp4'), 'this is no video');
    await using none = await play('none.mp4');
    await assert.rejects(
      all(none),
      (error) => hasCode(error, 'INVALID_ARGUMENT') && /none\.mp4 cannot be played: .*Invalid data/.test(error.message),
    );
    await writeFile(join(folder, 'list.m3u8'), '#EXTM3U\n#EXTINF:1,\nfile:///etc/passwd\n');
    await using list = await play('list.m3u8');
    await assert.rejects(all(list), (error) => hasCode(error, 'INVALID_ARGUMENT'));
    const whole = await readFile(join(folder, 'film.mp4'));
    await writeFile(join(folder, 'cut.mp4'), whole.subarray(0, 200));
    await using cut = await play('cut.mp4');
    await assert.rejects(all(cut), (error) => hasCode(error, 'INVALID_ARGUMENT'));
  });

  test('from a camera that drops is opened again, until it stays away for too long', async () => {
    model.answers = () => 200;
    const film = await readFile(made('film.ts', ['-i', join(folder, 'film.mp4'), '-c:v', 'mpeg2video', '-f', 'mpegts']));
    await using camera = new FilmCamera(film);
    const address = await camera.listen();
    const stopping = new AbortController();
    const dropped: string[] = [];
    await using again = await play(address, {
      waiting: 1000,
      signal: stopping.signal,
      onReconnect: (why) => {
        dropped.push(why);
        if (dropped.length === 2) stopping.abort();
      },
    });
    const said = await all(again);
    assert.equal(camera.played, 2);
    assert.match(dropped[0], /^rtsp:\/\/127\.0\.0\.1:\d+\/film ended$/);
    const { frames, answered, failed, reconnects, labels } = again.counts();
    assert.equal(reconnects, 2);
    assert.ok(frames > 50 && answered + failed === frames && said.length > 50, JSON.stringify(again.counts()));
    assert.ok(labels.light > 0 && labels.dark > 0);
    await using once = await play(address, { waiting: 1000, reconnectForMs: 0 });
    await assert.rejects(
      all(once),
      (error) => hasCode(error, 'UNAVAILABLE') && /gave no frame for \d+ s and is given up: /.test(error.message),
    );
    assert.ok(once.counts().answered > 0);
  });

  test('from a camera that never answers is not waited for', async () => {
    const stream = await play('rtsp://127.0.0.1:1/none');
    await assert.rejects(
      all(stream),
      (error) => hasCode(error, 'INVALID_ARGUMENT') && /cannot be played: .*Connection refused/.test(error.message),
    );
    await stream[Symbol.asyncDispose]();
  });

  test('ends with a reason when ffmpeg is killed, and is stopped by whoever plays it', async () => {
    model.answers = () => 200;
    // A program that gives one frame and is killed, as by a system that runs out of memory.
    const killed = join(folder, 'killed.sh');
    await writeFile(killed, '#!/bin/sh\nhead -c 144 /dev/zero\nkill -9 $$\n', { mode: 0o755 });
    await using dying = await play('film.mp4', { command: killed });
    await assert.rejects(all(dying), (error) => hasCode(error, 'UNAVAILABLE') && /SIGKILL after 1 frames/.test(error.message));
    await using none = await play('film.mp4', { command: join(folder, 'no-such-program') });
    await assert.rejects(all(none), (error) => hasCode(error, 'FAILED_PRECONDITION') && /apt install ffmpeg/.test(error.message));
    const stopping = new AbortController();
    await using stopped = await play('film.mp4', { signal: stopping.signal });
    for await (const _ of stopped.frames()) stopping.abort();
    assert.ok(stopped.counts().frames < 50);
  });
});
