/** `kith testnet up|down|status`: the private Tor network on loopback. */

import { startTestnet, stopTestnet, testnetStatus } from '../testnet/index.ts';
import { aborted, type Context, defaultTestnetDir } from './context.ts';
import { duration } from './output.ts';

export interface TestnetOptions {
  readonly dir?: string;
}

/** How often to look whether whoever started us is still there, ms. */
const PARENT_CHECK_MS = 500;

/** Runs the network in the foreground; it ends with this process, however this process ends. */
export async function testnetUp({ output, env, signal }: Context, options: TestnetOptions): Promise<void> {
  const dir = options.dir ?? defaultTestnetDir(env);
  const stop = AbortSignal.any([signal, orphaned()]);
  const testnet = await startTestnet({
    dir,
    signal: stop,
    onProgress: ({ phase, ready, total, elapsedMs }) =>
      output.progress(
        'progress',
        { phase, ready, total, elapsedMs },
        `${phase}: ${ready} of ${total}, ${duration(elapsedMs)}`,
      ),
  });
  try {
    output.event(
      'ready',
      { dir: testnet.dir, pid: process.pid, relays: testnet.processes.length, tookMs: testnet.tookMs },
      `Ready after ${duration(testnet.tookMs)}: ${testnet.processes.length} tors in ${testnet.dir}\n` +
        'Start nodes in it with `kith up --testnet`; end it with Ctrl-C or `kith testnet down`.',
    );
    await Promise.race([aborted(stop), testnet.closed]); // `kith testnet down` in another terminal closes it
  } finally {
    await testnet.stop();
  }
  output.result('stopped', {}, 'The test network is gone.');
}

/** Aborted when the process that started this one is gone: a forgotten network should not stay. */
function orphaned(): AbortSignal {
  const gone = new AbortController();
  const parent = process.ppid;
  const timer = setInterval(() => {
    if (process.ppid === parent) return;
    clearInterval(timer);
    gone.abort(new Error('the starting process is gone'));
  }, PARENT_CHECK_MS);
  timer.unref();
  return gone.signal;
}

export async function testnetDown({ output, env }: Context, options: TestnetOptions): Promise<void> {
  const stopped = await stopTestnet(options.dir ?? defaultTestnetDir(env));
  output.result(
    'down',
    { stopped },
    stopped ? 'The test network is gone.' : 'No test network is running there.',
  );
}

export async function testnetShow({ output, env }: Context, options: TestnetOptions): Promise<void> {
  const dir = options.dir ?? defaultTestnetDir(env);
  const found = await testnetStatus(dir);
  output.result(
    'testnet',
    {
      dir,
      running: found !== null,
      ...(found === null ? {} : { pid: found.pid, relays: found.processes.length }),
    },
    found === null
      ? `No test network is running in ${dir}.`
      : `Running in ${dir}: ${found.processes.length} tors, process ${found.pid}.`,
  );
}
