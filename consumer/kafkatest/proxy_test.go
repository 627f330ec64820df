package kafkatest_test

import (
	"bytes"
	"net"
	"testing"
	"time"

	"github.com/twmb/franz-go/pkg/kmsg"

	"github.com/battlereport/battlereport/consumer/kafkatest"
)

// ask sends a request over a connection and returns how long the answer takes to come; it fails if that is too long.
func ask(t *testing.T, c net.Conn, within time.Duration) (time.Duration, error) {
	t.Helper()
	formatter := kmsg.NewRequestFormatter(kmsg.FormatterClientID("test"))
	began := time.Now()
	if err := c.SetDeadline(began.Add(within)); err != nil {
		t.Fatal(err)
	}
	if _, err := c.Write(formatter.AppendRequest(nil, kmsg.NewPtrApiVersionsRequest(), 7)); err != nil {
		return 0, err
	}
	head := make([]byte, 8)
	if _, err := c.Read(head); err != nil {
		return 0, err
	}
	if !bytes.HasSuffix(head, []byte{7}) {
		t.Fatalf("the answer begins with % x", head)
	}
	return time.Since(began), nil
}

func TestProxy(t *testing.T) {
	t.Parallel()
	kafkatest.Virtual(t, func(t *testing.T, b *kafkatest.Broker) {
		p := b.Proxy()
		dial := func() net.Conn {
			c, err := p.Dial(t.Context(), "tcp", b.Addrs()[0])
			if err != nil {
				t.Fatal(err)
			}
			t.Cleanup(func() { _ = c.Close() })
			return c
		}
		if took, err := ask(t, dial(), time.Minute); err != nil || took != 0 {
			t.Errorf("a good network took %s: %v", took, err)
		}

		p.Stall()
		if _, err := ask(t, dial(), time.Hour); err == nil {
			t.Error("an answer came while nothing passes")
		}
		c := dial()
		time.AfterFunc(time.Minute, p.Flow)
		if took, err := ask(t, c, time.Hour); err != nil || took != time.Minute {
			t.Errorf("held up for a minute, it took %s: %v", took, err)
		}

		p.Drip(10, time.Second)
		if took, err := ask(t, dial(), time.Hour); err != nil || took < 3*time.Second || took > 5*time.Second {
			t.Errorf("some 20 bytes there and 8 back, 10 a second, took %s: %v", took, err)
		}

		p.Flow()
		c = dial()
		b.Sever()
		if _, err := ask(t, c, time.Minute); err == nil {
			t.Error("a severed connection answers")
		}
	})
}
