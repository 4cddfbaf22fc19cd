//! Offers and answers: what a client's session description means for its transport, uplink and downlink.

use std::time::Instant;

use rand_chacha::rand_core::RngCore;
use shared::SourceKind;
use shared::limits::{AUDIO_SLOTS, VIDEO_SLOTS_MAX};

use crate::command::{ConnectionId, Want};
use crate::downlink::{Downlink, Slot, SlotWant};
use crate::event::{Notice, Refusal};
use crate::ice::Credentials;
use crate::peer::{CNAME, Peer};
use crate::peer_table::PeerKey;
use crate::sdp::{
    self, Answer, AnswerParameters, Codec, HostCandidate, IceCredentials, MediaKind, NegotiatedSection,
    Offer, Role, SlotSsrcs,
};
use crate::sfu::Sfu;
use crate::transport::Transport;
use crate::uplink::{Publication, Uplink};

/// Why an offer was refused: the sentence for the client.
struct Unusable(String);

impl Sfu {
    pub(crate) fn offer(
        &mut self,
        now: Instant,
        key: PeerKey,
        connection: ConnectionId,
        negotiation: u32,
        text: &str,
        sources: &[(String, SourceKind)],
    ) {
        let result = self.with_peer(key, |sfu, peer| sfu.negotiate(now, key, peer, text, sources));
        match result {
            Some(Ok((sdp, room))) => {
                self.mark_dirty(&room);
                self.relay_publication(key);
                self.tell(connection, Notice::Answered { negotiation, sdp });
            }
            Some(Err(Unusable(message))) => self.refuse(connection, Refusal::InvalidOffer, &message),
            // The peer failed and is gone; its connection has been told.
            None => {}
        }
    }

    fn negotiate(
        &mut self,
        now: Instant,
        key: PeerKey,
        peer: &mut Peer,
        text: &str,
        sources: &[(String, SourceKind)],
    ) -> Result<(String, shared::RoomId), Unusable> {
        let unusable =
            |error: sdp::SdpError| Unusable(format!("The session description cannot be used: {error}."));
        let offer = Offer::parse(text).map_err(unusable)?;
        let same = peer.transport.as_ref().is_some_and(|transport| transport.belongs_to(&offer));
        let goes_on = peer.transport.as_ref().filter(|transport| same && !transport.is_restarted_by(&offer));
        let fresh = goes_on.is_none().then(|| self.random_credentials());
        let credentials = fresh.as_ref().or(goes_on.map(Transport::credentials));
        let credentials =
            credentials.ok_or_else(|| Unusable("The transport has no credentials.".to_owned()))?;
        let ice = IceCredentials::new(credentials.ufrag(), credentials.pwd()).map_err(unusable)?;
        let answer = self.answer(peer, &offer, &ice, same);
        // Everything is checked before anything of the peer changes.
        check_slots(&answer)?;
        let publications = publications(&answer, sources)?;
        if let Some(credentials) = fresh {
            self.renew_transport(now, key, peer, &offer, same, credentials)?;
        }
        peer.session_version += 1;
        self.apply_slots(now, peer, &answer);
        peer.uplink.negotiate(publications, answer.extensions);
        Ok((answer.sdp, peer.room.clone()))
    }

    /// The answer, with the SSRCs of the slots that go on and new ones for new slots.
    fn answer(&mut self, peer: &Peer, offer: &Offer, ice: &IceCredentials, keep_slots: bool) -> Answer {
        let candidates = self.candidates();
        let video_codecs = self.preferred_codecs(peer);
        let parameters = AnswerParameters {
            session_id: peer.session_id,
            session_version: peer.session_version + 1,
            ice,
            fingerprint: self.fingerprint,
            candidates: &candidates,
            cname: CNAME,
            video_codecs: &video_codecs,
        };
        sdp::answer(offer, &parameters, |mid, kind| {
            if let Some(slot) = peer.downlink.slots.iter().find(|slot| keep_slots && slot.mid == mid) {
                return slot.ssrcs;
            }
            let mut of_video = || (kind == MediaKind::Video).then(|| self.random_ssrc());
            let (rtx, flexfec) = (of_video(), of_video());
            SlotSsrcs { ssrc: self.random_ssrc(), rtx, flexfec }
        })
    }

    fn candidates(&self) -> Vec<HostCandidate> {
        let preferences = || (0..=u16::MAX).rev();
        let udp = self.config.candidates.iter().zip(preferences());
        let udp = udp.map(|(address, preference)| HostCandidate::new(*address, preference));
        let tcp = self.config.tcp_candidates.iter().zip(preferences());
        let tcp = tcp.map(|(address, preference)| HostCandidate::tcp_passive(*address, preference >> 3));
        udp.chain(tcp).collect()
    }

    /// The accepted video codecs in the order of choice for this peer: first what everybody else in the room can show, of
    /// that what it sends already, else as configured.
    fn preferred_codecs(&self, peer: &Peer) -> Vec<Codec> {
        let room = self.rooms.get(&peer.room);
        let others = room.iter().flat_map(|room| &room.members).filter_map(|key| self.peers.get(*key));
        // Who has no slots yet will have them as browsers do.
        let slots: Vec<&Slot> =
            others.filter_map(|other| other.downlink.slots.iter().find(|slot| !slot.audio)).collect();
        let is_sent = |codec| peer.uplink.publications.iter().any(|sent| sent.payload.codec == codec);
        let mut codecs = self.config.video_codecs.clone();
        codecs.sort_by_key(|codec| {
            (slots.iter().any(|slot| slot.payload_of(*codec).is_none()), !is_sent(*codec))
        });
        codecs
    }

    fn random_credentials(&mut self) -> Credentials {
        let mut random = [0; Credentials::RANDOM_LEN];
        self.random.fill_bytes(&mut random);
        Credentials::from_random(&random).for_shard(self.config.shard)
    }

    /// Restarts ICE of the same PeerConnection, whose old path serves until there is a new one; or begins with a
    /// new PeerConnection: then nothing of the old one is left.
    fn renew_transport(
        &mut self,
        now: Instant,
        key: PeerKey,
        peer: &mut Peer,
        offer: &Offer,
        same: bool,
        credentials: Credentials,
    ) -> Result<(), Unusable> {
        let unusable = |error| Unusable(format!("The session description cannot be used: {error}."));
        let ufrag = credentials.ufrag().to_owned();
        match &mut peer.transport {
            Some(transport) if same => transport.restart(credentials, offer).map_err(unusable)?,
            _ => {
                let transport =
                    Transport::new(now, &self.certificate, credentials, offer).map_err(unusable)?;
                peer.transport = Some(transport);
                peer.uplink = Uplink::new(peer.our_ssrc, now);
                peer.downlink = Downlink::new(now, self.config.estimator);
            }
        }
        if !same {
            self.forget_addresses(key);
        }
        let transport = peer.transport.as_ref();
        let is_in_use = |ufrag: &str| transport.is_some_and(|transport| transport.answers_to(ufrag));
        self.ufrags.retain(|ufrag, bound| *bound != key || is_in_use(ufrag));
        self.ufrags.insert(ufrag, key);
        Ok(())
    }

    /// Makes the slots those of the answer; slots that go on keep their stream, their SSRC and their want.
    fn apply_slots(&mut self, now: Instant, peer: &mut Peer, answer: &Answer) {
        let mut old = std::mem::take(&mut peer.downlink.slots);
        for section in &answer.sections {
            let Role::Slot(ssrcs) = section.role else { continue };
            let Some(payload) = section.codecs.first().copied() else { continue };
            let known = old.iter().position(|slot| slot.mid == section.mid);
            let mut slot = match known {
                Some(at) => old.swap_remove(at),
                None => {
                    let mut random = [0; 8];
                    self.random.fill_bytes(&mut random);
                    Slot::new(now, section.mid, section.kind == MediaKind::Audio, ssrcs, random)
                }
            };
            slot.payload = payload;
            slot.payloads = section.codecs.clone();
            slot.repair.payload_type = section.flexfec_payload_type;
            slot.extensions = section.extensions;
            peer.downlink.slots.push(slot);
        }
        // The queue names slots by place, and places have changed.
        peer.downlink.forget_queue();
    }

    pub(crate) fn set_wants(&mut self, key: PeerKey, connection: ConnectionId, wants: &[Want]) {
        let Some(peer) = self.peers.get_mut(key) else { return };
        let unknown = wants.iter().find(|want| {
            !peer.downlink.slots.iter().any(|slot| !slot.audio && slot.mid.as_str() == want.mid)
        });
        let message = unknown.map(|want| {
            format!("There is no video slot {:?}; wants for other slots are in force.", want.mid)
        });
        for slot in peer.downlink.slots.iter_mut().filter(|slot| !slot.audio) {
            let want = wants.iter().find(|want| want.mid == slot.mid.as_str());
            slot.want = want.map(|want| SlotWant {
                source: want.source,
                max_height: want.max_height,
                priority: want.priority,
            });
        }
        // A client that changed its wants waits for the map, even when nothing changes.
        peer.told_slots.clear();
        let room = peer.room.clone();
        self.mark_dirty(&room);
        if let Some(message) = message {
            self.refuse(connection, Refusal::UnknownSlot, &message);
        }
    }
}

fn check_slots(answer: &Answer) -> Result<(), Unusable> {
    let count = |kind: MediaKind| {
        answer
            .sections
            .iter()
            .filter(|section| section.kind == kind && matches!(section.role, Role::Slot(_)))
            .count()
    };
    let (audio, video) = (count(MediaKind::Audio), count(MediaKind::Video));
    if audio > AUDIO_SLOTS {
        return Err(Unusable(format!(
            "The offer has {audio} receiving audio sections; at most {AUDIO_SLOTS} are allowed."
        )));
    }
    if video > VIDEO_SLOTS_MAX {
        return Err(Unusable(format!(
            "The offer has {video} receiving video sections; at most {VIDEO_SLOTS_MAX} are allowed."
        )));
    }
    Ok(())
}

fn publications(answer: &Answer, sources: &[(String, SourceKind)]) -> Result<Vec<Publication>, Unusable> {
    let mut publications: Vec<Publication> = Vec::new();
    for section in &answer.sections {
        let Some(publication) = publication(section, sources)? else { continue };
        if publications.iter().any(|other| other.kind == publication.kind) {
            return Err(Unusable(format!(
                "Two sending sections claim to be the {:?}; one is allowed.",
                publication.kind
            )));
        }
        publications.push(publication);
    }
    Ok(publications)
}

fn publication(
    section: &NegotiatedSection,
    sources: &[(String, SourceKind)],
) -> Result<Option<Publication>, Unusable> {
    let Role::Publication(publication) = &section.role else { return Ok(None) };
    let Some(payload) = section.codecs.first().copied() else { return Ok(None) };
    let mid = section.mid;
    let Some((_, kind)) = sources.iter().find(|(name, _)| name == mid.as_str()) else {
        return Err(Unusable(format!("The sending section {mid} is not listed in `sources`.")));
    };
    if kind.is_audio() != (section.kind == MediaKind::Audio) {
        return Err(Unusable(format!(
            "The section {mid} is listed as {kind:?}, but its media is {:?}.",
            section.kind
        )));
    }
    Ok(Some(Publication {
        mid,
        kind: *kind,
        layers: publication.layers.clone(),
        payload,
        ssrcs: publication.ssrcs.clone(),
        repair: publication.repair.clone(),
        key_frames: crate::key_frame::KeyFrameRequests::default(),
        dynacast: crate::dynacast::Dynacast::default(),
        elsewhere: Vec::new(),
    }))
}
