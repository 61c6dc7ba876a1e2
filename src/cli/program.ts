/** The command line: names, arguments and exit codes. What a command does is in the file of its name. */

import { Command, CommanderError, Option } from 'commander';
import { context, type Context, type GlobalOptions, type Host } from './context.ts';
import type { DhtPutOptions } from './dht.ts';
import { doctor } from './doctor.ts';
import { gossipWatch } from './gossip.ts';
import type { InitOptions } from './init.ts';
import { KithError } from '../safety/errors.ts';
import { EXIT, Output } from './output.ts';
import { peers, peersAdd } from './peers.ts';
import { addPeopleCommands } from './people-commands.ts';
import { say, type SayCommandOptions } from './say.ts';
import { status } from './status.ts';
import { READER_GONE } from './stop-signal.ts';
import { addStoreCommands } from './store-commands.ts';
import type { TestnetOptions } from './testnet.ts';
import type { UpOptions } from './up.ts';
import { VERSION } from './version.ts';

/**
 * Commands that need much of the code (the whole node, the DHT, the test network) are loaded when they run: all others
 * would take longer to load it than they do to run.
 *
 * `wrongUse` gets what commander says about arguments it cannot understand.
 */
function program(host: Host, signal: AbortSignal, wrongUse: (text: string) => void): Command {
  const kith = new Command('kith')
    .description('Talk without being watched: a node behind Tor, post-quantum links, no servers.')
    .version(VERSION)
    .option('--data <dir>', 'data directory (default: $KITH_DATA or ~/.local/share/kith)')
    .option('--json', 'print one JSON object a line')
    .addOption(new Option('--log <level>', 'log lines on stderr').choices(['debug', 'info', 'warn', 'error']))
    .showHelpAfterError('(kith --help shows every command)')
    .configureOutput({ writeOut: (text) => host.stdout.write(text), writeErr: wrongUse })
    .exitOverride();

  const run =
    <A extends unknown[]>(action: (context: Context, ...args: A) => Promise<void>) =>
    async (...args: unknown[]) => {
      const made = context(kith.opts<GlobalOptions>(), host, signal);
      try {
        await action(made, ...(args as A));
        if (signal.reason === READER_GONE) host.exitCode = EXIT.failed;
      } catch (error) {
        host.exitCode = signal.reason === READER_GONE ? EXIT.failed : made.output.error(error);
      }
    };

  kith.commandsGroup('This node:');
  kith
    .command('init')
    .description('create this node: a data directory and its onion address')
    .option('--passphrase', 'ask for a passphrase, which every start needs')
    .option('--passphrase-file <file>', 'holds that passphrase, instead of typing it')
    .action(run(async (made, options: InitOptions) => (await import('./init.ts')).init(made, options)));
  kith
    .command('up')
    .description('run the node in the foreground (creates it when needed)')
    .option('--public', 'be an entry point for others: one stable onion in the overlay, announced to all')
    .option(
      '--entry-point <onion...>',
      'enter the overlay through these public nodes (their overlay addresses)',
    )
    .addOption(new Option('--epoch <seconds>', 'shorter epochs, on a private network').hideHelp())
    .option('--testnet [dir]', 'join the private network of `kith testnet up`')
    .option('--bridge <line...>', 'connect through these Tor bridges')
    .option('--transport <line...>', 'ClientTransportPlugin lines for the bridges')
    .option('--tor <path>', 'use this tor binary')
    .option('--open', 'let anybody who knows your address connect, not friends alone')
    .option('--metrics <place>', 'serve numbers for Prometheus: unix, or a port of this machine')
    .option('--passphrase-file <file>', 'holds the passphrase of the store, instead of typing it')
    .action(run(async (made, options: UpOptions) => (await import('./up.ts')).up(made, options)));
  kith.command('status').description('what the running node is doing').action(run(status));
  kith
    .command('service')
    .description('print a systemd user unit that runs this node')
    .action(run(async (made) => (await import('./service.ts')).service(made)));
  addStoreCommands(kith, run);
  addPeopleCommands(kith, run);
  kith.commandsGroup('Network:');
  kith
    .command('say')
    .description("put a text or standard input on another node's disk")
    .argument('<onion>', 'the other node: 56 characters, .onion')
    .argument('[text]', 'what to say; - or a pipe reads standard input')
    .option('--anonymous', 'do not show who says it')
    .action(
      run((made, onion: string, text: string | undefined, options: SayCommandOptions) =>
        say(made, onion, text, options),
      ),
    );
  const overlayPeers = kith
    .command('peers')
    .description('who this node knows in the overlay')
    .action(run(peers));
  overlayPeers
    .command('add')
    .description('enter the overlay through this public node')
    .argument('<onion>', 'its overlay address: 56 characters, .onion')
    .action(run((made, onion: string) => peersAdd(made, onion)));
  const dht = kith.command('dht').description('sealed slots, kept by nodes of the overlay');
  dht
    .command('put')
    .description('leave a text or standard input for whoever has the reference it prints')
    .argument('[text]', 'what to leave, at most 4,078 bytes; - or a pipe reads standard input')
    .option('--hours <hours>', 'how long it lasts, 1 to 336 (default: 336)')
    .action(
      run(async (made, text: string | undefined, options: DhtPutOptions) =>
        (await import('./dht.ts')).dhtPut(made, text, options),
      ),
    );
  dht
    .command('get')
    .description('fetch and open what a reference names')
    .argument('<reference>', 'kith-slot:…')
    .action(run(async (made, reference: string) => (await import('./dht.ts')).dhtGet(made, reference)));
  kith
    .command('gossip')
    .description('what the overlay tells everybody')
    .command('watch')
    .description('show announcements as they come')
    .action(run(gossipWatch));
  kith.command('doctor').description('check everything a node needs').action(run(doctor));

  const testnet = kith.command('testnet').description('a private Tor network on this machine, for tests');
  const dir = () => new Option('--dir <dir>', 'where the network lives');
  testnet
    .command('up')
    .description('run it in the foreground')
    .addOption(dir())
    .action(
      run(async (made, options: TestnetOptions) => (await import('./testnet.ts')).testnetUp(made, options)),
    );
  testnet
    .command('down')
    .description('end the one that runs')
    .addOption(dir())
    .action(
      run(async (made, options: TestnetOptions) => (await import('./testnet.ts')).testnetDown(made, options)),
    );
  testnet
    .command('status')
    .description('whether one runs')
    .addOption(dir())
    .action(
      run(async (made, options: TestnetOptions) => (await import('./testnet.ts')).testnetShow(made, options)),
    );
  return kith;
}

/** Says what was wrong with the arguments; `text` is commander's own way of saying it. */
function reportUsage(
  { code, message }: CommanderError,
  { args, host, text }: { args: readonly string[]; host: Host; text: string },
): void {
  const end = args.indexOf('--');
  // Looked up here, because commander stops at what it cannot understand and may not have come to --json.
  if (!(end < 0 ? args : args.slice(0, end)).includes('--json')) {
    host.stderr.write(text);
    return;
  }
  const what = code === 'commander.help' ? 'no command is given' : message.replace(/^error: /, '');
  const hint = '`kith --help` shows every command.';
  new Output(true, host, host.env).error(new KithError('USAGE', what, { hint }));
}

/** Runs the command that `args` name, to its end; how it went is in the exit code of `host`. */
export async function runProgram(args: readonly string[], host: Host, signal: AbortSignal): Promise<void> {
  let text = '';
  const kith = program(host, signal, (wrong) => {
    text += wrong;
  });
  try {
    await kith.parseAsync(args, { from: 'user' });
  } catch (error) {
    if (!(error instanceof CommanderError)) throw error;
    host.exitCode = error.exitCode === 0 ? EXIT.done : EXIT.usage;
    if (error.exitCode !== 0) reportUsage(error, { args, host, text });
  }
}
