/**
 * Writes tor's configuration. Every value is put into tor's quoted form, so that no path or bridge line can
 * start a comment, continue its line or begin another option (tor.1 "THE CONFIGURATION FILE FORMAT").
 */

import { TorError } from './errors.ts';
import { MAX_SOCKET_PATH_BYTES } from './limits.ts';

/** One configuration line. Throws TorError TOR_CONFIG on control characters or an odd name. */
export function option(name: string, value: string): string {
  if (!/^[A-Za-z_]\w*$/.test(name))
    throw unsafe('an option name has characters other than letters and digits');
  checkLine(value);
  return `${name} ${cQuoted(value)}`;
}

/** `text` as a C-style quoted string. */
function cQuoted(text: string): string {
  return `"${text.replace(/[\\"]/g, '\\$&')}"`;
}

/** Options that open a port; tor also takes their names shortened, in any case, and behind `+` or `/`. */
const PORT_NAME = /(?:port|(?:socks|control|or|dir|dns|trans|natd|httptunnel|metrics)p(?:or?)?)$/i;

/**
 * A line that somebody else wrote whole (`config` of TorInit): taken as it is, if it is one line that opens no
 * TCP port. Throws TorError TOR_CONFIG.
 */
export function verbatim(line: string): string {
  checkLine(line);
  if (line.endsWith('\\')) throw unsafe('a configuration line ends in a backslash');
  const [, name = '', value = ''] = /^ *([^ #]*) *(.*?) *$/.exec(line) ?? [];
  if (name.toLowerCase() === '%include' || (PORT_NAME.test(name) && !/^(?:0|"0"|"?unix:.*)$/.test(value))) {
    throw new TorError('TOR_CONFIG', 'an extra configuration line opens a port or includes a file', {
      hint: 'Leave that line out: an option that ends in Port may only be 0 or begin with unix:.',
    });
  }
  return line;
}

export interface ClientTorrc {
  readonly dataDir: string;
  readonly socksPath: string;
  readonly controlPath: string;
  readonly ownerPid: number;
  /** The file descriptor on which tor finds its owner; tor exits when the other end closes. */
  readonly ownerFd: number;
  /** `Bridge` lines, with or without the leading word. */
  readonly bridges?: readonly string[] | undefined;
  /** `ClientTransportPlugin` lines, with or without the leading word. */
  readonly transports?: readonly string[] | undefined;
  readonly config?: readonly string[] | undefined;
}

/**
 * Configuration of a client that opens no TCP port, talks to onions only, keeps nothing readable in its log and
 * ends with its owner. Throws TorError TOR_CONFIG or TOR_SOCKET_PATH.
 */
export function clientTorrc(init: ClientTorrc): string {
  for (const path of [init.socksPath, init.controlPath]) checkSocketPath(path);
  const bridges = (init.bridges ?? []).map((line) => option('Bridge', without('Bridge', line)));
  const plugins = (init.transports ?? []).map((line) =>
    option('ClientTransportPlugin', without('ClientTransportPlugin', line)),
  );
  return [
    '# Written by kith at every start; changes are lost.',
    option('DataDirectory', init.dataDir),
    option('ClientOnly', '1'),
    option('SocksPort', `unix:${cQuoted(init.socksPath)} OnionTrafficOnly ExtendedErrors IsolateSOCKSAuth`),
    option('ControlPort', `unix:${cQuoted(init.controlPath)}`),
    option('CookieAuthentication', '1'),
    option('CookieAuthFile', `${init.dataDir}/control.cookie`),
    option('__OwningControllerProcess', String(init.ownerPid)),
    option('__OwningControllerFD', String(init.ownerFd)),
    option('SafeLogging', '1'),
    option('Log', 'notice stdout'),
    option('AvoidDiskWrites', '1'),
    ...(bridges.length > 0 ? [option('UseBridges', '1')] : []),
    ...plugins,
    ...bridges,
    ...(init.config ?? []).map(verbatim),
    '',
  ].join('\n');
}

/** Throws TorError TOR_SOCKET_PATH when the operating system could not take `path` as a unix socket. */
export function checkSocketPath(path: string): void {
  const size = Buffer.byteLength(path);
  if (size <= MAX_SOCKET_PATH_BYTES) return;
  throw new TorError('TOR_SOCKET_PATH', 'a path for a unix socket is too long for this system', {
    hint: 'Choose a shorter data directory, or a short directory for the sockets.',
    data: { size, limit: MAX_SOCKET_PATH_BYTES },
  });
}

function without(word: string, line: string): string {
  const text = line.trim();
  return text.toLowerCase().startsWith(`${word.toLowerCase()} `) ? text.slice(word.length + 1).trim() : text;
}

function checkLine(text: string): void {
  for (const char of text) {
    const code = char.codePointAt(0) as number;
    if (code < 0x20 || code === 0x7f) throw unsafe('a configuration value has a control character in it');
  }
}

function unsafe(what: string): TorError {
  return new TorError('TOR_CONFIG', what, {
    hint: 'Check the bridge, transport and extra configuration lines: each must be one line.',
  });
}
