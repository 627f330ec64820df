// Package renewal looks after the files of a configuration that change while a program runs: it says which of them cannot
// be used, and how near the end of our own certificate is. Who uses a file reads it again; this package changes nothing,
// and shows nothing of what is in them.
package renewal

import (
	"context"
	"crypto/x509"
	"log/slog"
	"sync/atomic"
	"time"

	"go.opentelemetry.io/otel/attribute"
	"go.opentelemetry.io/otel/metric"

	"github.com/battlereport/battlereport/cmd/internal/config"
)

// interval is how often the files are looked at. A file that could not be used at two looks in a row is in no renewal,
// in which a certificate may be there before its key.
const interval = 2 * time.Second

// A Watch looks after the files of one configuration.
type Watch struct {
	log   *slog.Logger
	files []*watched
	tls   *config.TLS

	certificate  atomic.Pointer[x509.Certificate] // of ours, as it could last be read; nil: there is none
	stage        Stage                            // that was said of it
	registration metric.Registration
}

// watched is a file, and how it is.
type watched struct {
	config.File
	failed, said bool
}

// New returns a watch, and makes its metric. Close releases it.
func New(cfg *config.Config, log *slog.Logger, provider metric.MeterProvider) (*Watch, error) {
	w := &Watch{log: log, tls: &cfg.Kafka.TLS}
	for _, f := range cfg.Files() {
		w.files = append(w.files, &watched{File: f})
	}
	w.read()
	meter := provider.Meter("github.com/battlereport/battlereport/renewal")
	remaining, err := meter.Float64ObservableGauge("battlereport.certificate.remaining", metric.WithUnit("s"),
		metric.WithDescription("Until our certificate for Kafka expires, or the first of those that lead from it to an authority; negative once it has. There is no value without a certificate."))
	if err != nil {
		return nil, err
	}
	file := metric.WithAttributes(attribute.String("file", cfg.Kafka.TLS.CertFile))
	w.registration, err = meter.RegisterCallback(func(_ context.Context, o metric.Observer) error {
		if c := w.certificate.Load(); c != nil {
			o.ObserveFloat64(remaining, time.Until(c.NotAfter).Seconds(), file)
		}
		return nil
	}, remaining)
	return w, err
}

// Close ends the metric.
func (w *Watch) Close() { _ = w.registration.Unregister() }

// Run looks at the files until ctx ends.
func (w *Watch) Run(ctx context.Context) {
	if len(w.files) == 0 {
		return
	}
	tick := time.NewTicker(interval)
	defer tick.Stop()
	for {
		for _, f := range w.files {
			f.look(w.log)
		}
		w.read()
		w.sayExpiry(time.Now())
		select {
		case <-ctx.Done():
			return
		case <-tick.C:
		}
	}
}

func (f *watched) look(log *slog.Logger) {
	err := f.Check()
	switch {
	case err == nil:
		if f.said {
			log.Info("a file can be used again", "key", f.Key, "file", f.Path)
		}
		f.failed, f.said = false, false
	case !f.failed:
		f.failed = true
	case !f.said:
		f.said = true
		log.Warn("a file cannot be used as it is now: what it had before still counts", "key", f.Key, "file", f.Path, "error", err)
	}
}

func (w *Watch) read() {
	if c, err := w.tls.FirstToExpire(); err == nil {
		w.certificate.Store(c)
	}
}

// sayExpiry says each stage once.
func (w *Watch) sayExpiry(now time.Time) {
	c := w.certificate.Load()
	if c == nil {
		return
	}
	stage := StageOf(c, now)
	about := []any{"file", w.tls.CertFile, "subject", c.Subject.String(), "expires", c.NotAfter.UTC(), "in", c.NotAfter.Sub(now).Round(time.Second)}
	switch {
	case stage == w.stage:
	case stage < w.stage:
		w.log.Info("our certificate is renewed", about...)
	case stage == Expired:
		w.log.Error("our certificate has expired: Kafka lets no new connection in", about...)
	default:
		w.log.Warn("our certificate expires soon", about...)
	}
	w.stage = stage
}
