package monitoring

import (
	"bufio"
	"context"
	"io"
	"net/http"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"sync"
	"testing"
	"time"

	dto "github.com/prometheus/client_model/go"
	"github.com/prometheus/common/expfmt"
	"github.com/prometheus/common/model"
)

const root = "../.."

// labelSet is the labels that series of one name have, each with its values.
type labelSet map[string]map[string]bool

// page is what a pipeline shows at /metrics: the names of its series, and their labels.
type page map[string]labelSet

// elsewhere are the series that the sandbox has no cause to show: nobody leaves a transaction open in its topic, its
// broker wants no certificate, and a member alone gives no partitions away.
var elsewhere = map[string][]string{
	"battlereport_consumer_drain_seconds_bucket": {"le"},
	"battlereport_consumer_unstable":             {"topic", "partition"},
	"battlereport_certificate_remaining_seconds": {"file"},
}

// running is the page of the sandbox: the whole product, with faults of which each leaves its marks. It is read again,
// for a while, until it has what is wanted of it.
func running(t *testing.T, wanted func(page) (missing []string)) page {
	t.Helper()
	program := filepath.Join(t.TempDir(), "sandbox")
	build := exec.Command("go", "build", "-o", program, "./cmd/sandbox")
	build.Dir = root
	if out, err := build.CombinedOutput(); err != nil {
		t.Fatalf("build the sandbox: %v\n%s", err, out)
	}
	ctx, stop := context.WithTimeout(t.Context(), time.Minute)
	defer stop()
	sandbox := exec.CommandContext(ctx, program, "--apps", "2", "--rate", "500", "--bad", "0.1", "--poison", "500",
		"--fail", "0.05", "--throttle", "0.05", "--latency", "20ms")
	out, err := sandbox.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := sandbox.Start(); err != nil {
		t.Fatal(err)
	}
	var reading sync.WaitGroup
	defer func() {
		stop()
		reading.Wait()
		_ = sandbox.Wait() // it is killed
	}()
	address := make(chan string, 1)
	reading.Go(func() {
		said := regexp.MustCompile(`^HTTP +(http://\S+)`)
		for lines := bufio.NewScanner(out); lines.Scan(); {
			if m := said.FindStringSubmatch(lines.Text()); m != nil {
				address <- m[1] + "/metrics"
			}
		}
	})
	var url string
	select {
	case url = <-address:
	case <-ctx.Done():
		t.Fatal("the sandbox does not say where its metrics are")
	}
	var missing []string
	for {
		if p := scrape(ctx, t, url); p != nil {
			if missing = wanted(p); missing == nil {
				return p
			}
		}
		select {
		case <-time.After(200 * time.Millisecond):
		case <-ctx.Done():
			t.Fatalf("in a minute of running with faults, the sandbox has not shown\n\t%s", strings.Join(missing, "\n\t"))
		}
	}
}

// scrape reads a page as Prometheus does; nil if nobody answers.
func scrape(ctx context.Context, t *testing.T, url string) page {
	t.Helper()
	request, err := http.NewRequestWithContext(ctx, http.MethodGet, url, nil)
	if err != nil {
		t.Fatal(err)
	}
	response, err := http.DefaultClient.Do(request)
	if err != nil {
		return nil
	}
	defer func() { _ = response.Body.Close() }()
	parser := expfmt.NewTextParser(model.UTF8Validation)
	families, err := parser.TextToMetricFamilies(io.Reader(response.Body))
	if err != nil {
		if ctx.Err() != nil {
			return nil
		}
		t.Fatal(err)
	}
	p := page{}
	for name, family := range families {
		for _, m := range family.GetMetric() {
			switch family.GetType() {
			case dto.MetricType_HISTOGRAM:
				p.add(name+"_bucket", m, "le")
				p.add(name+"_sum", m)
				p.add(name+"_count", m)
			case dto.MetricType_SUMMARY:
				p.add(name, m, "quantile")
				p.add(name+"_sum", m)
				p.add(name+"_count", m)
			default:
				p.add(name, m)
			}
		}
	}
	return p
}

func (p page) add(name string, m *dto.Metric, more ...string) {
	if p[name] == nil {
		p[name] = labelSet{}
	}
	for _, l := range m.GetLabel() {
		p[name].add(l.GetName(), l.GetValue())
	}
	for _, l := range more {
		p[name].add(l)
	}
}

func (l labelSet) add(name string, values ...string) {
	if l[name] == nil {
		l[name] = map[string]bool{}
	}
	for _, v := range values {
		l[name][v] = true
	}
}
