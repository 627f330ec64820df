package part

import "bytes"

// Checksum is a multitude of events, by their count and a sum over their numbers that does not depend on their order.
type Checksum struct {
	Count int64
	Sum   uint64
}

// Add takes another event in.
func (s *Checksum) Add(number uint64) {
	s.Count++
	s.Sum += scatter(number)
}

// scatter is the finaliser of SplitMix64: sums of plain numbers come out alike too easily.
func scatter(z uint64) uint64 {
	z = (z ^ z>>30) * 0xbf58476d1ce4e5b9
	z = (z ^ z>>27) * 0x94d049bb133111eb
	return z ^ z>>31
}

// IDPrefix is what stands in an event before its number.
func IDPrefix(run string) []byte { return []byte(`"` + run + "-") }

// EachNumber calls f with the number of each event in text, before which prefix stands.
func EachNumber(text, prefix []byte, f func(number uint64)) {
	for {
		i := bytes.Index(text, prefix)
		if i < 0 {
			return
		}
		text = text[i+len(prefix):]
		number, digits := uint64(0), 0
		for digits < len(text) && '0' <= text[digits] && text[digits] <= '9' {
			number = number*10 + uint64(text[digits]-'0')
			digits++
		}
		if 0 < digits && digits < len(text) && text[digits] == '"' {
			f(number)
		}
	}
}
