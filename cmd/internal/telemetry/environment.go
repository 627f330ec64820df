package telemetry

import (
	"cmp"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"net/url"
	"os"
	"slices"
	"strconv"
	"strings"

	sdktrace "go.opentelemetry.io/otel/sdk/trace"
)

// The protocols of OTLP that are spoken.
const (
	protocolHTTP = "http/protobuf"
	protocolGRPC = "grpc"
)

// environment is what the variables of OpenTelemetry ask for. SDK and exporters read them on their own, and ignore what
// they do not understand: all that is here is what they do not decide, and whether they will understand it.
type environment struct {
	asked    bool   // to export spans
	endpoint string // as it may be shown
	protocol string
	sampler  sdktrace.Sampler
	sampling string // the same as it is asked for
	limited  bool   // by OTEL_SPAN_LINK_COUNT_LIMIT
}

// fault is a variable that cannot be what is meant.
type fault struct{ variable, value, want string }

// variables reads them, and collects what is wrong.
type variables struct{ faults []fault }

func readEnvironment() (environment, []fault) {
	v := &variables{}
	disabled := v.choice("OTEL_SDK_DISABLED", "false", "true") == "true"
	name, endpoint := otlp("ENDPOINT")
	exporter := v.choice("OTEL_TRACES_EXPORTER", "otlp", "none")
	asked := exporter == "otlp" || exporter == "" && endpoint != ""
	if disabled || len(v.faults) == 0 && !asked { // the others are not looked at, and may be somebody else's
		return environment{}, nil
	}
	e := environment{asked: asked}
	protocol, value := otlp("PROTOCOL")
	e.protocol = cmp.Or(v.oneOf(protocol, value, protocolHTTP, protocolGRPC), protocolHTTP)
	e.endpoint = v.endpoint(name, endpoint, e.protocol)
	name, value = otlp("COMPRESSION")
	v.oneOf(name, value, "gzip", "none")
	name, value = otlp("TIMEOUT")
	v.number(name, value, 1, "milliseconds, such as 10000")
	v.headers()
	v.certificates()
	e.sampler, e.sampling = v.sampler()
	for _, name := range []string{"SCHEDULE_DELAY", "EXPORT_TIMEOUT", "MAX_QUEUE_SIZE", "MAX_EXPORT_BATCH_SIZE"} {
		v.number("OTEL_BSP_"+name, valueOf("OTEL_BSP_"+name), 1, "a number, 1 or more")
	}
	for _, name := range []string{"OTEL_SPAN_LINK_COUNT_LIMIT", "OTEL_SPAN_EVENT_COUNT_LIMIT", "OTEL_SPAN_ATTRIBUTE_COUNT_LIMIT", "OTEL_SPAN_ATTRIBUTE_VALUE_LENGTH_LIMIT"} {
		v.number(name, valueOf(name), 0, "a number, 0 or more")
	}
	e.limited = valueOf("OTEL_SPAN_LINK_COUNT_LIMIT") != ""
	return e, v.faults
}

// valueOf is a variable's value; one that is empty counts as not set.
func valueOf(name string) string { return strings.TrimSpace(os.Getenv(name)) }

// otlp is a variable for traces alone, or else the one for everything.
func otlp(what string) (name, value string) {
	name = "OTEL_EXPORTER_OTLP_TRACES_" + what
	if value = valueOf(name); value != "" {
		return name, value
	}
	name = "OTEL_EXPORTER_OTLP_" + what
	return name, valueOf(name)
}

func (v *variables) wrong(variable, value, want string) {
	v.faults = append(v.faults, fault{variable, value, want})
}

// choice is one of the values, in small letters; empty if the variable is not set.
func (v *variables) choice(name string, allowed ...string) string {
	return v.oneOf(name, strings.ToLower(valueOf(name)), allowed...)
}

func (v *variables) oneOf(name, value string, allowed ...string) string {
	if value == "" || slices.Contains(allowed, value) {
		return value
	}
	v.wrong(name, value, strings.Join(allowed, ", "))
	return ""
}

func (v *variables) number(name, value string, least int, want string) {
	if n, err := strconv.Atoi(value); value != "" && (err != nil || n < least) {
		v.wrong(name, value, want)
	}
}

// endpoint is where spans go, without what may be secret in it.
func (v *variables) endpoint(name, value, protocol string) string {
	if value == "" {
		if protocol == protocolGRPC {
			return "localhost:4317"
		}
		return "http://localhost:4318/v1/traces"
	}
	u, err := url.Parse(value)
	if err != nil || u.Scheme != "http" && u.Scheme != "https" || u.Host == "" {
		shown := value
		if at := strings.LastIndexByte(value, '@'); at >= 0 {
			shown = "…" + value[at:]
		}
		v.wrong(name, shown, "a URL, such as http://localhost:4318, or with OTEL_EXPORTER_OTLP_PROTOCOL=grpc http://localhost:4317")
		return ""
	}
	return u.Scheme + "://" + u.Host + u.Path
}

// headers are secret as a rule: none is shown.
func (v *variables) headers() {
	name, value := otlp("HEADERS")
	for pair := range strings.SplitSeq(value, ",") {
		key, escaped, ok := strings.Cut(pair, "=")
		_, err := url.PathUnescape(escaped)
		if value != "" && (!ok || strings.TrimSpace(key) == "" || err != nil) {
			v.wrong(name, "(not shown)", "NAME=VALUE,NAME=VALUE, values percent-encoded")
			return
		}
	}
}

func (v *variables) certificates() {
	if name, file := otlp("CERTIFICATE"); file != "" {
		text, err := os.ReadFile(file)
		if err == nil && !x509.NewCertPool().AppendCertsFromPEM(text) {
			err = errors.New("no certificate is in it")
		}
		if err != nil {
			v.wrong(name, file, "a file of certificates in PEM form: "+err.Error())
		}
	}
	certName, cert := otlp("CLIENT_CERTIFICATE")
	keyName, key := otlp("CLIENT_KEY")
	if cert == "" && key == "" {
		return
	}
	if _, err := tls.LoadX509KeyPair(cert, key); err != nil {
		v.wrong(certName+", "+keyName, cert+", "+key, "files of a certificate and its key in PEM form: "+err.Error())
	}
}

// sampler is the one that is asked for. Those that follow parents follow links too.
func (v *variables) sampler() (s sdktrace.Sampler, name string) {
	const variable, argument = "OTEL_TRACES_SAMPLER", "OTEL_TRACES_SAMPLER_ARG"
	ratio := 1.0
	which := v.choice(variable, "always_on", "always_off", "traceidratio", "parentbased_always_on", "parentbased_always_off", "parentbased_traceidratio")
	if text := valueOf(argument); text != "" && strings.HasSuffix(which, "traceidratio") {
		var err error
		if ratio, err = strconv.ParseFloat(text, 64); err != nil || !(ratio >= 0 && ratio <= 1) {
			v.wrong(argument, text, "a share, 0 to 1, such as 0.01")
		}
	}
	switch which {
	case "always_on":
		return sdktrace.AlwaysSample(), which
	case "always_off":
		return sdktrace.NeverSample(), which
	case "traceidratio":
		return sdktrace.TraceIDRatioBased(ratio), fmt.Sprint(which, " ", ratio)
	case "parentbased_always_off":
		return LinkBased(sdktrace.NeverSample()), which
	case "parentbased_traceidratio":
		return LinkBased(sdktrace.TraceIDRatioBased(ratio)), fmt.Sprint(which, " ", ratio)
	default:
		return LinkBased(sdktrace.AlwaysSample()), "parentbased_always_on"
	}
}
