package publishcmd

import (
	"fmt"
	"slices"
	"strings"

	"github.com/twmb/franz-go/pkg/kmsg"

	"github.com/battlereport/battlereport/cmd/internal/admission"
	"github.com/battlereport/battlereport/cmd/internal/cli"
	"github.com/battlereport/battlereport/cmd/internal/config"
	"github.com/battlereport/battlereport/consumer"
)

// A destination is where lines go, and by what they are checked before.
type destination struct {
	kafka   *config.Kafka
	topic   string
	headers []consumer.Header
	app     *admission.App
}

// newDestination finds the destination that the configuration has for a topic and an app, either of which is empty if
// it was not chosen.
func newDestination(cfg *config.Config, topic, appID string, headers []consumer.Header) (destination, error) {
	topic, err := oneOf("topic", "configured", topic, cfg.SourceTopics())
	if err != nil {
		return destination{}, err
	}
	apps := slices.DeleteFunc(slices.Clone(cfg.Apps), func(a config.App) bool { return !slices.Contains(a.Topics, topic) })
	ids := make([]string, len(apps))
	for i, app := range apps {
		ids[i] = app.AppID
	}
	chosen, err := oneOf("app", "configured for topic "+topic, appID, ids)
	if err != nil {
		return destination{}, err
	}
	if appID != "" {
		headers = append([]consumer.Header{{Key: admission.HeaderAppID, Value: []byte(appID)}}, headers...)
	}
	app, err := admission.NewApp(apps[slices.Index(ids, chosen)])
	if err != nil {
		return destination{}, err
	}
	return destination{&cfg.Kafka, topic, headers, app}, nil
}

// oneOf returns the name chosen if it is known, or if none was chosen the only one there is.
func oneOf(flag, where, chosen string, known []string) (string, error) {
	switch {
	case chosen == "" && len(known) == 1:
		return known[0], nil
	case chosen == "":
		return "", fmt.Errorf("which %s? --%s is needed, since several are %s: %s", flag, flag, where, strings.Join(known, ", "))
	case !slices.Contains(known, chosen):
		return "", fmt.Errorf("--%s %q is not %s: want %s", flag, chosen, where, strings.Join(known, " or "))
	}
	return chosen, nil
}

// check makes a record of a line, or says why the pipeline would refuse it.
func (d destination) check(l cli.Line) (record, *admission.Refusal) {
	var excess consumer.Excess
	if l.TooLong() {
		excess.Value = int(l.Size)
	}
	report, refusal := d.app.Admit(nil, l.Text, d.headers, excess)
	if refusal != nil {
		return record{}, refusal
	}
	r := record{kmsg.Record{Key: slices.Clone(report.OpenID), Value: slices.Clone(l.Text)}, l.Number}
	for _, h := range d.headers {
		r.Headers = append(r.Headers, kmsg.Header(h))
	}
	return r, nil
}
