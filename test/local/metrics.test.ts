/** Metrics: the page follows the format that Prometheus reads, and only this machine's own readers get it. */

import assert from 'node:assert/strict';
import { mkdtemp, rm, stat } from 'node:fs/promises';
import { request } from 'node:http';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test, type TestContext } from 'node:test';
import { Metrics, METRICS_TYPE } from '../../src/local/metrics.ts';
import { MetricsServer } from '../../src/local/metrics-server.ts';

const NOW = { links: 3, waiting: 7, bytes: { sent: 1000, received: 2000 } };

function counted(): Metrics {
  const metrics = new Metrics();
  metrics.event({ kind: 'dialed', result: 'reached', tookMs: 5000 });
  metrics.event({ kind: 'dialed', result: 'reached', tookMs: 5001 });
  metrics.event({ kind: 'dialed', result: 'failed', tookMs: 500_000 });
  metrics.event({ kind: 'delivered', tookMs: 100 });
  metrics.event({ kind: 'delivered', tookMs: -100 });
  metrics.event({ kind: 'refused', status: 'disk-full' });
  return metrics;
}

/** Samples by name with labels; each family is declared once, before its samples (exposition format 0.0.4). */
function parse(page: string): Map<string, number> {
  assert.ok(page.endsWith('\n'));
  const samples = new Map<string, number>();
  const types = new Map<string, string>();
  for (const line of page.trimEnd().split('\n')) {
    const [, type, kind] = /^# TYPE (kith_[a-z_]+) (counter|gauge|histogram)$/.exec(line) ?? [];
    if (type !== undefined) {
      assert.ok(!types.has(type), `${type} is declared twice`);
      types.set(type, kind ?? '');
    } else if (!/^# HELP kith_[a-z_]+ [^\n]+$/.test(line)) {
      const [, name = '', labels = '', value] =
        /^(kith_[a-z_]+)(\{[a-z]+="[^"\\]+"\})? (\S+)$/.exec(line) ?? [];
      const family = types.has(name) ? name : name.replace(/_(bucket|sum|count)$/, '');
      assert.ok(types.has(family), line);
      assert.ok(Number.isFinite(Number(value)), line);
      samples.set(name + labels, Number(value));
    }
  }
  return samples;
}

test('what was counted stands on the page', () => {
  const samples = parse(counted().text(NOW));
  assert.deepEqual(
    [
      'kith_dials_total{result="reached"}',
      'kith_dials_total{result="failed"}',
      'kith_dial_seconds_bucket{le="2"}',
      'kith_dial_seconds_bucket{le="5"}',
      'kith_dial_seconds_bucket{le="10"}',
      'kith_dial_seconds_bucket{le="120"}',
      'kith_dial_seconds_bucket{le="+Inf"}',
      'kith_dial_seconds_count',
      'kith_time_to_delivered_seconds_count',
      'kith_time_to_delivered_seconds_sum',
      'kith_delivered_total',
      'kith_outbox_items',
      'kith_links',
      'kith_bytes_total{direction="in"}',
      'kith_bytes_total{direction="out"}',
    ].map((name) => samples.get(name)),
    [2, 1, 0, 1, 2, 2, 3, 3, 2, 0.1, 2, 7, 3, 2000, 1000],
  );
});

test('the start is there once the node was reachable', () => {
  const metrics = counted();
  assert.equal(parse(metrics.text(NOW)).has('kith_bootstrap_seconds'), false);
  metrics.event({ kind: 'reachable', onion: { host: '', port: 1 } as never, tookMs: 12_500 });
  assert.equal(parse(metrics.text(NOW)).get('kith_bootstrap_seconds'), 12.5);
});

async function served(t: TestContext) {
  const dir = await mkdtemp(join(tmpdir(), 'kith-metrics-'));
  const path = join(dir, 'm');
  const server = new MetricsServer({ at: { path }, text: () => 'page\n' });
  await server.start();
  t.after(async () => {
    await server.stop();
    await rm(dir, { recursive: true, force: true });
  });
  const get = (headers: Record<string, string> = {}, url = '/metrics', method = 'GET') =>
    new Promise<{ status: number | undefined; type: string | undefined; body: string }>((resolve, reject) => {
      const asked = request({ socketPath: path, path: url, method, headers, agent: false }, (answer) => {
        let body = '';
        answer.on('data', (text) => {
          body += String(text);
        });
        answer.on('end', () =>
          resolve({ status: answer.statusCode, type: answer.headers['content-type'], body }),
        );
      });
      asked.once('error', reject);
      asked.end();
    });
  return { path, server, get };
}

test('only the user may open the socket, and gets the page', async (t) => {
  const { path, get } = await served(t);
  assert.equal((await stat(path)).mode & 0o777, 0o600);
  assert.deepEqual(await get(), { status: 200, type: METRICS_TYPE, body: 'page\n' });
});

for (const [what, headers, url, method, status] of [
  ['another host (DNS rebinding)', { host: 'evil.example' }, '/metrics', 'GET', 403],
  ['a host that begins right', { host: 'localhost.evil.example' }, '/metrics', 'GET', 403],
  ['a web page', { origin: 'http://localhost' }, '/metrics', 'GET', 403],
  ['a web page that hides', { 'sec-fetch-site': 'cross-site' }, '/metrics', 'GET', 403],
  ['another path', {}, '/', 'GET', 404],
  ['a path with more behind it', {}, '/metrics?x', 'GET', 404],
  ['another method', {}, '/metrics', 'POST', 405],
] as const) {
  test(`${what} gets ${status} and nothing of the page`, async (t) => {
    const { get } = await served(t);
    const answer = await get(headers, url, method);
    assert.equal(answer.status, status);
    assert.doesNotMatch(answer.body, /page/);
  });
}

test('a place that is taken is a typed error; a stopped server can start again', async (t) => {
  const { path, server } = await served(t);
  const below = new MetricsServer({ at: { path: join(path, '..', 'nowhere', 'm') }, text: () => '' });
  await assert.rejects(below.start(), { code: 'PORT_TAKEN', hint: /--metrics unix/ });
  await server.stop();
  await server.start();
});
