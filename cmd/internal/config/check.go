package config

import (
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/battlereport/battlereport/consumer"
	"github.com/battlereport/battlereport/schema"
)

// check looks at what several keys say together. A key that has a fault of its own is left alone.
func (r *reader) check(c *Config) {
	r.checkKafka(&c.Kafka)
	r.refuseIf(c.MSDK.CAFile != "" && !strings.HasPrefix(c.MSDK.BaseURL, "https:"), "msdk.ca_file",
		"nothing, as msdk.base_url is not https", "msdk.base_url")
	r.checkApps(c.Apps)
	r.checkDelivery(c)
	r.checkTopics(c)
}

func (r *reader) checkKafka(k *Kafka) {
	r.distinct("kafka.brokers", k.Brokers)
	tls := k.TLS
	if !tls.Enabled {
		const want = "nothing, as kafka.tls.enabled is false"
		r.refuseIf(tls.CAFile != "", "kafka.tls.ca_file", want, "kafka.tls.enabled")
		r.refuseIf(tls.CertFile != "", "kafka.tls.cert_file", want, "kafka.tls.enabled")
		r.refuseIf(tls.KeyFile != "", "kafka.tls.key_file", want, "kafka.tls.enabled")
		r.refuseIf(tls.ServerName != "", "kafka.tls.server_name", want, "kafka.tls.enabled")
		r.refuseIf(tls.InsecureSkipVerify, "kafka.tls.insecure_skip_verify", "false, as kafka.tls.enabled is", "kafka.tls.enabled")
	} else {
		r.refuseIf(tls.CertFile != "" && tls.KeyFile == "", "kafka.tls.key_file", "the key of kafka.tls.cert_file", "kafka.tls.cert_file")
		r.refuseIf(tls.KeyFile != "" && tls.CertFile == "", "kafka.tls.cert_file", "the certificate of kafka.tls.key_file", "kafka.tls.key_file")
	}
	r.checkSASL(&k.SASL)
}

func (r *reader) checkSASL(s *SASL) {
	const mechanism = "kafka.sasl.mechanism"
	bearer := s.Mechanism == oauthBearer
	without := bearer || s.Mechanism == "none"
	want := "one, as kafka.sasl.mechanism is " + s.Mechanism
	if without {
		want = "nothing, as kafka.sasl.mechanism is " + s.Mechanism
	}
	r.refuseIf(without == (s.Username != ""), "kafka.sasl.username", want, mechanism)
	r.refuseIf(without == (s.Password != ""), "kafka.sasl.password", want, mechanism)
	file, command := s.TokenFile != "", len(s.TokenCommand) > 0
	if !bearer {
		want = "nothing, as kafka.sasl.mechanism is " + s.Mechanism
		r.refuseIf(file, "kafka.sasl.token_file", want, mechanism)
		r.refuseIf(command, "kafka.sasl.token_command", want, mechanism)
		r.refuseIf(len(s.Extensions) > 0, "kafka.sasl.extensions", want, mechanism)
	} else {
		r.refuseIf(!file && !command, "kafka.sasl.token_file", "this or token_command, as kafka.sasl.mechanism is oauthbearer", mechanism, "kafka.sasl.token_command")
		r.refuseIf(file && command, "kafka.sasl.token_command", "one of the two, this or token_file", "kafka.sasl.token_file")
	}
	names := map[string]int{}
	for i, e := range s.Extensions {
		name, _, _ := strings.Cut(e, "=")
		if first, twice := names[name]; twice {
			r.refuseIf(name != "", fmt.Sprintf("kafka.sasl.extensions[%d]", i), fmt.Sprintf("another name; kafka.sasl.extensions[%d] has this one", first))
		} else {
			names[name] = i
		}
	}
	if !without {
		r.checkCredentials(*s)
	}
}

// checkCredentials refuses here what the mechanism would refuse at the first connection.
func (r *reader) checkCredentials(s SASL) {
	var unfit *consumer.CredentialError
	if _, err := consumer.SASL(s.Mechanism, s.Username, s.Password.Reveal()); !errors.As(err, &unfit) {
		return
	}
	path := "kafka.sasl." + unfit.Part
	if !r.faulty[path] && !r.faulty["kafka.sasl.mechanism"] {
		p := r.places[path]
		r.fault(p.line, path, p.shown+" "+unfit.Flaw(), "another, or kafka.sasl.mechanism plain")
	}
}

func (r *reader) checkApps(apps []App) {
	ids := map[string]int{}
	for i, app := range apps {
		path := fmt.Sprintf("apps[%d]", i)
		if first, twice := ids[app.AppID]; twice {
			r.refuseIf(app.AppID != "", path+".appid", fmt.Sprintf("an appid of its own; apps[%d] has this one", first))
		} else {
			ids[app.AppID] = i
		}
		r.distinct(path+".topics", app.Topics)
		r.refuseIf(app.Route != RouteScore && app.ScoreExpires != "0", path+".score_expires",
			`"0", as `+path+".route is "+app.Route, path+".route")
	}
}

func (r *reader) checkDelivery(c *Config) {
	d := c.Delivery
	largest := int64(schema.DefaultLimits().MaxBytes)
	r.refuseIf(c.Batch.MaxBytes < largest+CallOverhead, "batch.max_bytes",
		fmt.Sprintf("at least %s: a record may have %s, and a call %s beside its records", printSize(largest+CallOverhead), printSize(largest), printSize(CallOverhead)))
	r.atLeast(d.MaxPending >= c.Batch.MaxRecords, "delivery.max_pending", "batch.max_records")
	r.atLeast(d.MaxPendingBytes >= c.Batch.MaxBytes, "delivery.max_pending_bytes", "batch.max_bytes")
	r.atLeast(d.Retry.Max >= d.Retry.Initial, "delivery.retry.max", "delivery.retry.initial")
	r.atLeast(d.Retry.MaxElapsed >= d.Retry.Initial, "delivery.retry.max_elapsed", "delivery.retry.initial")
	r.atLeast(d.MaxHold >= d.Breaker.Cooldown, "delivery.max_hold", "delivery.breaker.cooldown")
	r.refuseIf(0 < d.MaxAge && d.MaxAge < time.Second, "delivery.max_age", "0 for never, or at least 1s")
}

// checkTopics keeps the pipeline from feeding on itself: no topic has two of the roles it gives to topics.
func (r *reader) checkTopics(c *Config) {
	roles := map[string]string{}
	claim := func(path, role, source, topic string) {
		is, taken := roles[topic]
		switch {
		case r.faulty[path]:
		case !topicRule.fits(topic):
			r.refuseIf(true, path, fmt.Sprintf("less: for topic %s it leads to a name of %d characters, and Kafka allows 249", clip(source), len(topic)))
		case taken && is != role:
			r.refuseIf(true, path, fmt.Sprintf("another: for topic %s it leads to %s %s, which is %s", clip(source), role, clip(topic), is))
		default:
			roles[topic] = role
		}
	}
	sources := slices.DeleteFunc(c.SourceTopics(), func(topic string) bool { return topic == "" }) // these had a fault
	for _, source := range sources {
		roles[source] = "a topic of an app"
	}
	for _, source := range sources {
		claim("deadletter.topic", "the dead-letter topic", source, c.DeadLetter.TopicFor(source))
	}
	for _, source := range sources {
		claim("deadletter.topic", "the topic of resolutions", source, c.DeadLetter.TopicFor(source)+".resolutions")
	}
	for _, source := range sources {
		claim("deadletter.replay_topic", "the replay topic", source, c.DeadLetter.ReplayTopicFor(source))
	}
}

// distinct refuses every element that an earlier one equals.
func (r *reader) distinct(path string, values []string) {
	for i, value := range values {
		if first := slices.Index(values, value); first < i {
			r.refuseIf(true, fmt.Sprintf("%s[%d]", path, i), fmt.Sprintf("another; %s[%d] is the same", path, first))
		}
	}
}

func (r *reader) atLeast(ok bool, path, other string) {
	r.refuseIf(!ok, path, "at least "+other+", "+r.places[other].shown, other)
}

// refuseIf makes a fault of what stands at path, unless that or one of the others has a fault already. If path is not
// given the fault's line is that of the first other, which must be.
func (r *reader) refuseIf(bad bool, path, want string, others ...string) {
	for _, p := range append(others, path) {
		bad = bad && !r.faulty[p]
	}
	if !bad {
		return
	}
	p := r.places[path]
	if !p.given && len(others) > 0 {
		p.line = r.places[others[0]].line
	}
	if !p.given && p.shown != missing {
		p.shown += " (the default)"
	}
	r.fault(p.line, path, p.shown, want)
}
