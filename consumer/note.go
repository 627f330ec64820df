package consumer

import (
	"crypto/sha256"
	"encoding/base64"
	"encoding/binary"
	"errors"
	"strings"
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
}

const (
	unknownEpoch = -1

	notePrefix = "battlereport/2:"
	noteHead   = sha256.Size/4 + len(topicID{}) // bytes: the seal, and the id
	maxNote    = 4096                           // characters: Kafka's offset.metadata.max.bytes, unless it is set
)

// noteRoom is how many bits a note of that many characters has at least for the
// gaps between what is unsettled. Below 0: it would be too short for any.
func noteRoom(size int) int {
	const head = noteHead + binary.MaxVarintLen32 + maxUnsettledHead
	return 8 * (base64.RawStdEncoding.DecodedLen(size-len(notePrefix)) - head)
}

// encode is the note as text of at most size characters. It says all, if the
// tracker has kept to the same size.
func (n note) encode(at place, offset int64, size int) string {
	b := make([]byte, sha256.Size/4, 64)
	b = append(b, n.topic[:]...)
	b = binary.AppendVarint(b, int64(n.epoch))
	b = n.unsettled.append(b, offset, noteRoom(size))
	copy(b, seal(at, offset, b[sha256.Size/4:]))
	return notePrefix + base64.RawStdEncoding.EncodeToString(b)
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
	text, ours := strings.CutPrefix(text, notePrefix)
	if !ours || len(text) > maxNote {
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
	c := cursor{b: b[noteHead:]}
	n.epoch = int32(c.varint())
	n.unsettled = decodeUnsettled(&c, offset)
	if c.short {
		return nothing, errForeignNote
	}
	return n, nil
}
