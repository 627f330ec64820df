// Package statuscmd is the command status: it shows how the consumer group does, once or live, to people and to programs.
//
// What it finds out is package groupstatus's. It asks Kafka alone, is in no group, and writes nothing.
package statuscmd

import (
	"errors"
	"fmt"
	"os"
	"slices"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"github.com/battlereport/battlereport/cmd/internal/cli"
	"github.com/battlereport/battlereport/cmd/internal/config"
	"github.com/battlereport/battlereport/cmd/internal/groupstatus"
	"github.com/battlereport/battlereport/cmd/internal/screen"
)

const jsonHelp = `-o json has: time and window_seconds, of what was looked at; state, wrong, verdict and advice; total, the sum of all
partitions; group (name, state and type in Kafka's words, assignor, coordinator: the number of the broker); members (each:
id, client_id, host, instance_id, partitions, which is null where its assignment cannot be read, and other_partitions, of
topics that are not the configuration's); topics (each: name, replay, missing, unreadable, partitions, state); and
partitions, the worst first (each: topic, partition, state, committed, start, end, settled_beyond, oldest, unstable,
made_anew, deferred, member). Total, topics and partitions have: lag, waiting, age_seconds, in_per_second, out_per_second,
catch_up_seconds and deleted. deferred has, for each app: appid, records, oldest; member has id, client_id, host. What is
not known is null, and what is 0 or false may be left out but for these figures. Times are in RFC 3339. With --watch it is an
object a line.`

// The bounds of --interval.
const (
	leastInterval = time.Second
	mostInterval  = time.Hour
)

// New returns the command.
func New() *cobra.Command {
	cmd := &cobra.Command{
		Use:   "status -c FILE",
		Short: "Say how the consumer group does: members, lag, age, rates",
		Long: `Asks Kafka how the consumer group does in the apps' topics and in those of replays, twice in the time of --interval, and
says first, in a sentence, what is wrong and what to do about it. Members of other programs are shown as well.

  LAG       offsets from the committed one to the end; the end of a transaction has one too
  WAITING   records that are not settled: the lag, less what is settled beyond the committed offset
  AGE       since the timestamp of the oldest record that is not settled; - where it has none that can be meant
  IN, OUT   records that come, and that are settled, a second
  CATCH UP  until nothing is late any more, if it goes on like that; - if it never comes to that

The state of each partition, and of the whole, which is that of the worst:

  idle            nothing waits, and nothing comes
  ok              what comes is settled within half a minute
  catching up     it is late, and less waits than before
  held            what is first waits, and what is behind it is settled: an app that is held or slow, or a record that is
                  tried again
  falling behind  it is late, and no less waits than before
  unstable        a producer has a transaction open, behind which nothing can be taken
  stalled         it is late, and nothing was settled meanwhile
  unowned         something waits, and no member has the partition
  leaderless      no broker leads the partition
  missing         there is no such topic
  lost            retention deleted records before they were settled

Late is what is older than half a minute, or of unknown age. That an app is held is not known to Kafka: a partition whose
records are all of held apps is stalled. Which apps were passed, as they share a topic with others, is known, and shown.

` + jsonHelp + `

It needs Describe on the group and on its topics, and Read on the topics for the ages. It asks each broker a few times, and
reads one record a partition that has lag; it is in no group, and writes nothing.

Exit codes: 0 all is well, 1 something is wrong (held and below it), 2 could not do what was asked, 3 there is no such group
or topic yet. --watch goes on until Ctrl-C, and exits 0 then.`,
		Example: `  battlereport status -c battlereport.yaml
  battlereport status -c battlereport.yaml --watch
  battlereport status -c battlereport.yaml --topic battle-reports --all
  battlereport status -c battlereport.yaml -o json | jq '.partitions[] | select(.state == "stalled")'
  battlereport status -c battlereport.yaml -o json --watch | jq --unbuffered -c '[.time, .state, .total.waiting]'`,
		Args: cli.UpTo(0),
	}
	load := cli.ConfigFlag(cmd)
	output := cli.OutputFlag(cmd, "text", "json")
	l := &look{cmd: cmd}
	cmd.Flags().BoolVar(&l.watch, "watch", false, "go on, each --interval, until Ctrl-C; live on a terminal")
	cmd.Flags().DurationVar(&l.interval, "interval", 3*time.Second, "`TIME` between two looks at Kafka, 1s to 1h")
	cmd.Flags().BoolVar(&l.all, "all", false, "show all partitions, not only the first 20")
	topics := cmd.Flags().StringSlice("topic", nil, "only `TOPIC`S of the configuration, replay topics included; several: with commas, or the flag again")
	cmd.RunE = func(cmd *cobra.Command, _ []string) (err error) {
		if l.interval < leastInterval || l.interval > mostInterval {
			return cli.Usage(cmd, fmt.Errorf("--interval %v: want %v to %v", l.interval, leastInterval, "1h"))
		}
		if l.cfg, err = load(); err != nil {
			return err
		}
		if l.topics, err = topicsOf(l.cfg, *topics); err != nil {
			return cli.Usage(cmd, err)
		}
		l.json = *output == "json"
		if display, live := screen.Of(cmd.OutOrStdout(), os.Getenv); live && l.watch && !l.json {
			l.display = display
		}
		return l.do(cmd.Context())
	}
	return cmd
}

// topicsOf are the topics that the group reads: those of apps first, then those of replays; those that are named, if not nil.
func topicsOf(cfg *config.Config, named []string) (topics []groupstatus.Topic, err error) {
	var names []string
	add := func(name string, replayed bool) {
		if slices.Contains(names, name) {
			return
		}
		names = append(names, name)
		if named == nil || slices.Contains(named, name) {
			topics = append(topics, groupstatus.Topic{Name: name, Replayed: replayed})
		}
	}
	for _, source := range cfg.SourceTopics() {
		add(source, false)
	}
	for _, source := range cfg.SourceTopics() {
		add(cfg.DeadLetter.ReplayTopicFor(source), true)
	}
	for _, name := range named {
		if !slices.Contains(names, name) {
			return nil, fmt.Errorf("--topic %s: the configuration has %s", name, strings.Join(names, ", "))
		}
	}
	if len(topics) == 0 {
		return nil, errors.New("--topic: which?")
	}
	return topics, nil
}
