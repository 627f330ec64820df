package renewal

import (
	"bytes"
	"context"
	"crypto/x509"
	"log/slog"
	"math"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"go.opentelemetry.io/otel/sdk/metric"
	"go.opentelemetry.io/otel/sdk/metric/metricdata"

	"github.com/battlereport/battlereport/cmd/internal/config"
	"github.com/battlereport/battlereport/consumer/kafkatest"
)

// world is a watch in virtual time, of a configuration with a certificate and a key.
type world struct {
	*testing.T
	cfg       config.Config
	authority kafkatest.Authority
	reader    *metric.ManualReader
	mu        sync.Mutex
	log       bytes.Buffer
}

func (w *world) Write(p []byte) (int, error) {
	w.mu.Lock()
	defer w.mu.Unlock()
	return w.log.Write(p)
}

// said are the lines of the log, each from its level to the end of its message, and begins them anew.
func (w *world) said() (lines []string) {
	synctest.Wait()
	w.mu.Lock()
	defer w.mu.Unlock()
	for line := range strings.Lines(w.log.String()) {
		_, line, _ = strings.Cut(line, "level=")
		line, _, _ = strings.Cut(line, `" `)
		lines = append(lines, strings.Replace(line, `msg="`, "", 1))
	}
	w.log.Reset()
	return lines
}

func (w *world) expect(want ...string) {
	w.Helper()
	if got := w.said(); !slices.Equal(got, want) {
		w.Errorf("after %v it is said\n%q, want\n%q", time.Since(virtualStart), got, want)
	}
}

var virtualStart = time.Date(2000, 1, 1, 0, 0, 0, 0, time.UTC) // see synctest

func (w *world) issue(life time.Duration) {
	c := w.authority.Issue(w, "client", life)
	c.Write(w, w.cfg.Kafka.TLS.CertFile)
	c.WriteKey(w, w.cfg.Kafka.TLS.KeyFile)
}

func (w *world) remaining() float64 {
	w.Helper()
	var data metricdata.ResourceMetrics
	if err := w.reader.Collect(w.Context(), &data); err != nil {
		w.Fatal(err)
	}
	if len(data.ScopeMetrics) == 0 {
		return math.NaN()
	}
	m := data.ScopeMetrics[0].Metrics[0]
	point := m.Data.(metricdata.Gauge[float64]).DataPoints[0]
	if file, _ := point.Attributes.Value("file"); m.Name != "battlereport.certificate.remaining" || file.AsString() != w.cfg.Kafka.TLS.CertFile {
		w.Errorf("%s of %s", m.Name, file.AsString())
	}
	return point.Value
}

func virtual(t *testing.T, life time.Duration, test func(w *world)) {
	t.Helper()
	synctest.Test(t, func(t *testing.T) {
		dir := t.TempDir()
		w := &world{T: t, cfg: config.Default(), authority: kafkatest.NewAuthority(t, "authority"), reader: metric.NewManualReader()}
		w.cfg.Kafka.TLS = config.TLS{Enabled: true, CertFile: filepath.Join(dir, "client.pem"), KeyFile: filepath.Join(dir, "client.key")}
		w.cfg.Apps = []config.App{{AppKey: "k", AppKeyFile: filepath.Join(dir, "key")}}
		w.write("k")
		w.issue(life)
		watch, err := New(&w.cfg, slog.New(slog.NewTextHandler(w, nil)), metric.NewMeterProvider(metric.WithReader(w.reader)))
		if err != nil {
			t.Fatal(err)
		}
		defer watch.Close()
		ctx, cancel := context.WithCancel(t.Context())
		var running sync.WaitGroup
		running.Go(func() { watch.Run(ctx) })
		defer running.Wait()
		defer cancel()
		test(w)
	})
}

func (w *world) write(key string) {
	w.Helper()
	if err := os.WriteFile(w.cfg.Apps[0].AppKeyFile, []byte(key), 0o600); err != nil {
		w.Fatal(err)
	}
}

const (
	soon    = "WARN our certificate expires soon"
	expired = "ERROR our certificate has expired: Kafka lets no new connection in"
	renewed = "INFO our certificate is renewed"
	unfit   = "WARN a file cannot be used as it is now: what it had before still counts"
	fit     = "INFO a file can be used again"
)

func TestTheEndOfACertificateIsSaidOnceAtEachStageUntilItIsRenewed(t *testing.T) {
	virtual(t, 9*time.Minute, func(w *world) { // and a minute before
		w.expect()
		time.Sleep(6 * time.Minute)
		w.expect()
		time.Sleep(time.Minute)
		w.expect(soon)
		time.Sleep(time.Minute + 10*time.Second)
		w.expect(soon)
		time.Sleep(40 * time.Second)
		w.expect(soon)
		time.Sleep(5 * time.Minute)
		w.expect(expired)
		w.issue(time.Hour)
		time.Sleep(time.Minute)
		w.expect(renewed)
	})
}

func TestTheEndOfACertificateIsSaidAtTheStart(t *testing.T) {
	virtual(t, -time.Second, func(w *world) { w.expect(expired) })
	virtual(t, 10*time.Second, func(w *world) { w.expect(soon) })
}

// That is, before a third of its life is left.
func TestOfACertificateThatIsRenewedInTimeNothingIsSaid(t *testing.T) {
	virtual(t, 6*time.Minute, func(w *world) {
		for range 5 {
			time.Sleep(4 * time.Minute)
			w.issue(6 * time.Minute)
		}
		w.expect()
	})
}

func TestTheMetricIsTheTimeUntilTheCertificateExpires(t *testing.T) {
	virtual(t, 10*time.Minute, func(w *world) {
		now := func(want time.Duration) {
			w.Helper()
			if got := w.remaining(); got != want.Seconds() {
				w.Errorf("%v s are left, want %v", got, want.Seconds())
			}
		}
		now(10 * time.Minute)
		time.Sleep(9 * time.Minute)
		now(time.Minute)
		os.Remove(w.cfg.Kafka.TLS.KeyFile)
		time.Sleep(2 * time.Minute)
		now(-time.Minute)
		w.issue(time.Hour)
		time.Sleep(time.Minute)
		now(59 * time.Minute)
	})
}

func TestAFileThatCannotBeUsedIsSaidOnceAndWhenItCanBe(t *testing.T) {
	virtual(t, 24*time.Hour, func(w *world) {
		for range 3 {
			os.Remove(w.cfg.Kafka.TLS.KeyFile)
			w.write("hunter2\t")
			time.Sleep(time.Minute)
			w.mu.Lock()
			text := w.log.String()
			w.mu.Unlock()
			for _, part := range []string{"kafka.tls.cert_file, key_file", "no such file", "apps[0].appkey_file", "ends in white space"} {
				if !strings.Contains(text, part) || strings.Contains(text, "hunter2") {
					w.Errorf("%q is not in %s", part, text)
				}
			}
			w.expect(unfit, unfit)
			w.issue(24 * time.Hour)
			w.write("k")
			time.Sleep(time.Minute)
			w.expect(fit, fit)
		}
	})
}

func TestOfAFileThatIsBeingRenewedNothingIsSaid(t *testing.T) {
	virtual(t, 24*time.Hour, func(w *world) {
		for range 3 {
			time.Sleep(interval / 2)
			c := w.authority.Issue(w, "client", 24*time.Hour)
			c.Write(w, w.cfg.Kafka.TLS.CertFile) // whose key is another
			time.Sleep(interval - 1)
			c.WriteKey(w, w.cfg.Kafka.TLS.KeyFile)
			time.Sleep(time.Minute)
		}
		w.expect()
	})
}

func TestWithoutFilesThereIsNothingToLookAt(t *testing.T) {
	cfg := config.Default()
	cfg.Apps = []config.App{{AppKey: "k"}}
	reader := metric.NewManualReader()
	watch, err := New(&cfg, slog.New(slog.DiscardHandler), metric.NewMeterProvider(metric.WithReader(reader)))
	if err != nil {
		t.Fatal(err)
	}
	defer watch.Close()
	watch.Run(t.Context())
	if w := (&world{T: t, reader: reader}); !math.IsNaN(w.remaining()) {
		t.Error("there is a metric")
	}
}

func TestACertificateIsNearItsEndByTimeOrByThePartOfItsLifeThatIsLeft(t *testing.T) {
	t.Parallel()
	const day = 24 * time.Hour
	for rule, test := range map[string]struct {
		life  time.Duration
		after [4]time.Duration // left when a stage begins
	}{
		"of a year":         {365 * day, [...]time.Duration{30 * day, 7 * day, day, 0}},
		"of three months":   {90 * day, [...]time.Duration{90 * day / 4, 7 * day, day, 0}},
		"of a day":          {day, [...]time.Duration{6 * time.Hour, day / 10, day / 40, 0}},
		"of a minute":       {time.Minute, [...]time.Duration{15 * time.Second, 6 * time.Second, 1500 * time.Millisecond, 0}},
		"of no time at all": {0, [...]time.Duration{0, 0, 0, 0}},
	} {
		end := time.Now()
		c := &x509.Certificate{NotBefore: end.Add(-test.life), NotAfter: end}
		for i, left := range test.after {
			if got := StageOf(c, end.Add(-left-1)); got > Stage(i) {
				t.Errorf("%s, %v and more before its end: %v", rule, left, got)
			}
			if got := StageOf(c, end.Add(-left)); got < Stage(i+1) {
				t.Errorf("%s, %v before its end: %v", rule, left, got)
			}
		}
	}
}
