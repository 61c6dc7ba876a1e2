/**
 * The calls about people (api.ts has each with its types): parameters are read field by field, then the node is
 * asked. Nothing is decided here; what a call refuses, the node refuses.
 */

import type { MessageView, PeopleFace } from '../node/people-face.ts';
import type { Api, Call } from './api.ts';
import { LocalError } from './errors.ts';
import type { Json } from './json-rpc.ts';
import { HISTORY_PAGE_MAX } from './limits.ts';
import { fitting, listed, localEvent, messagePage } from './pages.ts';
import {
  BASE64,
  checked,
  COUNT,
  FLAG,
  LINES,
  oneOf,
  optional,
  orNull,
  record,
  type Shape,
  TEXT,
  upTo,
} from './params.ts';
import type { Method, Session } from './server.ts';
import { exporting, importing } from './transfers.ts';

interface Handler<K extends Call> {
  readonly shape: Shape<Api[K]['params']>;
  readonly run: (params: Api[K]['params']) => Api[K]['result'] | Promise<Api[K]['result']>;
}

type Handlers = { readonly [K in Call]: Handler<K> };

/** Messages in a page unless told otherwise. */
const HISTORY_PAGE = 50;

const NONE = {};
const WHO = { who: TEXT };
const ID = { id: TEXT };
const LIMIT = optional(upTo(HISTORY_PAGE_MAX));
const ATTACHMENT = record<{ readonly name: string; readonly type: string; readonly data: string }>({
  name: TEXT,
  type: TEXT,
  data: BASE64,
});

/** The methods of one session with `people`. */
export function peopleMethods(people: PeopleFace, session: Session): [string, Method][] {
  const handlers: Handlers = {
    ...aboutMe(people, session),
    ...aboutFriends(people, session),
    ...aboutMessages(people),
    ...moving(people),
  };
  return Object.entries(handlers).map(([name, { shape, run }]) => [
    name,
    async (params) => {
      const ask = run as (checked: unknown) => unknown; // the table ties it to its shape
      return ((await ask(checked(shape as Shape<object>, params))) ?? {}) as Json;
    },
  ]);
}

type Part<Prefix extends string> = { readonly [K in Extract<Call, `${Prefix}.${string}`>]: Handler<K> };

function aboutMe(
  people: PeopleFace,
  session: Session,
): Part<'identity' | 'profile' | 'presence' | 'home' | 'invites' | 'events'> {
  let watching = false;
  const watch = () => {
    if (watching) {
      throw new LocalError('BUSY', 'this connection watches already', {
        hint: 'Open another connection for another watch.',
      });
    }
    watching = true;
    const unsubscribe = people.onEvent((event) => {
      session.notify('event', localEvent(event) as unknown as { readonly [name: string]: Json });
    });
    session.signal.addEventListener('abort', unsubscribe, { once: true });
    return {};
  };
  return {
    'identity.get': { shape: NONE, run: () => people.identity() },
    'profile.set': {
      shape: { name: optional(TEXT), status: optional(TEXT), picture: optional(orNull(BASE64)) },
      run: (change) => people.setProfile(change),
    },
    'presence.set': {
      shape: { presence: oneOf('online', 'away') },
      run: ({ presence }) => done(people.setPresence(presence)),
    },
    'home.rotate': { shape: NONE, run: () => people.rotateHome() },
    'invites.open': {
      shape: { public: optional(FLAG), ttlMs: optional(COUNT), note: optional(TEXT) },
      run: (options) => people.openInvite(options),
    },
    'invites.list': { shape: NONE, run: () => ({ invites: people.invites() }) },
    'invites.close': { shape: ID, run: ({ id }) => done(people.closeInvite(id)) },
    'events.watch': { shape: NONE, run: watch },
  };
}

function aboutFriends(people: PeopleFace, { signal }: Session): Part<'friends'> {
  return {
    'friends.list': {
      shape: { from: optional(COUNT) },
      run: ({ from = 0 }) => {
        const all = people.friends();
        const friends = fitting(all.slice(from).map(listed));
        const next = from + friends.length;
        return { friends, next: next < all.length ? next : null };
      },
    },
    'friends.get': { shape: WHO, run: ({ who }) => people.friend(who) },
    'friends.add': {
      shape: { uri: TEXT, name: optional(TEXT), note: optional(TEXT) },
      run: ({ uri, ...options }) => people.add(uri, { ...options, signal }),
    },
    'friends.accept': {
      shape: { ...WHO, name: optional(TEXT) },
      run: ({ who, name }) => people.accept(who, name),
    },
    'friends.deny': { shape: WHO, run: ({ who }) => done(people.deny(who)) },
    'friends.block': { shape: WHO, run: ({ who }) => people.block(who) },
    'friends.unblock': { shape: WHO, run: ({ who }) => done(people.unblock(who)) },
    'friends.remove': {
      shape: { ...WHO, history: optional(FLAG) },
      run: ({ who, ...options }) => done(people.remove(who, options)),
    },
    'friends.rename': { shape: { ...WHO, name: TEXT }, run: ({ who, name }) => people.rename(who, name) },
    'friends.words': { shape: WHO, run: ({ who }) => people.safetyWords(who) },
    'friends.trust': {
      shape: { ...WHO, device: optional(TEXT) },
      run: ({ who, ...options }) => people.trust(who, options),
    },
  };
}

type Moving = 'messages.export' | 'messages.import';

function aboutMessages(people: PeopleFace): Omit<Part<'messages'>, Moving> {
  return {
    'messages.send': {
      shape: {
        ...WHO,
        text: optional(TEXT),
        replyTo: optional(TEXT),
        attachment: optional(ATTACHMENT),
      },
      run: ({ who, replyTo, ...options }) =>
        people.send(who, {
          ...options,
          ...(replyTo === undefined ? {} : { replyTo: full(people, replyTo) }),
        }),
    },
    'messages.get': { shape: ID, run: ({ id }) => people.message(id) },
    'messages.edit': {
      shape: { ...ID, text: TEXT },
      run: ({ id, text }) => people.edit(full(people, id), text),
    },
    'messages.delete': {
      shape: { ...ID, onlyHere: optional(FLAG) },
      run: ({ id, ...options }) => done(people.deleteMessage(full(people, id), options)),
    },
    'messages.react': {
      shape: { ...ID, emoji: TEXT },
      run: ({ id, emoji }) => people.react(full(people, id), emoji),
    },
    'messages.read': {
      shape: { ...WHO, upTo: optional(TEXT) },
      run: ({ who, upTo }) => done(people.markRead(who, upTo === undefined ? upTo : full(people, upTo))),
    },
    'messages.timer': {
      shape: { ...WHO, seconds: COUNT },
      run: ({ who, seconds }) => done(people.setTimer(who, seconds)),
    },
    'messages.history': {
      shape: { ...WHO, before: optional(COUNT), after: optional(COUNT), limit: LIMIT },
      run: ({ who, limit = HISTORY_PAGE, ...range }) =>
        messagePage(people.history(who, { ...range, limit }), limit, range.after !== undefined),
    },
    'messages.search': {
      shape: { query: TEXT, who: optional(TEXT), before: optional(COUNT), limit: LIMIT },
      run: ({ query, limit = HISTORY_PAGE, ...options }) =>
        messagePage(people.search(query, { ...options, limit }), limit, false),
    },
    'messages.attachment': { shape: ID, run: ({ id }) => people.attachment(full(people, id)) },
    'messages.why': { shape: ID, run: ({ id }) => people.why(full(people, id)) },
  };
}

function moving(people: PeopleFace): Pick<Part<'messages'>, Moving> {
  const next = exporting(people);
  const take = importing(people);
  return {
    'messages.export': {
      shape: { who: optional(TEXT), more: optional(FLAG) },
      run: next,
    },
    'messages.import': { shape: { lines: LINES, more: optional(FLAG), done: FLAG }, run: take },
  };
}

/** The id of the message that a person may have named by its place. */
function full(people: PeopleFace, ref: string): MessageView['id'] {
  return /^[0-9a-f]{32}$/.test(ref) ? ref : people.message(ref).id;
}

/** The answer of what has none. */
function done(_nothing: void): Record<string, never> {
  return {};
}
