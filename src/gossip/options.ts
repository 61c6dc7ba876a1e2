/** What gossipsub is told. Spec: libp2p gossipsub 1.1 and 1.2; limits.ts has the reasons of the numbers. */

import { createHash } from 'node:crypto';
import { type GossipsubOpts, type Message, multicodec, StrictNoSign } from '@libp2p/gossipsub';
import { utf8 } from '../safety/bytes.ts';
import {
  CACHE_HEARTBEATS,
  FANOUT_MS,
  GOSSIP_HEARTBEATS,
  MAX_CONTROL,
  MAX_FRAME_BYTES,
  MAX_MESSAGE_IDS,
  MAX_MESSAGES,
  MAX_STREAMS,
  MAX_SUBSCRIPTIONS,
  MAX_TOPIC_BYTES_PER_PEER,
  MAX_UNSENT_BYTES,
  MESH,
  PROMISE_MS,
  RETAIN_SCORE_MS,
  SEEN_MS,
} from './limits.ts';
import type { GossipTopic } from './topic.ts';

/** The one version spoken: `/meshsub/1.2.0`. */
export const PROTOCOL: string = multicodec;

/** Below this score a peer is no longer listened to, and is disconnected at the next heartbeat. */
export const GRAYLIST_SCORE = -80;

/** SHA-256(topic, data): the same for everybody, and nothing of the sender in it. A topic holds no zero byte. */
export function messageId({ topic, data }: Pick<Message, 'topic' | 'data'>): Uint8Array {
  return createHash('sha256').update(utf8(topic)).update(data).digest();
}

export function gossipsubOptions(
  topics: readonly GossipTopic[],
  heartbeatInterval: number,
): Partial<GossipsubOpts> {
  return {
    ...MESH,
    heartbeatInterval,
    mcacheLength: CACHE_HEARTBEATS,
    mcacheGossip: GOSSIP_HEARTBEATS,
    seenTTL: SEEN_MS,
    fanoutTTL: FANOUT_MS,
    gossipsubIWantFollowupMs: PROMISE_MS,
    // nobody's name on a message
    globalSignaturePolicy: StrictNoSign,
    msgIdFn: messageId,
    // our messages are short, so it is for no topic worth its words, and the guard takes none
    idontwantMinDataSize: Number.POSITIVE_INFINITY,
    // to all neighbours at once would show each of them who is the publisher
    floodPublish: false,
    fallbackToFloodsub: false,
    // peers are not told of other peers; that theirs are not believed is the guard's and the threshold's work
    doPX: false,
    prunePeers: 0,
    // would write a peer record to disk for each GRAFT, refused ones too, and keep whoever sends them connected
    tagMeshPeers: false,
    allowedTopics: topics.map(({ name }) => name),
    // a node that is alone is told of when others come
    allowPublishToZeroTopicPeers: true,
    ignoreDuplicatePublishError: true,
    batchPublish: true,
    maxInboundStreams: MAX_STREAMS,
    maxOutboundStreams: MAX_STREAMS,
    maxInboundDataLength: MAX_FRAME_BYTES,
    maxOutboundBufferSize: MAX_UNSENT_BYTES,
    maxTopicBytesPerPeer: MAX_TOPIC_BYTES_PER_PEER,
    decodeRpcLimits: {
      maxSubscriptions: MAX_SUBSCRIPTIONS,
      maxMessages: MAX_MESSAGES,
      maxIhaveMessageIDs: MAX_MESSAGE_IDS,
      maxIwantMessageIDs: MAX_MESSAGE_IDS,
      maxIdontwantMessageIDs: MAX_MESSAGE_IDS,
      maxControlMessages: MAX_CONTROL,
      maxPeerInfos: MAX_CONTROL,
    },
    scoreThresholds: {
      gossipThreshold: -10,
      publishThreshold: -50,
      graylistThreshold: GRAYLIST_SCORE,
      // gossipsub dials, and looks up, what peers name in PRUNE whatever `doPX` says
      acceptPXThreshold: Number.POSITIVE_INFINITY,
      opportunisticGraftThreshold: 1,
    },
    scoreParams: {
      topicScoreCap: 10,
      // onions have no IP
      IPColocationFactorWeight: 0,
      appSpecificWeight: 0,
      behaviourPenaltyWeight: -10,
      // promises break when circuits do: some are free
      behaviourPenaltyThreshold: 6,
      behaviourPenaltyDecay: 0.98,
      decayInterval: 10_000,
      decayToZero: 0.01,
      retainScore: RETAIN_SCORE_MS,
      topics: Object.fromEntries(topics.map(({ name }) => [name, TOPIC_SCORE])),
    },
  };
}

const TOPIC_SCORE = {
  topicWeight: 1,
  // staying is the one merit that costs something; at most 6 points, after an hour
  timeInMeshWeight: 0.1,
  timeInMeshQuantum: 60_000,
  timeInMeshCap: 60,
  // messages are free to make: bringing new ones first is no merit
  firstMessageDeliveriesWeight: 0,
  firstMessageDeliveriesDecay: 0.5,
  firstMessageDeliveriesCap: 1,
  // topics are silent for hours
  meshMessageDeliveriesWeight: 0,
  meshMessageDeliveriesDecay: 0.5,
  meshMessageDeliveriesCap: 1,
  meshMessageDeliveriesThreshold: 1,
  meshMessageDeliveriesWindow: 0,
  meshMessageDeliveriesActivation: 60_000,
  meshFailurePenaltyWeight: 0,
  meshFailurePenaltyDecay: 0.5,
  // squared: one leaves the mesh and its gossip, three are below the graylist
  invalidMessageDeliveriesWeight: -20,
  invalidMessageDeliveriesDecay: 0.99,
};
