//! The selective forwarding unit: rooms, transports and the forward path, without a clock, a socket or a thread.
//!
//! Contract: [`Sfu`] is told the time, the datagrams and the commands; it answers with datagrams in a
//! [`SendBatch`] and with [`Event`]s. After every group of `handle_*` calls the caller drains
//! [`Sfu::poll_transmit`], [`Sfu::poll_event`] and [`Sfu::poll_seat_change`], and calls [`Sfu::handle_timeout`] when
//! [`Sfu::poll_timeout`] is due. It reads RTP headers, header extensions and payload descriptors, never the
//! media itself.
//!
//! Errors come from input and are counted or answered; a broken invariant panics with its reason, and the
//! panic costs the peer it happened in, not the others.

mod address;
mod allocation;
mod audio;
mod command;
mod config;
mod congestion;
mod control;
mod downlink;
mod drop_reason;
mod dynacast;
mod event;
mod fingerprint;
mod flexfec;
mod forwarding;
mod frame_reader;
mod key_frame;
mod layer;
mod layer_filter;
mod membership;
mod negotiation;
mod onset;
mod outbox;
mod overload;
mod pacer;
mod peer;
mod peer_table;
mod probing;
mod rate;
mod reception;
mod redundancy;
mod relay;
mod replica;
mod room;
mod routing;
mod send_batch;
mod sent_layers;
mod sfu;
mod statistics;
mod subscription;
mod suspension;
mod transport;
mod uplink;

pub mod bandwidth;
pub mod dtls;
pub mod ice;
pub mod nack;
pub mod rewrite;
pub mod ring;
pub mod rtcp;
pub mod rtp;
pub mod sdp;
pub mod speaker;
pub mod srtp;
pub mod twcc;

pub use address::{Address, TcpConnection};
pub use command::{Admission, Command, ConnectionId, Control, Identity, Want};
pub use config::{Config, WallClock};
pub use drop_reason::DropReason;
pub use dtls::Certificate;
pub use event::{
    Change, CloseReason, Event, Notice, Pause, Refusal, RequestedLayers, Roster, Seat, SeatChange, SlotState,
};
pub use fingerprint::Fingerprint;
pub use overload::Level;
pub use relay::{Published, RelayMessage, RelayPacket, ShardId, Source, StreamFacts, WantedLayers};
pub use send_batch::{DATAGRAM_BYTES_MAX, Datagram, SendBatch};
pub use sfu::Sfu;
pub use statistics::Statistics;
