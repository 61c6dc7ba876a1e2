/** Events of the friends book: told after the commit, never for what was undone, and once where they say no more than "look again". */

import type { FriendsInit } from './needs.ts';
import type { FriendEvent } from './people.ts';

type Plain = Extract<FriendEvent['kind'], 'own-homes' | 'homes-to-dial' | 'home-rotation-due'>;

export class Tell {
  readonly #init: Pick<FriendsInit, 'database' | 'emit'>;
  /** Said in this transaction already. */
  readonly #said = new Set<Plain>();

  constructor(init: Pick<FriendsInit, 'database' | 'emit'>) {
    this.#init = init;
  }

  event(event: FriendEvent): void {
    this.#init.database.afterCommit(() => this.#init.emit(event));
  }

  lookAgain(kind: Plain): void {
    if (this.#said.has(kind)) return;
    this.#said.add(kind);
    this.#init.database.onRollback(() => this.#said.delete(kind));
    this.#init.database.afterCommit(() => {
      this.#said.delete(kind);
      this.#init.emit({ kind });
    });
  }
}
