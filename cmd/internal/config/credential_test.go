package config_test

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"

	"github.com/segmentio/kafka-go"
	"github.com/twmb/franz-go/pkg/kfake"

	"github.com/battlereport/battlereport/cmd/internal/config"
	"github.com/battlereport/battlereport/consumer"
	"github.com/battlereport/battlereport/consumer/kafkatest"
)

// changes are what may become of a secret's file, with the secret that counts then; empty: that before it, hunter0.
func changes() map[string]struct {
	change func(path string)
	want   string
} {
	becomes := func(content string) func(string) {
		return func(path string) { _ = os.WriteFile(path, []byte(content), 0o600) }
	}
	type change = struct {
		change func(path string)
		want   string
	}
	all := map[string]change{
		"it is as it was":                {func(string) {}, ""},
		"it is another":                  {becomes("hunter3"), "hunter3"},
		"it is another of the same size": {becomes("hunter9"), "hunter9"},
		"it is another with a line end":  {becomes("hunter3\r\n"), "hunter3"},
		"it is removed":                  {func(path string) { _ = os.Remove(path) }, ""},
		"it is emptied":                  {becomes(""), ""},
		"it has a line end alone":        {becomes("\n"), ""},
		"it is too long":                 {becomes(strings.Repeat("x", 64<<10+1)), ""},
		"it is a directory":              {func(path string) { _ = os.Remove(path); _ = os.Mkdir(path, 0o700) }, ""},
		"another is renamed":             {func(path string) { becomes("hunter3")(path + "~"); _ = os.Rename(path+"~", path) }, "hunter3"},
		"it is a link to another": {func(path string) {
			becomes("hunter3")(path + "~")
			_ = os.Remove(path)
			_ = os.Symlink(path+"~", path)
		}, "hunter3"},
	}
	for text, flaw := range flaws {
		if text != "hunter2\r" { // with what follows it is a line end
			all["it "+flaw+fmt.Sprintf(" (%x)", text)] = change{becomes(text + "\n"), ""}
		}
	}
	return all
}

func TestAKeyIsThatInItsFileOrElseTheLastThatWas(t *testing.T) {
	t.Parallel()
	for rule, test := range changes() {
		t.Run(rule, func(t *testing.T) {
			t.Parallel()
			dir := t.TempDir()
			path := write(t, dir, "key", "hunter0")
			cfg, err := config.Parse([]byte("apps: [{appid: wx1, appkey_file: key, topics: [a]}]"), dir, env(nil))
			if err != nil {
				t.Fatal(err)
			}
			key := cfg.Apps[0].Key()
			test.change(path)
			want := test.want
			if want == "" {
				want = "hunter0"
			}
			if got := key.Now().Reveal(); got != want {
				t.Errorf("it is %q", got)
			}
			if text := fmt.Sprintf("%v %+v %#v", key, key, cfg); strings.Contains(text, want) {
				t.Errorf("printed: %s", text)
			}
			os.Remove(path)
			write(t, dir, "key", "hunter4")
			if got := key.Now().Reveal(); got != "hunter4" {
				t.Errorf("when all is well again it is %q", got)
			}
		})
	}
}

func TestASecretThatIsNotFromAFileNeverChanges(t *testing.T) {
	t.Parallel()
	vars := map[string]string{"V": "hunter0"}
	cfg, err := config.Parse([]byte("apps: [{appid: wx1, appkey: '${V}', topics: [a]}]"), "", env(vars))
	if err != nil {
		t.Fatal(err)
	}
	key := cfg.Apps[0].Key()
	vars["V"] = "new"
	if got := key.Now().Reveal(); got != "hunter0" || len(cfg.Files()) > 0 {
		t.Errorf("it is %q", got)
	}
}

func TestAKeyMayBeAskedForWhileItChanges(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	path := write(t, dir, "key", "hunter0")
	app := config.App{AppKey: "hunter0", AppKeyFile: path}
	key := app.Key()
	var asking sync.WaitGroup
	for range 4 {
		asking.Go(func() {
			for range 200 {
				if got := key.Now(); got != "hunter0" && got != "new" {
					t.Errorf("it is %q", got.Reveal())
				}
			}
		})
	}
	for i := range 100 {
		write(t, dir, "next", []string{"hunter0", "new"}[i%2])
		if err := os.Rename(filepath.Join(dir, "next"), path); err != nil {
			t.Fatal(err)
		}
	}
	asking.Wait()
}

// The broker knows the user by the passwords hunter0 and hunter3, and by no other.
func TestEachSASLHandshakeTakesThePasswordThatIsInItsFileOrElseTheLastThatWas(t *testing.T) {
	t.Parallel()
	for _, mechanism := range []string{"plain", "scram-sha-256", "scram-sha-512"} {
		t.Run(mechanism, func(t *testing.T) {
			t.Parallel()
			name := strings.ToUpper(mechanism)
			before := kafkatest.Start(t, kfake.EnableSASL(), kfake.Superuser(name, "u", "hunter0"))
			after := kafkatest.Start(t, kfake.EnableSASL(), kfake.Superuser(name, "u", "hunter3"))
			all := changes()
			delete(all, "it is another of the same size")
			all["it is what SCRAM does not take"] = struct {
				change func(path string)
				want   string
			}{func(path string) { _ = os.WriteFile(path, []byte("hunter2\ue000"), 0o600) }, ""}
			if mechanism == "plain" {
				delete(all, "it is what SCRAM does not take")
			}
			for rule, test := range all {
				dir := t.TempDir()
				path := write(t, dir, "password", "hunter0")
				cfg, err := config.Parse([]byte("kafka: {sasl: {mechanism: "+mechanism+", username: u, password_file: password}}\n"+oneApp), dir, env(nil))
				if err != nil {
					t.Fatal(err)
				}
				conn, err := cfg.Kafka.Connection(nil)
				if err != nil {
					t.Fatal(err)
				}
				if text := fmt.Sprintf("%v %+v %#v %v %+v %#v", conn, conn, conn, conn.SASL, conn.SASL, conn.SASL); strings.Contains(text, "hunter0") || conn.SASL.Name() != name {
					t.Errorf("printed: %s", text)
				}
				test.change(path)
				for password, broker := range map[string]*kafkatest.Broker{"hunter0": before, "hunter3": after} {
					conn.Brokers = broker.Addrs()
					client := conn.Client()
					_, err := client.Metadata(t.Context(), &kafka.MetadataRequest{})
					consumer.CloseClient(client)
					if takes := test.want == password || test.want == "" && password == "hunter0"; (err == nil) != takes {
						t.Errorf("%s: by the password %s: %v", rule, password, err)
					}
				}
			}
		})
	}
}

func BenchmarkKey(b *testing.B) {
	path := filepath.Join(b.TempDir(), "key")
	if err := os.WriteFile(path, []byte("k\n"), 0o600); err != nil {
		b.Fatal(err)
	}
	app := config.App{AppKey: "k", AppKeyFile: path}
	key := app.Key()
	b.ReportAllocs()
	for b.Loop() {
		key.Now()
	}
}
