package consumer

import (
	"bytes"
	"errors"
	"net"
	"slices"
	"testing"

	"github.com/twmb/franz-go/pkg/kmsg"
	"pgregory.net/rapid"
)

// sent keeps what is written.
type sent struct {
	net.Conn
	buffer bytes.Buffer
}

func (s *sent) Write(b []byte) (int, error) { return s.buffer.Write(b) }

// ask is a Metadata request as it is sent.
func ask(version int16, create bool, clientID string, topics ...string) []byte {
	req := kmsg.NewPtrMetadataRequest()
	req.AllowAutoTopicCreation = create
	for _, topic := range topics {
		t := kmsg.NewMetadataRequestTopic()
		t.Topic = &topic
		req.Topics = append(req.Topics, t)
	}
	return encoded(req, version, clientID)
}

func encoded(req kmsg.Request, version int16, clientID string) []byte {
	req.SetVersion(version)
	return kmsg.NewRequestFormatter(kmsg.FormatterClientID(clientID)).AppendRequest(nil, req, 7)
}

func TestAmongAllRequestsThoseForMetadataAllowNoCreation(t *testing.T) {
	t.Parallel()
	token := []byte{0, 0, 0, 2, 0, 3} // what SASL sent before it was in requests
	rapid.Check(t, func(t *rapid.T) {
		clientID := rapid.String().Draw(t, "client")
		var written, want []byte
		for range rapid.IntRange(1, 6).Draw(t, "requests") {
			switch rapid.IntRange(0, 3).Draw(t, "kind") {
			case 0:
				topics := rapid.SliceOf(rapid.String()).Draw(t, "topics")
				written = append(written, ask(6, rapid.Bool().Draw(t, "create"), clientID, topics...)...)
				want = append(want, ask(6, false, clientID, topics...)...)
			case 1:
				req := kmsg.NewPtrJoinGroupRequest()
				req.Group = rapid.String().Draw(t, "group")
				join := encoded(req, 1, clientID)
				written, want = append(written, join...), append(want, join...)
			case 2:
				req := kmsg.NewPtrSASLAuthenticateRequest()
				req.SASLAuthBytes = rapid.SliceOf(rapid.Byte()).Draw(t, "token")
				auth := encoded(req, 0, clientID)
				written, want = append(written, auth...), append(want, auth...)
			case 3:
				written, want = append(written, token...), append(want, token...)
			}
		}
		var out sent
		c := &uncreating{Conn: &out}
		for rest := written; len(rest) > 0; {
			piece := rest[:rapid.IntRange(0, len(rest)).Draw(t, "piece")]
			rest = rest[len(piece):]
			before := slices.Clone(piece)
			if n, err := c.Write(piece); n != len(piece) || err != nil {
				t.Fatalf("%d of %d written, error %v", n, len(piece), err)
			}
			if !bytes.Equal(piece, before) {
				t.Fatal("what belongs to the caller is changed")
			}
		}
		if !bytes.Equal(out.buffer.Bytes(), want) {
			t.Fatalf("sent  %q\nwant  %q", out.buffer.Bytes(), want)
		}
	})
}

func TestARequestForMetadataOfAnotherVersionIsNotSent(t *testing.T) {
	t.Parallel()
	for version := range kmsg.NewPtrMetadataRequest().MaxVersion() + 1 {
		var out sent
		c := &uncreating{Conn: &out}
		if _, err := c.Write(ask(version, false, "id", "topic")); errors.Is(err, errCreates) == (version == 6) || out.buffer.Len() > 0 == (err != nil) {
			t.Errorf("version %d: error %v, %d bytes sent", version, err, out.buffer.Len())
		}
	}
}

func FuzzUncreating(f *testing.F) {
	f.Add(ask(6, true, "id", "topic"), 5)
	f.Add(append(ask(6, true, "", "a", "b"), ask(6, true, "", "c")...), 1)
	f.Add([]byte{0, 0, 0, 0, 255, 255, 255, 255, 0, 3, 0, 6, 0}, 3)
	f.Fuzz(func(t *testing.T, written []byte, size int) {
		var whole, pieces sent
		_, err := (&uncreating{Conn: &whole}).Write(written)
		c := &uncreating{Conn: &pieces}
		var errPieces error
		for piece := range slices.Chunk(written, max(1, size)) {
			if _, errPieces = c.Write(piece); errPieces != nil {
				break
			}
		}
		if !errors.Is(errPieces, err) || err == nil && !bytes.Equal(whole.buffer.Bytes(), pieces.buffer.Bytes()) {
			t.Errorf("sent %q, error %v; in pieces of %d: %q, error %v", whole.buffer.Bytes(), err, size, pieces.buffer.Bytes(), errPieces)
		}
		if err == nil && whole.buffer.Len() != len(written) {
			t.Errorf("%d of %d bytes are sent", whole.buffer.Len(), len(written))
		}
	})
}
