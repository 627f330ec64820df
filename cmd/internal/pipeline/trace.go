package pipeline

import (
	"context"
	"time"

	"go.opentelemetry.io/otel/attribute"
	otelcodes "go.opentelemetry.io/otel/codes"
	semconv "go.opentelemetry.io/otel/semconv/v1.43.0"
	"go.opentelemetry.io/otel/trace"
	"go.opentelemetry.io/otel/trace/noop"

	"github.com/battlereport/battlereport/deadletter"
	"github.com/battlereport/battlereport/msdkclient"
)

// Names of spans and of what messaging.* says of them are OpenTelemetry's conventions for messaging, which are in
// development: they may change with the version of semconv. Those that the conventions do not know are ours. None
// tells of a player, nor anything of what a player or the platform wrote.
const (
	attrAppID    = attribute.Key("battlereport.appid")
	attrRoute    = attribute.Key("battlereport.route")
	attrReplayed = attribute.Key("battlereport.replayed")             // only if it is
	attrDeferred = attribute.Key("battlereport.batch.deferred_count") // records that were passed before; only if there are any
	attrDepth    = attribute.Key("battlereport.batch.splits")         // how often it has been split; only if it was
	attrCalls    = attribute.Key("battlereport.batch.calls")          // made with these records so far
	attrOutcome  = attribute.Key("battlereport.outcome")              // delivered, split, let_go, or the reason of a letter
	attrReason   = attribute.Key("battlereport.reason")               // of a letter
	attrAttempts = attribute.Key("battlereport.attempts")             // of a letter: calls with its record in them
	attrReplays  = attribute.Key("battlereport.replays")              // of a letter
	attrTopic    = attribute.Key("battlereport.source.topic")         // where a letter's record first came from …
	attrPart     = attribute.Key("battlereport.source.partition")     // …
	attrOffset   = attribute.Key("battlereport.source.offset")        // …
	attrWait     = attribute.Key("battlereport.wait")                 // seconds, until it goes again
	attrRet      = attribute.Key("msdk.ret")                          // as in the span of a call
	scope        = "github.com/battlereport/battlereport/cmd/internal/pipeline"
)

// What becomes of a batch in a span, beside a letter's reasons.
const (
	outcomeDelivered = "delivered"
	outcomeSplit     = "split"
	outcomeLetGo     = "let_go" // to whoever holds its partitions next
)

// String names what becomes of a batch, in a span and in the log.
func (f fate) String() string {
	return [...]string{again: "retry", later: "throttled", hold: "held", apart: "split", doubt: "doubted", reject: "rejected", exhaust: "exhausted"}[f]
}

// tracer tells of batches and letters as spans:
//
//	process battle-reports        a batch, from gathered to its end, linked to its records' producers
//	├─ POST /profile/wxbattle_…   each call; msdkclient's
//	├─ process battle-reports     each part that it is split into, likewise
//	│  └─ POST …
//	└─ send battle-reports.dlq    a letter, from given up to written, linked to its record's producer
//
// A record that is refused before it is in a batch has its letter below its producer's span. Whether a span is
// sampled is for the provider to say. At most one span of a batch is open at a time, and none of a letter, so that
// what is kept is bounded as the records are.
//
// A nil tracer tells nothing and costs nothing, nor does what it returns.
type tracer struct {
	otel  trace.Tracer
	group string // of consumers
}

// newTracer is nil where nobody follows.
func newTracer(p trace.TracerProvider, group string) *tracer {
	switch p.(type) {
	case nil, noop.TracerProvider:
		return nil
	}
	return &tracer{p.Tracer(scope, trace.WithSchemaURL(semconv.SchemaURL)), group}
}

// batchSpan is the open span of a batch, or of a part of one. nil: nobody follows.
type batchSpan struct {
	*tracer
	ctx   context.Context // with it
	whole context.Context // with the span of the batch as it was gathered
	span  trace.Span
	depth int // how often it has been split
}

// gathered begins the span of a batch.
func (t *tracer) gathered(b *batch) {
	if t == nil || b == nil {
		return
	}
	b.span = t.begin(context.Background(), b, 0)
	b.span.whole = b.span.ctx
}

func (t *tracer) begin(parent context.Context, b *batch, depth int) *batchSpan {
	name, topic := "process", topicOf(b.items)
	if topic != "" {
		name += " " + topic
	}
	opts := []trace.SpanStartOption{trace.WithSpanKind(trace.SpanKindConsumer)}
	sampled := anySampled(b.items)
	if sampled { // else the sampler has nothing to see in them
		opts = append(opts, trace.WithLinks(linksOf(b.items)...))
	}
	s := &batchSpan{tracer: t, depth: depth}
	s.ctx, s.span = t.otel.Start(parent, name, opts...)
	if !s.span.IsRecording() { // and what follows costs more than all before
		return s
	}
	if !sampled {
		for _, l := range linksOf(b.items) {
			s.span.AddLink(l)
		}
	}
	attrs := []attribute.KeyValue{
		semconv.MessagingSystemKafka, semconv.MessagingOperationTypeProcess, semconv.MessagingOperationName("process"),
		semconv.MessagingConsumerGroupName(t.group), semconv.MessagingBatchMessageCount(len(b.items)),
		attrAppID.String(b.app.AppID), attrRoute.String(b.app.Route),
	}
	if topic != "" {
		attrs = append(attrs, semconv.MessagingDestinationName(topic))
	}
	if b.replayed {
		attrs = append(attrs, attrReplayed.Bool(true))
	}
	if n := passed(b.items); n > 0 {
		attrs = append(attrs, attrDeferred.Int(n))
	}
	if depth > 0 {
		attrs = append(attrs, attrDepth.Int(depth))
	}
	s.span.SetAttributes(attrs...)
	return s
}

// passed is how many of the items were passed before they were taken.
func passed(items []item) (n int) {
	for _, it := range items {
		if !it.Value.record.Passed.IsZero() {
			n++
		}
	}
	return n
}

// topicOf is the topic that all items are of; "" if they are of several.
func topicOf(items []item) string {
	topic := items[0].Value.record.Partition.Topic
	for _, it := range items[1:] {
		if it.Value.record.Partition.Topic != topic {
			return ""
		}
	}
	return topic
}

// context is that of the calls.
func (s *batchSpan) context() context.Context {
	if s == nil {
		return context.Background()
	}
	return s.ctx
}

// within is a context with the span that ends with another.
func (s *batchSpan) within(ctx context.Context) context.Context {
	if s == nil {
		return ctx
	}
	return trace.ContextWithSpan(ctx, s.span)
}

// called notes that a call begins which is to decide about the app's breaker; others have their own span.
func (s *batchSpan) called(b *batch) {
	if s != nil && b.probe {
		s.span.AddEvent("probe")
	}
}

// failed notes what becomes of the batch after a call that failed.
func (s *batchSpan) failed(b *batch, err *msdkclient.Error, now time.Time, f fate) {
	if s == nil || !s.span.IsRecording() {
		return
	}
	attrs := []attribute.KeyValue{semconv.ErrorTypeKey.String(err.Class.String())}
	if err.HasRet {
		attrs = append(attrs, attrRet.Int(err.Ret))
	}
	if wait := b.due.Sub(now); wait > 0 && f != apart {
		attrs = append(attrs, attrWait.Float64(wait.Seconds()))
	}
	s.span.AddEvent(f.String(), trace.WithAttributes(attrs...))
}

// held notes that a batch which was refused waits with its app.
func (s *batchSpan) held() {
	if s != nil {
		s.span.AddEvent(hold.String())
	}
}

// split ends the span and begins those of the parts: b and, unless it is nil, other.
func (s *batchSpan) split(b, other *batch) {
	if s == nil {
		return
	}
	part := func(b *batch) {
		b.span = s.begin(s.ctx, b, s.depth+1)
		b.span.whole = s.whole
	}
	part(b)
	if other != nil {
		part(other)
	}
	s.end(outcomeSplit, b.calls)
}

// advanced begins the span of a batch's rest, now that the part before it has come to an end.
func (s *batchSpan) advanced(b *batch) {
	if s == nil {
		return
	}
	b.span = s.begin(s.whole, b, s.depth)
	b.span.whole = s.whole
}

// delivered, givenUp and letGo end the span.
func (s *batchSpan) delivered(b *batch) { s.end(outcomeDelivered, b.calls) }

func (s *batchSpan) letGo(b *batch) { s.end(outcomeLetGo, b.calls) }

// givenUp ends the span of a batch all of whose events are given up.
func (s *batchSpan) givenUp(b *batch, reason deadletter.Reason) {
	if s != nil {
		s.span.SetStatus(otelcodes.Error, "") // the attributes say it all
	}
	s.end(string(reason), b.calls)
}

func (s *batchSpan) end(outcome string, calls int) {
	if s == nil {
		return
	}
	s.span.SetAttributes(attrOutcome.String(outcome), attrCalls.Int(calls))
	s.span.End()
}

// gaveUp notes that an event of the batch is given up: its letter's span will be below.
func (s *batchSpan) gaveUp(ev *event, now time.Time) {
	if s == nil {
		return
	}
	s.span.AddEvent("given up", trace.WithAttributes(attrReason.String(string(ev.refusal.Reason))))
	ev.lost = &loss{since: now, below: s.span.SpanContext()}
}

// loss is when an event was given up, and in which span.
type loss struct {
	since time.Time
	below trace.SpanContext // of its batch; invalid: it was in none
}

// lost notes when events were given up that were in no batch.
func (t *tracer) lost(events []*event) {
	if t == nil {
		return
	}
	now := time.Now()
	for _, ev := range events {
		if ev.lost == nil {
			ev.lost = &loss{since: now}
		}
	}
}

// written tells of a letter that has been written to a topic.
func (t *tracer) written(ev *event, topic string) {
	if t == nil {
		return
	}
	reason, source, replays := ev.refusal.Reason, sourceOf(ev), 0
	if ev.origin != nil {
		replays = ev.origin.Replays
	}
	attrs := []attribute.KeyValue{
		semconv.MessagingSystemKafka, semconv.MessagingOperationTypeSend, semconv.MessagingOperationName("send"),
		semconv.MessagingDestinationName(topic),
		attrReason.String(string(reason)), attrAttempts.Int(ev.attempts),
		attrTopic.String(source.Topic), attrPart.Int(source.Partition), attrOffset.Int64(source.Offset),
	}
	if ev.app != nil {
		attrs = append(attrs, attrAppID.String(ev.app.AppID))
	}
	if replays > 0 {
		attrs = append(attrs, attrReplays.Int(replays))
	}
	opts := []trace.SpanStartOption{trace.WithSpanKind(trace.SpanKindProducer), trace.WithTimestamp(ev.lost.since), trace.WithAttributes(attrs...)}
	budget := maxStatesBytes
	producer, below := producerOf(ev.record.Headers, &budget), ev.lost.below
	switch {
	case !below.IsValid():
		below = producer
	case producer.IsValid():
		opts = append(opts, trace.WithLinks(trace.Link{SpanContext: producer}))
	}
	_, span := t.otel.Start(trace.ContextWithSpanContext(context.Background(), below), "send "+topic, opts...)
	span.End()
}

func sourceOf(ev *event) deadletter.Source {
	if ev.origin != nil {
		return ev.origin.Source
	}
	r := &ev.record
	return deadletter.Source{Topic: r.Partition.Topic, Partition: r.Partition.ID, Offset: r.Offset}
}
