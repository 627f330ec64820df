package consumer_test

import (
	"context"
	"crypto/tls"
	"errors"
	"io"
	"net"
	"slices"
	"syscall"
	"testing"

	"github.com/segmentio/kafka-go"
	"github.com/twmb/franz-go/pkg/kerr"

	"github.com/battlereport/battlereport/consumer"
)

// saying returns a connection at whose other end somebody reads one request, says something in pieces, and hangs up.
func saying(t *testing.T, pieces ...string) net.Conn {
	ours, theirs := net.Pipe()
	done := make(chan struct{})
	go func() {
		defer close(done)
		defer theirs.Close()
		_, _ = theirs.Read(make([]byte, 1<<14))
		for _, piece := range pieces {
			_, _ = theirs.Write([]byte(piece))
		}
	}()
	t.Cleanup(func() { ours.Close(); <-done })
	return ours
}

// speaksNothing is the answer of a broker that speaks no API: its length, the number of the request, no error, none.
const speaksNothing = "\x00\x00\x00\x0a" + "\x00\x00\x00\x00" + "\x00\x00" + "\x00\x00\x00\x00"

func TestAFirstAnswerThatIsNoneOfKafkasIsToldByItsBytes(t *testing.T) {
	t.Parallel()
	for rule, test := range map[string]struct {
		says []string
		want error // nil: an answer
	}{
		"an answer":              {[]string{speaksNothing}, nil},
		"an answer in pieces":    {[]string{speaksNothing[:1], speaksNothing[1:3], speaksNothing[3:9], speaksNothing[9:]}, nil},
		"an alert of TLS":        {[]string{"\x15\x03\x03\x00\x02\x02\x50"}, consumer.ErrSpeaksTLS},
		"an alert in pieces":     {[]string{"\x15", "\x03\x03", "\x00\x02\x02\x50"}, consumer.ErrSpeaksTLS},
		"a handshake of TLS":     {[]string{"\x16\x03\x01\x02\x00\x01"}, consumer.ErrSpeaksTLS},
		"an HTTP server's":       {[]string{"HTTP/1.1 400 Bad Request\r\n"}, consumer.ErrNotKafka},
		"an SSH server's":        {[]string{"SSH-2.0-x\r\n"}, consumer.ErrNotKafka},
		"a length below nothing": {[]string{"\xff\xff\xff\xffabcd"}, consumer.ErrNotKafka},
		"a length of nothing":    {[]string{"\x00\x00\x00\x00abcd"}, consumer.ErrNotKafka},
		"a length, and nonsense": {[]string{"\x00\x00\x00\x06abcdef"}, consumer.ErrNotKafka},
		"nothing, and the end":   {nil, consumer.ErrHungUp},
		"half, and the end":      {[]string{speaksNothing[:9]}, consumer.ErrHungUp},
	} {
		conn := consumer.Connection{Dial: func(context.Context, string, string) (net.Conn, error) { return saying(t, test.says...), nil }}
		c, err := conn.Opener()(t.Context(), "tcp", "a:1")
		open := new(consumer.OpenError)
		switch {
		case err == nil:
			c.Close()
		case test.want != nil && (!errors.Is(err, test.want) || !errors.As(err, &open) || open.Address != "a:1"):
			t.Errorf("%s: %v", rule, err)
		case test.want == consumer.ErrHungUp && !errors.Is(err, io.EOF) && !errors.Is(err, io.ErrUnexpectedEOF): // by which clients know it
			t.Errorf("%s: %v", rule, err)
		}
		if (err == nil) != (test.want == nil) {
			t.Errorf("%s: %v", rule, err)
		}
	}
}

// Each generation that ends takes back dials of its own.
func TestADialThatIsTakenBackSaysNothingOfTheAddress(t *testing.T) {
	t.Parallel()
	conn := consumer.Connection{Dial: func(ctx context.Context, _, _ string) (net.Conn, error) {
		if err := ctx.Err(); err != nil {
			return nil, err
		}
		return nil, syscall.ECONNREFUSED
	}}
	open := conn.Opener()
	gone, cancel := context.WithCancel(t.Context())
	cancel()
	if _, err := open(gone, "tcp", "a:1"); !errors.Is(err, context.Canceled) || errors.As(err, new(*consumer.OpenError)) {
		t.Errorf("taken back: %v", err)
	}
	_, err := open(t.Context(), "tcp", "b:1")
	if failed := new(consumer.OpenError); !errors.As(err, &failed) || failed.Address != "b:1" || len(failed.Others) != 0 {
		t.Errorf("refused: %#v", err)
	}
}

func TestWhatIsInTheWayOfTLSIsWrapped(t *testing.T) {
	t.Parallel()
	for rule, test := range map[string]struct {
		says string
		want func(error) bool
	}{
		"a plain answer": {"\x00\x00\x00\x04abcdefgh", func(err error) bool { return errors.As(err, new(tls.RecordHeaderError)) }},
		"the end":        {"", func(err error) bool { return errors.Is(err, consumer.ErrHungUp) }},
	} {
		conn := consumer.Connection{
			Dial: func(context.Context, string, string) (net.Conn, error) { return saying(t, test.says), nil },
			TLS:  &tls.Config{ServerName: "a"},
		}
		if _, err := conn.Opener()(t.Context(), "tcp", "a:1"); !errors.Is(err, consumer.ErrHandshake) || !test.want(err) {
			t.Errorf("%s: %v", rule, err)
		}
	}
}

func TestAnErrorSaysWhatElseTheClientKnowsOfAddresses(t *testing.T) {
	t.Parallel()
	gone := map[string]bool{"a:1": true, "b:1": true}
	open := consumer.Connection{Dial: func(_ context.Context, _, address string) (net.Conn, error) {
		if gone[address] {
			return nil, syscall.ECONNREFUSED
		}
		return saying(t, speaksNothing), nil
	}}.Opener()
	try := func(address string) *consumer.OpenError {
		t.Helper()
		c, err := open(t.Context(), "tcp", address)
		if err == nil {
			c.Close()
			return nil
		}
		failed := new(consumer.OpenError)
		if !errors.As(err, &failed) || failed.Address != address || !errors.Is(err, syscall.ECONNREFUSED) || failed.Broker != -1 {
			t.Fatal(err)
		}
		return failed
	}
	if err := try("a:1"); len(err.Others)+len(err.Answered) > 0 {
		t.Errorf("%+v", err)
	}
	if err := try("b:1"); len(err.Others) != 1 || err.Others[0].Address != "a:1" || len(err.Answered) > 0 {
		t.Errorf("%+v", err)
	}
	gone["a:1"] = false
	try("a:1")
	if err := try("b:1"); len(err.Others) > 0 || !slices.Equal(err.Answered, []string{"a:1"}) {
		t.Errorf("%+v", err)
	}
}

func TestARightThatIsMissingIsTheMostThatIsNeeded(t *testing.T) {
	t.Parallel()
	describe, read := consumer.Right{Operation: "Describe", Resource: consumer.Topic, Name: "t"}, consumer.Right{Operation: "Read", Resource: consumer.Topic, Name: "t"}
	group := consumer.Right{Operation: "Read", Resource: consumer.Group, Name: "t"}
	for rule, test := range map[string]struct {
		err  error
		want consumer.Right // none: it is not denied
	}{
		"the one asked for":                    {read.Needed(kerr.TopicAuthorizationFailed), read},
		"likewise in kafka-go's words":         {group.Needed(kafka.GroupAuthorizationFailed), group},
		"to do more, where one may not see it": {read.Needed(describe.Needed(kerr.TopicAuthorizationFailed)), read},
		"not what another is asked for":        {group.Needed(describe.Needed(kerr.TopicAuthorizationFailed)), describe},
		"nor less":                             {describe.Needed(read.Needed(kerr.TopicAuthorizationFailed)), read},
		"none, where nothing is denied":        {read.Needed(kerr.UnknownTopicOrPartition), consumer.Right{}},
		"nor is wrong":                         {read.Needed(nil), consumer.Right{}},
	} {
		denied := new(consumer.DeniedError)
		if errors.As(test.err, &denied); denied.Right != test.want {
			t.Errorf("%s: %v", rule, denied.Right)
		}
	}
}
