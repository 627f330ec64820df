package consumer

import (
	"crypto/sha256"
	"encoding/base64"
	"encoding/binary"
	"errors"

	"github.com/battlereport/battlereport/consumer/internal/wire"
)

// topicID is Kafka's id of a topic (KIP-516): one that is deleted and made anew
// gets another. Zero: not known, since the broker is older than Kafka 2.8.
type topicID [16]byte

// String is the id as Kafka's tools show it.
func (id topicID) String() string { return base64.RawURLEncoding.EncodeToString(id[:]) }

// isOther tells whether both ids are known, and differ.
func (id topicID) isOther(than topicID) bool {
	return id != than && id != topicID{} && than != topicID{}
}

// place is a partition as it is known from outside.
type place struct {
	cluster   string // its id
	topic     string
	partition int
}

// note is what goes to Kafka as a commit's metadata, for whoever takes the
// partition next. It holds for the offset and the place that it was written for:
// tools move committed offsets, also to other clusters, and copy what was
// committed with them.
type note struct {
	topic     topicID // that the offset is of
	epoch     int32   // no batch taken is of a later leader epoch
	unsettled unsettled
	deferred  []deferredNote
	skipped   []wire.Span // of these what cannot be read is passed; rising, and apart
}

// deferredNote says the same of a strand that is deferred. What is said of the others
// says nothing of it.
type deferredNote struct {
	strand    uint64
	left      int64 // how many records of it are not settled, as far as is known
	oldest    int64 // the time of the first of them, in milliseconds; 0: not known
	unsettled unsettled
}

const (
	unknownEpoch = -1

	notePrefix     = "battlereport/2:"
	deferredPrefix = "battlereport/3:" // with what is deferred: whoever does not know of that must not believe the rest
	skippedPrefix  = "battlereport/4:" // likewise, with what is skipped, and with what is deferred, if anything is

	noteHead = sha256.Size/4 + len(topicID{}) // bytes: the seal, and the id
	maxNote  = 4096                           // characters: Kafka's offset.metadata.max.bytes, unless it is set
)

// noteRoom is how many bits a note of that many characters has at least for the
// gaps between what is unsettled. Below 0: it would be too short for any.
func noteRoom(size int) int {
	const head = noteHead + binary.MaxVarintLen32 + maxUnsettledHead
	return 8 * (base64.RawStdEncoding.DecodedLen(size-len(notePrefix)) - head)
}

// A strand's part of a note is its number, how many are left, the time of the
// oldest, a length, and what is not settled, with the first offset before it, which
// then the rest has too, behind the number of strands.
const (
	maxDeferredHead = 8 + 2*binary.MaxVarintLen64 + binary.MaxVarintLen16 + binary.MaxVarintLen64 + maxUnsettledHead
	maxMoreHead     = binary.MaxVarintLen16 + binary.MaxVarintLen64
)

// deferredHeads is how many bits a note takes up for so many strands, beside the gaps.
func deferredHeads(strands int) int {
	if strands == 0 {
		return 0
	}
	return 8 * (maxMoreHead + strands*maxDeferredHead)
}

// encode is the note as text of at most size characters. It says all, if the
// tracker has kept to the same size.
func (n note) encode(at place, offset int64, size int) string {
	room, committed := noteRoom(size)-skippedHeads(len(n.skipped)), offset
	if deferredHeads(len(n.deferred)) > room {
		n = n.undeferred()
	}
	b := make([]byte, sha256.Size/4, 64)
	b = append(b, n.topic[:]...)
	b = binary.AppendVarint(b, int64(n.epoch))
	prefix := notePrefix
	switch {
	case len(n.skipped) > 0:
		prefix = skippedPrefix
		b = appendSkipped(b, n.skipped, offset)
	case len(n.deferred) > 0:
		prefix = deferredPrefix
	}
	if prefix != notePrefix {
		b, room = n.appendDeferred(b, offset, room)
		b = binary.AppendUvarint(b, uint64(n.unsettled.first()-offset))
		offset = n.unsettled.first()
	}
	b = n.unsettled.append(b, offset, room)
	copy(b, seal(at, committed, b[sha256.Size/4:]))
	return prefix + base64.RawStdEncoding.EncodeToString(b)
}

// undeferred is the note without what is deferred: it says nothing from the first
// record of that on.
func (n note) undeferred() note {
	for _, d := range n.deferred {
		n.unsettled = n.unsettled.before(d.unsettled.first())
	}
	n.deferred = nil
	return n
}

// appendDeferred writes what is deferred, and returns how much room is left.
func (n note) appendDeferred(b []byte, base int64, room int) ([]byte, int) {
	room -= deferredHeads(len(n.deferred))
	b = binary.AppendUvarint(b, uint64(len(n.deferred)))
	for _, d := range n.deferred {
		first := d.unsettled.first()
		b = binary.BigEndian.AppendUint64(b, d.strand)
		b = binary.AppendUvarint(b, uint64(d.left))
		b = binary.AppendUvarint(b, uint64(max(0, d.oldest)))
		said := binary.AppendUvarint(nil, uint64(first-base))
		said = d.unsettled.append(said, first, room)
		b = binary.AppendUvarint(b, uint64(len(said)))
		b = append(b, said...)
		room = max(0, room-int(d.unsettled.spread().bound()))
	}
	return b, room
}

// seal binds a note to an offset of a place.
func seal(at place, offset int64, text []byte) []byte {
	b := make([]byte, 0, 128+len(text))
	b = append(append(b, at.cluster...), 0)
	b = append(append(b, at.topic...), 0)
	b = binary.BigEndian.AppendUint32(b, uint32(at.partition))
	b = binary.BigEndian.AppendUint64(b, uint64(offset))
	sum := sha256.Sum256(append(b, text...))
	return sum[:sha256.Size/4]
}

// Why a commit's metadata means nothing.
var (
	errForeignNote = errors.New("the metadata was not written by this version of this program")
	errMovedNote   = errors.New("the metadata was written for another offset, or for a partition elsewhere")
)

// decodeNote reads the metadata of what is committed at a place. No metadata is
// a note that says nothing.
func decodeNote(text string, at place, offset int64) (note, error) {
	nothing := note{epoch: unknownEpoch}
	if text == "" {
		return nothing, nil
	}
	prefix := text[:min(len(text), len(notePrefix))]
	text = text[len(prefix):]
	hasSkipped := prefix == skippedPrefix
	hasDeferred := prefix == deferredPrefix || hasSkipped
	if prefix != notePrefix && !hasDeferred || len(text) > maxNote {
		return nothing, errForeignNote
	}
	b, err := base64.RawStdEncoding.DecodeString(text)
	if err != nil || len(b) < noteHead {
		return nothing, errForeignNote
	}
	if string(b[:sha256.Size/4]) != string(seal(at, offset, b[sha256.Size/4:])) {
		return nothing, errMovedNote
	}
	n := note{topic: topicID(b[sha256.Size/4 : noteHead])}
	c := wire.NewCursor(b[noteHead:])
	n.epoch = int32(c.Varint())
	from := offset
	if hasSkipped {
		n.skipped = decodeSkipped(&c, offset)
	}
	if hasDeferred {
		n.deferred = decodeDeferred(&c, offset)
		from = decodeFirst(&c, offset)
	}
	n.unsettled = decodeUnsettled(&c, from)
	if c.Err() != nil {
		return nothing, errForeignNote
	}
	return n, nil
}

// decodeDeferred reads what is deferred.
func decodeDeferred(c *wire.Cursor, base int64) (deferred []deferredNote) {
	strands := c.Uvarint()
	if strands > uint64(c.Len()) {
		c.Fail()
		return nil
	}
	for range strands {
		d := deferredNote{strand: uint64(c.Int64()), left: int64(c.Uvarint()), oldest: int64(c.Uvarint())}
		said := wire.NewCursor(c.Take(int(min(c.Uvarint(), maxNote))))
		d.unsettled = decodeUnsettled(&said, decodeFirst(&said, base))
		if c.Err() != nil || said.Err() != nil || d.left < 0 || d.oldest < 0 {
			c.Fail()
			return nil
		}
		deferred = append(deferred, d)
	}
	return deferred
}

// decodeFirst reads the first offset that is not settled.
func decodeFirst(c *wire.Cursor, base int64) int64 {
	first := base + int64(c.Uvarint())
	if first < base {
		c.Fail()
	}
	return first
}
