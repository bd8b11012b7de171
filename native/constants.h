// Sizes, limits and columns that the engine shares with lib/overlay/packet-engine.ts and lib/wire/datagram.ts.
#pragma once
#include <cstddef>
#include <cstdint>

namespace weave {

// Datagram (lib/wire/datagram.ts).
constexpr int DATAGRAM_HEADER = 16;
constexpr int DATAGRAM_TAG = 16;
constexpr int DATAGRAM_BYTES_MIN = DATAGRAM_HEADER + 1 + DATAGRAM_TAG;  // with the kind
constexpr int FRAME_HEADER = 8;
constexpr int BROADCAST_HEADER = 36;       // without its entries
constexpr int WAY_ENTRY = 18;
constexpr int WAY_ENTRIES_MAX = 2048;
constexpr int WAY_CHILD_AT = 2, WAY_TAG_AT = 10;  // in an entry
constexpr int PASSES_ONLY_AT = 7, SEQUENCE_AT = 8, SOURCE_AT = 16, TAG_AT = 24, ENTRIES_AT = 34;  // in a broadcast's header
constexpr int ORIGIN_BYTES = TAG_AT;       // of it, which a tag is for
constexpr int PASSES_ONLY = 0x8000;        // in its first 16 bits
constexpr int RELAYED_HEADER = 24;
constexpr int FRAGMENT_HEADER = 12;
constexpr int RELAY_OVERHEAD = DATAGRAM_HEADER + RELAYED_HEADER + DATAGRAM_TAG;
constexpr int CLASS_AT = 1;               // in a datagram
constexpr uint8_t CLASS_BULK = 0, CLASS_EXPEDITED = 1;
constexpr uint8_t DATAGRAM_TYPE_DATA = 1, DATAGRAM_TYPE_RAW = 2;
constexpr uint8_t KIND_FRAME = 1, KIND_BROADCAST = 2, KIND_RELAYED = 3, KIND_CONTROL = 4, KIND_FRAGMENT = 5;
constexpr uint8_t KIND_RAW = 6;             // of a row only: a test datagram past all sessions
constexpr uint8_t HOP_LIMIT = 16;
// Test datagrams (lib/wire/measure-message.ts).
constexpr int MEASURED_NUMBER_AT = 4, MEASURED_TOKEN_AT = 8, MEASURED_BYTES_MIN = 20;
constexpr int MEASURED_BURST_MAX = 256;    // that are sent by one call

// In place of a relay's index: datagrams to the peer go over the control link to it (lib/overlay/packet-engine.ts).
constexpr int VIA_LINK = -2;

constexpr int FLAG_CHECKSUM_PARTIAL = 1, FLAG_GSO_TCP4 = 2, FLAG_GSO_TCP6 = 4, FLAG_GSO_UDP = 8;
constexpr int FLAG_GSO_ANY = FLAG_GSO_TCP4 | FLAG_GSO_TCP6 | FLAG_GSO_UDP;
constexpr int FLAG_WIRE_MASK = FLAG_CHECKSUM_PARTIAL | FLAG_GSO_ANY;
constexpr int FLAG_MOVED = 1 << 16, FLAG_ROUTER_ADVERTISEMENT = 1 << 17, FLAG_BRIDGE_CONTROL = 1 << 18, FLAG_RELAYED = 1 << 19,
              FLAG_NEIGHBOUR_ADVERTISEMENT = 1 << 20, FLAG_DHCP_SERVER = 1 << 21, FLAG_PASSES_ONLY = 1 << 22, FLAG_UNPROVED = 1 << 23,
              FLAG_EXPEDITED = 1 << 24;

// virtio_net_hdr, little-endian host order (10 bytes): flags, gso_type, hdr_len, gso_size, csum_start, csum_offset.
constexpr int VNET_HEADER = 10;
constexpr uint8_t VNET_NEEDS_CSUM = 1;
constexpr uint8_t VNET_GSO_TCP4 = 1, VNET_GSO_TCP6 = 4, VNET_GSO_UDP_L4 = 5;

// Row columns.
enum Row {
  ROW_OFFSET, ROW_LENGTH, ROW_KIND, ROW_FROM_PEER, ROW_FLAGS, ROW_GSO_SIZE, ROW_CHECKSUM, ROW_DESTINATION_HIGH,
  ROW_DESTINATION_LOW, ROW_SOURCE_HIGH, ROW_SOURCE_LOW, ROW_ETHER_TYPE, ROW_ORIGIN_PEER, ROW_WAY_AT,
  ROW_SOURCE_IPV4, ROW_RECEIVER_INDEX, ROW_SOURCE_IPV6, ROW_COLUMNS = 19,
};
enum Send { SEND_ROW, SEND_PEER, SEND_KIND, SEND_WAY_AT, SEND_SEQUENCE_LOW, SEND_SEQUENCE_HIGH, SEND_COLUMNS };
constexpr int WAYS_COLUMNS = 2;        // of an entry in `ways`: peer index, and what an entry begins with
constexpr int READY_TAP = 1, READY_UDP = 2, READY_WOKEN = 4;

// Limits.
constexpr int PEER_INDEX_MAX = 65535;
constexpr int ENGINE_SESSIONS_MAX = 4 * (PEER_INDEX_MAX + 1);
constexpr int LANES_MAX = 16;        // per engine; slot 0 is the control side
constexpr int ENGINES_MAX = 64;
constexpr int FRAME_MAX = 65550;     // 65,535 bytes of packet, Ethernet header, rounding
constexpr int UDP_PAYLOAD_MAX = 65507;
constexpr int VLAN_TAGS_MAX = 4;     // that are looked behind (lib/overlay/constants.ts)
constexpr int PATH_BYTES_DEFAULT = 1232;  // what fits IPv6's smallest MTU of 1280
constexpr int PATH_BYTES_MIN = 472;      // PATH_BYTES_MIN of lib/overlay/constants.ts behind a relay
// Frames in pieces (lib/overlay/constants.ts).
constexpr int FRAGMENTS_MAX = 160;                  // pieces of one frame
constexpr int PEER_PARTIAL_FRAMES_MAX = 64;         // incomplete frames of one peer …
constexpr int PEER_PARTIAL_BYTES_MAX = 1 << 20;     // … and their bytes
constexpr int PARTIAL_BYTES_MAX = 8 << 20;          // of all peers
constexpr int64_t REASSEMBLY_MS = 1000;             // how long the pieces of a frame are waited for
// Datagrams that go over a control link (lib/overlay/constants.ts, lib/wire/datagram-bundle.ts).
constexpr int BUNDLE_PREFIX = 2;                    // the length of each
constexpr int BUNDLE_BYTES_MAX = 16384;             // of one bundle
constexpr int PEER_HANDED_BYTES_MAX = 256 << 10;    // that wait for the main thread, for one peer …
constexpr int HANDED_BYTES_MAX = 4 << 20;           // … and for all
constexpr int PEER_INTAKE_BYTES_MAX = 256 << 10;    // that wait for a lane, of one neighbour …
constexpr int INTAKE_BYTES_MAX = 1 << 20;           // … and of all
constexpr int TOO_BIG_BURST = 32, TOO_BIG_PER_SECOND = 32;  // messages that tell a sender what fits, per lane
constexpr int TAP_BATCH = 32;
// Segments of a super-frame of the TAP: a stack's are of 36 bytes or more (TCP_MIN_SND_MSS of Linux, less 12 of options). Whoever may
// write raw frames can ask for segments of one byte, and all others would wait for 60,000 datagrams.
constexpr int TAP_SEGMENTS_MAX = 2048;
// Of one TAP. Frames of a flow wait in one of them, which it shares with an eighth of the others.
constexpr int TAP_QUEUES = 8;
constexpr int KNOWN_FLOWS_MAX = 4096;  // of which is known where their frames wait
// A queue is sparse up to 16 Mb/s, or so much at once (lib/host/limits.ts says how many frames may wait). A datagram counts at least so much
// that a burst is no more datagrams than bulk waits for at the receiver.
constexpr int64_t SPARSE_BYTES_PER_MS = 2000, SPARSE_BURST_BYTES = 16 << 10, SPARSE_AGAIN_US = 100000;
constexpr int SPARSE_DATAGRAM_BYTES = 128;
// A reading stops beyond this: one super-frame, or 32 small frames. The far side then works while we seal the next; 128 and
// 256 KiB measured slower.
constexpr int TAP_BATCH_BYTES = 60 * 1024;
// After so many readings of one frame each nothing is looked for behind it, until so many: there `wait` tells as well.
constexpr int LONE_MIN = 4, LONE_MAX = 16;
// A flood: more frames of the TAP in a span than requests with their answers, and super-frames of streams, come to. Then a lane
// rests so long (the kernel adds 50 µs of its own) in place of being woken.
constexpr int64_t FLOOD_SPAN_US = 2000, FLOOD_FRAMES_PER_MS = 60, FLOOD_REST_US = 20;
// Frames that are together longer are a cause to check the path (lib/overlay/constants.ts).
constexpr int LARGE_FRAME_BYTES = 400;
// What the switch decided lately, by kind of frame: one place for each hash.
constexpr int SHORTCUTS_MAX = 256;
// How often a lane reads and goes on by itself before it looks who else wants something; what is few; and how long a frame is
// behind which there is more (lib/io/lane-worker.ts).
constexpr int BATCHES_PER_LOOK = 64, FEW_FRAMES = 3, LONG_FRAME = 16384;
// Messages of each class that are read at once, and how many readings in a row bulk waits while expedited datagrams take all of their places.
constexpr int EXPEDITED_PLACES = 8, BULK_PLACES = 16, DEFERRALS_MAX = 32;
constexpr int UDP_BATCH = EXPEDITED_PLACES + BULK_PLACES;
static_assert(2 * SPARSE_BURST_BYTES / SPARSE_DATAGRAM_BYTES <= EXPEDITED_PLACES * DEFERRALS_MAX, "twice what one queue sends at once after a rest");
// How often before bulk expedited datagrams are read once more because none was of a session.
constexpr int FORGED_READINGS_MAX = 16;
// Messages of a stream that are read at once while frames of sparse flows come, and for how long after one: those wait for the batch before.
constexpr int LONG_PLACES = 4, HASTY_MS = 100;
constexpr int LINK_PLACES = BULK_PLACES / 4;  // of those of bulk, for what came over links when there is something
constexpr int UDP_MESSAGE_BYTES = 65536;
constexpr int NO_MESSAGE = UDP_BATCH;   // of a row that came in no message of the socket
constexpr int UDP_SEGMENTS_MAX = 128;   // what a kernel may coalesce into one message (UDP_MAX_SEGMENTS since 6.9)
constexpr int ROWS_MAX = UDP_BATCH * UDP_SEGMENTS_MAX;
constexpr int SENDS_MAX = 8192;
constexpr int WAYS_NUMBERS = 65536;    // room for several ways through a mesh of 4,096 peers
// Of a reading of the socket: the messages in their places, and behind them frames that were put together. Bulk that waits stays where it is, so
// a reading of the TAP ends before that.
constexpr int PLACES_BYTES = UDP_BATCH * UDP_MESSAGE_BYTES, FRAME_ROOM = 65664, WHOLE_BYTES_MAX = 16 * FRAME_ROOM;
constexpr int SLAB_BYTES = PLACES_BYTES + WHOLE_BYTES_MAX;
constexpr int TAP_SLAB_BYTES = EXPEDITED_PLACES * UDP_MESSAGE_BYTES;
static_assert(TAP_BATCH_BYTES + TAP_BATCH_BYTES / 2 + FRAME_ROOM < TAP_SLAB_BYTES, "a batch fits, of whatever queues");
constexpr int TRAIN_MAX = 64;           // datagrams per UDP_SEGMENT send that every kernel takes
constexpr int TRAIN_BYTES_MAX = 65000;
constexpr int TRAINS_MAX = 256;
constexpr int DATAGRAMS_MAX = 2048;     // datagrams per flush
constexpr int OUT_BYTES = 192 * 1024;   // bytes per flush
constexpr int FLOWS_MAX = 32;           // super-frames that may be growing at once
constexpr int COALESCE_MAX = 256;       // segments per super-frame
constexpr int COALESCE_UDP_MAX = 64;    // the same of datagrams, as many as every kernel takes from a sender (UDP_MAX_SEGMENTS)
constexpr int RECEIVED_SEGMENTS_MAX = COALESCE_MAX;  // that a frame in one datagram may claim to be
constexpr int GATHER_BYTES_MAX = 512;     // payloads up to here are copied together: the kernel takes longer over each part
constexpr int SOCKET_BUFFER_BYTES = 8 << 20;
// What waits here is how long a ping waits behind a stream, which fills whatever there is. The kernel counts twice as much.
constexpr int RECEIVE_BUFFER_BYTES = 384 << 10;

constexpr uint64_t COUNTER_LIMIT = 1ull << 60;
constexpr uint64_t COUNTER_LIMIT_GCM = 1ull << 34;

}  // namespace weave
