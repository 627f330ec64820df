package telemetry

import (
	"testing"

	sdktrace "go.opentelemetry.io/otel/sdk/trace"
)

func TestTheMoreLinksASpanMayHaveTheFewerAreSentAtATime(t *testing.T) {
	for rule, test := range map[string]struct {
		links        int
		queue, batch string // variables
		want         sdktrace.BatchSpanProcessorOptions
	}{
		"as the SDK has it, up to its own limit": {128, "", "", sdktrace.BatchSpanProcessorOptions{MaxQueueSize: 2048, MaxExportBatchSize: 512}},
		"an eighth, with eight times the links":  {1024, "", "", sdktrace.BatchSpanProcessorOptions{MaxQueueSize: 256, MaxExportBatchSize: 64}},
		"never none":                             {1 << 20, "", "", sdktrace.BatchSpanProcessorOptions{MaxQueueSize: 1, MaxExportBatchSize: 1}},
		"no limit of links is the SDK's, too":    {-1, "", "", sdktrace.BatchSpanProcessorOptions{MaxQueueSize: 2048, MaxExportBatchSize: 512}},
		"what the variables say goes before":     {1024, "99", "9", sdktrace.BatchSpanProcessorOptions{}},
		"each for itself":                        {1024, "99", "", sdktrace.BatchSpanProcessorOptions{MaxExportBatchSize: 64}},
	} {
		t.Setenv("OTEL_BSP_MAX_QUEUE_SIZE", test.queue)
		t.Setenv("OTEL_BSP_MAX_EXPORT_BATCH_SIZE", test.batch)
		var got sdktrace.BatchSpanProcessorOptions
		for _, option := range batching(test.links) {
			option(&got)
		}
		if got != test.want {
			t.Errorf("%s: %+v, want %+v", rule, got, test.want)
		}
	}
}
