package main

import (
	"bufio"
	"bytes"
	"errors"
	"io"
)

// lines reads JSON Lines in constant memory, however long a line is. A line ends with \n or \r\n, which are no part of
// it; the last may end with the input. A line of nothing but spaces, tabs and carriage returns is no record: it is
// skipped, but counts.
type lines struct {
	in     *bufio.Reader
	limit  int
	number int
	kept   []byte
}

// A line is one line of an input.
type line struct {
	number int    // from 1
	text   []byte // the line, or its beginning if it is too long; good until the next line is read
	size   int64  // bytes of the whole line
}

// tooLong reports whether text is only the line's beginning.
func (l line) tooLong() bool { return l.size > int64(len(l.text)) }

// newLines reads from in, and keeps at most limit bytes of a line.
func newLines(in io.Reader, limit int) *lines {
	return &lines{in: bufio.NewReaderSize(in, 64<<10), limit: limit}
}

// next returns the next line that is not blank, and [io.EOF] after the last. A line during which reading fails is not
// returned.
func (l *lines) next() (line, error) {
	for {
		current, err := l.read()
		if err != nil || current.tooLong() || len(bytes.Trim(current.text, " \t\r")) > 0 {
			return current, err
		}
	}
}

func (l *lines) read() (line, error) {
	l.kept = l.kept[:0]
	var size int64
	var ending [2]byte // the last two bytes
	for more := true; more; {
		chunk, err := l.in.ReadSlice('\n')
		more = errors.Is(err, bufio.ErrBufferFull)
		l.kept = append(l.kept, chunk[:min(len(chunk), l.limit-len(l.kept))]...)
		size += int64(len(chunk))
		for _, b := range chunk[max(0, len(chunk)-2):] {
			ending = [2]byte{ending[1], b}
		}
		if err != nil && !more && (size == 0 || !errors.Is(err, io.EOF)) {
			return line{}, err
		}
	}
	if ending[1] == '\n' {
		size--
		if ending[0] == '\r' {
			size--
		}
	}
	l.number++
	return line{l.number, l.kept[:min(int64(len(l.kept)), size)], size}, nil
}
