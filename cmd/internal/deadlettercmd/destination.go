package deadlettercmd

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"

	"github.com/battlereport/battlereport/cmd/internal/cli"
	"github.com/battlereport/battlereport/cmd/internal/config"
	"github.com/battlereport/battlereport/cmd/internal/kafkafault"
	"github.com/battlereport/battlereport/cmd/internal/triage"
	"github.com/battlereport/battlereport/cmd/internal/words"
	"github.com/battlereport/battlereport/consumer"
	"github.com/battlereport/battlereport/deadletter"
	"github.com/battlereport/battlereport/deadletter/topic"
)

// destinationHelp explains --to and --drop-header.
const destinationHelp = `--to writes to another topic than the replay topic, with the same keys and the headers deadletter.source.*,
deadletter.replays and deadletter.previous, which say of which letter it is. The topic must exist and be allowed to be
written, which is looked at first; a dead-letter topic is refused. The letter counts as replayed, and show says where to.
In a topic that the pipeline reads as a game's, it is a new record: other readers of the topic see it a second time, and
should it become a letter again, that one's replays count from 0. In one that the pipeline does not read, values are
not checked, and letters of apps and topics that are not configured any more can go there.

--drop-header leaves a header of the record out, by its exact name; the flag is repeated for several. Headers
deadletter.* stay. What the pipeline reads is checked as it is then, without them.`

// A destination is where replay and import write to, if not to the replay topics, and what records go without on the way.
type destination struct {
	to    string   // empty: the replay topics
	drop  []string // names of headers
	flags *pflag.FlagSet
}

// destinationFlags gives cmd the flags that choose a destination.
func destinationFlags(cmd *cobra.Command) *destination {
	d := &destination{flags: cmd.Flags()}
	d.flags.StringVar(&d.to, "to", "", "write to `TOPIC`, which must exist, instead of the replay topic")
	d.flags.StringArrayVar(&d.drop, "drop-header", nil, "leave the header `NAME` out of each record; may be repeated")
	return d
}

// fault is what is wrong with the flags by themselves.
func (d *destination) fault() error {
	if d.to == "" && d.flags.Changed("to") {
		return errors.New("--to: want a topic, have none")
	}
	for _, name := range d.drop {
		switch {
		case name == "":
			return errors.New("--drop-header: want the name of a header, have none")
		case strings.HasPrefix(name, deadletter.HeaderPrefix):
			return fmt.Errorf("--drop-header %s: want another header: those that begin with %s say of which letter a replay is, and how often it has been, "+
				"and its other headers %s* are left out anyway", name, deadletter.HeaderPrefix, deadletter.HeaderPrefix)
		}
	}
	return nil
}

// refusal says why a topic takes no replays by a configuration; nil: it does.
func (d *destination) refusal(cfg *config.Config, replays *triage.Replays) error {
	letters, isResolutions := strings.CutSuffix(d.to, deadletter.ResolutionTopic(""))
	switch {
	case d.to == "" || replays.Reads(d.to):
		return nil
	case strings.HasPrefix(d.to, "__"):
		return fmt.Errorf("--to %s: it is one of Kafka's own topics; want one that records are read from", d.to)
	case isLetterTopic(cfg, d.to):
		return fmt.Errorf("--to %s: it is a dead-letter topic; want one that records are read from", d.to)
	case isResolutions && isLetterTopic(cfg, letters):
		return fmt.Errorf("--to %s: it is the topic of what is done about the letters of %s; want one that records are read from", d.to, letters)
	}
	return nil
}

// check asks the brokers whether there is such a topic that this client may write.
func (d *destination) check(ctx context.Context, kafka *config.Kafka, conn consumer.Connection) error {
	if d.to == "" {
		return nil
	}
	client, err := topic.NewClient(conn)
	if err != nil {
		return err
	}
	defer client.Close()
	exists := false
	err = topic.ClockOf(client).Patiently(ctx, func(ctx context.Context) (err error) {
		if err = topic.Allowed(ctx, client, d.to, "Write"); err == nil {
			exists, err = topic.Exists(ctx, client, d.to)
		}
		return err
	})
	if err == nil && !exists {
		return fmt.Errorf("--to %s: there is no such topic at %s, or this client may not see it; create it first", d.to, strings.Join(conn.Brokers, ","))
	}
	return kafkafault.Explain(kafka, err)
}

// aim opens the destination for work: what replays decides goes there, if it may.
func (d *destination) aim(ctx context.Context, w *work, replays *triage.Replays) error {
	if err := d.refusal(w.box.cfg, replays); err != nil {
		return cli.Usage(w.cmd, err)
	}
	drop := slices.Compact(slices.Sorted(slices.Values(d.drop)))
	replays.To, replays.Drop = d.to, drop
	w.to, w.drop = d.to, drop
	switch source := slices.Contains(w.box.cfg.SourceTopics(), d.to); {
	case source:
		w.caution = "Other readers of " + d.to + " see them a second time; one that becomes a letter again is a new one, whose replays count from 0."
	case d.to != "" && !replays.Reads(d.to):
		w.caution = "The pipeline does not read " + d.to + ": their values are not checked."
	}
	return d.check(ctx, &w.box.cfg.Kafka, w.box.conn)
}

// droppings says how many letters of a plan lose which header on the way, where that was asked for.
func (w *work) droppings(plan *triage.Plan) string {
	each := make([]string, len(w.drop))
	for i, c := range plan.Droppings(w.drop) {
		each[i] = fmt.Sprintf("%s of %s", words.Visible(c.Name), words.Grouped(c.Letters))
	}
	return strings.Join(each, ", ")
}
