/** An initiator of KX1 that puts into the header and the body whatever it likes: what an attacker has instead of kx1-initiator.ts. */

import type { VerifiedBundle } from '../../src/kem/bundle.ts';
import {
  deriveSecrets,
  encodeKx1Header,
  type Kx1Header,
  OPENING_MESSAGE_BYTES,
  type Opening,
  readOpening,
  transcriptOf,
} from '../../src/kem/kx1.ts';
import { fingerprintOf } from '../../src/kem/identity.ts';
import { encrypt } from '../../src/kem/ratchet-encrypt.ts';
import { openAsInitiator, type Session } from '../../src/kem/session.ts';
import { concat, utf8 } from '../../src/safety/bytes.ts';
import { nodeProvider } from '../../src/safety/crypto/node.ts';
import { node } from './parties.ts';

export interface Forgery {
  /** Who is claimed in the header. */
  readonly claimed: VerifiedBundle;
  /** DH(x, spk): of the claimed device, however it was come by. */
  readonly agreed: Uint8Array;
  readonly peer: VerifiedBundle;
  /** What stands in the body. */
  readonly bundle: Uint8Array;
  readonly header?: Partial<Kx1Header>;
}

export interface Forged {
  readonly session: Session;
  readonly opening: Opening;
}

/** An opening by somebody who can compute all agreements of the header. */
export function forge({ claimed, agreed, peer, bundle, header = {} }: Forgery): Forged {
  const ephemeral = nodeProvider.x25519.keyPair(node.random(32));
  const { ciphertext, sharedSecret } = nodeProvider.mlKem1024.encapsulate(peer.kem);
  const fields: Kx1Header = {
    prekeyId: peer.prekeyId,
    oneTimePrekeyId: 0,
    ed: claimed.ed,
    device: claimed.device,
    dsaHash: claimed.dsaHash,
    bundleHash: claimed.hash,
    ephemeral: ephemeral.publicKey,
    ciphertext,
    ...header,
  };
  const headerBytes = encodeKx1Header(fields);
  const transcript = transcriptOf(nodeProvider, headerBytes, {
    initiatorFingerprint: fingerprintOf(nodeProvider, fields.ed, fields.dsaHash),
    responderFingerprint: peer.fingerprint,
    responderBundleHash: peer.hash,
    oneTimePrekey: null,
  });
  const agreements = [agreed, ephemeral.agree(peer.device), ephemeral.agree(peer.spk), sharedSecret];
  const { keys } = deriveSecrets(nodeProvider, transcript, agreements);
  const opened = openAsInitiator({
    transcript,
    keys,
    remoteRatchetKey: peer.spk,
    answerSeed: node.random(64),
    opening: { header: headerBytes, expiry: peer.expiry },
  });
  const sent = encrypt(node, opened, concat(bundle, utf8('forged')), OPENING_MESSAGE_BYTES);
  return { session: sent.session, opening: readOpening(nodeProvider, concat(headerBytes, sent.message)) };
}
