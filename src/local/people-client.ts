/**
 * The calls to a node as methods, over one conversation with a node: what kith-client.ts hands to programs, and
 * what the command line uses.
 */

import { resolve } from 'node:path';
import type {
  FriendView,
  HistoryOptions,
  InviteOptions,
  InviteView,
  MessageView,
  OwnIdentity,
  ProfileChange,
  ProfileView,
  SafetyWords,
  SearchOptions,
  SendOptions,
  Why,
} from '../node/people-face.ts';
import type { NodeStatus } from '../node/face.ts';
import type { Api, ListedFriend, LocalEvent, MessagePage, NodeApi } from './api.ts';
import type { RpcClient } from './client.ts';
import { EventQueue } from './event-queue.ts';
import type { Params } from './json-rpc.ts';
import { importParts } from './transfers.ts';

/** Calls named as those of the node (people-face.ts says what each does), events, and the end of it all. */
export class KithClient {
  /** Resolves with the reason when the connection is over, whoever ended it. */
  readonly closed: Promise<Error>;
  readonly #rpc: RpcClient;
  readonly #queues = new Set<EventQueue>();
  #watch: Promise<unknown> | undefined;

  /** `rpc` belongs to the client from here on. */
  constructor(rpc: RpcClient) {
    this.#rpc = rpc;
    this.closed = rpc.closed;
    rpc.onNotification = (method, params) => {
      if (method !== 'event') return;
      for (const queue of this.#queues) queue.push(params as unknown as LocalEvent);
    };
    void rpc.closed.then((reason) => this.#fail(reason));
  }

  close(): void {
    this.#rpc.close();
  }

  /** Any call of the tables. Rejects with a RemoteError that has the code and the hint of the node's own error. */
  async call<K extends keyof (Api & NodeApi)>(
    method: K,
    params: (Api & NodeApi)[K]['params'],
  ): Promise<(Api & NodeApi)[K]['result']> {
    return (await this.#rpc.call(method, params as Params)) as unknown as (Api & NodeApi)[K]['result'];
  }

  /**
   * What happens from this call on: calls made after it see nothing that these events do not tell. Reading throws
   * NODE_GONE when the connection ends, and EVENTS_MISSED when thousands wait unread.
   */
  events(): AsyncIterableIterator<LocalEvent> {
    const queue = new EventQueue(() => this.#queues.delete(queue));
    this.#queues.add(queue);
    this.#watch ??= this.call('events.watch', {});
    this.#watch.catch((error: Error) => queue.fail(error));
    return queue;
  }

  #fail(reason: Error): void {
    for (const queue of this.#queues) queue.fail(reason);
  }

  status(): Promise<NodeStatus> {
    return this.call('status', {});
  }

  /** Writes a backup to a new file, sealed with `passphrase`; returns how many rows are in it. */
  async backup(path: string, passphrase: string): Promise<number> {
    return (await this.call('store.backup', { path: resolve(path), passphrase })).rows;
  }

  identity(): Promise<OwnIdentity> {
    return this.call('identity.get', {});
  }

  setProfile(change: ProfileChange): Promise<ProfileView> {
    return this.call('profile.set', change);
  }

  async setPresence(presence: 'online' | 'away'): Promise<void> {
    await this.call('presence.set', { presence });
  }

  rotateHome(): Promise<Api['home.rotate']['result']> {
    return this.call('home.rotate', {});
  }

  openInvite(options: InviteOptions = {}): Promise<InviteView> {
    return this.call('invites.open', options);
  }

  async invites(): Promise<readonly InviteView[]> {
    return (await this.call('invites.list', {})).invites;
  }

  async closeInvite(id: string): Promise<void> {
    await this.call('invites.close', { id });
  }

  /** All of them, without the bytes of their pictures. */
  async friends(): Promise<readonly ListedFriend[]> {
    const all = new Map<string, ListedFriend>();
    for (let from: number | null = 0; from !== null; ) {
      const page: Api['friends.list']['result'] = await this.call('friends.list', { from });
      for (const friend of page.friends) all.set(friend.id, friend);
      from = page.next;
    }
    return [...all.values()];
  }

  friend(who: string): Promise<FriendView> {
    return this.call('friends.get', { who });
  }

  add(uri: string, options: { readonly name?: string; readonly note?: string } = {}): Promise<FriendView> {
    return this.call('friends.add', { uri, ...options });
  }

  accept(who: string, name?: string): Promise<FriendView> {
    return this.call('friends.accept', { who, ...(name === undefined ? {} : { name }) });
  }

  async deny(who: string): Promise<void> {
    await this.call('friends.deny', { who });
  }

  block(who: string): Promise<FriendView> {
    return this.call('friends.block', { who });
  }

  async unblock(who: string): Promise<void> {
    await this.call('friends.unblock', { who });
  }

  async remove(who: string, options: { readonly history?: boolean } = {}): Promise<void> {
    await this.call('friends.remove', { who, ...options });
  }

  rename(who: string, name: string): Promise<FriendView> {
    return this.call('friends.rename', { who, name });
  }

  safetyWords(who: string): Promise<SafetyWords> {
    return this.call('friends.words', { who });
  }

  trust(who: string, options: { readonly device?: string } = {}): Promise<FriendView> {
    return this.call('friends.trust', { who, ...options });
  }

  send(who: string, options: SendOptions): Promise<MessageView> {
    return this.call('messages.send', { who, ...options });
  }

  /** `id` here and below: 32 hex characters, or the message's place in decimal. */
  message(id: string): Promise<MessageView> {
    return this.call('messages.get', { id });
  }

  edit(id: string, text: string): Promise<MessageView> {
    return this.call('messages.edit', { id, text });
  }

  async deleteMessage(id: string, options: { readonly onlyHere?: boolean } = {}): Promise<void> {
    await this.call('messages.delete', { id, ...options });
  }

  react(id: string, emoji: string): Promise<MessageView> {
    return this.call('messages.react', { id, emoji });
  }

  async markRead(who: string, upTo?: string): Promise<void> {
    await this.call('messages.read', { who, ...(upTo === undefined ? {} : { upTo }) });
  }

  async setTimer(who: string, seconds: number): Promise<void> {
    await this.call('messages.timer', { who, seconds });
  }

  /** A page, oldest first. */
  history(who: string, options: HistoryOptions = {}): Promise<MessagePage> {
    return this.call('messages.history', { who, ...options });
  }

  search(query: string, options: SearchOptions = {}): Promise<MessagePage> {
    return this.call('messages.search', { query, ...options });
  }

  attachment(id: string): Promise<Api['messages.attachment']['result']> {
    return this.call('messages.attachment', { id });
  }

  why(id: string): Promise<Why> {
    return this.call('messages.why', { id });
  }

  /** One JSON object a line. One export at a time on a connection. */
  async *exportHistory(who?: string): AsyncGenerator<string> {
    const whose = who === undefined ? {} : { who };
    for (let more = false; ; more = true) {
      const { lines, done } = await this.call('messages.export', { ...whose, more });
      yield* lines;
      if (done) return;
    }
  }

  /** All lines or none; returns how many messages were new. One import at a time on a connection. */
  async importHistory(lines: Iterable<string> | AsyncIterable<string>): Promise<number> {
    let more = false;
    for await (const part of importParts(lines)) {
      await this.call('messages.import', { lines: part, more, done: false });
      more = true;
    }
    return (await this.call('messages.import', { lines: [], more, done: true })).imported;
  }
}
