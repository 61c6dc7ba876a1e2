/** `kith up`: runs a node in the foreground until it is told to stop, showing what happens. */

import { join } from 'node:path';
import { LOCAL_SOCKET } from '../local/json-rpc.ts';
import { nodeMethods } from '../local/methods.ts';
import { Metrics } from '../local/metrics.ts';
import { METRICS_SOCKET, MetricsServer } from '../local/metrics-server.ts';
import { RpcServer } from '../local/server.ts';
import { type EpochSchedule, HANDLE_EPOCHS } from '../node/epochs.ts';
import { createKith } from '../node.ts';
import { KithError } from '../safety/errors.ts';
import { joinTestnet } from '../testnet/index.ts';
import { aborted, type Context, defaultTestnetDir } from './context.ts';
import { onionArgument } from './onion-argument.ts';
import { askPassphrase, type PassphraseOptions } from './passphrase-prompt.ts';
import { UpLines } from './up-lines.ts';

/** Shortest epoch, seconds: below it a handle would go before its descriptor is published and others have found it. */
const MIN_EPOCH_SECONDS = 10;

export interface UpOptions extends PassphraseOptions {
  /** Join the private network in this directory (true: the default one). */
  readonly testnet?: string | true;
  readonly bridge?: readonly string[];
  readonly transport?: readonly string[];
  readonly tor?: string;
  readonly public?: boolean;
  /** Anybody who knows the home onion may connect. */
  readonly open?: boolean;
  /** `unix` or a port of loopback. */
  readonly metrics?: string;
  readonly entryPoint?: readonly string[];
  /** Length of a handle epoch, seconds; only with `testnet`, whose nodes all agree on it. */
  readonly epoch?: string;
}

export async function up(context: Context, options: UpOptions): Promise<void> {
  const { output, dataDir, log, signal } = context;
  const entryPoints = (options.entryPoint ?? []).map((onion) => onionArgument(onion, 'entry')); // mistyped ones end it here
  const metricsAt = metricsPlace(options.metrics);
  const lines = new UpLines(output);
  const metrics = new Metrics();
  const node = await createKith({
    dataDir,
    log,
    role: options.public === true ? 'public' : 'ordinary',
    home: options.open === true ? 'open' : 'friends',
    passphrase: () => askPassphrase(context, options),
    entryPoints,
    ...(options.epoch === undefined
      ? {}
      : { epochs: shortEpochs(options.epoch, options.testnet !== undefined) }),
    tor: await torOptions(context, options),
    onEvent: (event) => {
      lines.event(event);
      metrics.event(event);
    },
  });
  lines.known(node.people.friends());
  node.people.onEvent((event) => lines.people(event));
  const servers: { start(): Promise<void>; stop(): Promise<void> }[] = [
    new RpcServer({ path: join(node.socketDir, LOCAL_SOCKET), methods: nodeMethods(node, node.people), log }),
  ];
  if (metricsAt !== null) {
    const at = metricsAt === 'unix' ? { path: join(node.socketDir, METRICS_SOCKET) } : { port: metricsAt };
    servers.push(new MetricsServer({ at, text: () => metrics.text(node.status().people) }));
  }
  const onion = `${node.onion.host}.onion`;
  const shown = options.open === true ? ` ${output.bold(onion)}` : ''; // without a key nobody else gets in there
  output.event('starting', { data: dataDir, onion, pid: process.pid }, `Starting${shown}…`);
  try {
    for (const server of servers) await server.start();
    await node.start(signal);
    await aborted(signal);
  } catch (error) {
    if (!signal.aborted) throw error;
  } finally {
    output.event('stopping', {}, 'Stopping.');
    for (const server of servers) await server.stop();
    await node.stop();
    await lines.finished;
  }
  output.result('stopped', {}, 'Stopped.');
}

/** Where metrics are served: nowhere unless asked. Throws USAGE. */
function metricsPlace(place: string | undefined): 'unix' | number | null {
  if (place === undefined) return null;
  if (place === 'unix') return place;
  const port = /^[0-9]{1,5}$/.test(place) ? Number(place) : Number.NaN;
  if (port >= 1 && port <= 65_535) return port;
  throw new KithError('USAGE', 'metrics go to a unix socket or a port of this machine', {
    hint: 'Say --metrics unix, or --metrics and a number from 1 to 65535.',
  });
}

async function torOptions({ env }: Context, { testnet, bridge, transport, tor }: UpOptions) {
  const config =
    testnet === undefined
      ? []
      : (await joinTestnet(testnet === true ? defaultTestnetDir(env) : testnet)).clientConfig;
  return {
    config,
    ...(bridge === undefined ? {} : { bridges: bridge }),
    ...(transport === undefined ? {} : { transports: transport }),
    ...(tor === undefined ? {} : { binary: tor }),
  };
}

/** Epochs of that many seconds, with the same share of each for the change as the real ones. Throws BAD_EPOCH. */
function shortEpochs(seconds: string, onTestnet: boolean): EpochSchedule {
  if (!onTestnet) {
    throw new KithError('BAD_EPOCH', 'epochs can only be shortened on a private network', {
      hint: 'Add --testnet; elsewhere all nodes change handles in the same two hours, and one that differs stands out.',
    });
  }
  if (!/^[0-9]{1,6}$/.test(seconds) || Number(seconds) < MIN_EPOCH_SECONDS) {
    throw new KithError('BAD_EPOCH', 'that is no length of an epoch', {
      hint: `Give whole seconds, at least ${MIN_EPOCH_SECONDS}: a new handle takes that long to be found through Tor.`,
    });
  }
  const lengthMs = Number(seconds) * 1000;
  return { lengthMs, windowMs: (lengthMs * HANDLE_EPOCHS.windowMs) / HANDLE_EPOCHS.lengthMs };
}
