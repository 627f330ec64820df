package consumer

import (
	"encoding/binary"
	"errors"
	"net"
	"slices"

	"github.com/twmb/franz-go/pkg/kmsg"
)

// uncreating is a connection of kafka-go's consumer group that leaves no broker to
// create a topic. The group's leader asks about all topics that members name, and
// allows their creation, in Metadata requests of version 6: what allows it is their
// last byte. Brokers that speak no more than version 5 it asks in version 1, where
// to ask is to allow it: such a request is not sent.
type uncreating struct {
	net.Conn
	head [4 + 2 + 2]byte // of the request being written: the bytes that follow, the API, its version
	at   int             // bytes of it that are written
}

var errCreates = errors.New("asked about a topic, this broker would create it: brokers of Kafka 2.0 or newer are needed")

// Write writes requests, whole or in pieces.
func (c *uncreating) Write(b []byte) (int, error) {
	b = slices.Clone(b) // a Writer leaves the caller's alone
	for i := range b {
		if c.at < len(c.head) {
			c.head[c.at] = b[i]
		}
		c.at++
		ends := c.at >= 4 && c.at-4 == int(binary.BigEndian.Uint32(c.head[:]))
		if c.at >= len(c.head) && binary.BigEndian.Uint16(c.head[4:]) == uint16(kmsg.Metadata) {
			if binary.BigEndian.Uint16(c.head[6:]) != 6 {
				return 0, errCreates
			}
			if ends {
				b[i] = 0
			}
		}
		if ends {
			c.at = 0
		}
	}
	return c.Conn.Write(b)
}
