package consumer

// bitWriter appends bits to bytes, the highest first.
type bitWriter struct {
	b    []byte
	left int // bits of the last byte that are not yet written
}

// write appends the lowest n bits of v; those of it beyond 64 are zeros.
func (w *bitWriter) write(v uint64, n int) {
	for n > 0 {
		if w.left == 0 {
			w.b, w.left = append(w.b, 0), 8
		}
		k := min(n, w.left)
		n -= k
		w.left -= k
		w.b[len(w.b)-1] |= byte(v>>n) & (1<<k - 1) << w.left
	}
}

// bitReader reads what bitWriter has written. Once the bits are short it reads
// zeros.
type bitReader struct {
	b     []byte
	at    int // in bits
	short bool
}

func (r *bitReader) bit() uint64 {
	if r.at >= 8*len(r.b) {
		r.short = true
		return 0
	}
	bit := r.b[r.at/8] >> (7 - r.at%8) & 1
	r.at++
	return uint64(bit)
}

// zeros counts the zeros before the next one, and passes that too.
func (r *bitReader) zeros() (n int) {
	for r.bit() == 0 && !r.short {
		n++
	}
	return n
}

func (r *bitReader) read(n int) (v uint64) {
	for range n {
		v = v<<1 | r.bit()
	}
	return v
}
