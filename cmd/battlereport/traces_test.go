package main

import (
	"context"
	"io"
	"net"
	"net/http/httptest"
	"strings"
	"testing"

	traces "go.opentelemetry.io/proto/otlp/trace/v1"

	"github.com/battlereport/battlereport/cmd/internal/telemetry/telemetrytest"
	"github.com/battlereport/battlereport/consumer/kafkatest"
	"github.com/battlereport/battlereport/msdkclient/msdktest"
)

// TestRunExportsTracesWhereTheEnvironmentAsks has one report delivered, and one lettered, over either protocol. What is
// exported is there when the program has ended.
func TestRunExportsTracesWhereTheEnvironmentAsks(t *testing.T) {
	for _, protocol := range []string{"http/protobuf", "grpc"} {
		t.Run(protocol, func(t *testing.T) {
			var c telemetrytest.Collector
			server := httptest.NewServer(&c)
			defer server.Close()
			l, err := net.Listen("tcp", "127.0.0.1:0")
			if err != nil {
				t.Fatal(err)
			}
			defer c.ServeGRPC(l)()
			endpoint := server.URL
			if protocol == "grpc" {
				endpoint = "http://" + l.Addr().String()
			}
			t.Setenv("OTEL_EXPORTER_OTLP_ENDPOINT", endpoint)
			t.Setenv("OTEL_EXPORTER_OTLP_PROTOCOL", protocol)
			t.Setenv("OTEL_TRACES_SAMPLER", "parentbased_always_off")

			b := kafkatest.Start(t)
			msdk := msdktest.Start(msdktest.Config{Apps: []msdktest.App{{ID: "wx1", AppKey: "111111"}}})
			defer msdk.Close()
			topic := b.Topic(t, 1)
			file := runFile(t, b, topic, msdk.URL)
			ctx, signal := context.WithCancel(t.Context())
			var log text
			code := make(chan int, 1)
			go func() {
				code <- run(ctx, []string{"run", "-c", file, "--log-level", "debug"}, strings.NewReader(""), io.Discard, &log)
			}()
			const trace, span = "0af7651916cd43dd8448eb211c80319c", "b7ad6b7169203331"
			follows := []kafkatest.Header{{Key: "traceparent", Value: []byte("00-" + trace + "-" + span + "-01")}}
			b.Produce(t,
				kafkatest.Record{Topic: topic, Value: []byte(`{"baseinfo":{"openid":"o1","platid":0},"battleinfo":{"score":7}}`), Headers: follows},
				kafkatest.Record{Topic: topic, Value: []byte(`{}`), Headers: follows},
			)
			id := log.await(t, `msg="call succeeded" appid=wx1 events=1 outcome=delivered calls=1 took=`)
			log.await(t, "records are dead-lettered")
			signal()
			if got := <-code; got != exitDone {
				t.Errorf("exit code %d\n%s", got, &log)
			}
			_, line, _ := strings.Cut(log.String(), "took="+id)
			tree := strings.ReplaceAll(telemetrytest.Tree(instants(c.Spans()), "battlereport.outcome", "battlereport.reason"), topic, "battle-reports")
			const want = "(" + span + ")\n" +
				"└─ send battle-reports.dlq  0s…0s reason=schema_violation\n" +
				"process battle-reports  0s…0s outcome=delivered ← " + span + "\n" +
				"└─ POST /profile/wxbattle_report  0s…0s\n"
			if tree != want || c.Resource("service.name") != "battlereport" || !strings.Contains(strings.SplitN(line, "\n", 2)[0], " trace_id=") {
				t.Errorf("got\n%s\nwant\n%s, and\n%s", tree, want, &log)
			}
		})
	}
}

// instants are spans without their times, those with a parent that has not come first.
func instants(spans []*traces.Span) []*traces.Span {
	for _, s := range spans {
		s.StartTimeUnixNano, s.EndTimeUnixNano = 1, 1
		if strings.HasPrefix(s.Name, "send ") {
			s.StartTimeUnixNano, s.EndTimeUnixNano = 0, 0
		}
	}
	return spans
}
