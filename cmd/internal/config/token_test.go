package config_test

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/twmb/franz-go/pkg/kmsg"

	"github.com/battlereport/battlereport/cmd/internal/config"
	"github.com/battlereport/battlereport/consumer"
	"github.com/battlereport/battlereport/consumer/kafkatest"
)

const bearing = oneApp + "kafka: {sasl: {mechanism: oauthbearer, "

func TestATokenComesFromAFileOrACommand(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	write(t, dir, "token", "hunter2\n")
	file := filepath.Join(dir, "token")
	for yaml, want := range map[string]config.SASL{
		"token_file: token":                          {Token: "hunter2", TokenFile: file},
		"token_command: [gcloud, auth, -x]":          {TokenCommand: []string{"gcloud", "auth", "-x"}},
		"token_command: [./give, ./a]":               {TokenCommand: []string{filepath.Join(dir, "give"), "./a"}},
		"token_command: [/bin/give]":                 {TokenCommand: []string{"/bin/give"}},
		"token_file: token, extensions: [a=b=, c=d]": {Token: "hunter2", TokenFile: file, Extensions: []string{"a=b=", "c=d"}},
	} {
		want.Mechanism = "oauthbearer"
		text := takes(t, "kafka: {sasl: {mechanism: oauthbearer, "+yaml+"}}", dir, env(nil), func(c *config.Config) { c.Kafka.SASL = want })
		if err := validate(t, []byte(text)); err != nil {
			t.Errorf("the JSON Schema refuses %s: %#v", yaml, err)
		}
	}
}

func TestACommandBesideTheConfigurationIsNotLookedForElsewhere(t *testing.T) {
	t.Parallel()
	for dir, want := range map[string]string{"": "./give", ".": "./give", "a": "a/give", "/a/b": "/a/b/give"} {
		c, err := config.Parse([]byte(bearing+"token_command: [./give]}}"), dir, env(nil))
		if err != nil || c.Kafka.SASL.TokenCommand[0] != want {
			t.Errorf("in %q: %+v, %v", dir, c, err)
		}
	}
}

func TestATokenIsRefusedByWhereItComesFromAndNeverShown(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	write(t, dir, "token", "hunter2\n")
	write(t, dir, "two", "hunter2 hunter2\n")
	write(t, dir, "empty", "\n")
	const at = "line 2: kafka.sasl."
	for yaml, want := range map[string]string{
		"client: x": at + "client: unknown key: want one of mechanism, username, password, password_file, token_file, token_command, extensions\n" +
			at + "token_file: missing: want this or token_command, as kafka.sasl.mechanism is oauthbearer",
		"token_file: ''":                            at + `token_file: "": want this or token_command, as kafka.sasl.mechanism is oauthbearer`,
		"token_file: token, token_command: [a]":     at + "token_command: a list: want one of the two, this or token_file",
		"token_file: none":                          at + `token_file: "none": want a file that can be read; "$DIR/none": no such file or directory`,
		"token_file: empty":                         at + `token_file: "empty": want a file of 1 byte to 64KiB that holds the secret`,
		"token_file: two":                           at + `token_file: "two": want a file that holds a token of letters, digits and -._~+/ with = at its end alone (RFC 6750), one line end aside; the secret in "$DIR/two" has a character that is in no token`,
		"token_command: gcloud auth":                at + "token_command: a single value: want a list of words, at least one, each a string that is not empty",
		"token_command: []":                         at + "token_command: an empty list: want a list of words, at least one, each a string that is not empty",
		"token_file: token, username: u":            at + `username: "u": want nothing, as kafka.sasl.mechanism is oauthbearer`,
		"token_file: token, password: hunter2":      at + "password: [redacted]: want nothing, as kafka.sasl.mechanism is oauthbearer",
		"token_file: token, extensions: [auth=x]":   at + `extensions[0]: "auth=x": want name=value, a name of letters other than auth, and a value of printable ASCII without spaces`,
		"token_file: token, extensions: [a=x, a=y]": at + `extensions[1]: "a=y": want another name; kafka.sasl.extensions[0] has this one`,
	} {
		text := bearing + yaml + "}}"
		_, err := config.Parse([]byte(text), dir, env(nil))
		if want := strings.ReplaceAll(want, "$DIR", dir); err == nil || err.Error() != want || strings.Contains(err.Error(), "hunter2") {
			t.Errorf("%s\ngot  %v\nwant %s", yaml, err, want)
		}
	}
}

func TestOtherMechanismsTakeNoToken(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	write(t, dir, "token", "hunter2\n")
	_, err := config.Parse([]byte(oneApp+"kafka: {sasl: {mechanism: plain, username: u, password: p, token_file: token, extensions: [a=b], token_command: [x]}}"), dir, env(nil))
	const at, want = "line 2: kafka.sasl.", "want nothing, as kafka.sasl.mechanism is plain"
	if want := at + "extensions: a list: " + want + "\n" + at + "token_command: a list: " + want + "\n" + at + `token_file: "token": ` + want; err == nil || err.Error() != want {
		t.Errorf("got  %v\nwant %s", err, want)
	}
}

// connect opens a connection as the configuration says, to a broker that takes the token.
func connect(t *testing.T, sasl, dir, token string) error {
	t.Helper()
	c, err := config.Parse([]byte(bearing+sasl+"}}"), dir, env(nil))
	if err != nil {
		t.Fatal(err)
	}
	b := kafkatest.Start(t)
	door := b.Doorman(time.Minute)
	door.Bearer = func(shown string) bool { return shown == token }
	c.Kafka.Brokers = b.Addrs()
	conn, err := c.Kafka.Connection(door.Dial)
	if err != nil {
		t.Fatal(err)
	}
	if text := fmt.Sprintf("%v %+v", conn, conn); strings.Contains(text, "hunter2") {
		t.Error(text)
	}
	opened, err := conn.Opener()(t.Context(), "tcp", consumer.Bootstrap)
	if err == nil {
		_ = opened.Close()
	}
	return err
}

func TestACommandGivesATokenOrSaysWhyNot(t *testing.T) {
	t.Parallel()
	const before = `kafka.sasl.token_command: `
	for rule, test := range map[string]struct{ command, want string }{
		"its output is the token, white space at the ends aside": {`[sh, -c, "echo; echo ' hunter2 '"]`, ""},
		"what it says beside it does not matter":                 {`[sh, -c, "echo careful >&2; echo hunter2"]`, ""},
		"what it leaves behind may keep its output open":         {`[sh, -c, "sleep 3 & echo hunter2"]`, ""},
		"there is no shell":               {`[echo, "hunter2; exit 1"]`, before + `"echo" prints what is no token: it has a character that is in no token`},
		"it fails and says why":           {`[sh, -c, "echo first >&2; echo no login >&2; exit 3"]`, before + `"sh" fails (exit status 3): "no login"`},
		"what it says may hold the token": {`[sh, -c, "echo hunter2; echo got hunter2 and eyJhbGciOiJub25lIn0.eyJzdWIiOiJodW50ZXIyIn0. >&2; exit 1"]`, before + `"sh" fails (exit status 1): "got [redacted] and [redacted]"`},
		"it prints nothing":               {`[sh, -c, "echo later >&2"]`, before + `"sh" prints nothing: "later"`},
		"it prints too much":              {`[sh, -c, "yes hunter2 | head -c 1000000"]`, before + `"sh" prints what is no token: it has a line end at byte 8`},
		"it is not there":                 {`[nosuchcommand]`, before + `"nosuchcommand" cannot be run: exec: "nosuchcommand": executable file not found in $PATH`},
		"nor at a path":                   {`[/nosuch/command]`, before + `"/nosuch/command" cannot be run: no such file or directory`},
	} {
		t.Run(rule, func(t *testing.T) {
			t.Parallel()
			err := connect(t, "token_command: "+test.command, "", "hunter2")
			var token *config.TokenError
			switch {
			case test.want == "" && err != nil:
				t.Error(err)
			case test.want != "" && (!errors.As(err, &token) || token.Error() != test.want || strings.Contains(err.Error(), "hunter2")):
				t.Errorf("got  %v\nwant %s", err, test.want)
			case test.want != "" && token.Missing() != strings.Contains(test.want, "cannot be run"):
				t.Errorf("%v is missing: %v", token, token.Missing())
			}
		})
	}
}

// As while an update writes it, or where the machine has no room for another process.
func TestACommandThatCannotBeRunNowMayBeRunLater(t *testing.T) {
	t.Parallel()
	if runtime.GOOS != "linux" {
		t.Skip("a program that is being written can be run elsewhere")
	}
	dir := t.TempDir()
	program, err := os.OpenFile(filepath.Join(dir, "program"), os.O_CREATE|os.O_WRONLY, 0o700)
	if err != nil {
		t.Fatal(err)
	}
	defer program.Close()
	var token *config.TokenError
	if err := connect(t, "token_command: [./program]", dir, "hunter2"); !errors.As(err, &token) || !strings.Contains(token.Error(), "cannot be run: ") || token.Missing() {
		t.Errorf("%v", err)
	}
}

// The end of the handshake ends the command, and it leaves nothing behind that holds it up.
func TestACommandEndsWithItsHandshake(t *testing.T) {
	t.Parallel()
	c, err := config.Parse([]byte(bearing+`token_command: [sh, -c, "sleep 1000 & sleep 1000"]}}`), "", env(nil))
	if err != nil {
		t.Fatal(err)
	}
	conn, err := c.Kafka.Connection(nil)
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithTimeout(t.Context(), 100*time.Millisecond)
	defer cancel()
	if _, _, err := conn.SASL.Start(ctx); err == nil || !strings.Contains(err.Error(), "does not end") {
		t.Errorf("it has no time: %v", err)
	}
	ctx, cancel = context.WithCancel(t.Context())
	time.AfterFunc(100*time.Millisecond, cancel)
	if _, _, err := conn.SASL.Start(ctx); err != context.Canceled {
		t.Errorf("nobody wants it any more: %v", err)
	}
}

// As sessions end with the tokens they were begun with, connections go on over others that were begun with newer ones.
func TestSessionsAreRenewedWithTheTokenOfThen(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	synctest.Test(t, func(t *testing.T) {
		const life = 20 * time.Second
		began := time.Now()
		now := func() string { return fmt.Sprintf("t%d", time.Since(began)/life) }
		write(t, dir, "token", now())
		b := kafkatest.StartVirtual(t)
		door := b.Doorman(life)
		door.Bearer = func(token string) bool { return token == now() }
		c, err := config.Parse([]byte(bearing+"token_file: token}}"), dir, env(nil))
		if err != nil {
			t.Fatal(err)
		}
		c.Kafka.Brokers = b.Addrs()
		conn, err := c.Kafka.Connection(door.Dial)
		if err != nil {
			t.Fatal(err)
		}
		opened, err := conn.Opener()(t.Context(), "tcp", consumer.Bootstrap)
		if err != nil {
			t.Fatal(err)
		}
		defer opened.Close()
		for time.Since(began) < 5*life {
			write(t, dir, "token", now())
			ask(t, opened)
			time.Sleep(time.Second)
		}
		if let, ended := door.Sessions(); let < 5 || let > 8 || ended != 0 {
			t.Errorf("%d sessions, of which the broker ended %d", let, ended)
		}
	})
}

// ask asks over a connection which versions there are, and awaits the answer.
func ask(t *testing.T, conn interface {
	Write([]byte) (int, error)
	Read([]byte) (int, error)
},
) {
	t.Helper()
	formatter := kmsg.NewRequestFormatter(kmsg.FormatterClientID("c"))
	req := kmsg.NewPtrApiVersionsRequest()
	if _, err := conn.Write(formatter.AppendRequest(nil, req, 1)); err != nil {
		t.Fatal(err)
	}
	if n, err := conn.Read(make([]byte, 1<<16)); n == 0 || err != nil {
		t.Fatal(n, err)
	}
}
