package config

import (
	"crypto/x509"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strings"

	"github.com/battlereport/battlereport/schema"
	"github.com/battlereport/battlereport/schema/plaintext"
)

// file is the path of a file that must be there; relative to dir, and empty for none.
func file(to *string, dir string) *scalar {
	s := text(to, anyRule)
	s.want = "the path of a file"
	s.set = func(text string) string {
		*to = ""
		if text == "" {
			return ""
		}
		path := inDir(dir, text)
		if err := tryText(path); err != nil {
			return cannotRead(path, err)
		}
		*to = path
		return ""
	}
	return s
}

// authorities is the path of a PEM file with certificates in it; relative to dir, and empty for none.
func authorities(to *string, dir string) *scalar {
	s := file(to, dir)
	fromFile := s.set
	s.want = "the path of a PEM file with at least one certificate in it"
	s.set = func(text string) string {
		if want := fromFile(text); want != "" || text == "" {
			return want
		}
		path := *to
		*to = ""
		pem, err := plaintext.ReadFile(path, maxFile)
		if err != nil {
			return cannotRead(path, err)
		}
		if !x509.NewCertPool().AppendCertsFromPEM(pem) {
			return s.want
		}
		*to = path
		return ""
	}
	return s
}

const builtinPrefix = "builtin:"

// schemaName is the name of a built-in schema, or a file.
func schemaName(to *string, dir string) *scalar {
	builtin := oneOf(to, schema.BuiltIns()...)
	s := file(to, dir)
	fromFile := s.set
	s.want = builtin.want + ", or the path of a file"
	s.schema = anyOf(builtin.schema, map[string]any{
		"type": "string", "minLength": 1, "not": map[string]any{"pattern": "^" + builtinPrefix},
	})
	s.set = func(text string) string {
		if text == "" || strings.HasPrefix(text, builtinPrefix) {
			if builtin.set(text) == "" {
				return ""
			}
			return s.want
		}
		return fromFile(text)
	}
	return s
}

// maxSecretFile bounds what is read of a secret's file: a wrong path may lead to anything.
const maxSecretFile = 64 << 10

// secretFile is the path of a file that holds a secret, with one line end at most; relative to dir.
func secretFile(to *Secret, from *string, r rule, dir string) *scalar {
	s := text(new(string), filledRule)
	s.want = "the path of a file that holds the secret"
	s.set = func(text string) string {
		if text == "" {
			return s.want
		}
		path := inDir(dir, text)
		value, want := readSecret(path, r)
		if want == "" {
			*to, *from = value, path
		}
		return want
	}
	return s
}

// readSecret reads the secret in a file, or says what is wanted of the file instead, and shows nothing of it.
func readSecret(path string, r rule) (_ Secret, want string) {
	f, err := openRegular(path)
	if err != nil {
		return "", cannotRead(path, err)
	}
	defer f.Close()
	content, err := io.ReadAll(io.LimitReader(f, maxSecretFile+1))
	if err != nil {
		return "", cannotRead(path, err)
	}
	value, ended := strings.CutSuffix(string(content), "\n")
	if ended {
		value = strings.TrimSuffix(value, "\r")
	}
	if value == "" || len(content) > maxSecretFile {
		return "", "a file of 1 byte to " + printSize(maxSecretFile) + " that holds the secret"
	}
	if what := r.flaw(value); what != "" {
		return "", fmt.Sprintf("a file that holds %s, one line end aside; the secret in %q %s", r.want, path, what)
	}
	return Secret(value), ""
}

// maxFile bounds the configuration's file, and those that it names: none of text that people write comes near it.
const maxFile = 4 << 20

// tryText sees whether a file of text can be read, as far as that can be told by its size and first bytes.
func tryText(path string) error {
	f, err := openRegular(path)
	if err != nil {
		return err
	}
	defer f.Close()
	if info, err := f.Stat(); err == nil && info.Size() > maxFile {
		return &plaintext.SizeError{Limit: maxFile}
	}
	first := make([]byte, 64)
	n, err := io.ReadFull(f, first)
	if err != nil && !errors.Is(err, io.EOF) && !errors.Is(err, io.ErrUnexpectedEOF) {
		return err
	}
	_, err = plaintext.Of(first[:n])
	return err
}

func inDir(dir, path string) string {
	if filepath.IsAbs(path) {
		return path
	}
	return filepath.Join(dir, path)
}

// openRegular opens a regular file: opening a pipe could block for ever.
func openRegular(path string) (*os.File, error) {
	info, err := os.Stat(path)
	if err != nil {
		return nil, err
	}
	if !info.Mode().IsRegular() {
		return nil, errNotRegular
	}
	return os.Open(path)
}

var errNotRegular = errors.New("not a regular file")

func cannotRead(path string, err error) (want string) {
	return fmt.Sprintf("a file that can be read; %q: %v", path, reason(err))
}
