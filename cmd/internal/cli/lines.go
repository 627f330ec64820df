package cli

import (
	"bufio"
	"bytes"
	"errors"
	"io"

	"github.com/battlereport/battlereport/schema/plaintext"
)

// Lines reads JSON Lines in constant memory, however long a line is. A line ends with \n or \r\n, which are no part of
// it; the last may end with the input. A line of nothing but spaces, tabs and carriage returns is no record: it is
// skipped, but counts. A byte order mark before the first line is no part of it.
type Lines struct {
	in     *bufio.Reader
	limit  int
	number int
	kept   []byte
}

// A Line is one line of an input.
type Line struct {
	Number int    // from 1
	Text   []byte // the line, or its beginning if it is too long; good until the next line is read
	Size   int64  // bytes of the whole line
}

// TooLong reports whether Text is only the line's beginning.
func (l Line) TooLong() bool { return l.Size > int64(len(l.Text)) }

// NewLines reads from in, and keeps at most limit bytes of a line.
func NewLines(in io.Reader, limit int) *Lines {
	return &Lines{in: bufio.NewReaderSize(in, 64<<10), limit: limit}
}

// Next returns the next line that is not blank, and [io.EOF] after the last. A line during which reading fails is not
// returned. An input that is not UTF-8 but something that [plaintext.Recognize] knows has no lines: the error is a
// [*plaintext.Error], which [OfInput] gives the input's name.
func (l *Lines) Next() (Line, error) {
	for {
		current, err := l.read()
		if err != nil || current.TooLong() || len(bytes.Trim(current.Text, " \t\r")) > 0 {
			return current, err
		}
	}
}

// Count returns how many lines have been read, blank ones included.
func (l *Lines) Count() int { return l.number }

func (l *Lines) read() (Line, error) {
	l.kept = l.kept[:0]
	var size int64
	var ending [2]byte // the last two bytes
	for more := true; more; {
		chunk, err := l.in.ReadSlice('\n')
		more = errors.Is(err, bufio.ErrBufferFull)
		if l.number == 0 && size == 0 {
			var foreign error
			if chunk, foreign = plaintext.Of(chunk); foreign != nil {
				return Line{}, foreign
			}
		}
		l.kept = append(l.kept, chunk[:min(len(chunk), l.limit-len(l.kept))]...)
		size += int64(len(chunk))
		for _, b := range chunk[max(0, len(chunk)-2):] {
			ending = [2]byte{ending[1], b}
		}
		if err != nil && !more && (size == 0 || !errors.Is(err, io.EOF)) {
			return Line{}, err
		}
	}
	if ending[1] == '\n' {
		size--
		if ending[0] == '\r' {
			size--
		}
	}
	l.number++
	return Line{l.number, l.kept[:min(int64(len(l.kept)), size)], size}, nil
}
