// An authority that lives as long as a test, and what it issues: X.509 (RFC 5280) in DER (X.690), as little of it as a
// site over TLS needs. Node makes keys and signatures, but no certificates.

import { createHash, generateKeyPairSync, randomBytes, sign } from 'node:crypto';

const hex = (digits) => Buffer.from(digits, 'hex');

/** One value with its tag and its length. */
function der(tag, ...parts) {
  const content = Buffer.concat(parts);
  const { length } = content;
  const long = length > 0xff ? [0x82, length >> 8, length & 0xff] : [0x81, length];
  return Buffer.concat([Buffer.from([tag, ...(length < 0x80 ? [length] : long)]), content]);
}

const sequence = (...parts) => der(0x30, ...parts);
const oid = (digits) => der(0x06, hex(digits));
const TRUE = der(0x01, hex('ff'));

const ECDSA_WITH_SHA256 = sequence(oid('2a8648ce3d040302'));
const COMMON_NAME = oid('550403');
const BASIC_CONSTRAINTS = oid('551d13');
const KEY_USAGE = oid('551d0f');
const EXTENDED_KEY_USAGE = oid('551d25');
const SERVER_AUTH = oid('2b06010505070301');
const SUBJECT_ALT_NAME = oid('551d11');

const named = (name) => sequence(der(0x31, sequence(COMMON_NAME, der(0x0c, Buffer.from(name)))));
const utcTime = (days) => {
  const digits = new Date(Date.now() + days * 24 * 3600 * 1000).toISOString().replace(/\D/g, '');
  return der(0x17, Buffer.from(`${digits.slice(2, 14)}Z`));
};
const pem = (bytes) =>
  `-----BEGIN CERTIFICATE-----\n${bytes.toString('base64').replace(/.{64}/g, '$&\n')}\n-----END CERTIFICATE-----\n`;
const newKey = () => generateKeyPairSync('ec', { namedCurve: 'P-256' });
const spki = ({ publicKey }) => publicKey.export({ type: 'spki', format: 'der' });

function certificate({ issuer, issuerKey, subject, key, extensions }) {
  const version = der(0xa0, der(0x02, hex('02')));
  const serial = der(0x02, hex('01'), randomBytes(8));
  const validity = sequence(utcTime(-1), utcTime(30));
  const content = sequence(version, serial, ECDSA_WITH_SHA256, named(issuer), validity, named(subject), spki(key),
    der(0xa3, sequence(...extensions)));
  const signature = sign('sha256', content, issuerKey.privateKey);
  return pem(sequence(content, ECDSA_WITH_SHA256, der(0x03, hex('00'), signature)));
}

/** An authority nobody knows, and what it issued for a name: PEM, and what Chromium knows the name's key by. */
export function issueFor(name) {
  const [issuer, issuerKey, key] = ['authority of the tests', newKey(), newKey()];
  const authority = certificate({
    issuer, issuerKey, subject: issuer, key: issuerKey,
    extensions: [
      sequence(BASIC_CONSTRAINTS, TRUE, der(0x04, sequence(TRUE))),
      // keyCertSign alone.
      sequence(KEY_USAGE, TRUE, der(0x04, der(0x03, hex('0204')))),
    ],
  });
  const own = certificate({
    issuer, issuerKey, subject: name, key,
    extensions: [
      sequence(EXTENDED_KEY_USAGE, der(0x04, sequence(SERVER_AUTH))),
      sequence(SUBJECT_ALT_NAME, der(0x04, sequence(der(0x82, Buffer.from(name))))),
    ],
  });
  return {
    authority,
    chain: own + authority,
    key: key.privateKey.export({ type: 'pkcs8', format: 'pem' }),
    spkiHash: createHash('sha256').update(spki(key)).digest('base64'),
  };
}
