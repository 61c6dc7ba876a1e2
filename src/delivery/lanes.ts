/** The lanes of all contacts, each made when it is first needed, and who is told when something waits and there is no way. */

import { copyOf, toHex } from '../safety/bytes.ts';
import type { ContactId, Route } from './face.ts';
import { Lane, type LaneParts } from './lane.ts';

export class Lanes {
  readonly #parts: LaneParts;
  readonly #lanes = new Map<string, Lane>();
  readonly #waiting: ((contact: ContactId) => void)[] = [];

  constructor(parts: LaneParts) {
    this.#parts = parts;
  }

  /** Undefined: nothing was ever sent in this process. */
  known(contact: ContactId): Lane | undefined {
    return this.#lanes.get(toHex(contact));
  }

  of(contact: ContactId): Lane {
    const known = this.known(contact);
    if (known !== undefined) return known;
    const lane = new Lane(this.#parts, copyOf(contact));
    this.#lanes.set(toHex(contact), lane);
    return lane;
  }

  attach(route: Route): () => void {
    const lane = this.of(route.contact);
    const detach = lane.attach(route);
    // what was said on a way whose other end may have been somebody else is no reason to wait
    if (route.isFirm === true) lane.mayOpen();
    return detach;
  }

  /** A turn where there is a way; else, where there is something to send, whoever can make one is told. */
  wake(contact: ContactId, hasSomething: boolean): void {
    const lane = this.of(contact);
    if (lane.isAttached) lane.ask();
    else if (hasSomething) for (const listener of this.#waiting) listener(contact);
  }

  onWaiting(listener: (contact: ContactId) => void): void {
    this.#waiting.push(listener);
  }

  drop(contact: ContactId): void {
    this.known(contact)?.close();
    this.#lanes.delete(toHex(contact));
  }

  close(): void {
    for (const lane of this.#lanes.values()) lane.close();
  }
}
