package msdkclient

import (
	"bytes"
	"compress/flate"
	"compress/gzip"
	"compress/zlib"
	"errors"
	"fmt"
	"io"
	"strings"
)

// unpack undoes the packing of an answer, which nobody has asked for. codings are the values of the header
// Content-Encoding. It may say too much, if something on the way has unpacked the answer, or too little; gzip tells of
// itself. As many layers are undone as anybody could mean, each within the limit of an answer.
//
// With an error comes what there is to read all the same: the beginning of the text, or the answer as it came.
func unpack(text []byte, limit int64, codings []string) ([]byte, error) {
	deflated := false
	var unknown error
	for coding := range strings.SplitSeq(strings.ToLower(strings.Join(codings, ",")), ",") {
		switch coding = strings.TrimSpace(coding); coding {
		case "", "identity", "gzip", "x-gzip":
		case "deflate":
			deflated = true
		default:
			unknown = fmt.Errorf("answer is packed as %q: want identity, gzip or deflate", clip(coding))
		}
	}
	for range 4 {
		var unpacked []byte
		var err error
		switch {
		case bytes.HasPrefix(text, []byte("\x1f\x8b")):
			unpacked, err = readUnpacked(limit)(gzip.NewReader(bytes.NewReader(text)))
		case deflated && !bytes.HasPrefix(bytes.TrimLeft(text, "\ufeff \t\r\n"), []byte("{")): // with which nothing packed begins
			deflated = false
			unpacked, err = inflate(text, limit)
		default:
			return text, unknown
		}
		switch {
		case err == nil:
			text = unpacked
		case errors.Is(err, gzip.ErrChecksum), errors.Is(err, zlib.ErrChecksum):
			return text, err // what was unpacked is not what was packed
		case len(unpacked) > 0, errors.Is(err, tooLong(limit)):
			return unpacked, err
		default:
			return text, err
		}
	}
	return text, unknown
}

// inflate undoes deflate, with the header of zlib, as RFC 9110 has it, or without, as many servers send it.
func inflate(text []byte, limit int64) ([]byte, error) {
	zlibReader, err := zlib.NewReader(bytes.NewReader(text))
	if errors.Is(err, zlib.ErrHeader) {
		return readUnpacked(limit)(flate.NewReader(bytes.NewReader(text)), nil)
	}
	return readUnpacked(limit)(zlibReader, err)
}

// readUnpacked takes what a constructor of a reader returns.
func readUnpacked(limit int64) func(io.Reader, error) ([]byte, error) {
	return func(r io.Reader, err error) ([]byte, error) {
		if err != nil {
			return nil, fmt.Errorf("unpack answer: %w", err)
		}
		return readAll(r, limit, "unpack")
	}
}
