// Package telemetrytest is a collector of OpenTelemetry for tests: it takes spans by OTLP over HTTP and gRPC, and prints
// them as a tree.
package telemetrytest

import (
	"compress/gzip"
	"context"
	"errors"
	"io"
	"net"
	"net/http"
	"strings"
	"sync"

	collector "go.opentelemetry.io/proto/otlp/collector/trace/v1"
	resources "go.opentelemetry.io/proto/otlp/resource/v1"
	traces "go.opentelemetry.io/proto/otlp/trace/v1"
	"google.golang.org/grpc"
	_ "google.golang.org/grpc/encoding/gzip" // to take what is packed
	"google.golang.org/grpc/metadata"
	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/reflect/protoreflect"
)

// Collector keeps all spans that it is sent. The zero value is ready to serve. Safe for concurrent use.
type Collector struct {
	collector.UnimplementedTraceServiceServer

	mu        sync.Mutex
	spans     []*traces.Span
	resources []*resources.Resource
	headers   http.Header // of the last request
	texts     []text
}

// text is something to read in what came, and where it stood.
type text struct{ text, where string }

// ServeHTTP takes spans by OTLP/HTTP.
func (c *Collector) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	var data collector.ExportTraceServiceRequest
	body := io.Reader(r.Body)
	var err error
	if r.Header.Get("Content-Encoding") == "gzip" {
		body, err = gzip.NewReader(r.Body)
	}
	var raw []byte
	if err == nil {
		raw, err = io.ReadAll(body)
	}
	if err == nil {
		err = proto.Unmarshal(raw, &data)
	}
	if r.URL.Path != "/v1/traces" || r.Header.Get("Content-Type") != "application/x-protobuf" {
		err = errors.Join(err, errors.New("no such thing here: "+r.URL.Path))
	}
	if err != nil {
		http.Error(w, err.Error(), http.StatusBadRequest)
		return
	}
	c.take(&data, r.Header)
	w.Header().Set("Content-Type", "application/x-protobuf") // an empty message
}

// Export takes spans by OTLP/gRPC.
func (c *Collector) Export(ctx context.Context, data *collector.ExportTraceServiceRequest) (*collector.ExportTraceServiceResponse, error) {
	sent, _ := metadata.FromIncomingContext(ctx)
	headers := http.Header{}
	for key, values := range sent {
		for _, v := range values {
			headers.Add(key, v)
		}
	}
	c.take(data, headers)
	return &collector.ExportTraceServiceResponse{}, nil
}

// ServeGRPC serves on a listener until stop is called, which waits for what is under way.
func (c *Collector) ServeGRPC(l net.Listener) (stop func()) {
	s := grpc.NewServer()
	collector.RegisterTraceServiceServer(s, c)
	ended := make(chan struct{})
	go func() {
		defer close(ended)
		_ = s.Serve(l)
	}()
	return func() {
		s.Stop()
		<-ended
	}
}

func (c *Collector) take(data *collector.ExportTraceServiceRequest, headers http.Header) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.headers = headers
	for _, r := range data.ResourceSpans {
		c.resources = append(c.resources, r.Resource)
		for _, s := range r.ScopeSpans {
			c.spans = append(c.spans, s.Spans...)
		}
	}
	c.read("request", data.ProtoReflect())
}

// read notes every string and all bytes in a message, whatever the field.
func (c *Collector) read(where string, m protoreflect.Message) {
	m.Range(func(f protoreflect.FieldDescriptor, v protoreflect.Value) bool {
		at := where + "." + string(f.Name())
		each := func(v protoreflect.Value) {
			switch f.Kind() {
			case protoreflect.MessageKind:
				c.read(at, v.Message())
			case protoreflect.StringKind:
				c.texts = append(c.texts, text{v.String(), at})
			case protoreflect.BytesKind:
				c.texts = append(c.texts, text{string(v.Bytes()), at})
			}
		}
		if f.IsList() {
			for i := range v.List().Len() {
				each(v.List().Get(i))
			}
		} else {
			each(v)
		}
		return true
	})
}

// Holding returns where one of the secrets stands in anything that has come; "" if nowhere.
func (c *Collector) Holding(secrets ...string) string {
	c.mu.Lock()
	defer c.mu.Unlock()
	for _, t := range c.texts {
		for _, s := range secrets {
			if strings.Contains(t.text, s) {
				return s + " in " + t.where + ": " + t.text
			}
		}
	}
	return ""
}

// Spans are those that have come.
func (c *Collector) Spans() []*traces.Span {
	c.mu.Lock()
	defer c.mu.Unlock()
	return append([]*traces.Span(nil), c.spans...)
}

// Header is one of the last request.
func (c *Collector) Header(name string) string {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.headers.Get(name)
}

// Resource is an attribute of whom the last spans are of; empty: it has none of that name.
func (c *Collector) Resource(name string) string {
	c.mu.Lock()
	defer c.mu.Unlock()
	if len(c.resources) == 0 {
		return ""
	}
	return Attribute(c.resources[len(c.resources)-1].Attributes, name)
}
