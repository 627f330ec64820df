package telemetry

import (
	"bytes"
	"context"
	"errors"
	"regexp"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	sdktrace "go.opentelemetry.io/otel/sdk/trace"
)

// moody is an exporter that fails with err, unless that is nil.
type moody struct{ err error }

func (m *moody) ExportSpans(context.Context, []sdktrace.ReadOnlySpan) error { return m.err }
func (m *moody) Shutdown(context.Context) error                             { return nil }

func TestAFailureToExportThatLastsIsSaidOnceAMinuteAndItsEndOnce(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		var log bytes.Buffer
		m := &moody{errors.New(strings.Repeat("x", 1000))}
		p := newPatient(m, NewLogger("info", "text", &log))
		defer p.giveUp()
		export := func(n int) {
			for range n {
				if err := p.ExportSpans(context.Background(), make([]sdktrace.ReadOnlySpan, 10)); err != nil {
					t.Error(err)
				}
				time.Sleep(time.Second)
			}
		}
		export(150)
		m.err = nil
		export(150)
		said := regexp.MustCompile(`level=(.*) lost=(\d+)`).FindAllString(log.String(), -1)
		want := []string{
			`level=WARN msg="spans cannot be exported: they are lost" lost=10`, `level=WARN msg="spans cannot be exported: they are lost" lost=610`,
			`level=WARN msg="spans cannot be exported: they are lost" lost=1210`, `level=INFO msg="spans are exported again" lost=1500`,
		}
		if got := strings.Join(said, "\n"); got != strings.Join(want, "\n") || strings.Contains(log.String(), strings.Repeat("x", 301)) {
			t.Errorf("the log says\n%s", log.String())
		}
	})
}

func TestACollectorThatComesAndGoesIsSaidOnceAMinute(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		var log bytes.Buffer
		m := &moody{}
		p := newPatient(m, NewLogger("info", "text", &log))
		defer p.giveUp()
		for range 35 { // every other time, for just under three minutes
			for _, m.err = range []error{errors.New("full"), nil} {
				_ = p.ExportSpans(context.Background(), make([]sdktrace.ReadOnlySpan, 10))
				time.Sleep(2500 * time.Millisecond)
			}
		}
		said := regexp.MustCompile(`level=(.*) lost=(\d+)`).FindAllString(log.String(), -1)
		want := []string{
			`level=WARN msg="spans cannot be exported: they are lost" lost=10`, `level=INFO msg="spans are exported again" lost=10`,
			`level=WARN msg="spans cannot be exported: they are lost" lost=120`, `level=INFO msg="spans are exported again" lost=120`,
			`level=WARN msg="spans cannot be exported: they are lost" lost=120`, `level=INFO msg="spans are exported again" lost=120`,
		}
		if got := strings.Join(said, "\n"); got != strings.Join(want, "\n") {
			t.Errorf("the log says\n%s", log.String())
		}
	})
}

// hanging is an exporter whose collector never answers.
type hanging struct{ moody }

func (*hanging) ExportSpans(ctx context.Context, _ []sdktrace.ReadOnlySpan) error {
	<-ctx.Done()
	return ctx.Err()
}

func TestACollectorThatNeverAnswersHoldsTheEndUpForTwoSecondsAtMost(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		var log bytes.Buffer
		tr := &Tracing{exporter: newPatient(&hanging{}, NewLogger("info", "text", &log))}
		tr.provider = sdktrace.NewTracerProvider(sdktrace.WithBatcher(tr.exporter, sdktrace.WithMaxExportBatchSize(1)))
		for range 5 {
			_, span := tr.Provider().Tracer("test").Start(t.Context(), "told")
			span.End()
		}
		began := time.Now()
		tr.Shutdown()
		if took := time.Since(began); took > shutdownWithin {
			t.Errorf("the end took %s", took)
		}
		if n := strings.Count(log.String(), "spans cannot be exported"); n != 1 {
			t.Errorf("it is mentioned %d times:\n%s", n, log.String())
		}
	})
}
