package consumer_test

import (
	"fmt"
	"os"
	"path/filepath"
	"sync"
	"testing"
	"time"

	"github.com/battlereport/battlereport/consumer"
	"github.com/battlereport/battlereport/consumer/kafkatest"
)

// What is renewed in time is renewed without a word, by whoever connects once the old certificate has expired: another
// member, and one whose connections are cut.
func TestACertificateIsRenewedUnderLoadWithoutRepeating(t *testing.T) {
	if os.Getenv(kafkatest.BrokersVariable) == "" {
		t.Skip("the fake brokers with TLS have topics of their own, and time that is not virtual: set " + kafkatest.BrokersVariable + " to run it")
	}
	const life = 12 * time.Second
	w := loopback(t, 4)
	s := kafkatest.StartSecure(t)
	authority := s.Authority(t)
	dir := t.TempDir()
	files := consumer.TLSFiles{CA: s.CAFile, Cert: filepath.Join(dir, "client.pem"), Key: filepath.Join(dir, "client.key")}
	renew := func(life time.Duration) {
		c := authority.Issue(t, "client", life)
		c.Write(t, files.Cert)
		c.WriteKey(t, files.Key)
	}
	began := time.Now()
	renew(life)
	config, err := files.Load()
	if err != nil {
		t.Fatal(err)
	}
	secure := func(cfg *consumer.Config, _ *member) {
		cfg.Connection = consumer.Connection{Brokers: s.TLSAddrs, ClientID: "test", TLS: config, Dial: w.Dial}
	}
	first := w.join(secure)
	w.until("the first has joined", first.serving)

	var producing sync.WaitGroup
	end := make(chan struct{})
	published := 0
	producing.Go(func() {
		for ; ; published++ {
			select {
			case <-end:
				return
			case <-time.After(20 * time.Millisecond):
				w.publish(int32(published%4), fmt.Sprint(published))
			}
		}
	})
	time.Sleep(life / 2)
	renew(time.Hour)
	time.Sleep(time.Until(began.Add(life + 2*time.Second)))
	second := w.join(secure)
	w.until("the second has joined", second.serving)
	taken := len(second.records())
	w.untilTaken(second, taken+50)
	if n := w.log.count("level=WARN") + w.log.count("level=ERROR"); n > 0 {
		t.Errorf("%d warnings", n)
	}
	w.Sever()
	w.Restore()
	taken = len(second.records())
	w.untilTaken(second, taken+50)
	close(end)
	producing.Wait()
	w.until("all are taken", func() bool { return len(first.records())+len(second.records()) >= published })
	first.stop()
	second.stop()
	if r := w.repeats(); len(r) > 0 || w.log.count("certificate") > 0 {
		t.Errorf("taken again: %v; %d lines speak of certificates", r, w.log.count("certificate"))
	}
}
