package skipcmd

import (
	"bytes"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
)

// keep writes the batch to a new file, readable by its owner alone, since it may have what players did. It returns once the disk
// has it. A file that is there is left alone: it is an error, unless it is this very batch, kept before the group could
// be moved.
func keep(path string, batch []byte) error {
	f, err := os.OpenFile(path, os.O_WRONLY|os.O_CREATE|os.O_EXCL, 0o600)
	if errors.Is(err, fs.ErrExist) {
		if holds(path, batch) {
			return nil
		}
		return fmt.Errorf("--keep %s: there is such a file, with something else in it: name another", path)
	}
	if err != nil {
		return fmt.Errorf("--keep: %w", err)
	}
	_, err = f.Write(batch)
	err = errors.Join(err, f.Sync(), f.Close(), syncFolder(filepath.Dir(path)))
	if err != nil {
		return errors.Join(fmt.Errorf("--keep: %w", err), os.Remove(path))
	}
	return nil
}

// holds tells whether the file has these bytes and no others.
func holds(path string, batch []byte) bool {
	info, err := os.Stat(path)
	if err != nil || !info.Mode().IsRegular() || info.Size() != int64(len(batch)) {
		return false
	}
	had, err := os.ReadFile(path)
	return err == nil && bytes.Equal(had, batch)
}

// syncFolder has the disk know the names in a folder.
func syncFolder(path string) error {
	f, err := os.Open(path)
	if err != nil {
		return err
	}
	return errors.Join(f.Sync(), f.Close())
}
