package config

import (
	"errors"
	"fmt"
)

// A File is one that may change while a program runs, and is read again when it is used. If it cannot be used then, what
// was read before still counts.
type File struct {
	Key   string       // of the configuration
	Path  string       // two, with a comma between them, of files that go together
	Check func() error // says why it cannot be used as it is now, and shows nothing of what it holds
}

// Files returns the files of certificates, authorities and secrets. Variables never change.
func (c *Config) Files() []File {
	var files []File
	add := func(key, path string, check func() error) {
		if path != "" {
			files = append(files, File{key, path, check})
		}
	}
	tls, sasl := &c.Kafka.TLS, &c.Kafka.SASL
	add("kafka.tls.ca_file", tls.CAFile, func() error {
		all := tls.files()
		all.Cert, all.Key = "", ""
		_, err := all.Load()
		return err
	})
	if tls.CertFile != "" {
		add("kafka.tls.cert_file, key_file", tls.CertFile+", "+tls.KeyFile, func() error {
			_, err := tls.FirstToExpire()
			return err
		})
	}
	add("kafka.sasl.password_file", sasl.PasswordFile, func() error {
		password, want := readSecret(sasl.PasswordFile, credentialRule)
		if want != "" {
			return wanted(want)
		}
		_, err := sasl.with(password)
		return err
	})
	add("kafka.sasl.token_file", sasl.TokenFile, func() error {
		_, want := readSecret(sasl.TokenFile, tokenRule)
		return wanted(want)
	})
	add("msdk.ca_file", c.MSDK.CAFile, func() error {
		return wanted(authorities(new(string), "").set(c.MSDK.CAFile))
	})
	for i := range c.Apps {
		file := c.Apps[i].AppKeyFile
		add(fmt.Sprintf("apps[%d].appkey_file", i), file, func() error {
			_, want := readSecret(file, keyRule)
			return wanted(want)
		})
	}
	return files
}

// wanted is an error where something is.
func wanted(want string) error {
	if want == "" {
		return nil
	}
	return errors.New("want " + want)
}
