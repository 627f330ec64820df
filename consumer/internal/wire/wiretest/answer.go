package wiretest

import (
	"encoding/binary"

	"github.com/twmb/franz-go/pkg/kmsg"
)

// Answer is an answer to a Fetch request as a broker sends it, in the version that it has.
func Answer(res *kmsg.FetchResponse) []byte {
	b := make([]byte, 8) // size, correlation
	if res.IsFlexible() {
		b = append(b, 0)
	}
	b = res.AppendTo(b)
	binary.BigEndian.PutUint32(b, uint32(len(b)-4))
	return b
}
