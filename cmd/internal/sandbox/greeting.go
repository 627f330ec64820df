package sandbox

import (
	"fmt"
	"strings"
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
MSDK   %s   (simulated: leaderboards and requests are on its page)
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
