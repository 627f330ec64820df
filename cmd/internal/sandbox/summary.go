package sandbox

import (
	"fmt"
	"strings"

	"github.com/battlereport/battlereport/cmd/internal/audit"
	"github.com/battlereport/battlereport/cmd/internal/figures"
)

// greeting is what is said at the start: what is where, and what one can do with it.
func greeting(s *sandbox) string {
	var b strings.Builder
	brokers := strings.Join(s.brokers, ",")
	dlq := s.cfg.DeadLetter.TopicFor(s.opts.Topic)
	whose, header := "", ""
	if s.opts.Apps > 1 {
		whose = fmt.Sprintf(" of its app,\n%s or %s", gameID, scoreID)
		header = " \\\n      -H appid=" + gameID
	}
	fmt.Fprintf(&b, `Kafka  %s   topics %s and %s
MSDK   %s   (simulated)
HTTP   http://%s   /readyz /metrics /debug/pprof/

Look at the events, and at the dead letters with their reasons:
  kcat -b %s -t %s -C -o -5 -c 5
  kcat -b %s -t %s -C -o -5 -c 5 -f '%%k %%h\n%%s\n'
Publish an event of your own, and find it on the leaderboard%s:
  echo '{"baseinfo":{"openid":"me","platid":1},"battleinfo":{"score":999999}}' |
    kcat -b %s -t %s -P -X partitioner=murmur2_random -k me%s
Ask the pipeline:
  curl -s http://%s/metrics | grep battlereport
`, brokers, s.opts.Topic, dlq, s.platform.url, s.http.Addr(),
		brokers, s.opts.Topic, brokers, dlq, whose, brokers, s.opts.Topic, header, s.http.Addr())
	if file := s.opts.ConfigOut; file != "" {
		fmt.Fprintf(&b, `Use its configuration, for instance for one more consumer in the group, or to look into the dead letters:
  battlereport run -c %[1]s
  battlereport deadletter stats -c %[1]s
`, file)
	}
	b.WriteString("\n")
	return b.String()
}

// summary is what is said at the end.
func summary(r result) string {
	var b strings.Builder
	b.WriteString("\n")
	if r.replayed && len(r.Breaches) > 0 {
		b.WriteString("Letters were replayed, which this account does not follow: of them it says that they are delivered and\ndead-lettered, altered by a repair, or out of order.\n\n")
	}
	fmt.Fprint(&b, r.Findings)
	seconds := r.took.Seconds()
	fmt.Fprintf(&b, "%s of publishing, %s events/s; %s calls, %s failed\n",
		figures.Clock(r.took), figures.PerSecond(float64(r.Published)/seconds), figures.Grouped(r.calls), figures.Grouped(r.failed))
	if r.notPublished > 0 {
		fmt.Fprintf(&b, "%s events were not taken by the broker, and are not counted\n", figures.Grouped(r.notPublished))
	}
	if r.foreign+r.foreignLetter > 0 {
		fmt.Fprintf(&b, "besides, of events that others, or an earlier run, have published: %s delivered, %s dead-lettered\n",
			figures.Grouped(r.foreign), figures.Grouped(r.foreignLetter))
	}
	switch {
	case len(r.Breaches) > 0 && !r.replayed, r.Breaches[audit.Lost] > 0:
		b.WriteString("NOT every event is accounted for.\n")
	case r.Pending > 0 && !r.hurried:
		were := "events were"
		if r.Pending == 1 {
			were = "event was"
		}
		fmt.Fprintf(&b, "%s %s still under way when --settle %s was over.\n", figures.Grouped(r.Pending), were, r.settle)
	case r.Pending > 0:
		b.WriteString("Every event is accounted for, those included that nobody wanted to wait for.\n")
	case r.replayed:
		b.WriteString("No event is lost.\n")
	default:
		b.WriteString("Every event is accounted for.\n")
	}
	return b.String()
}
