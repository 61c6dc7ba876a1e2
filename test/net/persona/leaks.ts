/** Traps for what must not happen in this folder's tests: a lookup, or a socket that is no unix socket. */

import dns from 'node:dns';
import { Socket } from 'node:net';

const originals = {
  connect: Socket.prototype.connect,
  lookup: dns.lookup,
  resolveTxt: dns.promises.resolveTxt,
};

/** Sets the traps; what falls into them is in the list. */
export function watchLeaks(): { readonly leaks: string[]; readonly restore: () => void } {
  const leaks: string[] = [];
  Socket.prototype.connect = function (this: Socket, ...args: unknown[]): Socket {
    const first = (Array.isArray(args[0]) ? args[0][0] : args[0]) as { path?: string } | undefined;
    if (first?.path === undefined) leaks.push(`connect ${JSON.stringify(first)}`);
    return Reflect.apply(originals.connect, this, args) as Socket;
  };
  dns.lookup = ((name: string) => leaks.push(`lookup ${name}`)) as unknown as typeof dns.lookup;
  dns.promises.resolveTxt = async (name) => {
    leaks.push(`txt ${name}`);
    return [];
  };
  return {
    leaks,
    restore: () => {
      Socket.prototype.connect = originals.connect;
      dns.lookup = originals.lookup;
      dns.promises.resolveTxt = originals.resolveTxt;
    },
  };
}
