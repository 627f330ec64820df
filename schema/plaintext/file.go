package plaintext

import (
	"fmt"
	"io"
	"io/fs"
	"os"
)

// A SizeError says that a file is larger than anything that is meant to be read of its kind.
type SizeError struct {
	Limit int64 // bytes that are allowed
}

func (e *SizeError) Error() string {
	return fmt.Sprintf("more than the %d bytes that are allowed", e.Limit)
}

// ReadFile returns the text of the file at path as [Of] does. The file may be a pipe, and be endless: of one with more
// than limit bytes no more is read, and the error is a [*SizeError]. Every error is in an [*fs.PathError].
func ReadFile(path string, limit int64) ([]byte, error) {
	file, err := os.Open(path)
	if err != nil {
		return nil, err
	}
	defer file.Close()
	data, err := io.ReadAll(io.LimitReader(file, limit+1))
	if err == nil && int64(len(data)) > limit {
		err = &fs.PathError{Op: "read", Path: path, Err: &SizeError{limit}}
	}
	if err != nil {
		return nil, err
	}
	text, err := Of(data)
	if err != nil {
		return nil, &fs.PathError{Op: "read", Path: path, Err: err}
	}
	return text, nil
}
