/** `kith up`: runs a node in the foreground until it is told to stop, showing what happens. */

import { open } from 'node:fs/promises';
import { join } from 'node:path';
import { LOCAL_SOCKET } from '../local/json-rpc.ts';
import { nodeMethods } from '../local/methods.ts';
import { RpcServer } from '../local/server.ts';
import { type EpochSchedule, HANDLE_EPOCHS } from '../node/epochs.ts';
import type { KithEvent, OverlayStatus } from '../node/face.ts';
import { createKith } from '../node.ts';
import { toHex } from '../safety/bytes.ts';
import { KithError } from '../safety/errors.ts';
import type { Received } from '../say/receive.ts';
import { joinTestnet } from '../testnet/index.ts';
import type { TorStatus } from '../transport-tor/tor/status.ts';
import { onionOf } from '../wire/onion.ts';
import { aborted, type Context, defaultTestnetDir } from './context.ts';
import { onionArgument } from './onion-argument.ts';
import { duration, harmless, type Output, size } from './output.ts';

/** What a person is told about the overlay; the other states pass. */
const SENTENCES: { readonly [K in OverlayStatus['state']]?: string } = {
  alone:
    'This node knows nobody to enter the overlay through: kith peers add <onion of a public node>. Talking directly works.',
  joined: 'In the overlay.',
  failed: 'The overlay does not run',
};

/** Messages up to this size (bytes) are shown; larger ones are only named. */
const SHOW_MAX_BYTES = 2000;

/** Shortest epoch, seconds: below it a handle would go before its descriptor is published and others have found it. */
const MIN_EPOCH_SECONDS = 10;

export interface UpOptions {
  /** Join the private network in this directory (true: the default one). */
  readonly testnet?: string | true;
  readonly bridge?: readonly string[];
  readonly transport?: readonly string[];
  readonly tor?: string;
  readonly public?: boolean;
  readonly entryPoint?: readonly string[];
  /** Length of a handle epoch, seconds; only with `testnet`, whose nodes all agree on it. */
  readonly epoch?: string;
}

export async function up(context: Context, options: UpOptions): Promise<void> {
  const { output, dataDir, log, signal } = context;
  const entryPoints = (options.entryPoint ?? []).map((onion) => onionArgument(onion, 'entry')); // mistyped ones end it here
  const printing = new Printing(output);
  const node = await createKith({
    dataDir,
    log,
    role: options.public === true ? 'public' : 'ordinary',
    entryPoints,
    ...(options.epoch === undefined
      ? {}
      : { epochs: shortEpochs(options.epoch, options.testnet !== undefined) }),
    tor: await torOptions(context, options),
    onEvent: (event) => printing.event(event),
  });
  const server = new RpcServer({ path: join(node.socketDir, LOCAL_SOCKET), methods: nodeMethods(node), log });
  const onion = `${node.onion.host}.onion`;
  output.event('starting', { data: dataDir, onion, pid: process.pid }, `Starting ${output.bold(onion)}`);
  try {
    await server.start();
    await node.start(signal);
    await aborted(signal);
  } catch (error) {
    if (!signal.aborted) throw error;
  } finally {
    output.event('stopping', {}, 'Stopping.');
    await server.stop();
    await node.stop();
    await printing.finished;
  }
  output.result('stopped', {}, 'Stopped.');
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

/** Turns node events into lines, each once and in the order they came. */
class Printing {
  readonly #output: Output;
  #last = '';
  #overlayState: OverlayStatus['state'] = 'stopped';
  #overlayOnion: string | null = null;
  /** Resolves when everything that happened has been printed. */
  finished: Promise<void> = Promise.resolve();

  constructor(output: Output) {
    this.#output = output;
  }

  event(event: KithEvent): void {
    if (event.kind === 'tor') this.#tor(event.status);
    else if (event.kind === 'overlay') this.#overlay(event.status);
    else if (event.kind === 'reachable') this.#reachable(event.tookMs);
    else if (event.kind === 'refused') {
      this.#output.event(
        'refused',
        { status: event.status },
        `A message could not be kept: ${event.status}.`,
      );
    } else {
      const { received } = event;
      this.finished = this.finished.then(() => this.#received(received));
    }
  }

  #tor(status: TorStatus): void {
    const { state, progress, summary, cause } = status;
    const line = `tor ${state} ${progress} % ${summary}${cause === undefined ? '' : ` (${cause})`}`;
    if (line === this.#last) return;
    this.#last = line;
    this.#output.progress('tor', { state, progress, summary, cause }, line);
  }

  #overlay({ state, role, onion, epoch, peers, cause }: OverlayStatus): void {
    const sentence = state === 'alone' && role === 'public' ? null : SENTENCES[state];
    if (state !== this.#overlayState && sentence !== undefined) {
      const why = cause === null ? '' : `: ${cause}`;
      this.#output.event('overlay', { state, role, onion, epoch, peers, cause }, sentence && sentence + why);
    }
    if (onion !== null && onion !== this.#overlayOnion) {
      const entry = `Overlay address of this public node; others enter with: kith peers add ${onion}`;
      if (role === 'public') this.#output.event('public', { onion }, entry);
      else this.#output.event('handle', { onion, epoch }, null);
    }
    this.#overlayState = state;
    this.#overlayOnion = onion;
  }

  #reachable(tookMs: number): void {
    this.#output.event(
      'reachable',
      { tookMs },
      `Reachable after ${duration(tookMs)}. Say something from another node: kith say <that address> "hello"`,
    );
  }

  async #received({ from, path, sizeBytes, digest }: Received): Promise<void> {
    const sender = `${onionOf(from).host}.onion`;
    const text = sizeBytes <= SHOW_MAX_BYTES ? await shownText(path) : null;
    this.#output.event(
      'received',
      { from: sender, path, sizeBytes, sha256: toHex(digest) },
      `${sender} sent ${size(sizeBytes)}: ${text ?? path}`,
    );
  }
}

/** The file as text that is safe on a terminal, or null when it is not text. */
async function shownText(path: string): Promise<string | null> {
  try {
    const file = await open(path);
    try {
      return harmless(new TextDecoder('utf-8', { fatal: true }).decode(await file.readFile())).trimEnd();
    } finally {
      await file.close();
    }
  } catch {
    return null; // not text, or already taken out of the inbox
  }
}
